"""Importance-weighted autoencoder in the plane: a tighter bound from several samples of the posterior.

Burda, Grosse and Salakhutdinov 2015, "Importance Weighted Autoencoders" (arXiv:1509.00519), equation 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from playground.models.vae.plane.vae import VAEConfig, VAEPlane


@dataclass(frozen=True)
class IWAEConfig(VAEConfig):
    """Eight samples of the bound."""

    num_importance: int = 8


class IWAEPlane(VAEPlane):
    """The VAE, trained on the bound of several samples."""

    key: ClassVar[str] = "iwae-plane"
    system: ClassVar[str] = "IWAE"
    paper: ClassVar[str] = "Burda et al. 2015, arXiv:1509.00519"
    Config = IWAEConfig

    def __init__(self, config: IWAEConfig = IWAEConfig()) -> None:
        super().__init__(config)


MODEL = IWAEPlane
