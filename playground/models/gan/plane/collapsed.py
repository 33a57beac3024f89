"""Mode collapse in the plane, set up on purpose: a generator that moves as a whole sooner than it spreads.

Collapse does not come by itself in the plane.  Here it is made to happen as lectures describe it (Goodfellow 2016, "NIPS 2016
Tutorial", arXiv:1701.00160, section 5.1.1; Metz et al. 2017, arXiv:1611.02163, figure 2): all that is drawn goes where the
discriminator believes at the moment, and moves on when that is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from playground.models.gan.plane.gan import GANConfig, GANPlane
from playground.models.plane import mlp


@dataclass(frozen=True)
class CollapsedConfig(GANConfig):
    """``reach``: how wide the patch is; ``agility``: how much quicker it moves than it changes its shape."""

    width: int = 32
    depth: int = 2
    reach: float = 0.35
    agility: float = 3.0


class Patch(nn.Module):
    """z (N,2) -> points (N,2) around one place: z itself, bent a little, on a centre that moves."""

    def __init__(self, config: CollapsedConfig) -> None:
        super().__init__()
        self.reach, self.agility = config.reach, config.agility
        self.centre = nn.Parameter(torch.zeros(2))
        self.bend = mlp(config.latent_dim, config.width, config.depth, 2, zero=True)

    def forward(self, z: Tensor) -> Tensor:
        shape: Tensor = z[:, :2] + 0.5 * self.bend(z).tanh()
        return self.agility * self.centre + self.reach * shape


class CollapsedGANPlane(GANPlane):
    """The game of 2014 with a generator that can chase one or two of eight modes, and not hold all; nothing is averaged."""

    key: ClassVar[str] = "gan-collapsed-plane"
    system: ClassVar[str] = "GAN set up to collapse"
    paper: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661; Metz et al. 2017, arXiv:1611.02163"
    rates: ClassVar[tuple[float, ...]] = (1.0, 3.0)
    ema: ClassVar[float] = 0.0
    Config = CollapsedConfig

    def __init__(self, config: CollapsedConfig = CollapsedConfig()) -> None:
        super().__init__(config)
        self.generator = Patch(config)


MODEL = CollapsedGANPlane
