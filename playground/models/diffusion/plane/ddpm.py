"""DDPM in the plane: predict the noise, take a little of it away, a hundred times.

Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), algorithms 1 and 2; drawn by
ancestral steps, or without fresh noise by DDIM (Song, Meng and Ermon 2021, arXiv:2010.02502, equation 12).  Instead of the
noise the network may guess the clean point, or v (Salimans and Ho 2022, arXiv:2202.00512, section 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from playground.contract import knob
from playground.models.plane import PlaneModel, PlaneRequest, TimeNet, gaussian_noise


@dataclass(frozen=True)
class DDPMConfig:
    """Shape of the network, the linear schedule of beta over ``num_timesteps``, and the ``objective``: epsilon, x_0 or v."""

    width: int = 96
    depth: int = 3
    num_timesteps: int = 100
    beta_min: float = 1e-3
    beta_max: float = 0.12
    objective: str = "epsilon"


@dataclass(frozen=True)
class DDPMPlaneRequest(PlaneRequest):
    """How to walk back."""

    eta: float = knob(
        1.0, label="eta", low=0.0, high=1.0, step=0.1, help="Fresh noise at each step: 1 is DDPM, 0 is DDIM."
    )


class DDPMPlane(PlaneModel):
    """A network that guesses the noise in x_t."""

    family: ClassVar[str] = "diffusion"
    key: ClassVar[str] = "ddpm-plane"
    system: ClassVar[str] = "DDPM"
    paper: ClassVar[str] = "Ho et al. 2020, arXiv:2006.11239"
    ema: ClassVar[float] = 0.995
    Config = DDPMConfig
    Request = DDPMPlaneRequest
    alpha_bar: Tensor  # (num_timesteps + 1,), from 1

    def __init__(self, config: DDPMConfig = DDPMConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = TimeNet(config.width, config.depth)
        betas = torch.linspace(config.beta_min, config.beta_max, config.num_timesteps)
        self.register_buffer("alpha_bar", torch.cat([torch.ones(1), (1 - betas).cumprod(0)]))

    def epsilon_pred(self, x_t: Tensor, t: Tensor) -> Tensor:
        """(N,2), integer timesteps (N,) or (1,) from 1 -> the noise, (N,2)."""
        out: Tensor = self.net(x_t, t.float() / self.config.num_timesteps)
        signal, spread = self._shares(t)
        if self.config.objective == "v":
            return signal * out + spread * x_t
        return (x_t - signal * out) / spread if self.config.objective == "x_0" else out

    def _shares(self, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha_bar = self.alpha_bar[t][:, None]
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """The squared error of what is guessed; of the noise it is equation 14."""
        t = torch.randint(1, self.config.num_timesteps + 1, (len(x),), generator=generator).to(x.device)
        signal, spread = self._shares(t)
        epsilon = gaussian_noise(x, generator)
        guess = self.net(signal * x + spread * epsilon, t.float() / self.config.num_timesteps)
        wanted = {"epsilon": epsilon, "x_0": x, "v": signal * epsilon - spread * x}[self.config.objective]
        return {"loss": (wanted - guess).square().mean()}

    def score(self, x_t: Tensor, level: float) -> Tensor:
        """grad log p_t at a share of the timesteps: the arrows of the field, (N,2)."""
        t = max(1, round(level * self.config.num_timesteps))
        steps = torch.full((1,), t, device=x_t.device)
        return -self.epsilon_pred(x_t, steps) / (1 - self.alpha_bar[t]).sqrt()

    def signal_and_noise(self, level: float) -> tuple[float, float]:
        """The roots of alpha-bar and of the rest, at a share of the timesteps."""
        alpha_bar = float(self.alpha_bar[max(1, round(level * self.config.num_timesteps))])
        return alpha_bar**0.5, (1 - alpha_bar) ** 0.5

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """From x_T down; ``x_0_pred`` is what the network thinks each point will be."""
        eta = getattr(request, "eta", 1.0)
        generator = torch.Generator().manual_seed(request.seed)
        x = z
        yield x, {"x_0_pred": x.cpu().numpy()}
        for t in range(self.config.num_timesteps, 0, -1):
            now, before = self.alpha_bar[t], self.alpha_bar[t - 1]
            epsilon = self.epsilon_pred(x, torch.full((1,), t, device=x.device))
            x_0 = (x - (1 - now).sqrt() * epsilon) / now.sqrt()
            sigma = eta * ((1 - before) / (1 - now) * (1 - now / before)).sqrt()
            x = before.sqrt() * x_0 + (1 - before - sigma**2).clamp_min(0).sqrt() * epsilon
            x = x + sigma * gaussian_noise(x, generator)
            yield x, {"x_0_pred": x_0.cpu().numpy()}


MODEL = DDPMPlane
