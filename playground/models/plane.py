"""What all models of points in the plane share: their request, their frames and their small networks.

A model of the plane is one file in ``models/<family>/plane/``: a frozen ``Config``, a network, a loss and a sampler.  It
sees points whose mean is 0 and whose spread is about 1 (``training/plane.py`` shifts and scales them).  It has no
checkpoint: it is trained before the user's eyes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Request, State, knob
from playground.models import noise

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class PlaneRequest(Request):
    """How many points to draw."""

    num_samples: int = knob(
        2000, label="num_samples", low=1, high=20_000, help="How many points are drawn together."
    )


@runtime_checkable
class HasScoreField(Protocol):
    """A model that knows the gradient of the log-density, at every level of noise."""

    def score(self, x: Tensor, level: float = 0.0) -> Tensor:
        """grad log p (N,2) at points ``x`` (N,2) under noise of a level in 0..1."""


@runtime_checkable
class KnowsItsNoise(HasScoreField, Protocol):
    """A diffusion model: at each level of noise a point is alpha times a clean one and sigma times normal numbers."""

    def signal_and_noise(self, level: float) -> tuple[float, float]:
        """alpha and sigma at a level in 0..1."""


@runtime_checkable
class LearnsClasses(Protocol):
    """A model that is told in training which of the target's two classes each point is of."""

    def loss_of_classes(self, x: Tensor, classes: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``x`` float32 (B,2), ``classes`` int64 (B,), 0 or 1; as :meth:`PlaneModel.loss` else."""


class PlaneModel(nn.Module):
    """A density, or a sampler, over points (x, y).

    Attributes:
        key: id on the command line, ``made-plane``.
        turns: submodules that learn in turn, or ``("",)``: all of it at once.
        rates: learning rate of each turn, as a multiple of the recipe's.
        has_density: whether :meth:`log_prob` is defined; ``bound``: whether it is a lower bound only.
        is_density_quick: whether it can be asked while the model trains; an ODE for each point cannot.
    """

    family: ClassVar[str]
    key: ClassVar[str]
    system: ClassVar[str]
    paper: ClassVar[str]
    turns: ClassVar[tuple[str, ...]] = ("",)
    rates: ClassVar[tuple[float, ...]] = (1.0,)
    has_density: ClassVar[bool] = False
    bound: ClassVar[bool] = False
    is_density_quick: ClassVar[bool] = True
    learning_rate: ClassVar[float] = 4e-3
    batch_size: ClassVar[int] = 512
    ema: ClassVar[float] = 0.99  # of the weights that draw
    num_importance: int = 1000  # samples of the bound that log_prob is, where it is one
    Config: ClassVar[type]
    Request: ClassVar[type[PlaneRequest]] = PlaneRequest

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """``x`` float32 (B,2); ``progress`` 0..1 through the training; returns ``loss`` and figures worth a curve."""
        raise NotImplementedError

    def log_prob(self, x: Tensor) -> Tensor:
        """float32 (N,2) -> (N,) in nats; a bound where ``bound`` says so."""
        raise NotImplementedError

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Points (N,2) after every step the eye could care about, from normal numbers ``z`` (N,2), with extras."""
        raise NotImplementedError

    @torch.no_grad()
    def sample(self, request: PlaneRequest, resume: State | None = None) -> Iterator[Frame]:
        """A frame after every step; extras ``points`` float32 (N,2)."""
        indices = np.arange(request.num_samples) + request.first_index
        z = torch.from_numpy(noise.normal(request.seed, indices, "z", (2,))).to(self.device)
        empty = np.zeros((len(z), 0, 0, 1), np.uint8)
        for step, (points, extras) in enumerate(self.draw(request, z)):
            yield Frame(step, 0, step, empty, {"points": points.float().cpu().numpy(), **extras})

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device


def last_points(
    model: PlaneModel, count: int, seed: int, drawing: Mapping[str, Any] | None = None
) -> np.ndarray:
    """The result of a run: float32 (count, 2); ``drawing``: settings of how, as the model's request has them."""
    *_, frame = model.sample(model.Request(num_samples=count, seed=seed, **(drawing or {})))
    points: np.ndarray = frame.extras["points"]
    return points


# --- small networks


def mlp(inputs: int, width: int, depth: int, outputs: int, zero: bool = False) -> nn.Sequential:
    """``depth`` hidden layers of SiLU; ``zero``: the last layer starts at nothing."""
    sizes = [inputs, *[width] * depth]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.SiLU()]
    last = nn.Linear(sizes[-1], outputs)
    if zero:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class TimeNet(nn.Module):
    """(x (B,2), level (B,) or (1,) in 0..1) -> (B,outputs): residual blocks that a Fourier embedding of the level shifts and scales."""

    frequencies: Tensor  # (6,)

    def __init__(self, width: int, depth: int, outputs: int = 2) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2.0 ** torch.arange(6) * math.pi)
        self.enter = nn.Linear(2, width)
        self.level = nn.Sequential(nn.Linear(13, width), nn.SiLU())
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.modulations = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(depth))
        self.leave = nn.Linear(width, outputs)

    def forward(self, x: Tensor, level: Tensor, condition: Tensor | None = None) -> Tensor:
        """``condition`` (B,width) is added to what the blocks are told of the level."""
        angles = level[:, None] * self.frequencies
        e = self.level(torch.cat([level[:, None], angles.sin(), angles.cos()], 1))
        e = e if condition is None else e + condition
        h = self.enter(x)
        for block, modulation in zip(self.blocks, self.modulations, strict=True):
            scale, shift = modulation(e).chunk(2, 1)
            h = h + block(F.silu(h * (1 + scale) + shift))
        out: Tensor = self.leave(F.silu(h))
        return out


def standard_normal_log_prob(z: Tensor) -> Tensor:
    """(N,D) -> (N,)."""
    return -0.5 * (z.square() + LOG_2PI).sum(1)


def gaussian_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of the shape of ``like``, drawn where the generator lives."""
    return torch.randn(like.shape, generator=generator, device=generator.device).to(like)


def uniform_noise(count: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """(count,) in [0, 1)."""
    return torch.rand(count, generator=generator, device=generator.device).to(like)
