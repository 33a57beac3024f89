"""Inverse autoregressive flow in the plane: quick to draw, slow to score; MAF with the two directions exchanged.

Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling 2016, "Improving Variational Inference with Inverse
Autoregressive Flow" (arXiv:1606.04934), equations 9 and 10.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from playground.models.flow.plane.base import PlaneFlow
from playground.models.flow.plane.maf import AutoregressiveAffine, MAFConfig


class Inverted(nn.Module):
    """A layer of MAF the other way round: x -> z needs a pass for each coordinate, z -> x a single one."""

    def __init__(self, layer: AutoregressiveAffine) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinate by coordinate."""
        return self.layer.undone(x)

    def inverse(self, z: Tensor) -> Tensor:
        """One pass."""
        x, _ = self.layer(z)
        return x


class IAFPlane(PlaneFlow):
    """Inverted autoregressive layers, the order of the coordinates reversed after each."""

    key: ClassVar[str] = "iaf-plane"
    system: ClassVar[str] = "Inverse autoregressive flow"
    paper: ClassVar[str] = "Kingma et al. 2016, arXiv:1606.04934"
    learning_rate: ClassVar[float] = 6e-3
    Config = MAFConfig

    def __init__(self, config: MAFConfig = MAFConfig()) -> None:
        super().__init__()
        self.config = config
        layers = (Inverted(AutoregressiveAffine(i % 2, config)) for i in range(config.num_layers))
        self.layers = nn.ModuleList(layers)


MODEL = IAFPlane
