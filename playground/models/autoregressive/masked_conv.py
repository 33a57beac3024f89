"""The masked convolution of the first pixel models, whole for training and one pixel at a time for sampling.

A mask is not stored and multiplied: the kernel's unmasked parts are two small real convolutions, which is the same
function (van den Oord et al. 2016, arXiv:1601.06759, section 3.4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.autoregressive.pixel_model import features_of
from playground.models.autoregressive.pixel_sampling import CHUNK, PixelRun


class CausalConv(nn.Module):
    """A masked k x k convolution: the k//2 rows above, and what stands to the left in the same row.

    Mask A (``own`` False) hides the pixel itself, mask B shows it.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, own: bool) -> None:
        super().__init__()
        self.reach, self.own = kernel // 2, own
        self.above = nn.Conv2d(inputs, outputs, (self.reach, kernel))
        self.left = nn.Conv2d(inputs, outputs, (1, self.reach + own), bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, inputs, H, W) -> (B, outputs, H, W)
        reach = self.reach
        above = self.above(F.pad(x, (reach, reach, reach, 0))[:, :, :-1])
        left = F.pad(x, (reach, 0))
        return above + self.left(left if self.own else left[..., :-1])


class StemReader:
    """A first layer (mask A, straight on the pixels) read along a row: one small matrix product a pixel."""

    def __init__(self, stem: CausalConv) -> None:
        every = torch.arange(256, dtype=torch.uint8, device=stem.left.weight.device)[:, None, None, None]
        self.stem, self.matrix = stem, matrix(stem.left)
        self.features = features_of(every)[:, :, 0, 0]  # (256, 3): what each grey level looks like to it
        self.above: list[tuple[Tensor, ...]] = []  # chunk -> its output over the rows above, W x (B, outputs)
        self.seen: list[list[Tensor]] = []  # chunk -> what it sees of this row's pixels, each (B, 3)

    def start_row(self, run: PixelRun, row: int) -> None:
        """What depends on the rows above only, for the whole row at once."""
        self.above, self.seen, reach = [], [], self.stem.reach
        for chunk in range(run.num_chunks):
            pixels = features_of(run.on_device(chunk, max(row - reach, 0), row))
            pixels = F.pad(pixels, (reach, reach, reach - pixels.shape[2], 0))
            self.above.append(self.stem.above(pixels)[:, :, 0].permute(2, 0, 1).contiguous().unbind(0))
            self.seen.append([torch.zeros(CHUNK, pixels.shape[1], device=pixels.device)] * reach)

    def at(self, run: PixelRun, chunk: int, row: int, column: int) -> Tensor:
        """Its output at one position, (B, outputs); positions come from left to right."""
        seen = self.seen[chunk]
        if column:
            left = run.pixels[chunk * CHUNK : (chunk + 1) * CHUNK, row, column - 1, 0]
            seen.append(self.features[torch.from_numpy(left).to(self.features.device).long()])
        return F.linear(torch.cat(seen[-self.stem.reach :], 1), self.matrix).add_(self.above[chunk][column])


def matrix(layer: nn.Conv2d) -> Tensor:
    """A one-row kernel (out, in, 1, taps) as a matrix (out, taps*in), the left tap first."""
    return layer.weight.detach()[:, :, 0].permute(0, 2, 1).flatten(1).contiguous()


def matrix_and_bias(layer: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """The same beside its bias (out,)."""
    assert layer.bias is not None
    return matrix(layer), layer.bias.detach()
