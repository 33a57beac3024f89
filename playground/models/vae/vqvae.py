"""VQ-VAE: van den Oord, Vinyals and Kavukcuoglu 2017, "Neural discrete representation learning" (arXiv:1711.00937).

A picture becomes a grid of 7x7 code numbers, each the nearest entry of a codebook, and a decoder turns them back into a
picture.  The codebook follows the encoder as in the paper's appendix A.1 (exponential moving averages); entries that
nobody uses start again at an encoding of the moment (Dhariwal et al. 2020, Jukebox, arXiv:2005.00341).  Every cell is described twice, the
second entry correcting what the first left over: residual quantisation (Lee et al. 2022, arXiv:2203.01941).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, Score, State, knob
from playground.models import discretized_logistic, noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.network import Network
from playground.models.vae._networks import CACHED, ResidualConv, log_likelihood, mean_picture
from playground.models.vae._quantizer import Quantizer, independent_codes, perplexity, straight_through

_NATS_PER_BIT = math.log(2)


@dataclass(frozen=True)
class VQVAEConfig:
    """Shape of the networks and of the codebook."""

    num_codes: int = 512  # entries of the codebook of each level
    levels: int = 2  # entries that describe one cell; the later ones correct the earlier ones
    code_dim: int = 16  # numbers in an entry
    width: int = 48  # of the convolutions at half resolution; twice as much at a quarter
    encoder_width: int = 32
    num_mixtures: int = 3  # logistics per pixel
    image_size: int = 28
    channels: int = 1
    commitment: float = 0.25  # beta of eq. 3


class CodeEncoder(nn.Module):
    """8-bit pictures, uint8 (B,C,H,W) -> one vector for each cell of 4x4 pixels, float32 (B,code_dim,H/4,W/4)."""

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        width = config.encoder_width
        self.stem = nn.Conv2d(4 * config.channels, width, 3, padding=1)
        self.at_half = ResidualConv(width)
        self.down = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.at_quarter = nn.Sequential(ResidualConv(2 * width), ResidualConv(2 * width))
        self.head = nn.Conv2d(2 * width, config.code_dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(F.pixel_unshuffle(from_uint8(x), 2))  # (B, width, H/2, W/2)
        h = self.at_quarter(self.down(F.silu(self.at_half(h))))  # (B, 2*width, H/4, W/4)
        return self.head(F.silu(h)).float()


class CodeDecoder(nn.Module):
    """Vectors (B,code_dim,H/4,W/4) -> a mixture of discretised logistics for every pixel, float32 (B,4C,H/2,W/2,3K)."""

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        width = config.width
        self.num_parameters = 3 * config.num_mixtures
        self.stem = nn.Conv2d(config.code_dim, 2 * width, 3, padding=1)
        self.at_quarter = nn.Sequential(ResidualConv(2 * width), ResidualConv(2 * width))
        self.up = nn.Conv2d(2 * width, 4 * width, 1)
        self.at_half = ResidualConv(width)
        self.widen = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.head = nn.Conv2d(2 * width, self.num_parameters * 4 * config.channels, 1)
        bias = discretized_logistic.initial_bias(config.num_mixtures).repeat_interleave(4 * config.channels)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(bias)  # type: ignore[union-attr]

    def forward(self, vectors: Tensor) -> Tensor:
        h = self.at_quarter(self.stem(vectors))
        h = F.pixel_shuffle(self.up(F.silu(h)), 2)  # (B, width, H/2, W/2)
        h = self.widen(F.silu(self.at_half(h.contiguous(memory_format=torch.channels_last))))
        raw = self.head(F.silu(h)).float()
        return raw.unflatten(1, (self.num_parameters, -1)).movedim(1, -1)


@dataclass(frozen=True)
class VQVAERequest(Request):
    """What to decode."""

    prior: str = knob(
        "uniform",
        label="prior",
        choices=(("uniform", "every code alike"), ("frequencies", "as often as they occur")),
        help="Where the codes are drawn, each without a look at its neighbours. Every code alike is the prior it was trained with; as often as they occur in the training pictures is a little better. Neither knows which codes go together: that is what vqprior-fashion has learned.",
    )


class VQVAE(Network):
    """Encoder, codebook, decoder p(x given codes); the prior over the codes is uniform, which is why it cannot draw."""

    family = "vae"
    system = "VQ-VAE (without a prior)"
    paper = "van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937"
    Config = VQVAEConfig
    Request = VQVAERequest
    likelihood = "bound"
    num_threads: int | None = None
    sample_bytes = 2**20

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.num_codes = config.num_codes
        cells = config.image_size // 4
        self.code_shape = (cells, cells, config.levels)
        self.num_dims = config.channels * config.image_size**2
        self.encoder = CodeEncoder(config)
        self.quantizer = Quantizer(config.levels, config.num_codes, config.code_dim)
        self.decoder = CodeDecoder(config)

    # --- training

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """log p(x given codes) in nats (B,), encodings (B,H/4,W/4,D), their codes (...,levels) and what these stand for (...,D)."""
        vectors = self.encoder(x).permute(0, 2, 3, 1)
        with torch.autocast(x.device.type, enabled=False):
            codes = self.quantizer.nearest(vectors)
            quantized = self.quantizer.look_up(codes)
        passed = straight_through(vectors, quantized).permute(0, 3, 1, 2)
        return log_likelihood(self.decoder(passed), x), vectors, codes, quantized

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Eq. 3: what the picture costs given its codes, in bits per dimension, and the commitment term; no labels.

        The middle term of eq. 3 is replaced by moving averages (appendix A.1), which are updated in training mode.
        """
        log_likelihood, vectors, codes, quantized = self(x)
        reconstruction = -log_likelihood.mean() / (self.num_dims * _NATS_PER_BIT)
        commitment = (vectors - quantized).square().mean()
        if self.training:
            flat = (vectors.detach().flatten(0, 2), codes.flatten(0, 2))
            self.quantizer.follow(*flat, generator)
        used = [perplexity(codes[..., i], self.num_codes) for i in range(self.config.levels)]
        return {
            "loss": reconstruction + self.config.commitment * commitment,
            "reconstruction": reconstruction,
            "commitment": commitment,
            **{f"perplexity_{i + 1}": value for i, value in enumerate(used)},
        }

    @torch.no_grad()
    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """After training: how often each code occurs in up to 20,000 pictures ``x``."""
        self.quantizer.count(torch.cat([self.encode_codes(part) for part in x[:20_000].split(500)]))

    # --- the bound

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """-log p(x given codes) - log p(codes) with every code alike, in bits per dimension; nothing is drawn.

        A true bound of 8-bit pictures: p(x) is a sum over all grids of codes, and this is one of its terms.
        """
        codes = self.encode_codes(x)
        nats = codes[0].numel() * math.log(self.num_codes) - self.log_likelihood(x, codes).cpu().double()
        return [
            Score(value, "bound", "bits/dim") for value in (nats / (self.num_dims * _NATS_PER_BIT)).tolist()
        ]

    @torch.no_grad()
    def log_likelihood(self, x: Tensor, codes: Tensor) -> Tensor:
        """log p(x given codes) of 8-bit ``x`` (B,C,H,W) and its codes (B,*code_shape), summed over the pixels: (B,) in nats."""
        return self.log_likelihood_of(x, self._vectors(codes))

    @torch.no_grad()
    def log_likelihood_of(self, x: Tensor, vectors: Tensor) -> Tensor:
        """The same, given ``vectors`` (B,code_dim,H/4,W/4) that need not be entries of the codebook."""
        return log_likelihood(self.decoder(vectors), x)

    # --- pictures and codes

    @torch.no_grad()
    def encode_codes(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> code numbers, int64 (B,*code_shape)."""
        return self.quantizer.nearest(self.encode_vectors(x).permute(0, 2, 3, 1))

    @torch.no_grad()
    def encode_vectors(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> what its codes are the nearest entries to, float32 (B,code_dim,H/4,W/4)."""
        vectors: Tensor = self.encoder(x)
        return vectors

    @torch.no_grad()
    def decode_codes(self, codes: Tensor) -> Tensor:
        """``codes`` int64 (B,*code_shape) -> the mean of p(x given codes), a picture in [-1, 1], (B,C,H,W)."""
        return torch.cat([self.decode_vectors(self._vectors(part)) for part in codes.split(CACHED)])

    @torch.no_grad()
    def decode_vectors(self, vectors: Tensor) -> Tensor:
        """The same of ``vectors`` (B,code_dim,H/4,W/4) that need not be entries of the codebook."""
        return torch.cat([mean_picture(self.decoder(part)) for part in vectors.split(CACHED)])

    def _vectors(self, codes: Tensor) -> Tensor:
        return self.quantizer.look_up(codes).permute(0, 3, 1, 2)

    @torch.no_grad()
    def sample(self, request: VQVAERequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw every code by itself and decode the grid: one frame, whose state holds the codes."""
        codes = self._draw_codes(request) if resume is None else resume["codes"]
        yield from self.code_frames(codes)

    @torch.no_grad()
    def code_frames(self, codes: np.ndarray) -> Iterator[Frame]:
        """The frame of given ``codes`` int64 (B,*code_shape), which it carries as ``codes``."""
        given = torch.from_numpy(np.ascontiguousarray(codes, np.int64)).to(self.quantizer.codebook.device)
        yield Frame(1, 1, 1, to_uint8(self.decode_codes(given)), {"codes": codes}, {"codes": codes})

    def _draw_codes(self, request: VQVAERequest) -> np.ndarray:
        indices = range(request.first_index, request.first_index + request.num_samples)
        uniforms = noise.uniform(request.seed, indices, "codes", self.code_shape)
        return independent_codes(self.quantizer, uniforms, request.prior == "uniform")


MODEL = VQVAE
RECIPES = (
    Recipe(
        id="vqvae-fashion",
        config=VQVAEConfig(),
        steps=3400,
        batch_size=64,
        warmup_steps=100,
        optimizer="muon",
        ema=0.998,
        compile=False,  # no quicker here
        snapshot={"num_samples": 10, "prior": "frequencies"},
        evaluate={"prior": "frequencies"},
    ),
)
