"""Residual flow in the plane: z = x + g(x) with g a contraction, so that the map can be undone by iteration.

Chen, Behrmann, Duvenaud and Jacobsen 2019, "Residual Flows for Invertible Generative Modeling" (arXiv:1906.02735).  The
paper estimates log det(I + J_g) by a random power series; in the plane the determinant of a 2 x 2 matrix is exact.  So
is the spectral norm of each weight, which has two columns: no power iteration is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.flow.plane.base import PlaneFlow


@dataclass(frozen=True)
class ResidualConfig:
    """Shape of the network; each block's Lipschitz constant stays below ``lipschitz``."""

    num_layers: int = 16
    width: int = 64
    lipschitz: float = 0.97
    num_inverse_steps: int = 40


class ContractiveBlock(nn.Module):
    """x + W_2 sin(W_1 x + b_1) + b_2 (a smooth unit of slope at most 1), with ||W_1|| ||W_2|| below the bound."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.config = config
        self.first, self.last = nn.Linear(2, config.width), nn.Linear(config.width, 2)
        nn.init.normal_(self.first.weight, std=0.7)
        nn.init.normal_(self.last.weight, std=0.02)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The Jacobian of two layers is a product of 2 x width matrices: its determinant needs no series."""
        first, last = self._weights()
        pre = F.linear(x, first, self.first.bias)  # (N, width)
        paths = (last.T[:, :, None] * first[:, None]).flatten(1)  # (width, 2 x 2): each unit's share of it
        a, b, c, d = (pre.cos() @ paths).unbind(1)  # the Jacobian of g
        return x + F.linear(pre.sin(), last, self.last.bias), ((1 + a) * (1 + d) - b * c).log()

    def inverse(self, z: Tensor) -> Tensor:
        """The fixed point of x = z - g(x): Banach's iteration."""
        first, last = self._weights()
        x = z
        for _ in range(self.config.num_inverse_steps):
            x = z - F.linear(F.linear(x, first, self.first.bias).sin(), last, self.last.bias)
        return x

    def _weights(self) -> tuple[Tensor, Tensor]:
        """The weights, shrunk where their norms would not leave a contraction: norms of 2-column matrices are exact."""
        norm = spectral_norm(self.first.weight) * spectral_norm(self.last.weight.T)
        shrink = torch.clamp(self.config.lipschitz / norm, max=1.0).sqrt()
        return self.first.weight * shrink, self.last.weight * shrink


def spectral_norm(weight: Tensor) -> Tensor:
    """Largest singular value of (width, 2): the root of the larger eigenvalue of its 2 x 2 Gram matrix, in closed form."""
    (a, b), (_, d) = weight.T @ weight
    return ((a + d) / 2 + (((a - d) / 2).square() + b.square() + 1e-12).sqrt()).sqrt()


class ResidualFlowPlane(PlaneFlow):
    """Contractive residual blocks."""

    key: ClassVar[str] = "residual-flow-plane"
    system: ClassVar[str] = "Residual flow"
    paper: ClassVar[str] = "Chen et al. 2019, arXiv:1906.02735"
    Config = ResidualConfig

    def __init__(self, config: ResidualConfig = ResidualConfig()) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(ContractiveBlock(config) for _ in range(config.num_layers))


MODEL = ResidualFlowPlane
