"""VAEBM in the plane: what a VAE draws is refined by an energy that learned where the VAE is wrong.

Xiao, Kreis, Kautz and Vahdat 2021, "VAEBM: A Symbiosis between Variational Autoencoders and Energy-based Models"
(arXiv:2010.00654), equations 4 to 8: p(x, z) is the VAE's times exp(-E(x)); chains run in the space of z and of the decoder's
noise, where the density is nearly a plain Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from playground.models.plane import PlaneModel, PlaneRequest, gaussian_noise, mlp
from playground.models.vae.plane.vae import VAEConfig, VAEPlane


@dataclass(frozen=True)
class VAEBMConfig:
    """``vae_share``: the part of the training in which the VAE learns, alone; then it is held, and the energy learns."""

    width: int = 96
    depth: int = 3
    vae_share: float = 0.5
    num_steps: int = 10
    step_size: float = 0.08
    regularisation: float = 0.02


class VAEBMPlane(PlaneModel):
    """A VAE and an energy upon it."""

    family: ClassVar[str] = "energy"
    key: ClassVar[str] = "vaebm-plane"
    system: ClassVar[str] = "VAEBM"
    paper: ClassVar[str] = "Xiao et al. 2021, arXiv:2010.00654"
    turns: ClassVar[tuple[str, ...]] = ("vae", "potential")
    rates: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    learning_rate: ClassVar[float] = 2e-3
    batch_size: ClassVar[int] = 256
    Config = VAEBMConfig

    def __init__(self, config: VAEBMConfig = VAEBMConfig()) -> None:
        super().__init__()
        self.config = config
        self.vae = VAEPlane(VAEConfig(warmup=0.5))
        self.potential: nn.Module = mlp(2, config.width, config.depth, 1, zero=True)

    def energy(self, x: Tensor) -> Tensor:
        """(N,2) -> (N,), beside the VAE's own density."""
        energy: Tensor = self.potential(x)[:, 0]
        return energy

    def decode(self, noise: Tensor) -> Tensor:
        """z and the decoder's own noise, together (N,4), -> a point (N,2): equation 7."""
        mean, log_sigma = self.vae.decode(noise[:, :2])
        points: Tensor = mean + log_sigma.exp() * noise[:, 2:]
        return points

    def chain(self, noise: Tensor, generator: torch.Generator, num_steps: int) -> Iterator[Tensor]:
        """Langevin dynamics on E(x(noise)) + ||noise||^2 / 2: equation 8."""
        step = self.config.step_size
        for _ in range(num_steps):
            with torch.enable_grad():
                noise = noise.detach().requires_grad_()
                total = self.energy(self.decode(noise)).sum() + 0.5 * noise.square().sum()
                (gradient,) = torch.autograd.grad(total, noise)
            noise = noise.detach() - step * gradient + math.sqrt(2 * step) * gaussian_noise(noise, generator)
            yield noise

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """The VAE's bound in the first part; then E(data) - E(chains)."""
        share = self.config.vae_share
        if turn == "vae":
            found = self.vae.loss(x, generator, "", min(1.0, progress / share))
            return found if progress < share else {"loss": 0.0 * found["loss"]}
        if progress < share:
            return {"loss": 0.0 * self.energy(x).mean()}
        start = gaussian_noise(torch.empty(len(x), 4, device=x.device), generator)
        *_, end = self.chain(start, generator, self.config.num_steps)
        with torch.no_grad():
            drawn = self.decode(end)
        on_data, on_chains = self.energy(x), self.energy(drawn)
        size = on_data.square().mean() + on_chains.square().mean()
        return {"loss": on_data.mean() - on_chains.mean() + self.config.regularisation * size}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """The VAE's points, then the chains that refine them."""
        generator = torch.Generator().manual_seed(request.seed)
        start = torch.cat([z, gaussian_noise(z, generator)], 1)
        yield self.decode(start), {}
        for noise in self.chain(start, generator, 60):
            yield self.decode(noise), {}


MODEL = VAEBMPlane
