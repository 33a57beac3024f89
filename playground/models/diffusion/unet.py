"""A small U-Net for 28x28 pictures that spends its parameters where they are cheap, at low resolution.

The shape of Ho, Jain and Abbeel 2020 (appendix B), with the input folded 2x2 into channels (Hoogeboom, Heek and
Salimans 2023, section 3.3), RMS norms, scale-and-shift conditioning (Dhariwal and Nichol 2021) and attention at 7x7.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from playground.models.blocks import ChannelRMSNorm, attention


class UNet(nn.Module):
    """(x_t (B,C,H,W), log_snr (B,), labels (B,)) -> (B,C,H,W); the label ``num_classes`` means "no class".

    What else it should know of comes as ``also`` (B, embedding), which is added inside the embedding.
    """

    def __init__(
        self,
        *,
        image_size: int,
        channels: int,
        num_classes: int,
        width: int,
        num_heads: int,
        embedding: int,
        num_detail_blocks: int = 0,
    ) -> None:
        super().__init__()
        low, size = 2 * width, image_size // 4
        self.num_classes = num_classes
        self.embedding = Embedding(embedding, num_classes)
        self.stem = nn.Conv2d(4 * channels, width, 3, padding=1)
        self.down = nn.ModuleList([Block(width, width, embedding) for _ in range(2)])
        self.shrink = nn.Conv2d(width, low, 3, stride=2, padding=1)
        self.middle = nn.ModuleList([Block(low, low, embedding) for _ in range(4)])
        self.middle_up = nn.ModuleList([Block(2 * low, low, embedding) for _ in range(2)])
        self.attention = nn.ModuleList([Attention(low, size, num_heads) for _ in range(6)])
        self.grow = nn.Conv2d(low, width, 3, padding=1)
        self.up = nn.ModuleList([Block(2 * width, width, embedding) for _ in range(2)])
        self.detail = nn.ModuleList([Block(width, width, embedding) for _ in range(num_detail_blocks)])
        self.norm = ChannelRMSNorm(width)
        self.head = zeroed(nn.Conv2d(width, 4 * channels, 3, padding=1))

    def forward(self, x_t: Tensor, log_snr: Tensor, labels: Tensor, also: Tensor | None = None) -> Tensor:
        e, fine, coarse = self._encode(x_t, log_snr, labels, also)
        h = coarse[-1]
        for i, block in enumerate(self.middle_up):  # joined with what the second and first coarse block saw
            h = self.attention[4 + i](block(torch.cat([h, coarse[1 - i]], dim=1), e))
        h = self.grow(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        for block in self.up:
            h = block(torch.cat([h, fine.pop()], dim=1), e)
        for block in self.detail:
            h = block(h, e)
        with torch.autocast(x_t.device.type, enabled=False):
            return F.pixel_shuffle(self.head(F.silu(self.norm(h.float()))), 2)

    def encode(self, x_t: Tensor, log_snr: Tensor, labels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What the way down sees: two maps (B, width, H/2, W/2) and four (B, 2 width, H/4, W/4)."""
        _, fine, coarse = self._encode(x_t, log_snr, labels, None)
        return fine, coarse

    def _encode(
        self, x_t: Tensor, log_snr: Tensor, labels: Tensor, also: Tensor | None
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        e = self.embedding(log_snr, labels, also)  # (B, E)
        with torch.autocast(x_t.device.type, enabled=False):  # bfloat16 would drown the faintest noise levels
            h = self.stem(F.pixel_unshuffle(x_t.float(), 2))  # (B, width, H/2, W/2)
        h, e = (part.to(self.shrink.weight.dtype) for part in (h, e))  # see halved()
        fine: list[Tensor] = []
        coarse: list[Tensor] = []
        for block in self.down:
            h = block(h, e)
            fine.append(h)
        h = self.shrink(h)  # (B, 2 width, H/4, W/4)
        for i, block in enumerate(self.middle):
            h = self.attention[i](block(h, e))
            coarse.append(h)
        return e, fine, coarse


def halved(net: nn.Module) -> nn.Module:
    """A copy in bfloat16 and channels_last, but for embeddings, stem and head: they hold the faintest noise levels."""
    half = copy.deepcopy(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for name, part in half.named_children():
        if name not in ("embedding", "words", "pool", "stem", "norm", "head"):
            part.to(torch.bfloat16)
    return half


class Embedding(nn.Module):
    """Sines and cosines of the log-SNR plus a learned vector per class, through two layers: (B,), (B,) -> (B, E)."""

    def __init__(self, embedding: int, num_classes: int) -> None:
        super().__init__()
        self.num_waves = embedding // 4
        self.time = nn.Linear(2 * self.num_waves, embedding)
        self.label = nn.Embedding(num_classes + 1, embedding)
        self.out = nn.Linear(embedding, embedding)

    def forward(self, log_snr: Tensor, labels: Tensor, also: Tensor | None = None) -> Tensor:
        steps = torch.linspace(0.0, 1.0, self.num_waves, device=log_snr.device)
        frequencies = 0.05 * (3.0 / 0.05) ** steps  # periods from 126 to 2 units of log-SNR
        angle = log_snr.float()[:, None] * frequencies  # (B, E/4)
        waves = torch.cat([angle.sin(), angle.cos()], dim=1)
        hidden = self.time(waves) + self.label(labels)
        return F.silu(self.out(F.silu(hidden if also is None else hidden + also)))


class Block(nn.Module):
    """Residual block whose second norm is scaled and shifted by the embedding; starts as the identity."""

    def __init__(self, channels_in: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = ChannelRMSNorm(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.condition = nn.Linear(embedding, 2 * channels)
        self.norm2 = ChannelRMSNorm(channels)
        self.conv2 = zeroed(nn.Conv2d(channels, channels, 3, padding=1))
        self.skip = nn.Conv2d(channels_in, channels, 1) if channels_in != channels else nn.Identity()

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        scale, shift = self.condition(e)[:, :, None, None].chunk(2, dim=1)  # (B, C, 1, 1) each
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        return self.skip(x) + h


class Attention(nn.Module):
    """Self-attention over the pixels, each with a learned position; starts as the identity."""

    def __init__(self, channels: int, size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = ChannelRMSNorm(channels)
        self.position = nn.Parameter(0.02 * torch.randn(channels, size, size))
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        batch, channels, height, width = x.shape
        qkv = self.qkv(self.norm(x) + self.position)
        qkv = qkv.reshape(batch, 3, self.num_heads, channels // self.num_heads, height * width).transpose(
            -1, -2
        )
        h = attention(qkv[:, 0], qkv[:, 1], qkv[:, 2])  # (B, heads, T, D)
        return x + self.out(h.transpose(-1, -2).reshape(batch, channels, height, width))


def zeroed(conv: nn.Conv2d) -> nn.Conv2d:
    """The same layer with all parameters zero, so that what it closes starts by adding nothing."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
