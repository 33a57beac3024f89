"""Latent diffusion: noise is added to, and taken from, not the picture but what an autoencoder makes of it.

Rombach, Blattmann, Lorenz, Esser and Ommer, "High-resolution image synthesis with latent diffusion models", CVPR 2022
(arXiv:2112.10752): the recipe of Stable Diffusion.  The first stage is the VQ-VAE it is built on: diffusion sees the encoder's
vectors, 7x7 cells of 16 numbers, before they are quantised.  The decoder has only ever seen entries of the codebook, so that it
is used to an error of that size; it reads the vectors as they come, which gives nearer pictures here than rounding them first
("VQ-reg" in the paper).  The second stage is a transformer (``_dit.py``) in place of a U-Net, as in Stable Diffusion 3.  Noise,
samplers, guidance and bound are those of ``ddpm.py``.  A smaller one, briefly trained, can guide a larger one: "autoguidance",
Karras, Aittala, Kynkäänniemi, Lehtinen, Aila and Laine, "Guiding a diffusion model with a bad version of itself", NeurIPS 2024
(arXiv:2406.02507).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.capabilities import Precision, TokenizesVectors
from playground.contract import Frame, LikelihoodKind, Recipe, knob
from playground.models.blocks import to_uint8
from playground.models.diffusion.ddpm import Diffusion, DiffusionRequest, state_of
from playground.models.diffusion.dit import DiT
from playground.models.diffusion.samplers import Grid, SamplerState
from playground.models.tokenizer import OnTokenizer

_ENCODED = 500  # pictures that are encoded together


@dataclass(frozen=True)
class LatentDiffusionConfig:
    """Shape of the network and of the noise; the first four are the tokenizer's."""

    image_size: int = 28
    channels: int = 1
    cells: int = 7  # in a row, and rows
    code_dim: int = 16  # numbers in each
    num_classes: int = 10
    width: int = 192
    depth: int = 6
    num_heads: int = 6
    embedding: int = 256
    log_snr_min: float = -10.0
    log_snr_max: float = 10.0
    label_dropout: float = 0.1  # so often no class is given (Ho and Salimans 2022)
    uniform_share: float = 0.1  # share of training at log-SNRs spread evenly, which the bound needs
    log_snr_read_out: float = (
        3.5  # where the bound stops asking the network, and the decoder reads the picture
    )


@dataclass(frozen=True)
class LatentDiffusionRequest(DiffusionRequest):
    """What to generate, and how to walk back from noise."""

    autoguidance_scale: float = knob(
        1.0,
        label="autoguidance_scale",
        low=1.0,
        high=4.0,
        step=0.05,
        help="Pushes each picture away from what a smaller, briefly trained model would make of it. Both make the same mistakes, the smaller one larger ones: the push undoes them, and, unlike that of guidance_scale, leaves the pictures varied. 1 is off.",
    )


