"""beta-VAE in the plane: a heavier KL term, so that less of each point passes through the code.

Higgins, Matthey, Pal, Burgess, Glorot, Botvinick, Mohamed and Lerchner 2017, "beta-VAE", ICLR, equation 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from playground.models.vae.plane.vae import VAEConfig, VAEPlane


@dataclass(frozen=True)
class BetaVAEConfig(VAEConfig):
    """The KL term weighs four times as much."""

    beta_kl: float = 4.0


class BetaVAEPlane(VAEPlane):
    """The VAE with another weight."""

    key: ClassVar[str] = "betavae-plane"
    system: ClassVar[str] = "beta-VAE"
    paper: ClassVar[str] = "Higgins et al. 2017"
    Config = BetaVAEConfig

    def __init__(self, config: BetaVAEConfig = BetaVAEConfig()) -> None:
        super().__init__(config)


MODEL = BetaVAEPlane
