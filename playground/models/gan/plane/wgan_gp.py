"""Wasserstein GAN with gradient penalty in the plane.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, "Improved Training of Wasserstein GANs" (arXiv:1704.00028),
equation 3: the critic's gradient is kept near 1 on lines between real and drawn points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from playground.models.gan.plane.gan import GANConfig, GANPlane
from playground.models.plane import uniform_noise


@dataclass(frozen=True)
class WGANConfig(GANConfig):
    """``gamma`` is the paper's lambda; smaller here, since the plane is small."""

    gamma: float = 1.0


class WGANPlane(GANPlane):
    """The critic has no sigmoid: it estimates a distance."""

    key: ClassVar[str] = "wgan-gp-plane"
    system: ClassVar[str] = "WGAN-GP"
    paper: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028"
    rates: ClassVar[tuple[float, ...]] = (2.0, 0.7)
    Config = WGANConfig

    def __init__(self, config: WGANConfig = WGANConfig()) -> None:
        super().__init__(config)

    def discriminator_loss(self, real: Tensor, fake: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """E D(fake) - E D(real) + gamma E (||grad D|| - 1)^2."""
        share = uniform_noise(len(real), real, generator)[:, None]
        between = (share * real + (1 - share) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.discriminate(between).sum(), between, create_graph=True)
        penalty = ((gradient.square().sum(1) + 1e-12).sqrt() - 1).square().mean()
        distance = self.discriminate(real).mean() - self.discriminate(fake).mean()
        return {"loss": self.config.gamma * penalty - distance, "distance": distance}

    def generator_loss(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """-E D(fake)."""
        return {"loss": -self.discriminate(fake).mean()}


MODEL = WGANPlane
