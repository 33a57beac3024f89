"""The layers of the gated PixelCNN: convolutions and attention over finished rows, and the gated block of both stacks.

Each can be run on whole images or row by row, with a cache of what it must remember of earlier rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.autoregressive.pixel_model import NUM_FEATURES
from playground.models.blocks import ChannelRMSNorm

Cache = dict[str, Tensor]  # layer -> what it must remember of earlier rows


@dataclass(frozen=True)
class PixelCNNConfig:
    """Shape of the network."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    width: int = 64  # of the two stacks
    num_blocks: int = 5
    context_width: int = 128  # of the context at half resolution
    num_context_blocks: int = 6
    num_heads: int = 4
    num_mixtures: int = 10
    label_dropout: float = 0.1  # so often no class is given


class RowConv(nn.Conv2d):
    """A convolution over the current and the rows above it, that can be fed a few rows at a time."""

    def __init__(self, name: str, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__(inputs, outputs, kernel, padding=(0, kernel[1] // 2))
        self.name, self.num_past = name, kernel[0] - 1

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        past = None if cache is None else cache.get(self.name)
        x = F.pad(x, (0, 0, self.num_past, 0)) if past is None else torch.cat([past, x], dim=2)
        if cache is not None:
            cache[self.name] = x[:, :, x.shape[2] - self.num_past :]
        return super().forward(x)


class RowAttention(nn.Module):
    """Attention in which a position sees its own row and all rows above it."""

    def __init__(self, name: str, width: int, num_heads: int) -> None:
        super().__init__()
        self.name, self.num_heads = name, num_heads
        self.norm = ChannelRMSNorm(width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        b, c, rows, columns = x.shape
        heads = (b, 3, self.num_heads, c // self.num_heads, rows * columns)
        q, k, v = self.qkv(self.norm(x)).reshape(heads).unbind(1)  # (B, heads, C/heads, rows*columns)
        if cache is not None:
            past = cache.get(self.name)
            kv = torch.stack([k, v]) if past is None else torch.cat([past, torch.stack([k, v])], dim=-1)
            cache[self.name] = kv
            k, v = kv.unbind(0)
        logits = q.transpose(-1, -2) @ k / math.sqrt(q.shape[2])  # (B, heads, queries, keys)
        if rows > 1:
            row_of = torch.arange(k.shape[-1], device=x.device) // columns
            future = row_of[None, :] > row_of[-rows * columns :, None]
            logits = logits.masked_fill(future, -1e4)
        mixed = v @ logits.float().softmax(-1).to(v.dtype).transpose(-1, -2)  # (B, heads, C/heads, queries)
        return x + self.out(mixed.reshape(b, c, rows, columns))


class ContextBlock(nn.Module):
    """Residual block of the context: it sees its row, the row above and, in width, three columns."""

    def __init__(self, name: str, config: PixelCNNConfig) -> None:
        super().__init__()
        width = config.context_width
        self.norm = ChannelRMSNorm(width)
        self.conv = RowConv(name, width, width, (2, 3))
        self.label = nn.Embedding(config.num_classes + 1, width)  # the last: no class
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, labels: Tensor, cache: Cache | None = None) -> Tensor:
        h = self.conv(F.silu(self.norm(x)), cache) + self.label(labels)[:, :, None, None]
        return x + self.out(F.silu(h))


class Context(nn.Module):
    """What all finished pairs of rows say, at half resolution: (B,C,2n,W) -> (B,width,2n,W)."""

    def __init__(self, config: PixelCNNConfig) -> None:
        super().__init__()
        width, half = config.context_width, config.image_size // 2
        self.stem = RowConv("context.stem", 4 * NUM_FEATURES * config.channels, width, (2, 3))
        self.position = nn.Parameter(0.02 * torch.randn(1, width, half, half))
        self.blocks = nn.ModuleList(
            ContextBlock(f"context.{i}", config) for i in range(config.num_context_blocks)
        )
        self.attention = nn.ModuleList(
            RowAttention(f"context.attention.{i}", width, config.num_heads)
            for i in range(config.num_context_blocks // 2)
        )
        self.norm = ChannelRMSNorm(width)
        self.head = nn.Conv2d(width, 4 * config.width, 1)

    def forward(self, features: Tensor, labels: Tensor, row: int = 0, cache: Cache | None = None) -> Tensor:
        x = self.stem(F.pixel_unshuffle(features, 2), cache)
        x = x + self.position[:, :, row // 2 : row // 2 + x.shape[2]]
        for i, block in enumerate(self.blocks):
            x = block(x, labels, cache)
            if i % 2:
                x = self.attention[i // 2](x, cache)
        return F.pixel_shuffle(self.head(F.silu(self.norm(x))), 2)


class GatedBlock(nn.Module):
    """One layer of both stacks (the paper's figure 2), residual in both."""

    def __init__(self, name: str, config: PixelCNNConfig, dilation: int) -> None:
        super().__init__()
        width = config.width
        self.dilation = dilation
        self.vertical = RowConv(name, width, 2 * width, (2, 3))
        self.vertical_out = nn.Conv2d(width, width, 1)
        self.vertical_label = nn.Embedding(config.num_classes + 1, 2 * width)
        # from the vertical to the horizontal stack, never back
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.horizontal = nn.Conv2d(width, 2 * width, (1, 2), dilation=(1, dilation))
        self.horizontal_out = nn.Conv2d(width, width, 1)
        for layer in (self.vertical_out, self.horizontal_out):
            nn.init.zeros_(layer.weight)

    def down(self, v: Tensor, labels: Tensor, cache: Cache | None = None) -> tuple[Tensor, Tensor]:
        """Vertical stack: ``v`` (B,width,rows,W) -> the next ``v``, and what the horizontal stack gets of it."""
        gates = self.vertical(v, cache) + self.vertical_label(labels)[:, :, None, None]
        return v + self.vertical_out(gate(gates)), self.link(gates)

    def right(self, h: Tensor, link: Tensor) -> Tensor:
        """Horizontal stack over whole rows: ``h`` (B,width,rows,W)."""
        gates = self.horizontal(F.pad(h, (self.dilation, 0))) + link
        return h + self.horizontal_out(gate(gates))


def gate(x: Tensor) -> Tensor:
    """The gated activation: half of the channels open or close the other half."""
    a, b = x.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)  # equation 2
