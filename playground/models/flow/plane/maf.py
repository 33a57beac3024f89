"""Masked autoregressive flow in the plane: quick to score, slow to draw.

Papamakarios, Pavlakou and Murray 2017, "Masked Autoregressive Flow for Density Estimation" (arXiv:1705.07057), equations 2
to 5.  Every layer standardises each coordinate by a mean and a scale that depend on those before it, so that x -> z is one
pass and z -> x takes one pass for each coordinate; layers take the coordinates in turn in either order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from playground.models.flow.plane.base import PlaneFlow
from playground.models.plane import mlp

_WAVES = 4
_FAR = 5.0


@dataclass(frozen=True)
class MAFConfig:
    """Shape of the network; log scales are bounded by ``max_log_scale`` through a tanh."""

    num_layers: int = 16
    width: int = 64
    depth: int = 2
    max_log_scale: float = 2.0


def waves(x: Tensor) -> Tensor:
    """(N,) -> itself and its sines and cosines, (N, 1 + 2 * 4): a small network of one number alone is too smooth (Tancik et al.
    2020, arXiv:2006.10739).  Far out nothing changes any more: else a point that lies there is thrown farther by every layer."""
    x = _FAR * torch.tanh(x / _FAR)
    angles = x[:, None] * (math.pi / 3) * torch.arange(1, _WAVES + 1, device=x.device)
    return torch.cat([x[:, None], angles.sin(), angles.cos()], 1)


class AutoregressiveAffine(nn.Module):
    """u_i = (x_i - mu_i(x_<i)) exp(-alpha_i(x_<i)); of the first coordinate mu and alpha are plain numbers."""

    def __init__(self, first: int, config: MAFConfig) -> None:
        super().__init__()
        self.order, self.bound = (first, 1 - first), config.max_log_scale
        self.start = nn.Parameter(torch.zeros(2))
        self.net = mlp(1 + 2 * _WAVES, config.width, config.depth, 2, zero=True)

    def numbers(self, before: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log scale (N,2 each, in the order of the factors) given the first coordinate, (N,)."""
        own = self.start.expand(len(before), 2)
        both = torch.stack([own, self.net(waves(before))], 1)  # (N, coordinate, mean or log scale)
        return self.bounded(both)

    def bounded(self, both: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log scale (..., 2) apart, the latter within its bound."""
        return both[..., 0], self.bound * torch.tanh(both[..., 1] / self.bound)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One pass: all of x is known."""
        ordered = x[:, list(self.order)]
        mu, alpha = self.numbers(ordered[:, 0])
        return ((ordered - mu) * (-alpha).exp())[:, list(self.order)], -alpha.sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """A pass for each coordinate: the second waits for the first."""
        return self.undone(z)[0]

    def undone(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (N,2) -> x (N,2), and the log determinant of this way (N,)."""
        ordered = z[:, list(self.order)]
        mu, alpha = self.bounded(self.start)
        first = ordered[:, 0] * alpha.exp() + mu
        means, log_scales = self.numbers(first)
        second = ordered[:, 1] * log_scales[:, 1].exp() + means[:, 1]
        return torch.stack([first, second], 1)[:, list(self.order)], log_scales.sum(1)


class MAFPlane(PlaneFlow):
    """Autoregressive layers, the order of the coordinates reversed after each."""

    key: ClassVar[str] = "maf-plane"
    system: ClassVar[str] = "Masked autoregressive flow"
    paper: ClassVar[str] = "Papamakarios et al. 2017, arXiv:1705.07057"
    learning_rate: ClassVar[float] = 6e-3
    Config = MAFConfig

    def __init__(self, config: MAFConfig = MAFConfig()) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(AutoregressiveAffine(i % 2, config) for i in range(config.num_layers))


MODEL = MAFPlane
