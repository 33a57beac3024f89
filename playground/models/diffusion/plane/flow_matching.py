"""Flow matching in the plane: a velocity field whose paths lead straight from noise to data, learned by regression.

Lipman, Chen, Ben-Hamu, Nickel and Le 2023, "Flow Matching for Generative Modeling" (arXiv:2210.02747), equation 23 with
sigma_min = 0; Liu, Gong and Liu 2023, "Flow Straight and Fast" (arXiv:2209.03003).  Time 0 is noise, time 1 is data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class FlowMatchingConfig:
    """Shape of the network."""

    width: int = 96
    depth: int = 3


@dataclass(frozen=True)
class FlowMatchingRequest(PlaneRequest):
    """How finely to follow the field."""

    num_steps: int = knob(30, label="num_steps", low=1, high=200, help="Steps of Heun's method.")


class FlowMatchingPlane(PlaneModel):
    """v(x, t) learned from pairs: x_t = (1 - t) noise + t data, whose velocity is data - noise."""

    family: ClassVar[str] = "diffusion"
    key: ClassVar[str] = "flow-matching-plane"
    system: ClassVar[str] = "Flow matching"
    paper: ClassVar[str] = "Lipman et al. 2023, arXiv:2210.02747"
    has_density: ClassVar[bool] = True
    ema: ClassVar[float] = 0.995
    Config = FlowMatchingConfig
    Request = FlowMatchingRequest

    def __init__(self, config: FlowMatchingConfig = FlowMatchingConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = TimeNet(config.width, config.depth)

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """E ||v(x_t, t) - (data - noise)||^2."""
        z, t = gaussian_noise(x, generator), uniform_noise(len(x), x, generator)
        x_t = torch.lerp(z, x, t[:, None])
        return {"loss": (self.net(x_t, t) - (x - z)).square().mean()}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Heun's method from noise to data; ``x_0_pred`` is where each point would end on a straight line."""
        count, x = getattr(request, "num_steps", 30), z
        for i in range(count):
            t = torch.full((1,), i / count, device=x.device)
            v = self.net(x, t)
            yield x, {"x_0_pred": (x + (1 - i / count) * v).cpu().numpy()}
            x = x + (v + self.net(x + v / count, t + 1 / count)) / (2 * count)
        yield x, {"x_0_pred": x.cpu().numpy()}

    def score(self, x: Tensor, level: float) -> Tensor:
        """grad log p_t from the velocity: (t v - x) / (1 - t), with ``level`` = 1 - t the share of noise."""
        t = 1 - max(level, 0.02)
        v = self.net(x, torch.full((1,), t, device=x.device))
        return (t * v - x) / (1 - t)

    def signal_and_noise(self, level: float) -> tuple[float, float]:
        """Shares of data and of noise: a straight line from one to the other."""
        return 1 - min(max(level, 0.02), 0.98), max(level, 0.02)

    def log_prob(self, x: Tensor, num_steps: int = 40) -> Tensor:
        """The ODE followed backwards with the exact divergence: (N,2) -> (N,)."""
        total = torch.zeros(len(x), device=x.device)
        h = 1 / num_steps
        for i in range(num_steps, 0, -1):
            v_1, d_1 = self._velocity_and_divergence(x, i * h)
            v_2, d_2 = self._velocity_and_divergence(x - h * v_1, (i - 1) * h)
            x, total = x - h / 2 * (v_1 + v_2), total - h / 2 * (d_1 + d_2)
        return standard_normal_log_prob(x) + total

    def _velocity_and_divergence(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = self.net(x, torch.full((1,), t, device=x.device))
            rows = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=i == 0)[0][:, i] for i in (0, 1)]
        return v.detach(), rows[0] + rows[1]


MODEL = FlowMatchingPlane
