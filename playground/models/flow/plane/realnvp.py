"""RealNVP in the plane: affine couplings, each of which scales and shifts one coordinate by a function of the other.

Dinh, Sohl-Dickstein and Bengio 2016, "Density estimation using Real NVP" (arXiv:1605.08803), equations 4 to 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from playground.models.flow.plane.base import PlaneFlow
from playground.models.plane import mlp


@dataclass(frozen=True)
class RealNVPConfig:
    """Shape of the network; ``max_log_scale`` bounds each layer's logarithm of scale by a tanh, as the paper does."""

    num_layers: int = 12
    width: int = 64
    depth: int = 2
    max_log_scale: float = 2.0


class AffineCoupling(nn.Module):
    """y_moved = x_moved * exp(s(x_kept)) + t(x_kept)."""

    def __init__(self, moved: int, config: RealNVPConfig) -> None:
        super().__init__()
        self.moved, self.bound = moved, config.max_log_scale
        self.net = mlp(1, config.width, config.depth, 2, zero=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The log determinant is s itself: equation 6."""
        kept, log_scale, shift = self._numbers(x)
        return self._joined(kept, x[:, self.moved] * log_scale.exp() + shift), log_scale

    def inverse(self, z: Tensor) -> Tensor:
        """Equation 8."""
        kept, log_scale, shift = self._numbers(z)
        return self._joined(kept, (z[:, self.moved] - shift) * (-log_scale).exp())

    def _numbers(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        kept = x[:, 1 - self.moved]
        raw, shift = self.net(kept[:, None]).unbind(1)
        return kept, self.bound * torch.tanh(raw / self.bound), shift

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.stack([moved, kept] if self.moved == 0 else [kept, moved], 1)


class RealNVPPlane(PlaneFlow):
    """Affine couplings in turn."""

    key: ClassVar[str] = "realnvp-plane"
    system: ClassVar[str] = "RealNVP"
    paper: ClassVar[str] = "Dinh et al. 2016, arXiv:1605.08803"
    Config = RealNVPConfig

    def __init__(self, config: RealNVPConfig = RealNVPConfig()) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(AffineCoupling(i % 2, config) for i in range(config.num_layers))


MODEL = RealNVPPlane
