"""What the two score SDEs of the plane share: denoising score matching, the reverse SDE and the probability-flow ODE.

Song, Sohl-Dickstein, Kingma, Kumar, Ermon and Poole 2021, "Score-Based Generative Modeling through Stochastic Differential
Equations" (arXiv:2011.13456): equations 6, 7 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from playground.contract import knob
from playground.models.plane import (
    PlaneModel,
    PlaneRequest,
    TimeNet,
    gaussian_noise,
    standard_normal_log_prob,
    uniform_noise,
)

Epsilon = Callable[[Tensor, Tensor], Tensor]  # (N,2), times (N,) or (1,) -> the noise, (N,2)


@dataclass(frozen=True)
class ScoreSDERequest(PlaneRequest):
    """How to walk back."""

    sampler: str = knob(
        "ode",
        label="sampler",
        choices=(("ode", "probability-flow ODE"), ("sde", "reverse SDE")),
        help="The ODE is the same flow without noise: Heun's method. The SDE adds fresh noise at each step: Euler and Maruyama.",
    )
    num_steps: int = knob(40, label="num_steps", low=4, high=400, help="Steps from noise to data.")


class ScoreSDEPlane(PlaneModel):
    """x_t = alpha(t) x_0 + sigma(t) epsilon; a network predicts epsilon, so that the score is -epsilon / sigma."""

    family: ClassVar[str] = "diffusion"
    has_density: ClassVar[bool] = True
    ema: ClassVar[float] = 0.995
    Request = ScoreSDERequest
    smallest: ClassVar[float] = 1e-3  # the time at which the way back ends

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.net = TimeNet(width, depth)

    def alpha(self, t: Tensor) -> Tensor:
        """How much of x_0 is left at time t in 0..1."""
        raise NotImplementedError

    def sigma(self, t: Tensor) -> Tensor:
        """How much noise there is."""
        raise NotImplementedError

    def drift_and_diffusion(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """f(t) of dx = f x dt + g dw, and g(t)."""
        raise NotImplementedError

    def epsilon_pred(self, x_t: Tensor, t: Tensor) -> Tensor:
        """(N,2), times (N,), or (1,) for all, -> (N,2); the input is scaled to spread 1 (Karras et al. 2022, arXiv:2206.00364, table 1)."""
        spread = (self.alpha(t).square() + self.sigma(t).square()).sqrt()
        out: Tensor = self.net(x_t / spread[:, None], t)
        return out

    def epsilon_for(self, request: PlaneRequest, count: int) -> Epsilon:
        """What predicts the noise in ``count`` points that a request asks for."""
        return self.epsilon_pred

    def score(self, x_t: Tensor, level: float) -> Tensor:
        """grad log p_t (N,2) at time ``level``."""
        return self.score_by(self.epsilon_pred, x_t, level)

    def score_by(self, epsilon: Epsilon, x_t: Tensor, level: float) -> Tensor:
        """The same by another prediction of the noise."""
        t = torch.full((1,), max(level, self.smallest), device=x_t.device)
        return -epsilon(x_t, t) / self.sigma(t)[:, None]

    def signal_and_noise(self, level: float) -> tuple[float, float]:
        """alpha and sigma at time ``level``."""
        t = torch.tensor([max(level, self.smallest)])
        return float(self.alpha(t)), float(self.sigma(t))

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Equation 7 with weight sigma^2."""
        t = self.smallest + (1 - self.smallest) * uniform_noise(len(x), x, generator)
        epsilon = gaussian_noise(x, generator)
        x_t = self.alpha(t)[:, None] * x + self.sigma(t)[:, None] * epsilon
        return {"loss": (epsilon - self.epsilon_pred(x_t, t)).square().mean()}

    def velocity(self, x: Tensor, t: Tensor, epsilon: Epsilon | None = None) -> Tensor:
        """dx/dt of the probability-flow ODE: f x - g^2 score / 2."""
        f, g = self.drift_and_diffusion(t)
        noise = (epsilon or self.epsilon_pred)(x, t)
        return f[:, None] * x + (0.5 * g.square() / self.sigma(t))[:, None] * noise

    def times(self, count: int) -> Tensor:
        """count + 1 times from 1 down, closer together where the noise is small."""
        return torch.linspace(1, self.smallest ** (1 / 3), count + 1) ** 3

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """From noise of the prior's spread to data."""
        times = self.times(getattr(request, "num_steps", 40)).to(z.device)
        stochastic = getattr(request, "sampler", "ode") == "sde"
        generator = torch.Generator().manual_seed(request.seed)
        epsilon = self.epsilon_for(request, len(z))
        x = z * self.sigma(times[:1])
        yield x, {}
        for now, then in pairwise(times):
            t, h = now[None], then - now
            if stochastic:
                f, g = self.drift_and_diffusion(t)
                score = -epsilon(x, t) / self.sigma(t)[:, None]
                x = x + h * (f[:, None] * x - g.square()[:, None] * score)
                x = x + g[:, None] * (-h).sqrt() * gaussian_noise(x, generator)
            else:
                first = self.velocity(x, t, epsilon)
                x = x + h / 2 * (first + self.velocity(x + h * first, then[None], epsilon))
            yield x, {}

    def log_prob(self, x: Tensor, num_steps: int = 60) -> Tensor:
        """By the instantaneous change of variables along the ODE (appendix D.2), with the exact trace: (N,2) -> (N,)."""
        times = self.times(num_steps).flip(0).to(x.device)
        total = torch.zeros(len(x), device=x.device)
        for now, then in pairwise(times):
            h = then - now
            v_1, d_1 = self._velocity_and_divergence(x, now[None])
            v_2, d_2 = self._velocity_and_divergence(x + h * v_1, then[None])
            x, total = x + h / 2 * (v_1 + v_2), total + h / 2 * (d_1 + d_2)
        end = self.sigma(times[-1:])
        return standard_normal_log_prob(x / end) - 2 * end.log() + total

    def _velocity_and_divergence(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = self.velocity(x, t)
            rows = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=i == 0)[0][:, i] for i in (0, 1)]
        return v.detach(), rows[0] + rows[1]
