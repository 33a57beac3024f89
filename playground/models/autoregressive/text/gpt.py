"""GPT: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", on characters.

A stack of causal transformer blocks (Vaswani et al. 2017, arXiv:1706.03762) predicts every character from the earlier
ones.  Since then usual and used here: the norm before each sublayer, RMS instead of layer norm, rotary positions (Su et
al. 2021, arXiv:2104.09864), normalised queries and keys, and squared ReLU (So et al. 2021, arXiv:2109.08668).

The sampler keeps the keys and values of the characters it has read, so that a character costs one position of the stack.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe
from playground.models.autoregressive.text._text_model import (
    NUM_CODES,
    Memory,
    TextModel,
    TextRequest,
    context_start,
)

__all__ = ["GPT", "MODEL", "RECIPES", "GPTConfig", "TextRequest"]


@dataclass(frozen=True)
class GPTConfig:
    """Shape of the network."""

    context: int = 256  # characters in sight, the opening one among them
    width: int = 192
    num_blocks: int = 4
    num_heads: int = 3


def rms_norm(x: Tensor) -> Tensor:
    """Divided by its root mean square over the last dimension (Zhang and Sennrich 2019, arXiv:1910.07467); no gain."""
    return x * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6).to(x.dtype)


def rotated(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary positions: pairs of numbers of ``x`` (..., T, D) turned by cosines and sines ``turn`` (2, T, D/2)."""
    a, b = x.chunk(2, -1)
    cos, sin = turn.to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nn.Module):
    """Causal self-attention, then a network of its own at each position; both add to what passes by."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        width = config.width
        self.num_heads = config.num_heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.sharpness = nn.Parameter(torch.full((config.num_heads, 1, 1), 1.0))  # of each head's attention
        nn.init.zeros_(self.out.weight)  # at first a block does nothing
        nn.init.zeros_(self.down.weight)

    def heads(self, x: Tensor, turn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, heads, T, D) of ``x`` (B,T,width)."""
        batch, length, _ = x.shape
        q, k, v = self.qkv(rms_norm(x)).view(batch, length, 3, self.num_heads, -1).unbind(2)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        # normalised, so that their product is a cosine: sqrt(D) scales it as if both were fresh
        return rotated(rms_norm(q), turn) * self.sharpness, rotated(rms_norm(k), turn), v

    def weights(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """How much each position looks at each earlier one, (B, heads, T, S)."""
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores + mask
        return torch.softmax(scores, -1)

    def onward(self, x: Tensor, seen: Tensor) -> Tensor:
        """What passes by, with what attention saw (B, heads, T, D) and the position's own network added."""
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.down(F.relu(self.up(rms_norm(x))).square())


class GPT(TextModel):
    """p(character given the earlier ones), by a causal transformer."""

    system = "GPT"
    paper = "Radford et al. 2018, Improving Language Understanding by Generative Pre-Training"
    Config = GPTConfig

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.context: int = config.context
        self.token = nn.Embedding(NUM_CODES, config.width)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.num_blocks)])
        nn.init.normal_(self.token.weight, std=0.02)  # they also weigh what comes out
        half = config.width // config.num_heads // 2
        speed = 2000.0 ** (-torch.arange(half, device="cpu") / half)  # radians per character
        angle = torch.arange(config.context, device="cpu")[:, None] * speed
        self.register_buffer("turn", torch.stack([angle.cos(), angle.sin()]), persistent=False)
        mask = torch.full((config.context, config.context), -torch.inf, device="cpu").triu(1)
        self.register_buffer("mask", mask, persistent=False)  # nobody looks ahead

    def forward(self, codes: Tensor) -> Tensor:
        """``codes`` int64 (B,T), T at most ``context`` -> logits (B,T,128) of the character after each."""
        return self._head(self._through(codes, None))

    def _through(self, codes: Tensor, attention: list[Tensor] | None) -> Tensor:
        length = codes.shape[1]
        turn, mask = self.turn[:, :length], self.mask[:length, :length]  # type: ignore[index]
        x = rms_norm(self.token(codes))
        for block in self.blocks:
            q, k, v = block.heads(x, turn)  # type: ignore[operator]
            weights = block.weights(q, k, mask)  # type: ignore[operator]
            if attention is not None:
                attention.append(weights)
            x = block.onward(x, weights @ v)  # type: ignore[operator]
        return x

    def _head(self, x: Tensor) -> Tensor:
        return F.linear(rms_norm(x), self.token.weight)

    @torch.no_grad()
    def attention(self, codes: Tensor) -> Tensor:
        """Who looks at whom: int64 (B,T) -> (B, blocks, heads, T, T); row t sums to 1 over its columns 0..t."""
        found: list[Tensor] = []
        self._through(codes, found)
        return torch.stack(found, 1)

    @torch.no_grad()
    def looked_at(self, codes: Tensor, place: int) -> tuple[int, Tensor]:
        """What was looked at to write the character at ``place`` of a text ``codes`` int64 (T,).

        Returns:
            the first character in sight, and the weights (blocks, heads, n) of the n characters from there to ``place``,
            without it; what is missing from 1 went to the opening of the context.
        """
        first = context_start(place, self.context)
        weights = self.attention(F.pad(codes[None, first:place], (1, 0)))
        return first, weights[0, :, :, -1, 1:]

    def read(self, codes: Tensor, memory: Memory) -> Tensor:
        """See :class:`TextModel`: keys and values of what was read are kept, of each block and head (B, heads, T, D)."""
        begin = memory["0.k"].shape[2] if memory else 0
        end = begin + codes.shape[1]
        turn, mask = self.turn[:, begin:end], self.mask[begin:end, :end]  # type: ignore[index]
        x = rms_norm(self.token(codes))
        for i, block in enumerate(self.blocks):
            q, k, v = block.heads(x, turn)  # type: ignore[operator]
            if memory and begin:
                k, v = torch.cat([memory[f"{i}.k"], k], 2), torch.cat([memory[f"{i}.v"], v], 2)
            memory[f"{i}.k"], memory[f"{i}.v"] = k, v
            x = block.onward(x, block.weights(q, k, mask) @ v)  # type: ignore[operator]
        return self._head(x[:, -1])


MODEL = GPT
RECIPES = (
    Recipe(
        id="gpt-bible",
        stored="int8",
        config=GPTConfig(),
        dataset="bible",
        steps=2200,
        batch_size=16,
        learning_rate=3e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        weight_decay=0.02,
        warmup_steps=100,
        ema=0.995,
        snapshot={"num_samples": 4, "num_tokens": 200, "seed": 7},
    ),
    Recipe(
        id="gpt-python",
        stored="int8",
        config=GPTConfig(),
        dataset="python",
        steps=3000,
        batch_size=16,
        learning_rate=3e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        weight_decay=0.02,
        warmup_steps=100,
        ema=0.995,
        snapshot={"num_samples": 4, "num_tokens": 200, "seed": 7, "prompt": "def "},
    ),
)
