"""Plain autoencoder with two latent dimensions: Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with
neural networks" (Science 313).

The VAE of ``vae.py`` with the noise and the KL term taken away, and nothing else.  It reconstructs well, and it cannot be
sampled: nothing told the encoder where to put the garments, so the codes lie in islands and arms with gaps between, and
the decoder has never been asked about the gaps.  Drawing codes from *any* simple distribution hits the gaps, and the
result is often not a garment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, Recipe, Request, knob
from playground.models.vae._networks import CACHED, Decoder, Encoder, log_likelihood, mean_picture
from playground.models.vae._normal_codes import NormalCodes

DETERMINISTIC_LOGVAR = -30.0  # what ``encode`` reports: the code is a point
_MOMENTUM = 0.01  # of the running mean and standard deviation of the codes


@dataclass(frozen=True)
class AutoencoderConfig:
    """Shape of the networks."""

    latent_dim: int = 2
    width: int = 16  # of the convolutions at half resolution; twice as much at a quarter
    hidden: int = 512  # of the dense layers
    num_mixtures: int = 3  # logistics per pixel
    image_size: int = 28
    channels: int = 1


@dataclass(frozen=True)
class AutoencoderRequest(Request):
    """Where to decode."""

    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.0,
        high=2.0,
        step=0.05,
        help="Multiplies the spread of the drawn codes; 1 is the spread of the training codes. An autoencoder has no prior, so no value is right: codes from the gaps decode to things that are not garments.",
    )


class Autoencoder(NormalCodes):
    """Encoder z = f(x), decoder x = g(z), and no p(z) at all.

    Outside training, latents are in units of the training codes: (code - ``latent_mean``) / ``latent_std``, so that
    they lie where those of a VAE do and the same plane shows both.  The distribution that ``sample`` draws from is not part
    of the model and not that of its codes, which is what there is to see.
    """

    family = "vae"
    system = "Autoencoder"
    paper = "Hinton and Salakhutdinov 2006, Science 313"
    Config = AutoencoderConfig
    Request = AutoencoderRequest
    likelihood = "none"
    num_threads: int | None = None
    sample_bytes = 2**20
    decoded_together = 1
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.latent_shape = (config.latent_dim,)
        self.num_dims = config.channels * config.image_size**2
        self.encoder = Encoder(config, config.latent_dim)
        self.decoder = Decoder(config)
        self.register_buffer("latent_mean", torch.zeros(config.latent_dim))
        self.register_buffer("latent_std", torch.ones(config.latent_dim))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B,D), and log p(x given z) of the decoder in nats, (B,)."""
        codes = self.encoder(x)
        return codes, log_likelihood(self.decoder(codes), x)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Cost of a picture given its code, in bits per dimension: the VAE's first term, and not a likelihood.

        The code itself is not paid for.  Nothing is drawn and labels are not used; in training mode the running
        mean and standard deviation of the codes are updated.
        """
        codes, log_probs = self(x)
        if self.training:
            self._follow(codes.detach())
        return {"loss": -log_probs.mean() / (self.num_dims * math.log(2))}

    @torch.no_grad()
    def reconstruction_bits(self, x: Tensor) -> Tensor:
        """What ``x`` uint8 (B,C,H,W) costs once its code is known, in bits per dimension, float64 (B,) on the CPU: no likelihood."""
        return -self(x)[1].cpu().double() / (self.num_dims * math.log(2))

    @torch.no_grad()
    def _follow(self, codes: Tensor) -> None:
        self.latent_mean.lerp_(codes.mean(0), _MOMENTUM)
        spread = (codes - self.latent_mean).square().mean(0)
        self.latent_std.copy_(torch.lerp(self.latent_std.square(), spread, _MOMENTUM).sqrt())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> the code (B,D), and as its log variance a constant that means: none."""
        z = (self.encoder(x) - self.latent_mean) / self.latent_std
        return z, torch.full_like(z, DETERMINISTIC_LOGVAR)

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B,D) -> a picture in [-1, 1], (B,C,H,W)."""
        codes = z * self.latent_std + self.latent_mean
        return torch.cat([mean_picture(self.decoder(part)) for part in codes.split(CACHED)])

    @torch.no_grad()
    def reconstruct_frames(self, x: np.ndarray) -> Iterator[Frame]:
        """Pictures uint8 (B,H,W,C) encoded and decoded again; the frame carries their codes as ``latent``."""
        pixels = torch.from_numpy(np.array(x)).permute(0, 3, 1, 2).to(self.latent_mean.device)
        z, _ = self.encode(pixels)
        for frame in self.decode_frames(z.cpu().numpy()):
            yield Frame(1, 1, 2, frame.images, frame.extras, frame.state)


MODEL = Autoencoder
RECIPES = (
    Recipe(
        id="ae2d-fashion",
        stored="int8",
        config=AutoencoderConfig(),
        steps=2400,
        learning_rate=1e-3,
        batch_size=128,
        snapshot={"num_samples": 10},
    ),
)
