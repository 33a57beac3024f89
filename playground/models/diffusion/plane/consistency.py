"""Consistency model in the plane: any point of a path from noise to data leads to its end in one jump.

Song, Dhariwal, Chen and Sutskever 2023, "Consistency Models" (arXiv:2303.01469): consistency training, algorithm 3, with
the pseudo-Huber loss, the growing number of levels and no averaged teacher of Song and Dhariwal 2024 (arXiv:2310.14189).
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
class ConsistencyConfig:
    """Shape of the network, the noise levels (Karras et al. 2022, equation 5, rho = 7) and their number at the end."""

    width: int = 96
    depth: int = 3
    sigma_min: float = 0.005
    sigma_max: float = 12.0
    sigma_data: float = 1.0
    fewest: int = 10
    most: int = 160


@dataclass(frozen=True)
class ConsistencyPlaneRequest(PlaneRequest):
    """How often to jump."""

    num_steps: int = knob(
        2, label="num_steps", low=1, high=8, help="Jumps; between two, noise is added again."
    )


class ConsistencyPlane(PlaneModel):
    """f(x, sigma) = c_skip x + c_out F(c_in x, sigma): the identity where there is no noise (equation 5)."""

    family: ClassVar[str] = "diffusion"
    key: ClassVar[str] = "consistency-plane"
    system: ClassVar[str] = "Consistency model"
    paper: ClassVar[str] = "Song et al. 2023, arXiv:2303.01469; Song and Dhariwal 2024, arXiv:2310.14189"
    learning_rate: ClassVar[float] = 2e-3
    ema: ClassVar[float] = 0.998
    Config = ConsistencyConfig
    Request = ConsistencyPlaneRequest

    def __init__(self, config: ConsistencyConfig = ConsistencyConfig()) -> None:
        super().__init__()
        self.config = config
        self.net = TimeNet(config.width, config.depth)

    def jump(self, x: Tensor, sigma: Tensor) -> Tensor:
        """(N,2) with noise ``sigma`` (N,) -> where the path ends, (N,2)."""
        c, s = self.config, sigma[:, None]
        c_skip = c.sigma_data**2 / ((s - c.sigma_min).square() + c.sigma_data**2)
        c_out = c.sigma_data * (s - c.sigma_min) / (s.square() + c.sigma_data**2).sqrt()
        c_in = 1 / (s.square() + c.sigma_data**2).sqrt()
        return c_skip * x + c_out * self.net(c_in * x, sigma.log() / 4)

    def levels(self, count: int) -> Tensor:
        """``count`` noise levels, rising."""
        low, high = self.config.sigma_min ** (1 / 7), self.config.sigma_max ** (1 / 7)
        return torch.linspace(low, high, count) ** 7

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Two neighbouring points of one path are to end alike; the cleaner one is the teacher."""
        c = self.config
        levels = self.levels(round(c.fewest * (c.most / c.fewest) ** progress)).to(x.device)
        weights = torch.special.erf((levels[1:].log() + 1.1) / (2**0.5 * 2.0)) - torch.special.erf(
            (levels[:-1].log() + 1.1) / (2**0.5 * 2.0)
        )
        i = torch.multinomial(weights.cpu(), len(x), replacement=True, generator=generator).to(x.device)
        epsilon = gaussian_noise(x, generator)
        more, less = levels[i + 1], levels[i]
        ends = self.jump(x + more[:, None] * epsilon, more)
        with torch.no_grad():
            wanted = self.jump(x + less[:, None] * epsilon, less)
        distance = ((ends - wanted).square().sum(1) + 0.03**2).sqrt() - 0.03
        return {"loss": (distance / (more - less)).mean()}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Multistep sampling: algorithm 1."""
        c, count = self.config, getattr(request, "num_steps", 2)
        generator = torch.Generator().manual_seed(request.seed)
        x = c.sigma_max * z
        yield x, {}
        for i in range(count):
            sigma = c.sigma_max if i == 0 else float(self.levels(count + 1)[count - i])
            if i:
                x = x + (sigma**2 - c.sigma_min**2) ** 0.5 * gaussian_noise(x, generator)
            x = self.jump(x, torch.full((len(x),), sigma, device=x.device))
            yield x, {}


MODEL = ConsistencyPlane
