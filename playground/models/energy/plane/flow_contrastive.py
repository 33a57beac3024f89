"""Flow contrastive estimation: an energy learns to tell data from what a flow draws, and the flow learns to fool it.

Gao, Nijkamp, Kingma, Xu, Dai and Wu 2020, "Flow Contrastive Estimation of Energy-Based Models" (arXiv:1912.00589), equation
8: noise contrastive estimation (Gutmann and Hyvarinen 2010) whose noise is a flow.  Its log Z is a number that is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.energy.plane.base import PlaneEnergy
from playground.models.flow.plane.realnvp import RealNVPConfig, RealNVPPlane
from playground.models.plane import gaussian_noise, mlp


@dataclass(frozen=True)
class FlowContrastiveConfig:
    """Shapes of the two."""

    width: int = 96
    depth: int = 3
    num_layers: int = 6


class _Energy(nn.Module):
    """A network and the constant that normalises it."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.net = mlp(2, width, depth, 1)
        self.log_z = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)[:, 0] + 0.05 * x.square().sum(1) + self.log_z
        return out


class FlowContrastivePlane(PlaneEnergy):
    """The classifier's logit is log p_energy - log p_flow."""

    key: ClassVar[str] = "flow-contrastive-plane"
    system: ClassVar[str] = "Flow contrastive estimation"
    paper: ClassVar[str] = "Gao et al. 2020, arXiv:1912.00589"
    turns: ClassVar[tuple[str, ...]] = ("potential", "flow")
    rates: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    learning_rate: ClassVar[float] = 2e-3
    Config = FlowContrastiveConfig

    def __init__(self, config: FlowContrastiveConfig = FlowContrastiveConfig()) -> None:
        super().__init__()
        self.config = config
        self.potential = _Energy(config.width, config.depth)
        self.flow = RealNVPPlane(RealNVPConfig(num_layers=config.num_layers))

    def energy(self, x: Tensor) -> Tensor:
        """Normalised already, as far as it has learned its constant."""
        energy: Tensor = self.potential(x)
        return energy

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """The energy tells the two apart; the flow follows the data by likelihood (the paper's joint objective)."""
        if turn == "flow":
            return {"loss": -self.flow.log_prob(x).mean()}
        with torch.no_grad():
            fake = self.flow.warp(gaussian_noise(x, generator))[-1]
            on_flow = self.flow.log_prob(x), self.flow.log_prob(fake)
        real = -self.energy(x) - on_flow[0]
        drawn = -self.energy(fake) - on_flow[1]
        return {"loss": F.softplus(-real).mean() + F.softplus(drawn).mean()}


MODEL = FlowContrastivePlane
