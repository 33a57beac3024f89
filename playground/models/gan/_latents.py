"""What every GAN of ours does with its latents: draw them, turn them into pictures, ask the discriminator.

A GAN draws in one pass and has no likelihood: nothing says how probable a picture is.  The nearest thing to it
is the discriminator's, and that one is about "real or drawn by my partner", not about probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Request, State, knob
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan._games import discriminate_pair, discriminator_loss
from playground.models.network import Network

TURNS = ("discriminator", "generator")  # who learns first in each step
_BEGINNINGS = 200  # draws, of which the nearest is where a search begins
CHUNK = 16  # decoded together; a smaller batch is not padded, so that one picture costs one picture


@dataclass(frozen=True)
class GANRequest(Request):
    """What to draw."""

    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.0,
        high=2.0,
        step=0.05,
        help="Multiplies z. 1 is the noise the generator was trained on; lower stays near one typical picture, higher leaves what it knows.",
    )


def non_saturating(discriminator: nn.Module, real: Tensor, fake: Tensor, turn: str) -> dict[str, Tensor]:
    """The losses of Goodfellow et al. 2014 with the generator's -log D(G(z)) of section 3; D(x) is a probability.

    Args:
        real, fake: pictures in [-1, 1], (B,C,H,W).
        turn: whose loss is asked for.
    """
    if turn == "generator":
        return {"loss": F.softplus(-discriminator(fake).float()).mean()}
    return discriminator_loss(discriminator(real).float(), discriminator(fake.detach()).float())


class LatentGAN(Network):
    """A generator from Gaussian z, (B, latent_dim), and a discriminator that gives a logit, (B,).

    Subclasses make ``generator`` and ``discriminator``.
    """

    generator: nn.Module
    discriminator: nn.Module

    family = "gan"
    likelihood = "none"
    Request: type[Request] = GANRequest
    turns = TURNS
    num_threads: int | None = None
    sample_bytes = 2**20
    decoded_together = 1

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.latent_shape = (config.latent_dim,)

    def forward(self, z: Tensor) -> Tensor:
        """``z`` (B,latent_dim) -> pictures in [-1, 1], (B,C,H,W)."""
        return cast(Tensor, self.generator(z))

    def loss(
        self, x: Tensor, labels: Tensor, generator: torch.Generator, turn: str = "generator"
    ) -> dict[str, Tensor]:
        """The loss of the one whose ``turn`` it is; ``x`` uint8 (B,C,H,W), labels are not used.

        A configuration with a ``gamma`` above 0 keeps the discriminator smooth by R1 and R2 with that weight.
        """
        z = torch.randn(len(x), *self.latent_shape, generator=generator, device=generator.device)
        real, fake, gamma = from_uint8(x), self(z.to(x.device)), getattr(self.config, "gamma", 0.0)
        if turn == "generator" or not gamma:
            return non_saturating(self.discriminator, real, fake, turn)

        def ask(pictures: Tensor, rows: Tensor) -> Tensor:
            return cast(Tensor, self.discriminator(pictures))

        sigma = self.config.penalty_sigma
        on_real, on_fake, r1, r2 = discriminate_pair(ask, real, fake.detach().float(), sigma, generator)
        figures = discriminator_loss(on_real, on_fake)
        return {**figures, "loss": figures["loss"] + 0.5 * gamma * (r1 + r2), "r1": r1, "r2": r2}

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B,latent_dim) -> pictures in [-1, 1], (B,C,H,W)."""
        return torch.cat([self(part) for part in z.split(CHUNK)]).float()

    def discriminator_output(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The discriminator's probability that pictures in [-1, 1], (B,C,H,W), are real: (B,) in 0..1."""
        return cast(Tensor, self.discriminator(x)).float().sigmoid()

    def start_of_search(self, goal: Tensor, labels: Tensor) -> Tensor:
        """Where a search for the latent of ``goal`` (1,C,H,W) begins, (1,latent_dim): at the nearest of 200 draws.

        Downhill from z = 0 one seldom reaches another garment; labels are not used.
        """
        draws = torch.from_numpy(noise.normal(0, range(_BEGINNINGS), "search", self.latent_shape)).to(goal)
        distances = (self.decode(draws) - goal).square().flatten(1).mean(1)
        return draws[distances.argmin()][None]

    @torch.no_grad()
    def sample(self, request: Any, resume: State | None = None) -> Iterator[Frame]:
        """Draw z and decode it: a GAN draws in one pass, so there is one frame.  Extras as in :meth:`decode_frames`."""
        if resume is None:
            indices = range(request.first_index, request.first_index + request.num_samples)
            yield self.picture_of(noise.normal(request.seed, indices, "z", self.prior_shape), request)
        else:
            yield from self.decode_frames(resume["latent"])

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """Shape of one z, a draw from the standard normal."""
        return self.latent_shape

    def picture_of(self, z: np.ndarray, request: Any) -> Frame:
        """The frame of draws from the prior, ``z`` float32 (B,latent_dim), under the knobs of a request."""
        (frame,) = self.decode_frames(np.float32(request.temperature) * z)
        return frame

    @torch.no_grad()
    def decode_frames(self, z: np.ndarray) -> Iterator[Frame]:
        """The frame of given latents, float32 (B,latent_dim); extras ``latent`` and ``discriminator_output`` float32 (B,)."""
        device = next(self.parameters()).device
        pictures = self.decode(torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(device))
        extras = {"latent": z, "discriminator_output": self.discriminator_output(pictures).cpu().numpy()}
        yield Frame(1, 1, 1, to_uint8(pictures), extras, {"latent": z})
