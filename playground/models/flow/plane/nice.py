"""NICE in the plane: additive couplings, whose Jacobian is one, and a single layer that scales.

Dinh, Krueger and Bengio 2014, "NICE: Non-linear Independent Components Estimation" (arXiv:1410.8516), sections 3.2 and 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from playground.models.flow.plane.base import PlaneFlow
from playground.models.plane import mlp


@dataclass(frozen=True)
class NICEConfig:
    """Shape of the network."""

    num_layers: int = 8
    width: int = 64
    depth: int = 2


class AdditiveCoupling(nn.Module):
    """One coordinate is moved by a function of the other."""

    def __init__(self, moved: int, width: int, depth: int) -> None:
        super().__init__()
        self.moved, self.net = moved, mlp(1, width, depth, 1, zero=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Volume stays as it is."""
        return self._shifted(x, 1.0), torch.zeros(len(x), device=x.device)

    def inverse(self, z: Tensor) -> Tensor:
        """The same shift, taken away."""
        return self._shifted(z, -1.0)

    def _shifted(self, x: Tensor, sign: float) -> Tensor:
        parts = list(x.split(1, 1))
        parts[self.moved] = parts[self.moved] + sign * self.net(parts[1 - self.moved])
        return torch.cat(parts, 1)


class Scaling(nn.Module):
    """Each coordinate times a number of its own: equation 13."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One log determinant for all."""
        return x * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """Divided again."""
        return z * (-self.log_scale).exp()


class NICEPlane(PlaneFlow):
    """Additive couplings in turn, then a scaling."""

    key: ClassVar[str] = "nice-plane"
    system: ClassVar[str] = "NICE"
    paper: ClassVar[str] = "Dinh et al. 2014, arXiv:1410.8516"
    Config = NICEConfig

    def __init__(self, config: NICEConfig = NICEConfig()) -> None:
        super().__init__()
        self.config = config
        couplings = [AdditiveCoupling(i % 2, config.width, config.depth) for i in range(config.num_layers)]
        self.layers = nn.ModuleList([*couplings, Scaling()])


MODEL = NICEPlane
