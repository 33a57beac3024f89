"""A generative stochastic network in the plane: a Markov chain that spoils a point and draws what it may have been.

Bengio, Thibodeau-Laufer, Alain and Yosinski 2014, "Deep Generative Stochastic Networks Trainable by Backprop"
(arXiv:1306.1091), theorem 1: if the second step is learned well, the chain settles at the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.models.plane import LOG_2PI, PlaneModel, PlaneRequest, gaussian_noise, mlp


@dataclass(frozen=True)
class GSNConfig:
    """Width of the noise, shape of the network, Gaussians of its answer; ``walk_back``: steps of the chain in training."""

    sigma: float = 0.5
    width: int = 96
    depth: int = 3
    num_components: int = 8
    walk_back: int = 2


class GSNPlane(PlaneModel):
    """P(x given spoiled x) as a mixture of Gaussians."""

    family: ClassVar[str] = "energy"
    key: ClassVar[str] = "gsn-plane"
    system: ClassVar[str] = "Generative stochastic network"
    paper: ClassVar[str] = "Bengio et al. 2014, arXiv:1306.1091"
    Config = GSNConfig

    def __init__(self, config: GSNConfig = GSNConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = mlp(2, config.width, config.depth, 5 * config.num_components)

    def _mixture(self, spoiled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        raw = self.net(spoiled).view(len(spoiled), self.config.num_components, 5)
        return raw[..., 0], spoiled[:, None] + raw[..., 1:3], raw[..., 3:].clamp(-5, 1)

    def log_reconstruction(self, x: Tensor, spoiled: Tensor) -> Tensor:
        """log P(x given spoiled), (N,)."""
        logits, means, log_scales = self._mixture(spoiled)
        z = (x[:, None] - means) * (-log_scales).exp()
        parts = (-0.5 * (z.square() + LOG_2PI) - log_scales).sum(-1)
        return torch.logsumexp(F.log_softmax(logits, -1) + parts, -1)

    def step(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Spoil, then draw."""
        spoiled = x + self.config.sigma * gaussian_noise(x, generator)
        logits, means, log_scales = self._mixture(spoiled)
        chosen = torch.multinomial(logits.softmax(-1).cpu(), 1, generator=generator).to(x.device)
        index = chosen[..., None].expand(-1, 1, 2)
        mean, log_scale = means.gather(1, index)[:, 0], log_scales.gather(1, index)[:, 0]
        return mean + log_scale.exp() * gaussian_noise(x, generator)

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Walk-back training (section 3.2): from where the chain has strayed, the way leads back to x."""
        total, at = torch.zeros((), device=x.device), x
        for _ in range(self.config.walk_back):
            spoiled = at + self.config.sigma * gaussian_noise(x, generator)
            total = total - self.log_reconstruction(x, spoiled).mean()
            with torch.no_grad():
                at = self.step(at, generator)
        return {"loss": total / self.config.walk_back}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """The chain from a Gaussian."""
        generator, x = torch.Generator().manual_seed(request.seed), z
        yield x, {}
        for _ in range(100):
            x = self.step(x, generator)
            yield x, {}


MODEL = GSNPlane
