"""An energy learned by sliced score matching: no chains and no noise, only derivatives along random directions.

Song, Garg, Shi and Ermon 2019, "Sliced Score Matching" (arXiv:1905.07088), equation 8 (variance-reduced).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from playground.models.energy.plane.base import PlaneEnergy
from playground.models.plane import gaussian_noise, mlp


@dataclass(frozen=True)
class SlicedConfig:
    """Shape of the network; a little noise fills what has no width (section 5 of the paper)."""

    width: int = 96
    depth: int = 3
    noise: float = 0.15


class SlicedEBMPlane(PlaneEnergy):
    """E[ v^T grad(s^T v) + ||s||^2 / 2 ] over random v."""

    key: ClassVar[str] = "sliced-ebm-plane"
    system: ClassVar[str] = "Energy by sliced score matching"
    paper: ClassVar[str] = "Song et al. 2019, arXiv:1905.07088"
    learning_rate: ClassVar[float] = 2e-3
    Config = SlicedConfig

    def __init__(self, config: SlicedConfig = SlicedConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = mlp(2, config.width, config.depth, 1)

    def energy(self, x: Tensor) -> Tensor:
        """A network, and a weak bowl."""
        return self.net(x)[:, 0] + 0.05 * x.square().sum(1)

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """One direction for each point."""
        x = (x + self.config.noise * gaussian_noise(x, generator)).requires_grad_()
        v = gaussian_noise(x, generator)
        (gradient,) = torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)
        score = -gradient
        (along,) = torch.autograd.grad((score * v).sum(), x, create_graph=True)
        return {"loss": ((along * v).sum(1) + 0.5 * score.square().sum(1)).mean()}


MODEL = SlicedEBMPlane
