"""Which of StyleGAN's layers stand for the shape, the parts and the shading."""

from __future__ import annotations

RANGES = {"all": (0, 6), "coarse": (0, 3), "middle": (3, 5), "fine": (5, 6)}  # of StyleGAN's layers
LAYERS = (
    ("coarse", "coarse, 4x4 and 7x7"),
    ("middle", "middle, 14x14"),
    ("fine", "fine, 28x28"),
    ("all", "all"),
)
