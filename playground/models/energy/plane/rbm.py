"""A restricted Boltzmann machine over a gridded plane: each coordinate is one of a few columns, as a softmax unit.

Smolensky 1986; Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines", sections 3 and 13.1 (softmax
units).  All cells can be counted, so the likelihood, a secret in larger machines, is exact here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.plane import PlaneModel, PlaneRequest


@dataclass(frozen=True)
class RBMConfig:
    """Columns of the grid, hidden units, chains, and half the side of the square."""

    columns: int = 32
    num_hidden: int = 128
    num_chains: int = 1024
    num_steps: int = 3
    reach: float = 3.2


class RBMPlane(PlaneModel):
    """Energy -v W h - b v - c h of a one-hot column, a one-hot row and hidden units that are on or off."""

    family: ClassVar[str] = "energy"
    key: ClassVar[str] = "rbm-plane"
    system: ClassVar[str] = "Restricted Boltzmann machine"
    paper: ClassVar[str] = "Smolensky 1986; Hinton 2010"
    has_density: ClassVar[bool] = True
    learning_rate: ClassVar[float] = 1e-2
    Config = RBMConfig
    chains: Tensor  # int64 (num_chains, 2)

    def __init__(self, config: RBMConfig = RBMConfig()) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(0.05 * torch.randn(2, config.columns, config.num_hidden))
        self.visible = nn.Parameter(torch.zeros(2, config.columns))
        self.hidden = nn.Parameter(torch.zeros(config.num_hidden))
        self.register_buffer("chains", torch.randint(config.columns, (config.num_chains, 2)))

    def cells(self, x: Tensor) -> Tensor:
        """Points (N,2) -> columns and rows, int64 (N,2); what lies outside counts to the border."""
        c = self.config
        return ((x + c.reach) / (2 * c.reach) * c.columns).floor().long().clamp(0, c.columns - 1)

    def _on_hidden(self, cells: Tensor) -> Tensor:
        return self.hidden + self.weight[0][cells[:, 0]] + self.weight[1][cells[:, 1]]  # (N, hidden)

    def free_energy(self, cells: Tensor) -> Tensor:
        """(N,2) -> (N,): hidden units summed out (section 3 of the guide)."""
        bias = self.visible[0][cells[:, 0]] + self.visible[1][cells[:, 1]]
        return -bias - F.softplus(self._on_hidden(cells)).sum(1)

    def gibbs(self, cells: Tensor, generator: torch.Generator) -> Tensor:
        """Hidden units given the cells, then column and row given the hidden units."""
        p = self._on_hidden(cells).sigmoid()
        h = (torch.rand(p.shape, generator=generator).to(p) < p).float()
        logits = self.visible + torch.einsum("ckh,nh->nck", self.weight, h)  # (N, 2, columns)
        uniform = torch.rand(logits.shape, generator=generator).to(logits).clamp_min(1e-9)
        return (logits - (-uniform.log()).log()).argmax(-1)  # the Gumbel trick draws from the softmax

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Persistent contrastive divergence: free energy of data minus that of chains."""
        with torch.no_grad():
            for _ in range(self.config.num_steps):
                self.chains.copy_(self.gibbs(self.chains, generator))
        difference = self.free_energy(self.cells(x)).mean() - self.free_energy(self.chains).mean()
        return {"loss": difference}

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact: all cells are counted, and within one all points are equal.  (N,2) -> (N,)."""
        c = self.config
        every = torch.cartesian_prod(torch.arange(c.columns), torch.arange(c.columns)).to(x.device)
        log_z = torch.logsumexp(-self.free_energy(every), 0)
        return -self.free_energy(self.cells(x)) - log_z - 2 * math.log(2 * c.reach / c.columns)

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Gibbs chains from cells at random; a point lies anywhere in its cell."""
        c = self.config
        generator = torch.Generator().manual_seed(request.seed)
        inside = torch.special.ndtr(z)
        cells = (torch.rand(len(z), 2, generator=generator) * c.columns).long().to(z.device)
        for step in range(200):
            yield (cells + inside) / c.columns * 2 * c.reach - c.reach, {"sweep": step}
            cells = self.gibbs(cells, generator)
        yield (cells + inside) / c.columns * 2 * c.reach - c.reach, {"sweep": 200}


MODEL = RBMPlane
