"""FFJORD in the plane: points flow along a learned velocity field, and the log density changes by its divergence.

Grathwohl, Chen, Bettencourt, Sutskever and Duvenaud 2019, "FFJORD: Free-form Continuous Dynamics for Scalable Reversible
Generative Models" (arXiv:1810.01367), equation 4.  In the plane the trace is exact and cheap: two Jacobian-vector products,
where the paper estimates it by noise.  The ordinary differential equation is solved by fixed Runge-Kutta steps.  The same
network can be trained without solving anything, by flow matching (Lipman et al. 2023, arXiv:2210.02747).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from playground.models.plane import (
    PlaneModel,
    PlaneRequest,
    gaussian_noise,
    standard_normal_log_prob,
    uniform_noise,
)


@dataclass(frozen=True)
class FFJORDConfig:
    """Shape of the network and of the solver; time 0 is the data, time 1 the noise.  ``objective``: likelihood or matching."""

    width: int = 48
    depth: int = 2
    num_steps: int = 4
    objective: str = "likelihood"


class Velocity(nn.Module):
    """dx/dt = f(x, t) by tanh layers ("concatsquash" of the authors' code: time gates and shifts every layer).

    The derivative of its output along each axis is carried forward beside the values, so the trace is exact.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        sizes = [2, *[width] * depth, 2]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.gates = nn.ModuleList(nn.Linear(1, b) for b in sizes[1:])
        self.shifts = nn.ModuleList(nn.Linear(1, b, bias=False) for b in sizes[1:])

    def forward(self, x: Tensor, t: float | Tensor) -> tuple[Tensor, Tensor]:
        """x (N,2), a time for all or one for each (N,1) -> velocity (N,2) and divergence (N,)."""
        time = t if isinstance(t, Tensor) else torch.full((1, 1), t).to(x)
        h = x
        along = torch.eye(2).to(x)[:, None].expand(2, len(x), 2)  # tangents of the two axes
        for i, (layer, gate, shift) in enumerate(zip(self.layers, self.gates, self.shifts, strict=True)):
            g = torch.sigmoid(gate(time))
            h = layer(h) * g + shift(time)
            assert isinstance(layer, nn.Linear)
            along = along @ layer.weight.T * g
            if i < len(self.layers) - 1:
                h = torch.tanh(h)
                along = along * (1 - h.square())
        return h, along[0, :, 0] + along[1, :, 1]


class FFJORDPlane(PlaneModel):
    """A continuous normalising flow trained by its exact likelihood, or by flow matching."""

    family: ClassVar[str] = "flow"
    key: ClassVar[str] = "ffjord-plane"
    system: ClassVar[str] = "FFJORD"
    paper: ClassVar[str] = "Grathwohl et al. 2019, arXiv:1810.01367"
    has_density: ClassVar[bool] = True
    learning_rate: ClassVar[float] = 1e-2
    Config = FFJORDConfig

    def __init__(self, config: FFJORDConfig = FFJORDConfig()) -> None:
        super().__init__()
        self.config = config
        self.velocity = Velocity(config.width, config.depth)

    def solve(self, x: Tensor, begin: float, end: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Classical Runge-Kutta steps from one time to another: points and the integral of the divergence so far."""
        total = torch.zeros(len(x), device=x.device)
        h = (end - begin) / self.config.num_steps
        for i in range(self.config.num_steps):
            t = begin + i * h
            k_1, d_1 = self.velocity(x, t)
            k_2, d_2 = self.velocity(x + h / 2 * k_1, t + h / 2)
            k_3, d_3 = self.velocity(x + h / 2 * k_2, t + h / 2)
            k_4, d_4 = self.velocity(x + h * k_3, t + h)
            x = x + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
            total = total + h / 6 * (d_1 + 2 * d_2 + 2 * d_3 + d_4)
            yield x, total

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = log N(z) + the integral of the divergence from data to noise; (N,2) -> (N,)."""
        *_, (z, total) = self.solve(x, 0.0, 1.0)
        return standard_normal_log_prob(z) + total

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Negative log-likelihood in nats; or the squared error of the velocity on straight lines from data to noise."""
        if self.config.objective == "likelihood":
            return {"loss": -self.log_prob(x).mean()}
        z, t = gaussian_noise(x, generator), uniform_noise(len(x), x, generator)[:, None]
        velocity, _ = self.velocity(torch.lerp(x, z, t), t)
        return {"loss": (velocity - (z - x)).square().mean()}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """From noise back to data."""
        yield z, {}
        for x, _ in self.solve(z, 1.0, 0.0):
            yield x, {}


MODEL = FFJORDPlane
