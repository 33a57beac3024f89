"""Relativistic GAN with R1 and R2 in the plane: pairs are compared, and the discriminator is kept smooth on both sides.

Jolicoeur-Martineau 2018, "The relativistic discriminator" (arXiv:1807.00734); zero-centred gradient penalties of Mescheder,
Geiger and Nowozin 2018 (arXiv:1801.04406); both together: Huang, Gokaslan, Kuleshov and Tompkin 2024, "The GAN is dead; long
live the GAN!" (arXiv:2501.05441), section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.models.gan.plane.gan import GANConfig, GANPlane, gradient_penalty


@dataclass(frozen=True)
class R1Config(GANConfig):
    """``gamma`` weighs both penalties."""

    gamma: float = 0.05


class R1GANPlane(GANPlane):
    """Each real point against a drawn one."""

    key: ClassVar[str] = "gan-r1-plane"
    system: ClassVar[str] = "GAN with R1 and R2"
    paper: ClassVar[str] = "Mescheder et al. 2018, arXiv:1801.04406; Huang et al. 2024, arXiv:2501.05441"
    Config = R1Config

    def __init__(self, config: R1Config = R1Config()) -> None:
        super().__init__(config)

    def discriminator_loss(self, real: Tensor, fake: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """softplus(D(fake) - D(real)) + gamma / 2 (R1 + R2)."""
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        on_real, on_fake = self.discriminate(real), self.discriminate(fake)
        penalty = gradient_penalty(on_real, real) + gradient_penalty(on_fake, fake)
        game = F.softplus(on_fake - on_real).mean()
        return {"loss": game + self.config.gamma / 2 * penalty, "game": game}

    def generator_loss(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The pairs the other way round."""
        return {"loss": F.softplus(self.discriminate(real) - self.discriminate(fake)).mean()}


MODEL = R1GANPlane
