"""The networks inside the coupling layers.  They need no inverse: a coupling asks them the same question on both ways.

Residual convolutions at 14x14 and 7x7, where they are cheap, and at 7x7 one small matrix over the places (MLP-Mixer,
Tolstikhin et al. 2021), through which every place sees the whole picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.blocks import ChannelRMSNorm


class Block(nn.Module):
    """x + conv(silu(conv(silu(norm(x))))), which starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelRMSNorm(width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:  # (B, width, H, W)
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


class MixPositions(nn.Module):
    """x + a matrix over the H W places, the same for every channel; starts as the identity."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.norm = ChannelRMSNorm(width)
        self.places = nn.Linear(size * size, size * size)
        nn.init.zeros_(self.places.weight)
        nn.init.zeros_(self.places.bias)

    def forward(self, x: Tensor) -> Tensor:  # (B, width, size, size)
        return x + self.places(self.norm(x).flatten(2)).unflatten(2, x.shape[2:])


class Coarse(nn.Module):
    """Blocks at 7x7, each followed by a look at all places."""

    def __init__(self, width: int, size: int, num_blocks: int) -> None:
        super().__init__()
        self.position = nn.Parameter(0.02 * torch.randn(width, size, size))
        self.blocks = nn.ModuleList(Block(width) for _ in range(num_blocks))
        self.mixes = nn.ModuleList(MixPositions(width, size) for _ in range(num_blocks))

    def forward(self, h: Tensor) -> Tensor:
        h = h + self.position
        for block, mix in zip(self.blocks, self.mixes, strict=True):
            h = mix(block(h))
        return h


class Conditioner(nn.Module):
    """(B, channels_in, H, W) -> (B, channels_out, H, W), zero at first: its last layer starts at zero.

    An even picture is first looked at from half its size, then closely.
    """

    def __init__(
        self, size: int, channels_in: int, channels_out: int, width: int, coarse_width: int, num_blocks: int
    ) -> None:
        super().__init__()
        self.fine = size % 2 == 0
        stem_width = width if self.fine else coarse_width
        self.stem = nn.Conv2d(channels_in, stem_width, 3, padding=1)
        if self.fine:
            self.position = nn.Parameter(0.02 * torch.randn(width, size, size))
            self.block = Block(width)
            self.shrink = nn.Conv2d(width, coarse_width, 2, stride=2)
            self.grow = nn.Conv2d(coarse_width, 4 * width, 1)
        self.coarse = Coarse(coarse_width, size // 2 if self.fine else size, num_blocks)
        self.norm = ChannelRMSNorm(stem_width)
        self.head = nn.Conv2d(stem_width, channels_out, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def features(self, x: Tensor) -> Tensor:
        """(B, width, H, W): what the last layer reads."""
        h = self.stem(x)
        if not self.fine:
            return F.silu(self.norm(self.coarse(h)))
        h = h + self.position
        h = h + F.pixel_shuffle(self.grow(self.coarse(self.shrink(h))), 2)
        return F.silu(self.norm(self.block(h)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).float()
