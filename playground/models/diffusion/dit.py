"""A transformer in place of the U-Net, for latents that are a small grid of vectors already.

The diffusion transformer of Peebles and Xie 2023 ("DiT", arXiv:2212.09748): one place of the grid is one token, and in every
block the embedding of noise level and class scales, shifts and gates (adaLN-Zero, section 3.2).  RMS norms and a squared
ReLU as in ``models/transformer.py``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.blocks import attention_weights
from playground.models.diffusion.unet import Embedding
from playground.models.transformer import RMSNorm


class DiT(nn.Module):
    """(x_t (B,C,H,W), log_snr (B,), labels (B,)) -> (B,C,H,W); the label ``num_classes`` means "no class"."""

    def __init__(
        self,
        *,
        cells: int,
        channels: int,
        num_classes: int,
        width: int,
        depth: int,
        num_heads: int,
        embedding: int,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.embedding = Embedding(embedding, num_classes)
        self.stem = nn.Linear(channels, width)
        self.places = nn.Parameter(0.2 * torch.randn(1, cells**2, width))
        self.blocks = nn.ModuleList(Block(width, num_heads, embedding) for _ in range(depth))
        self.norm = RMSNorm(width)
        self.head = nn.Linear(width, channels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x_t: Tensor, log_snr: Tensor, labels: Tensor) -> Tensor:
        e = self.embedding(log_snr, labels)  # (B, E)
        tokens = x_t.flatten(2).transpose(1, 2)  # (B, T, C)
        with torch.autocast(x_t.device.type, enabled=False):  # bfloat16 would drown the faintest noise levels
            h = self.stem(tokens.float()) + self.places[0]
        h, e = (part.to(self.blocks[0].out.weight.dtype) for part in (h, e))  # type: ignore[union-attr]
        for block in self.blocks:
            h = block(h, e)
        with torch.autocast(x_t.device.type, enabled=False):
            v = self.head(self.norm(h.float()))
        return v.transpose(1, 2).reshape(x_t.shape)


class Block(nn.Module):
    """Attention between all tokens, then a layer on each by itself; starts as the identity."""

    def __init__(self, width: int, num_heads: int, embedding: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm, self.norm_mlp = RMSNorm(width), RMSNorm(width)
        self.condition = nn.Linear(embedding, 6 * width)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, h: Tensor, e: Tensor, attention: list[Tensor] | None = None) -> Tensor:
        """(B,T,width) told e (B,E) -> (B,T,width); ``attention`` is given its weights (B,heads,T,T)."""
        scale, shift, gate, scale_mlp, shift_mlp, gate_mlp = self.condition(e)[:, None].chunk(6, -1)
        qkv = self.qkv(self.norm(h) * (1 + scale) + shift).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, D) each
        weights = attention_weights(q, k)
        if attention is not None:
            attention.append(weights)
        h = h + gate * self.out((weights @ v).transpose(1, 2).flatten(2))
        wide = self.widen(self.norm_mlp(h) * (1 + scale_mlp) + shift_mlp)
        return h + gate_mlp * self.narrow(F.relu(wide).square())
