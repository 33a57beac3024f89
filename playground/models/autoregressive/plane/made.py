"""MADE in the plane: p(x_1) p(x_2 given x_1), each a mixture of Gaussians, by one network with masked weights.

Germain, Gregor, Murray and Larochelle 2015, "MADE: Masked Autoencoder for Distribution Estimation" (arXiv:1502.03509),
equations 8 to 13: a weight is 0 where it would let an output see an input that does not come before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.plane import LOG_2PI, PlaneModel, PlaneRequest


@dataclass(frozen=True)
class MADEConfig:
    """Shape of the network; ``order``: which coordinate comes first."""

    width: int = 64
    depth: int = 2
    num_components: int = 16
    order: int = 0


class MADEPlane(PlaneModel):
    """Two conditional mixtures; the first needs no input, so its numbers are biases alone."""

    family: ClassVar[str] = "autoregressive"
    key: ClassVar[str] = "made-plane"
    system: ClassVar[str] = "MADE"
    paper: ClassVar[str] = "Germain et al. 2015, arXiv:1502.03509"
    has_density: ClassVar[bool] = True
    Config = MADEConfig

    def __init__(self, config: MADEConfig = MADEConfig()) -> None:
        super().__init__()
        self.config = config
        width, outputs = config.width, 3 * config.num_components
        sizes = [2, *[width] * config.depth, 2 * outputs]
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        self.layers, last_layer = nn.ModuleList(layers), layers[-1]
        first = torch.tensor([1.0, 0.0]).expand(width, 2)  # hidden units of degree 1 see the first input only
        last = torch.cat([torch.zeros(outputs, width), torch.ones(outputs, width)])
        masks = [first, *[torch.ones(width, width)] * (config.depth - 1), last]
        for i, mask in enumerate(masks):
            self.register_buffer(f"mask_{i}", mask.clone())
        with torch.no_grad():  # the components of both start apart
            means = torch.linspace(-2, 2, config.num_components)
            last_layer.bias.view(2, 3, -1)[:, 1] = means

    def forward(self, x: Tensor) -> Tensor:
        """Ordered coordinates (B,2) -> logits, means and log scales (B,2,3,K) of either, given those before it."""
        h = x
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            h = F.linear(h if i == 0 else F.silu(h), layer.weight * getattr(self, f"mask_{i}"), layer.bias)
        return h.view(len(x), 2, 3, -1)

    def log_prob(self, x: Tensor) -> Tensor:
        """(N,2) -> (N,), exact."""
        x = self._ordered(x)
        return mixture_log_prob(self(x), x).sum(1)

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Negative log-likelihood in nats."""
        return {"loss": -self.log_prob(x).mean()}

    def conditional(self, first: Tensor, values: Tensor) -> Tensor:
        """log p(x_2 = ``values`` (V,) given x_1 = ``first``, a number): (V,), the slice under the pointer."""
        x = torch.stack([first.expand(len(values)), values], 1)
        return mixture_log_prob(self(x), x)[:, 1]

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """One coordinate, then the other: component by the normal number's own share, place by what is left of it."""
        x = torch.zeros_like(z)
        yield self._ordered(x), {}
        for i in (0, 1):
            x[:, i] = invert(self(x)[:, i], torch.special.ndtr(z[:, i].cpu().double()))
            yield self._ordered(x), {}

    def _ordered(self, x: Tensor) -> Tensor:
        """Coordinates in the order of the factors, and back: a swap is its own inverse."""
        return x.flip(1) if self.config.order else x


def mixture_log_prob(numbers: Tensor, x: Tensor) -> Tensor:
    """``numbers`` (B,D,3,K): logits, means, log scales; ``x`` (B,D) -> (B,D)."""
    logits, means, log_scales = numbers.unbind(2)
    log_scales = log_scales.clamp(-6, 3)
    parts = -0.5 * (((x[..., None] - means) * (-log_scales).exp()).square() + LOG_2PI) - log_scales
    return torch.logsumexp(F.log_softmax(logits, -1) + parts, -1)


def invert(numbers: Tensor, uniform: Tensor, num_halvings: int = 40) -> Tensor:
    """Where the mixture's distribution function is ``uniform`` (B,): by bisection, on the CPU in float64."""
    logits, means, log_scales = numbers.cpu().double().unbind(1)  # (B,K) each
    shares, scales = logits.softmax(-1), log_scales.clamp(-6, 3).exp()
    low = (means - 9 * scales).amin(-1)
    high = (means + 9 * scales).amax(-1)
    for _ in range(num_halvings):
        middle = (low + high) / 2
        below = (shares * torch.special.ndtr((middle[:, None] - means) / scales)).sum(-1) < uniform
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return ((low + high) / 2).to(numbers)


MODEL = MADEPlane