class LatentDiffusion(OnTokenizer, Diffusion):
    """Diffusion of the vectors that ``build_on``'s VQ-VAE makes of a picture, each number divided by its spread."""

    system = "Latent diffusion (Stable Diffusion)"
    paper = "Rombach et al. 2022, arXiv:2112.10752; Peebles and Xie 2023, arXiv:2212.09748"
    likelihood: LikelihoodKind = "bound"
    latent: bool = True
    Config = LatentDiffusionConfig
    Request = LatentDiffusionRequest

    def be_guided_by(self, weaker: Any) -> None:
        """Let this weaker model guide the samples.

        Raises:
            ValueError: the end of a sentence, if it does not denoise latents of the same tokenizer.
        """
        if not isinstance(weaker, LatentDiffusion) or weaker.shape != self.shape:
            raise ValueError("it does not denoise such latents")
        if not weaker.quantizer.codebook.equal(self.quantizer.codebook):
            raise ValueError("its latents are those of another tokenizer")
        self.__dict__["guide"] = weaker.eval().requires_grad_(False)

    def set_precision(self, precision: Precision) -> None:
        """See the class above; the guide computes as this model does."""
        super().set_precision(precision)
        if self.guide is not None:
            self.guide.set_precision(precision)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """The guide goes where this network goes."""
        if self.guide is not None:
            self.guide._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def make_net(self, config: LatentDiffusionConfig) -> nn.Module:
        """A transformer over the cells."""
        return DiT(
            cells=config.cells,
            channels=config.code_dim,
            num_classes=config.num_classes,
            width=config.width,
            depth=config.depth,
            num_heads=config.num_heads,
            embedding=config.embedding,
        )

    def fits(self, tokenizer: Any) -> bool:
        """Whether its vectors have the shape that the network was made for."""
        if not isinstance(tokenizer, TokenizesVectors):
            return False
        return (tokenizer.config.code_dim, *tokenizer.code_shape[:2]) == self.shape

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers, rows and columns of a latent."""
        return self.config.code_dim, self.config.cells, self.config.cells

    @property
    def spread(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each number of a latent, over codes as often as they occur: (D,1,1) each."""
        quantizer = self.quantizer
        shares, books = quantizer.usage[..., None], quantizer.codebook  # (levels, K, 1), (levels, K, D)
        means = (shares * books).sum(1, keepdim=True)  # (levels, 1, D)
        variance = (shares * (books - means).square()).sum((0, 1))  # levels taken as independent
        return means.sum(0)[0][:, None, None], variance.clamp_min(1e-6).sqrt()[:, None, None]

    @torch.no_grad()
    def prepare(self, x: Tensor) -> Tensor:
        """The pictures uint8 (N,C,H,W) as latents float32 (N, *shape): done once, before training."""
        return torch.cat([self.to_x_0(part) for part in x.split(_ENCODED)])

    @torch.no_grad()
    def to_x_0(self, x: Tensor) -> Tensor:
        """Pictures uint8 (B,C,H,W) -> latents float32 (B, *shape); latents stay what they are."""
        if x.dtype != torch.uint8:
            return x
        mean, deviation = self.spread
        latents: Tensor = (self.its_tokenizer().encode_vectors(x) - mean) / deviation
        return latents

    def to_vectors(self, x_t: Tensor) -> Tensor:
        """Latents (B, *shape) as the decoder knows them."""
        mean, deviation = self.spread
        return x_t * deviation + mean

    @torch.no_grad()
    def to_pictures(self, x_t: Tensor) -> np.ndarray:
        """Latents (B, *shape) -> what the decoder makes of them, uint8 (B,H,W,C)."""
        return to_uint8(self.its_tokenizer().decode_vectors(self.to_vectors(x_t)))

    def _frame(self, moment: SamplerState, grid: Grid, passes: int) -> Frame:
        """As that of a diffusion of pictures, but for ``images``: the expected picture too, since a decoded z_t means little.

        The extra ``z_t`` uint8 (B,rows,columns,1) are the maps of the latent, as tiles.
        """
        i = moment.step
        expected = moment.history[0] if moment.history else torch.zeros_like(moment.x_t)
        pictures = self.to_pictures(expected)  # at the last step every sampler arrives there
        extras = {"x_0_pred": pictures, "z_t": tiled(moment.x_t), **self.moment(grid, i)}
        return Frame(i, grid.num_steps, passes, pictures, extras, state_of(moment, grid))

    def read_out(self, x: Tensor, z: Tensor, noise_to_signal: float) -> Tensor:
        """What the decoder charges for the picture, given the noisy latent ``z`` / alpha: (B,) in nats."""
        nats: Tensor = -self.its_tokenizer().log_likelihood_of(x, self.to_vectors(z))
        return nats


def tiled(latents: Tensor) -> np.ndarray:
    """Latents (B,D,H,W) as D maps side by side in a square, from -3 (black) to 3 (white): uint8 (B,rows,columns,1)."""
    side = math.ceil(math.sqrt(latents.shape[1]))
    maps = F.pad(latents, (0, 0, 0, 0, 0, side**2 - latents.shape[1]))
    rows = maps.unflatten(1, (side, side)).transpose(2, 3)  # (B, side, H, side, W)
    return to_uint8(rows.flatten(3).flatten(1, 2)[:, None] / 3)


MODEL = LatentDiffusion
RECIPES = (
    Recipe(
        id="ldm-fashion",
        config=LatentDiffusionConfig(),
        built_on="vqvae-fashion",
        guided_by="ldm-small-fashion",
        steps=21200,  # three falls of the rate: over 7,200 steps, then as if 14,600 had been planned, then 21,200
        batch_size=128,
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=100,
        ema=0.999,
        stored="int8",
        snapshot={"guidance_scale": 1.2},
        # the best FID on validation images
        evaluate={"guidance_scale": 1.1, "autoguidance_scale": 1.5, "num_steps": 16},
        num_scored=1000,  # a bound costs 128 passes
    ),
    Recipe(
        id="ldm-small-fashion",
        config=LatentDiffusionConfig(width=96, depth=4, num_heads=3),
        built_on="vqvae-fashion",
        steps=1600,  # what it guides has seen thirteen times as many pictures
        batch_size=128,
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=100,
        ema=0.999,
        stored="int8",
        evaluate={"guidance_scale": 1.7, "num_steps": 16},  # the best FID on validation images
        num_scored=1000,
    ),
)
