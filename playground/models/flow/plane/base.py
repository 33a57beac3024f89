"""What the flows of the plane share: a stack of layers, the change of variables, and the way back as frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from playground.models.plane import PlaneModel, PlaneRequest, standard_normal_log_prob


class Layer(Protocol):
    """An invertible map of the plane."""

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (N,2) -> one step nearer to z (N,2), and log |det| of its Jacobian (N,)."""
        ...

    def inverse(self, z: Tensor) -> Tensor:
        """Back again."""
        ...


class PlaneFlow(PlaneModel):
    """Forward is x -> z; log p(x) = log N(z) + log |det dz/dx| (Rezende and Mohamed 2015, arXiv:1505.05770, equation 5)."""

    family: ClassVar[str] = "flow"
    has_density: ClassVar[bool] = True
    layers: nn.ModuleList

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N,2) -> z (N,2) and the whole log determinant (N,)."""
        total = torch.zeros(len(x), device=x.device)
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return x, total

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact, (N,2) -> (N,)."""
        z, log_det = self.encode(x)
        return standard_normal_log_prob(z) + log_det

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Negative log-likelihood in nats."""
        return {"loss": -self.log_prob(x).mean()}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Layer by layer from noise to points."""
        yield z, {}
        for layer in reversed(self.layers):
            z = cast(Layer, layer).inverse(z)
            yield z, {}

    def warp(self, grid: Tensor) -> list[Tensor]:
        """A grid of latents (N,2) after every layer on its way to x: what the flow does to the plane."""
        stages = [grid]
        for layer in reversed(self.layers):
            stages.append(cast(Layer, layer).inverse(stages[-1]))
        return stages
