"""A transformer block, over a whole sequence or some places at a time with a cache (Vaswani et al. 2017).

Normalised before each part (RMSNorm: Zhang and Sennrich 2019), with a squared ReLU (So et al. 2021, arXiv:2109.08668).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Vectors divided by their root mean square, times a learned gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, h: Tensor) -> Tensor:  # (..., width)
        scale = torch.rsqrt(h.float().square().mean(-1, keepdim=True) + 1e-6)
        return h * scale.to(h.dtype) * self.gain


class Cache:
    """Keys and values of the places read so far, for each block: (B,heads,T,D) once the first is there."""

    def __init__(self, blocks: Sequence[Any] | nn.ModuleList, length: int) -> None:
        self.length = length
        self.keys: list[Tensor | None] = [None] * len(blocks)
        self.values: list[Tensor | None] = [None] * len(blocks)

    def add(self, block: int, place: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Remember the next places, (B,heads,n,D) each, from ``place`` on; all places up to the last of them come back."""
        if place == 0:
            shape = (*key.shape[:2], self.length, key.shape[3])
            self.keys[block], self.values[block] = key.new_zeros(shape), value.new_zeros(shape)
        keys, values = self.keys[block], self.values[block]
        assert keys is not None and values is not None, "places are read in order"
        end = place + key.shape[2]
        keys[:, :, place:end], values[:, :, place:end] = key, value
        return keys[:, :, :end], values[:, :, :end]


class Block(nn.Module):
    """Attention to the places up to this one (to all of them unless ``causal``), then a layer on each place by itself.

    ``depth`` scales the start.
    """

    def __init__(self, width: int, heads: int, depth: int, causal: bool = True) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm, self.norm_mlp = RMSNorm(width), RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        with torch.no_grad():
            for last in (self.out, self.narrow):
                last.weight.mul_(1 / math.sqrt(2 * depth))

    def forward(self, h: Tensor, dropout: float = 0.0, generator: torch.Generator | None = None) -> Tensor:
        """(B,T,width) -> the same shape; ``dropout``: the share of what either part adds that is left out."""
        q, k, v = self._heads_of(h)
        # (B, heads, T, T); plain products train quickest on a CPU
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if self.causal:
            scores = scores.masked_fill(_future(q, 0), -math.inf)
        return self._leave(h, scores.softmax(-1) @ v, dropout, generator)

    def step(self, h: Tensor, cache: Cache, block: int, place: int) -> Tensor:
        """The next places, mostly one, (B,n,width), given those in the cache, which end before ``place``."""
        q, k, v = self._heads_of(h)
        keys, values = cache.add(block, place, k, v)
        scores = q @ keys.transpose(-1, -2) * q.shape[-1] ** -0.5  # (B, heads, n, place + n)
        if q.shape[2] > 1:
            scores = scores.masked_fill(_future(q, place), -math.inf)
        return self._leave(h, scores.softmax(-1) @ values)

    def _heads_of(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts = self.qkv(self.norm(h)).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, D)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        return q, k, v

    def _leave(
        self, h: Tensor, mixed: Tensor, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        h = h + _thinned(self.out(mixed.transpose(1, 2).flatten(2)), dropout, generator)
        added = self.narrow(F.relu(self.widen(self.norm_mlp(h))).square())
        return h + _thinned(added, dropout, generator)


def _thinned(h: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Dropout (Srivastava et al. 2014), its draws from a generator, so that a run can be resumed to the bit."""
    if not rate or generator is None:
        return h
    kept = torch.empty(h.shape, device=generator.device).bernoulli_(1 - rate, generator=generator)
    return h * kept.to(h.device, h.dtype) / (1 - rate)


def _future(q: Tensor, before: int) -> Tensor:
    """Which of ``before`` earlier places and these come after each of these, (n, before + n), for ``q`` (B,heads,n,D)."""
    count = q.shape[2]
    return torch.ones(count, before + count, dtype=torch.bool, device=q.device).triu(before + 1)
