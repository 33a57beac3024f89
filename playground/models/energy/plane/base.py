"""What the energies of the plane share: the energy of a point, its gradient, its normalised density, and Langevin draws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

from playground.models.plane import PlaneModel, PlaneRequest, gaussian_noise

_GRID, _REACH = 240, 4.0  # cells a side, and half the side, of the square over which densities are normalised


class PlaneEnergy(PlaneModel):
    """p(x) = exp(-E(x)) / Z; in the plane Z is an integral that a grid can do, so the density is no secret here."""

    family: ClassVar[str] = "energy"
    has_density: ClassVar[bool] = True

    def energy(self, x: Tensor) -> Tensor:
        """(N,2) -> (N,), in nats up to a constant."""
        raise NotImplementedError

    def score(self, x: Tensor, level: float = 0.0) -> Tensor:
        """-grad E, (N,2)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.energy(x).sum(), x)
        return -gradient

    @torch.no_grad()
    def log_partition(self) -> Tensor:
        """log Z by the midpoint rule over the square."""
        side = 2 * _REACH / _GRID
        ticks = -_REACH + side * (torch.arange(_GRID) + 0.5)
        grid = torch.cartesian_prod(ticks, ticks).to(self.device)
        return torch.logsumexp(-self.energy(grid), 0) + 2 * math.log(side)

    def log_prob(self, x: Tensor) -> Tensor:
        """Normalised on a grid, over the square that the chains stay in: (N,2) -> (N,)."""
        return -self.energy(x) - self.log_partition()

    def chain(self, x: Tensor, generator: torch.Generator, num_steps: int, step: float) -> Iterator[Tensor]:
        """Langevin dynamics: x + step score + sqrt(2 step) noise (Welling and Teh 2011)."""
        for _ in range(num_steps):
            x = x + step * self.score(x) + math.sqrt(2 * step) * gaussian_noise(x, generator)
            x = x.clamp(-_REACH, _REACH)
            yield x

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Langevin chains from a wide Gaussian."""
        generator = torch.Generator().manual_seed(request.seed)
        start = 1.5 * z
        yield start, {"energy": self.energy(start).cpu().numpy()}
        for x in self.chain(start, generator, 200, 0.004):
            yield x, {}
