"""Generative stochastic network: Bengio, Thibodeau-Laufer, Alain and Yosinski 2014 (arXiv:1306.1091).

A denoising autoencoder that is run in circles: corrupt the picture, draw a clean one from P(x given corrupted), corrupt that,
and so on.  The chain's stationary distribution is the model (their theorem 1); there is no energy and no likelihood.
Trained by walkback (Bengio et al. 2013, arXiv:1305.6663, algorithm 1): the network also learns to find its way back
from where its own chain strays to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, State, knob
from playground.models import discretized_logistic, noise
from playground.models.blocks import from_uint8
from playground.models.energy.chains import CHUNK, ChainRequest, in_chunks, run, to_pictures
from playground.models.network import Network


@dataclass(frozen=True)
class GSNConfig:
    """Shape of the network, and its corruption."""

    image_size: int = 28
    channels: int = 1
    dataset: str = "fashion"  # whose test images a chain may start from
    width: int = 768
    rank: int = 256  # of the last layer, which would be most of the network
    num_mixtures: int = 3
    flips: float = 0.4  # share of pixels that salt and pepper covers
    sigma: float = 0.3  # of the Gaussian noise on the others, grey running from -1 to 1
    num_walkback: int = 3  # steps of its own chain from which it must find back
    buffer_size: int = 512  # states of training's chains, kept as places to start from


@dataclass(frozen=True)
class GSNRequest(ChainRequest):
    """How the chains run."""

    num_steps: int = knob(
        100,
        label="num_steps",
        low=1,
        high=1000,
        log=True,
        help="How often the picture is corrupted and restored.",
    )
    corruption: float = knob(
        1.0,
        label="corruption",
        low=0.0,
        high=1.5,
        step=0.05,
        help="Strength of the corruption, 1 as trained. Less makes chains that hardly move; more makes them forget what they were.",
    )


class GSN(Network):
    """The denoiser and its chain."""

    family = "energy"
    system = "Generative stochastic network"
    paper = "Bengio et al. 2014, arXiv:1306.1091"
    likelihood = "none"
    Config = GSNConfig
    Request = GSNRequest
    num_threads: int | None = 1
    sample_bytes = 2**20

    def __init__(self, config: GSNConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = (config.channels, config.image_size, config.image_size)
        pixels = math.prod(self.shape)
        self.first = nn.Linear(pixels, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.third = nn.Linear(config.width, config.width)
        self.narrow = nn.Linear(config.width, config.rank)
        self.last = nn.Linear(config.rank, 3 * config.num_mixtures * pixels)
        nn.init.normal_(self.last.weight, std=0.006)
        with torch.no_grad():
            start = discretized_logistic.initial_bias(config.num_mixtures)
            self.last.bias.copy_(start.repeat(pixels))
        self.visited: Tensor
        self.register_buffer("visited", torch.zeros(config.buffer_size, *self.shape, dtype=torch.uint8))

    def forward(self, corrupted: Tensor) -> Tensor:
        """Corrupted pictures in [-1, 1], (B,C,H,W) -> parameters of P(x given corrupted), (B,C,H,W,3K)."""
        h = F.silu(self.first(corrupted.flatten(1)))
        h = h + F.silu(self.second(h))
        h = h + F.silu(self.third(h))
        return self.last(self.narrow(h)).unflatten(1, (*self.shape, -1))

    def corrupt(self, x: Tensor, uniforms: Tensor, nudge: Tensor, strength: float = 1.0) -> Tensor:
        """C(corrupted given x): some pixels turn black or white, the others get Gaussian noise.

        Args:
            x: pictures in [-1, 1], (B,C,H,W); ``uniforms`` uniform in [0, 1) and ``nudge`` normal are shaped alike.
        """
        flips = min(1.0, strength * self.config.flips)
        struck = torch.where(uniforms < flips / 2, -1.0, 1.0)
        return torch.where(uniforms < flips, struck, x + strength * self.config.sigma * nudge)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Walkback: -log P(x given corrupted) in bits per dimension, averaged over a short chain that leaves x."""
        state, target = from_uint8(x), x.long()
        losses = []
        for step in range(1 + self.config.num_walkback):
            uniforms = torch.rand(x.shape, generator=generator).to(x.device)
            nudge = torch.randn(x.shape, generator=generator).to(x.device)
            raw = self(self.corrupt(state, uniforms, nudge)).float()
            nats = -discretized_logistic.log_prob(raw, target)
            losses.append(nats.mean() / math.log(2))
            if step < self.config.num_walkback:
                choice, level = torch.rand(2, *x.shape, generator=generator, dtype=torch.float64)
                state = from_uint8(discretized_logistic.draw(raw.detach(), choice, level)).to(x.device)
        if self.training:
            kept = min(len(x), len(self.visited))
            self.visited[:kept] = ((state[:kept] + 1) * 127.5).round().to(torch.uint8)
            self.visited.copy_(self.visited.roll(kept, 0))
        return {"loss": torch.stack(losses).mean(), "first": losses[0].detach(), "last": losses[-1].detach()}

    # --- chains

    @torch.no_grad()
    def sample(self, request: GSNRequest, resume: State | None = None) -> Iterator[Frame]:
        """Corrupt and restore, a frame per step; ``images`` is the mean of P(x given corrupted).

        Extras: ``drawn`` uint8 (B,H,W,C), the state that was drawn from it, and ``corrupted``, what the network saw.
        """
        yield from run(self, request, resume)

    def kept(self) -> Tensor:
        """See :class:`Chain`."""
        return self.visited

    def as_state(self, grey: Tensor) -> Tensor:
        """8-bit grey levels."""
        return (grey * 255).round().to(torch.uint8)

    def advance(self, x: Tensor, request: Any, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Corrupt, restore, draw."""

        def turn(part: Tensor, first: int) -> tuple[Tensor, ...]:
            indices = range(first, first + CHUNK)
            uniforms = noise.uniform(request.seed, indices, "corrupt", (3, *self.shape), step)
            nudge = noise.normal(request.seed, indices, "corrupt", self.shape, step)
            flips, choice, level = torch.from_numpy(uniforms).unbind(1)
            moved, flips = torch.from_numpy(nudge).to(x.device), flips.float().to(x.device)
            corrupted = self.corrupt(from_uint8(part), flips, moved, request.corruption)
            raw = self(corrupted)
            drawn = discretized_logistic.draw(raw, choice, level).to(x.device)
            return drawn, discretized_logistic.mean(raw), corrupted

        drawn, mean, corrupted = in_chunks(turn, x, request.first_index)
        return drawn, {"mean": mean, "corrupted": corrupted}

    def frame_of(
        self, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int
    ) -> tuple[np.ndarray, dict]:
        """See :meth:`sample`."""
        shown = {name: to_pictures((value + 1) / 2, self.shape) for name, value in seen.items()}
        drawn = to_pictures(x.float() / 255, self.shape)
        extras = {"drawn": drawn, "corrupted": shown.get("corrupted", drawn)}
        return shown.get("mean", drawn), extras


MODEL = GSN
RECIPES = (
    Recipe(
        id="gsn-fashion",
        stored="int8",
        config=GSNConfig(),
        steps=2500,
        batch_size=64,
        learning_rate=1e-3,
        ema=0.998,
        compile=False,
        snapshot={"num_samples": 10, "start": "noise", "num_steps": 50},
        evaluate={"start": "noise", "num_steps": 60},
    ),
)
