"""Hinge GAN in the plane, with a spectrally normalised discriminator.

Lim and Ye 2017, "Geometric GAN" (arXiv:1705.02894), equations 11 and 12; Miyato, Kataoka, Koyama and Yoshida 2018, "Spectral
Normalization for GANs" (arXiv:1802.05957), equation 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from playground.models.gan.plane.gan import GANConfig, GANPlane

# below 0: kinks bend what is small, too, where a smooth unit of layers whose norm is 1 is nearly a straight line
_SLOPE = 0.1


@dataclass(frozen=True)
class HingeConfig(GANConfig):
    """``gain``: what the bounded discriminator's output is multiplied by, so that it can tell narrow heaps apart."""

    gain: float = 12.0


class HingeGANPlane(GANPlane):
    """A discriminator whose slope is bounded by its gain, and a loss that rests where it is sure."""

    key: ClassVar[str] = "gan-hinge-plane"
    system: ClassVar[str] = "Hinge GAN with spectral norm"
    paper: ClassVar[str] = "Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957"
    rates: ClassVar[tuple[float, ...]] = (2.0, 1.0)
    Config = HingeConfig
    config: HingeConfig

    def __init__(self, config: HingeConfig = HingeConfig()) -> None:
        super().__init__(config)
        layers = (
            spectral_norm(m) if isinstance(m, nn.Linear) else nn.LeakyReLU(_SLOPE) for m in self.discriminator
        )
        self.discriminator = nn.Sequential(*layers)

    def discriminate(self, x: Tensor) -> Tensor:
        """(N,2) -> (N,)."""
        logits: Tensor = self.config.gain * self.discriminator(x)[:, 0]
        return logits

    def discriminator_loss(self, real: Tensor, fake: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """E max(0, 1 - D(real)) + E max(0, 1 + D(fake))."""
        loss = F.relu(1 - self.discriminate(real)).mean() + F.relu(1 + self.discriminate(fake)).mean()
        return {"loss": loss}

    def generator_loss(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """-E D(fake)."""
        return {"loss": -self.discriminate(fake).mean()}


MODEL = HingeGANPlane
