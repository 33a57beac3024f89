"""NICE: additive couplings, whose Jacobian is one, and a single layer that scales: the first deep normalising flow.

Dinh, Krueger and Bengio, "NICE: non-linear independent components estimation", 2014 (arXiv:1410.8516).  Two things are newer: the logit of the grey
levels (Dinh et al. 2016), and a normal prior in place of the paper's logistic, so that every flow here has the same z.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import LikelihoodKind, Recipe
from playground.models.flow._dequantize import Uniform
from playground.models.flow.base import Flow, FlowRequest
from playground.models.flow.layers import ActNorm, Layer, Logit


@dataclass(frozen=True)
class NICEConfig:
    """Shape of the flow."""

    image_size: int = 28
    channels: int = 1
    num_couplings: int = 4
    hidden: int = 512
    num_hidden: int = 3  # hidden layers in each network


class AdditiveCoupling(Layer):
    """y_2 = x_2 + m(x_1), y_1 = x_1 (section 3.2, eq. 7-8), where 1 and 2 are the even and odd numbers of the picture, or the other way round."""

    passes = 1
    title = "additive coupling"

    def __init__(self, num_dims: int, hidden: int, num_hidden: int, odd: bool) -> None:
        super().__init__()
        self.odd = odd
        widths = [(num_dims + odd) // 2, *[hidden] * num_hidden, (num_dims + 1 - odd) // 2]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    def net(self, x_1: Tensor) -> Tensor:
        """m(x_1), (B, D/2)."""
        h = self.layers[0](x_1)
        for layer in list(self.layers)[1:]:
            h = layer(F.silu(h))
        return h.float()

    def shift(self, h: Tensor) -> Tensor:
        """What is added to every number, zero where none is, in the shape of ``h``."""
        flat = h.flatten(1)
        total = torch.zeros_like(flat)
        total[:, not self.odd :: 2] = self.net(flat[:, int(self.odd) :: 2])
        return total.view_as(h)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        return h + self.shift(h), h.new_zeros(len(h))

    def inverse(self, h: Tensor) -> Tensor:
        return h - self.shift(h)


class NICE(Flow):
    """Couplings that move volume about without changing it, between two layers that scale every number."""

    family = "flow"
    system = "NICE"
    paper = "Dinh, Krueger and Bengio 2014, arXiv:1410.8516"
    likelihood: LikelihoodKind = "bound"
    num_threads: int | None = 1  # its matrices are small
    sample_bytes = 2**18
    Config = NICEConfig
    Request = FlowRequest

    def __init__(self, config: NICEConfig) -> None:
        super().__init__(config)
        self.dequantizer = Uniform()
        shape = (config.channels, config.image_size, config.image_size)
        couplings = [
            AdditiveCoupling(self.num_dims, config.hidden, config.num_hidden, bool(k % 2))
            for k in range(config.num_couplings)
        ]
        self.layers = nn.ModuleList([Logit(), ActNorm(shape), *couplings, ActNorm(shape)])


MODEL = NICE
RECIPES = (
    Recipe(
        id="nice-fashion",
        stored="int8",
        evaluate={"temperature": 0.8},  # the best FID on validation images
        config=NICEConfig(),
        steps=3600,
        batch_size=128,
        learning_rate=1e-3,
        weight_decay=0.01,
        compile=False,
        ema=0.999,
        snapshot={"num_samples": 10},
    ),
)
