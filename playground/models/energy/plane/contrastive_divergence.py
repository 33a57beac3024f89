"""A deep energy trained by persistent contrastive divergence with Langevin chains.

Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence"; Tieleman 2008 (persistent chains); Du and
Mordatch 2019 (arXiv:1903.08689), algorithm 1: a buffer of chains, a twentieth of which begin again at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from playground.models.energy.plane.base import PlaneEnergy
from playground.models.plane import gaussian_noise, mlp, uniform_noise


@dataclass(frozen=True)
class ContrastiveDivergenceConfig:
    """Shape of the network, and of the chains."""

    width: int = 96
    depth: int = 3
    buffer: int = 4096
    num_steps: int = 10
    step_size: float = 0.003
    restarts: float = 0.05
    regularisation: float = 0.01


class ContrastiveDivergencePlane(PlaneEnergy):
    """E(data) goes down, E(chains) goes up."""

    key: ClassVar[str] = "contrastive-divergence-plane"
    system: ClassVar[str] = "Energy by contrastive divergence"
    paper: ClassVar[str] = "Hinton 2002; Du and Mordatch 2019, arXiv:1903.08689"
    learning_rate: ClassVar[float] = 2e-3
    batch_size: ClassVar[int] = 256
    Config = ContrastiveDivergenceConfig
    chains: Tensor  # (buffer, 2)

    def __init__(self, config: ContrastiveDivergenceConfig = ContrastiveDivergenceConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = mlp(2, config.width, config.depth, 1)
        self.register_buffer("chains", 1.5 * torch.randn(config.buffer, 2))

    def energy(self, x: Tensor) -> Tensor:
        """A network, and a weak bowl so that nothing runs away."""
        return self.net(x)[:, 0] + 0.05 * x.square().sum(1)

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """E(data) - E(chains), and a small square of both."""
        c = self.config
        chosen = torch.randint(c.buffer, (len(x),), generator=generator).to(x.device)
        start = self.chains[chosen]
        fresh = uniform_noise(len(x), x, generator) < c.restarts
        start = torch.where(fresh[:, None], 1.5 * gaussian_noise(start, generator), start)
        *_, end = self.chain(start, generator, c.num_steps, c.step_size)
        self.chains[chosen] = end.detach()
        on_data, on_chains = self.energy(x), self.energy(end.detach())
        size = on_data.square().mean() + on_chains.square().mean()
        difference = on_data.mean() - on_chains.mean()
        return {"loss": difference + c.regularisation * size, "difference": difference}


MODEL = ContrastiveDivergencePlane
