"""Restricted Boltzmann machine: Smolensky 1986; Hinton 2002; "A Practical Guide to Training RBMs" (Hinton 2010).

Binary pixels v, binary hidden units h, and the energy E(v, h) = -b^T v - c^T h - v^T W h.  Given one layer the units of
the other are independent, so a chain updates a whole layer at once (block Gibbs sampling).  Trained with persistent chains
(Tieleman 2008).  The pictures are binarised at half grey: its likelihoods are not comparable with those of 8-bit models,
and log Z is only estimated, by annealed importance sampling (Neal 2001; Salakhutdinov and Murray 2008).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Score, State, knob
from playground.models import noise
from playground.models.energy.chains import ChainRequest, in_chunks, run, to_pictures
from playground.models.network import Network


@dataclass(frozen=True)
class RBMConfig:
    """Shape of the machine."""

    image_size: int = 28
    channels: int = 1
    dataset: str = "fashion"  # whose test images a chain may start from
    num_hidden: int = 500
    num_chains: int = 128  # persistent ones
    num_gibbs: int = 5  # their steps per update


@dataclass(frozen=True)
class RBMRequest(ChainRequest):
    """How the chains run."""

    num_steps: int = knob(
        200,
        label="num_steps",
        low=1,
        high=2000,
        log=True,
        help="Steps of block Gibbs sampling: all hidden units given the pixels, then all pixels given the hidden units.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.1,
        high=2.0,
        step=0.05,
        help="Divides the energy. Below 1 the chains hold on to deep valleys; above 1 they jump between them and fray.",
    )


class RBM(Network):
    """The machine: energy, chains, estimated partition function."""

    family = "energy"
    system = "Restricted Boltzmann machine"
    paper = "Hinton 2002; Tieleman 2008"
    likelihood = "energy"
    Config = RBMConfig
    Request = RBMRequest
    num_threads: int | None = 1
    sample_bytes = 2**20
    num_compared = 500
    energy_is_bound = False  # given the pixels, the hidden units are summed out exactly

    def __init__(self, config: RBMConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = (config.channels, config.image_size, config.image_size)
        num_visible = math.prod(self.shape)
        self.weight = nn.Parameter(0.01 * torch.randn(num_visible, config.num_hidden))
        self.visible_bias = nn.Parameter(torch.full((num_visible,), -1.0))
        self.hidden_bias = nn.Parameter(torch.zeros(config.num_hidden))
        start = torch.zeros(config.num_chains, num_visible, dtype=torch.uint8)
        self.chains: Tensor
        self.register_buffer("chains", start)  # persistent: where the chains of training stand, 0 or 255

    # --- energy

    def forward(self, v: Tensor) -> Tensor:
        """Free energy F(v) = -log sum_h exp(-E(v, h)) of binary ``v`` (B,784), in nats: (B,)."""
        return -v @ self.visible_bias - F.softplus(v @ self.weight + self.hidden_bias).sum(1)

    def hidden_given(self, v: Tensor, temperature: float = 1.0) -> Tensor:
        """P(h = 1 given v), (B,num_hidden)."""
        return torch.sigmoid((v @ self.weight + self.hidden_bias) / temperature)

    def features(self) -> list[Tensor]:
        """The weights into each hidden unit, (num_hidden,C,H,W)."""
        return [self.weight.T.reshape(-1, *self.shape)]

    def visible_given(self, h: Tensor, temperature: float = 1.0) -> Tensor:
        """P(v = 1 given h), (B,784)."""
        return torch.sigmoid((h @ self.weight.T + self.visible_bias) / temperature)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Its gradient is the likelihood's: data down, the persistent chains' present states up (Tieleman 2008, section 2)."""
        v = self.binarise(x)
        chains = self.chains.float() / 255
        if self.training:
            with torch.no_grad():
                if not chains.any():
                    chains = (torch.rand(chains.shape, generator=generator) < 0.5).float()
                for _ in range(self.config.num_gibbs):
                    h = torch.bernoulli(self.hidden_given(chains), generator=generator)
                    chains = torch.bernoulli(self.visible_given(h), generator=generator)
                self.chains.copy_(chains * 255)
        with torch.autocast(x.device.type, enabled=False):
            on_data, on_chains = self(v).mean(), self(chains).mean()
        return {"loss": (on_data - on_chains) / v.shape[1], "data": on_data, "chains": on_chains}

    def binarise(self, x: Tensor) -> Tensor:
        """uint8 (B,C,H,W) -> 0 or 1, cut at half grey, float32 (B,784)."""
        return (x.flatten(1) > 127).float()

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Free energy in nats, up to the unknown constant log Z; low means probable.  Nothing is drawn."""
        return [Score(value, "energy", "nats") for value in self(self.binarise(x)).tolist()]

    @torch.no_grad()
    def log_partition(
        self, base: Tensor, num_chains: int = 200, num_temperatures: int = 2000, seed: int = 0
    ) -> tuple[float, float]:
        """log Z by annealed importance sampling from independent pixels (Salakhutdinov and Murray 2008, eqs. 11-18).

        Args:
            base: mean of binarised pictures, in [0, 1], (784,): annealing starts from independent pixels with these means.
                Any means give an unbiased Z; those of pictures like the model's own spread least.

        Returns:
            log Z in nats, and its standard error (of the log of the mean weight, by the delta method).  It is computed on
            the CPU: not every device has float64.
        """
        base_bias = torch.logit(base.cpu().clamp(0.01, 0.99)).double()
        weight, visible, hidden = (
            p.cpu().double() for p in (self.weight, self.visible_bias, self.hidden_bias)
        )
        generator = torch.Generator().manual_seed(seed)

        def draw(p: Tensor) -> Tensor:
            return (torch.rand(p.shape, generator=generator, dtype=torch.float64) < p).double()

        def log_weight(v: Tensor, beta: float) -> Tensor:  # log p*_beta(v)
            fields = beta * (v @ weight + hidden)
            return (1 - beta) * (v @ base_bias) + beta * (v @ visible) + F.softplus(fields).sum(1)

        v = draw(base_bias.sigmoid().expand(num_chains, -1))
        total = torch.zeros(num_chains, dtype=torch.float64)
        betas = np.linspace(0, 1, num_temperatures)
        for last, beta in itertools.pairwise(betas):
            total += log_weight(v, beta) - log_weight(v, last)
            h = draw((beta * (v @ weight + hidden)).sigmoid())
            v = draw(((1 - beta) * base_bias + beta * (h @ weight.T + visible)).sigmoid())
        log_base = F.softplus(base_bias).sum() + self.config.num_hidden * math.log(2)
        ratios = (total - total.max()).exp()
        estimate = float(log_base + total.max() + ratios.mean().log())
        return estimate, float(ratios.std() / ratios.mean() / math.sqrt(num_chains))

    # --- chains

    @torch.no_grad()
    def sample(self, request: RBMRequest, resume: State | None = None) -> Iterator[Frame]:
        """Block Gibbs sampling, a frame per step.

        ``images`` is P(v = 1 given h).  Extras: ``energy`` F(v) float32 (B,) in nats, ``hidden`` P(h = 1 given v) float32
        (B,num_hidden), ``binary`` uint8 (B,H,W,C), the state itself.
        """
        yield from run(self, request, resume)

    def kept(self) -> Tensor:
        """See :class:`Chain`."""
        return self.chains

    def as_state(self, grey: Tensor) -> Tensor:
        """Cut at half grey, (B,784)."""
        return (grey.flatten(1) > 0.5).float()

    def advance(self, x: Tensor, request: Any, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """All hidden units given the pixels, then all pixels given the hidden units."""

        def gibbs(part: Tensor, first: int) -> tuple[Tensor, ...]:
            indices = range(first, first + len(part))
            h = self._draw(self.hidden_given(part, request.temperature), request.seed, indices, "h", step)
            p = self.visible_given(h, request.temperature)
            return self._draw(p, request.seed, indices, "v", step), p

        v, p = in_chunks(gibbs, x, request.first_index)
        return v, {"p": p}

    @staticmethod
    def _draw(p: Tensor, seed: int, indices: range, name: str, step: int) -> Tensor:
        uniforms = torch.from_numpy(noise.uniform(seed, indices, name, tuple(p.shape[1:]), step))
        return (uniforms.to(p.device, p.dtype) < p).float()

    def frame_of(
        self, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int
    ) -> tuple[np.ndarray, dict]:
        """See :meth:`sample`."""
        extras = {
            "energy": self(x).cpu().numpy(),
            "hidden": self.hidden_given(x, request.temperature).cpu().numpy(),
            "binary": to_pictures(x, self.shape),
        }
        return to_pictures(seen.get("p", x), self.shape), extras


MODEL = RBM
RECIPES = (
    Recipe(
        id="rbm-fashion",
        config=RBMConfig(),
        steps=12000,
        batch_size=128,
        learning_rate=1e-3,
        betas=(0.9, 0.999),
        final_learning_rate=0.02,
        ema=0.999,
        max_grad_norm=100.0,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 10, "start": "buffer", "num_steps": 100},
        evaluate={"start": "buffer", "num_steps": 100},
    ),
)
