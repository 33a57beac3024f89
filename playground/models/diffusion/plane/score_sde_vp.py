"""The variance-preserving SDE in the plane: DDPM in continuous time.

Song et al. 2021 (arXiv:2011.13456), equation 11 and appendix C: beta grows linearly from ``beta_min`` to ``beta_max``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from playground.models.diffusion.plane.score_sde import ScoreSDEPlane


@dataclass(frozen=True)
class VPConfig:
    """Shape of the network, and the schedule of the paper."""

    width: int = 96
    depth: int = 3
    beta_min: float = 0.1
    beta_max: float = 20.0


class VPPlane(ScoreSDEPlane):
    """dx = -beta x / 2 dt + sqrt(beta) dw."""

    key: ClassVar[str] = "score-sde-vp-plane"
    system: ClassVar[str] = "Score SDE (VP)"
    paper: ClassVar[str] = "Song et al. 2021, arXiv:2011.13456"
    Config = VPConfig

    def __init__(self, config: VPConfig = VPConfig()) -> None:
        super().__init__(config.width, config.depth)
        self.config = config

    def alpha(self, t: Tensor) -> Tensor:
        """exp of minus half the integral of beta: equation 29."""
        low, high = self.config.beta_min, self.config.beta_max
        return torch.exp(-0.25 * t.square() * (high - low) - 0.5 * t * low)

    def sigma(self, t: Tensor) -> Tensor:
        """So that alpha^2 + sigma^2 = 1."""
        return (-torch.expm1(2 * self.alpha(t).log())).clamp_min(1e-8).sqrt()

    def drift_and_diffusion(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """-beta / 2 and the root of beta."""
        beta = self.config.beta_min + t * (self.config.beta_max - self.config.beta_min)
        return -beta / 2, beta.sqrt()


MODEL = VPPlane
