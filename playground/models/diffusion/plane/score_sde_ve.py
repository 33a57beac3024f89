"""The variance-exploding SDE in the plane: noise is only added, and nothing shrinks.

Song et al. 2021 (arXiv:2011.13456), equation 9 and appendix C: sigma grows geometrically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from playground.models.diffusion.plane.score_sde import ScoreSDEPlane


@dataclass(frozen=True)
class VEConfig:
    """Shape of the network, and the smallest and largest noise."""

    width: int = 96
    depth: int = 3
    sigma_min: float = 0.01
    sigma_max: float = 12.0


class VEPlane(ScoreSDEPlane):
    """dx = sqrt(d sigma^2 / dt) dw."""

    key: ClassVar[str] = "score-sde-ve-plane"
    system: ClassVar[str] = "Score SDE (VE)"
    paper: ClassVar[str] = "Song et al. 2021, arXiv:2011.13456"
    smallest: ClassVar[float] = 1e-5
    Config = VEConfig

    def __init__(self, config: VEConfig = VEConfig()) -> None:
        super().__init__(config.width, config.depth)
        self.config = config

    def alpha(self, t: Tensor) -> Tensor:
        """All of x_0 is left."""
        return torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        """From sigma_min to sigma_max in equal ratios: equation 30."""
        return self.config.sigma_min * (self.config.sigma_max / self.config.sigma_min) ** t

    def drift_and_diffusion(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """None, and sigma times the root of 2 log(sigma_max / sigma_min)."""
        rate = math.sqrt(2 * math.log(self.config.sigma_max / self.config.sigma_min))
        return torch.zeros_like(t), self.sigma(t) * rate

    def times(self, count: int) -> Tensor:
        """Even steps in t are even ratios of sigma already."""
        return torch.linspace(1, self.smallest, count + 1)


MODEL = VEPlane
