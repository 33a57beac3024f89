"""The encoder and the decoder that the autoencoders of this folder share: residual convolutions around dense layers.

Most of the work is done at quarter and half resolution, where a CPU is quick: a plane of 225 pictures must be decoded
between two movements of a finger.  There is no normalisation, so a picture never depends on its batch.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models import discretized_logistic
from playground.models.blocks import from_uint8

CACHED = 75  # pictures to decode at a time: what they need stays in a processor's cache


class Shape(Protocol):
    """What the networks read of a model's configuration."""

    @property
    def latent_dim(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def num_mixtures(self) -> int: ...
    @property
    def image_size(self) -> int: ...
    @property
    def channels(self) -> int: ...


def log_likelihood(raw: Tensor, x: Tensor) -> Tensor:
    """log p of 8-bit ``x`` (B,C,H,W) under the decoder's parameters, summed over the pixels: (B,) in nats."""
    return discretized_logistic.log_prob(raw, F.pixel_unshuffle(x, 2)).flatten(1).sum(1)


def mean_picture(raw: Tensor) -> Tensor:
    """The mean of what the decoder's parameters describe, in [-1, 1], (B,C,H,W)."""
    return F.pixel_shuffle(discretized_logistic.mean(raw), 2)


class ResidualConv(nn.Module):
    """x + conv(silu(conv(silu(x)))), which starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:  # (B, width, H, W)
        return x + self.second(F.silu(self.first(F.silu(x))))


class ResidualDense(nn.Module):
    """h + linear(silu(linear(silu(h)))), which starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, h: Tensor) -> Tensor:  # (B, width)
        return h + self.second(F.silu(self.first(F.silu(h))))


class Encoder(nn.Module):
    """8-bit pictures, uint8 (B,C,H,W) -> ``num_outputs`` numbers each."""

    def __init__(self, shape: Shape, num_outputs: int) -> None:
        super().__init__()
        width, quarter = shape.width, shape.image_size // 4
        self.stem = nn.Conv2d(4 * shape.channels, width, 3, padding=1)
        self.at_half = ResidualConv(width)
        self.down = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.at_quarter = ResidualConv(2 * width)
        self.dense = nn.Linear(2 * width * quarter**2, shape.hidden)
        self.mix = ResidualDense(shape.hidden)
        self.head = nn.Linear(shape.hidden, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(F.pixel_unshuffle(from_uint8(x), 2))  # (B, width, H/2, W/2)
        h = self.at_quarter(self.down(F.silu(self.at_half(h))))  # (B, 2*width, H/4, W/4)
        h = self.mix(self.dense(F.silu(h).flatten(1)))  # (B, hidden)
        return self.head(F.silu(h)).float()


class Decoder(nn.Module):
    """Latents (B, latent_dim) -> a mixture of discretised logistics for every pixel, float32 (B,4C,H/2,W/2,3K).

    The four pixels of a 2x2 block stand together, as ``F.pixel_unshuffle(x, 2)`` puts them: unfolding the one picture
    that is wanted is quicker than unfolding all the parameters.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, self.quarter_size = shape.width, shape.image_size // 4
        self.num_parameters = 3 * shape.num_mixtures
        self.stem = nn.Linear(shape.latent_dim, shape.hidden)
        self.mix = ResidualDense(shape.hidden)
        self.dense = nn.Linear(shape.hidden, 2 * width * self.quarter_size**2)
        self.at_quarter = ResidualConv(2 * width)
        self.up = nn.Conv2d(2 * width, 4 * width, 1)
        self.at_half = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.head = nn.Conv2d(2 * width, self.num_parameters * 4 * shape.channels, 1)
        bias = discretized_logistic.initial_bias(shape.num_mixtures).repeat_interleave(4 * shape.channels)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(bias)  # type: ignore[union-attr]

    def forward(self, z: Tensor) -> Tensor:
        h = self.dense(F.silu(self.mix(self.stem(z))))
        size = self.quarter_size
        h = h.unflatten(1, (size, size, -1)).permute(0, 3, 1, 2)  # (B, 2*width, H/4, W/4) as channels_last
        h = F.pixel_shuffle(self.up(F.silu(self.at_quarter(h))), 2)  # (B, width, H/2, W/2)
        h = self.at_half(F.silu(h.contiguous(memory_format=torch.channels_last)))  # (B, 2*width, H/2, W/2)
        # the 1x1 head as a matrix product: its result lies as the mean wants it, not in channels_last
        weight = self.head.weight.flatten(1).expand(len(h), -1, -1)
        raw = torch.bmm(weight, F.silu(h).flatten(2)).float()
        raw += self.head.bias[:, None]  # type: ignore[index]
        return raw.unflatten(2, h.shape[2:]).unflatten(1, (self.num_parameters, -1)).movedim(1, -1)
