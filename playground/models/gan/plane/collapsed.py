"""Mode collapse in the plane: the game of 2014 with a discriminator too weak, too slow and a generator too quick.

Collapse does not come by itself in the plane; it is set up, as lectures describe it (Goodfellow 2016, "NIPS 2016
Tutorial", arXiv:1701.00160, section 5.1.1; Metz et al. 2017, arXiv:1611.02163, figure 2): the generator puts all it draws
where the discriminator believes at the moment, and moves on when that is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from playground.models.gan.plane.gan import GANConfig, GANPlane


@dataclass(frozen=True)
class CollapsedConfig(GANConfig):
    """A narrow discriminator of one layer."""

    discriminator_width: int = 24
    discriminator_depth: int = 2


class CollapsedGANPlane(GANPlane):
    """The same game; the generator learns three times as quickly, and nothing is averaged.

    With small batches (128) it keeps one or two of eight modes; with many steps of large ones it finds them again.
    """

    key: ClassVar[str] = "gan-collapsed-plane"
    system: ClassVar[str] = "GAN, collapsed"
    paper: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661; Metz et al. 2017, arXiv:1611.02163"
    rates: ClassVar[tuple[float, ...]] = (1.0, 3.0)
    ema: ClassVar[float] = 0.0
    Config = CollapsedConfig

    def __init__(self, config: CollapsedConfig = CollapsedConfig()) -> None:
        super().__init__(config)


MODEL = CollapsedGANPlane
