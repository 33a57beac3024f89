"""Neural spline flow in the plane: each coordinate goes through a monotonic curve that the other one chooses.

Durkan, Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows" (arXiv:1906.04032): rational-quadratic splines of
Gregory and Delbourgo, equations 4 and 5, identity outside of a square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.flow.plane.base import PlaneFlow
from playground.models.plane import mlp

_LEAST = 1e-3  # width, height and slope of a bin


@dataclass(frozen=True)
class SplineConfig:
    """Shape of the network: ``bound`` is half the side of the square in which the splines live."""

    num_layers: int = 4
    num_bins: int = 16
    width: int = 64
    depth: int = 2
    bound: float = 4.0


class SplineCoupling(nn.Module):
    """The spline of one coordinate, with knots that a network makes of the other."""

    def __init__(self, moved: int, config: SplineConfig) -> None:
        super().__init__()
        self.moved, self.bins, self.bound = moved, config.num_bins, config.bound
        self.net = mlp(1, config.width, config.depth, 3 * config.num_bins - 1, zero=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The log determinant is the logarithm of the curve's slope."""
        kept = x[:, 1 - self.moved]
        moved, log_slope = spline(x[:, self.moved], self.net(kept[:, None]), self.bins, self.bound)
        return self._joined(kept, moved), log_slope

    def inverse(self, z: Tensor) -> Tensor:
        """The same curve read the other way."""
        kept = z[:, 1 - self.moved]
        moved, _ = spline(z[:, self.moved], self.net(kept[:, None]), self.bins, self.bound, inverse=True)
        return self._joined(kept, moved)

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.stack([moved, kept] if self.moved == 0 else [kept, moved], 1)


def spline(x: Tensor, raw: Tensor, bins: int, bound: float, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """A rational-quadratic spline of each number: x (N,), raw (N, 3 bins - 1) -> values and log slopes (N,)."""
    widths, heights, slopes = raw.split([bins, bins, bins - 1], 1)
    widths = _LEAST + (1 - _LEAST * bins) * widths.softmax(1)
    heights = _LEAST + (1 - _LEAST * bins) * heights.softmax(1)
    ends = math.log(
        math.expm1(1 - _LEAST)
    )  # its slope is 1: straight at the borders, and at the start of training
    slopes = _LEAST + F.softplus(F.pad(slopes, (1, 1)) + ends)
    at_x = F.pad(2 * bound * widths.cumsum(1), (1, 0)) - bound
    at_y = F.pad(2 * bound * heights.cumsum(1), (1, 0)) - bound
    inside = x.abs() < bound
    clamped = x.clamp(-bound + 1e-6, bound - 1e-6)
    knots = at_y if inverse else at_x
    k = (torch.searchsorted(knots.detach().contiguous(), clamped[:, None].detach()) - 1).clamp(0, bins - 1)

    def of(values: Tensor, offset: int = 0) -> Tensor:
        return values.gather(1, k + offset)[:, 0]

    x_k, y_k, d_k, d_next = of(at_x), of(at_y), of(slopes), of(slopes, 1)
    width, height = of(at_x, 1) - x_k, of(at_y, 1) - y_k
    s = height / width
    bend = d_next + d_k - 2 * s
    if inverse:  # equations 6 to 8 of the paper's appendix: a quadratic in theta
        rise = clamped - y_k
        a = height * (s - d_k) + rise * bend
        b = height * d_k - rise * bend
        c = -s * rise
        theta = 2 * c / (-b - (b.square() - 4 * a * c).clamp_min(0).sqrt())
        found = theta * width + x_k
    else:
        theta = (clamped - x_k) / width
        mixed = theta * (1 - theta)
        found = y_k + height * (s * theta.square() + d_k * mixed) / (s + bend * mixed)
    mixed = theta * (1 - theta)
    slope = s.square() * (d_next * theta.square() + 2 * s * mixed + d_k * (1 - theta).square())
    log_slope = slope.log() - 2 * (s + bend * mixed).log()
    found = torch.where(inside, found, x)
    log_slope = torch.where(inside, log_slope, torch.zeros_like(log_slope))
    return found, -log_slope if inverse else log_slope


class SplinePlane(PlaneFlow):
    """Spline couplings in turn."""

    key: ClassVar[str] = "spline-plane"
    system: ClassVar[str] = "Neural spline flow"
    paper: ClassVar[str] = "Durkan et al. 2019, arXiv:1906.04032"
    Config = SplineConfig

    def __init__(self, config: SplineConfig = SplineConfig()) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(SplineCoupling(i % 2, config) for i in range(config.num_layers))


MODEL = SplinePlane
