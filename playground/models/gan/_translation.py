"""The networks that turn one picture into another: a U-Net, and a discriminator of patches (Isola et al. 2017, arXiv:1611.07004).

Neither normalises: weights start so that every layer keeps the size of what it is given (He et al. 2015, arXiv:1502.01852), which
is enough for so few layers, and a processor spends more time on a norm than on the convolution before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Request

_SLOPE = 0.2  # of the rectifiers, below 0
AT_ONCE = 8  # pictures translated together, so that what is between the layers stays in the cache


def as_tensor(images: np.ndarray) -> Tensor:
    """uint8 (N,H,W,C) -> uint8 (N,C,H,W)."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def chosen_by_seed(count: int, request: Request) -> np.ndarray:
    """Which of ``count`` held-out pairs a request is about, int64 (num_samples,)."""
    order = np.random.default_rng(request.seed).permutation(count)
    return order[np.arange(request.first_index, request.first_index + request.num_samples) % count]


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Conv2d:
    """A convolution before a rectifier."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding)
    nn.init.kaiming_normal_(layer.weight, _SLOPE)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class Layers(nn.Module):
    """Two 3x3 convolutions, each with a rectifier: (B,inputs,H,W) -> (B,outputs,H,W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = _conv(inputs, outputs), _conv(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.second(F.leaky_relu(self.first(x), _SLOPE)), _SLOPE)


class UNet(nn.Module):
    """An encoder and a decoder that sees each level of it (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597).

    Pictures (B,inputs,H,W) -> (B,outputs,H,W), in [-1, 1] as far as it has learned that.  ``widths`` are the channels of the levels, the
    first at half the size of the picture (Shi et al. 2016, arXiv:1609.05158), each of the others half as high and wide as the one
    before.  Two small layers at full size draw the edges.
    """

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int], fine: int = 24) -> None:
        super().__init__()
        self.widths = tuple(widths)
        before = (4 * inputs, *self.widths[:-1])
        self.down = nn.ModuleList(Layers(i, o) for i, o in zip(before, self.widths, strict=True))
        coarse = reversed(list(zip(self.widths[1:], self.widths[:-1], strict=True)))
        self.up = nn.ModuleList(Layers(below + here, here) for below, here in coarse)
        self.spread = _conv(self.widths[0], 4 * fine, 1, padding=0)
        self.fine = _conv(fine + inputs, fine)
        self.last = nn.Conv2d(fine, outputs, 3, padding=1)
        nn.init.normal_(self.last.weight, std=0.02)  # starts as even grey

    def forward(self, x: Tensor, kept: Sequence[Tensor] = ()) -> Tensor:
        """``kept``: what the channels of each of the coarsest levels are multiplied with, (B,C,1,1) from the coarsest up (dropout)."""
        *_, h = self.levels(x, kept)
        return self.last(h)

    def levels(self, x: Tensor, kept: Sequence[Tensor] = ()) -> list[Tensor]:
        """What every level holds on the way down, then on the way up to full size: (B,C,h,w) each."""
        found, h = [], F.pixel_unshuffle(x, 2)
        for i, layers in enumerate(self.down):
            h = layers(F.avg_pool2d(h, 2) if i else h)
            found.append(h)
        skips = found[-2::-1]
        h = h * kept[0] if kept else h
        for i, (layers, skip) in enumerate(zip(self.up, skips, strict=True)):
            wide = F.interpolate(h, scale_factor=2.0, mode="nearest")
            h = layers(torch.cat([wide, skip], 1))
            h = h * kept[i + 1] if i + 1 < len(kept) else h
            found.append(h)
        full = F.leaky_relu(F.pixel_shuffle(self.spread(h), 2), _SLOPE)
        return [*found, F.leaky_relu(self.fine(torch.cat([full, x.to(full.dtype)], 1)), _SLOPE)]


class PatchDiscriminator(nn.Module):
    """Pictures (B,C,H,W) -> the logit of each patch of 18 pixels that it is real, (B,H/4,W/4)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = _conv(channels, width, 4, 2)
        self.second = _conv(width, 2 * width, 4, 2)
        self.third = _conv(2 * width, 2 * width)
        self.last = nn.Conv2d(2 * width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second, self.third):
            x = F.leaky_relu(layer(x), _SLOPE)
        return self.last(x)[:, 0]
