"""An energy at every level of noise, learned by denoising: no chain runs in training, and annealed chains draw.

Vincent 2011, "A Connection Between Score Matching and Denoising Autoencoders"; Song and Ermon 2019 (arXiv:1907.05600),
algorithm 1 (annealed Langevin dynamics), with the score as the gradient of an energy (Salimans and Ho 2021, "Should EBMs
model the energy or the score?").

At one small level of noise nothing says how heavy two far-apart heaps are against each other: between them there is no data to
learn a slope from.  Levels together do say it, so the density is that of the probability-flow ODE through all of them (Song et
al. 2021, arXiv:2011.13456, appendix D.2), and not exp(-E) of the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from playground.models.energy.plane.base import PlaneEnergy
from playground.models.plane import (
    PlaneRequest,
    TimeNet,
    gaussian_noise,
    standard_normal_log_prob,
    uniform_noise,
)


@dataclass(frozen=True)
class DenoisingConfig:
    """Shape of the network, and the range of the noise."""

    width: int = 96
    depth: int = 3
    sigma_min: float = 0.02
    sigma_max: float = 3.0
    num_levels: int = 40
    num_steps: int = 3


class DenoisingEBMPlane(PlaneEnergy):
    """E(x, sigma) = ||c x - F(c x, sigma)||^2 / (2 c sigma), c = 1 / sqrt(1 + sigma^2): an energy with a floor."""

    key: ClassVar[str] = "denoising-ebm-plane"
    system: ClassVar[str] = "Energy by denoising"
    paper: ClassVar[str] = "Vincent 2011; Song and Ermon 2019, arXiv:1907.05600"
    ema: ClassVar[float] = 0.995
    is_density_quick: ClassVar[bool] = False
    Config = DenoisingConfig

    def __init__(self, config: DenoisingConfig = DenoisingConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = TimeNet(config.width, config.depth)

    def energy_at(self, x: Tensor, sigma: Tensor) -> Tensor:
        """(N,2), levels (N,) or (1,) -> (N,): scaled so that its gradient is of the size of the noise."""
        c_in = 1 / (1 + sigma.square()).sqrt()
        scaled = x * c_in[:, None]
        level = (sigma / self.config.sigma_min).log() / math.log(
            self.config.sigma_max / self.config.sigma_min
        )
        residual = scaled - self.net(scaled, level)
        return 0.5 * residual.square().sum(1) / (c_in * sigma)

    def energy(self, x: Tensor) -> Tensor:
        """At the smallest noise."""
        return self.energy_at(x, torch.full((1,), self.config.sigma_min, device=x.device))

    def score_at(self, x: Tensor, sigma: Tensor, create_graph: bool = False) -> Tensor:
        """-grad E, (N,2)."""
        with torch.enable_grad():
            x = x if create_graph and x.requires_grad else x.detach().requires_grad_()
            total = self.energy_at(x, sigma).sum()
            (gradient,) = torch.autograd.grad(total, x, create_graph=create_graph)
        return -gradient

    def score(self, x: Tensor, level: float = 0.0) -> Tensor:
        """At a level between the smallest noise (0) and the largest (1)."""
        sigma = self.config.sigma_min * (self.config.sigma_max / self.config.sigma_min) ** level
        return self.score_at(x, torch.full((1,), sigma, device=x.device))

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """||sigma score + epsilon||^2 at levels spread evenly in log sigma."""
        c = self.config
        sigma = c.sigma_min * (c.sigma_max / c.sigma_min) ** uniform_noise(len(x), x, generator)
        epsilon = gaussian_noise(x, generator)
        score = self.score_at(x + sigma[:, None] * epsilon, sigma, create_graph=True)
        return {"loss": (sigma[:, None] * score + epsilon).square().mean()}

    def log_prob(self, x: Tensor, num_steps: int = 80) -> Tensor:
        """Along dx / d log sigma = -sigma^2 score, with the exact trace, by Heun's method: (N,2) -> (N,)."""
        c = self.config
        levels = torch.linspace(math.log(c.sigma_min), math.log(c.sigma_max), num_steps + 1).to(x)
        total = torch.zeros_like(x[:, 0])
        for now, then in pairwise(levels):
            h = then - now
            v_1, d_1 = self._velocity_and_divergence(x, now.exp())
            v_2, d_2 = self._velocity_and_divergence(x + h * v_1, then.exp())
            x, total = x + h / 2 * (v_1 + v_2), total + h / 2 * (d_1 + d_2)
        spread = math.sqrt(1 + c.sigma_max**2)  # of data whose spread is 1, under the largest noise
        return standard_normal_log_prob(x / spread) - 2 * math.log(spread) + total

    def _velocity_and_divergence(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = -sigma.square() * self.score_at(x, sigma[None], create_graph=True)
            rows = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=i == 0)[0][:, i] for i in (0, 1)]
        return v.detach(), rows[0] + rows[1]

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Annealed Langevin dynamics, and one step of the mean at the end (Jolicoeur-Martineau et al. 2021)."""
        c = self.config
        generator = torch.Generator().manual_seed(request.seed)
        levels = torch.logspace(math.log10(c.sigma_max), math.log10(c.sigma_min), c.num_levels).tolist()
        x = math.sqrt(1 + c.sigma_max**2) * z
        yield x, {}
        for sigma in levels:
            at = torch.full((1,), sigma, device=x.device)
            for _ in range(c.num_steps):
                step = 0.3 * sigma**2
                x = x + step * self.score_at(x, at) + math.sqrt(2 * step) * gaussian_noise(x, generator)
            yield x, {"sigma": sigma}
        yield x + c.sigma_min**2 * self.score_at(x, at), {"sigma": 0.0}


MODEL = DenoisingEBMPlane
