"""Very deep VAE: Child 2021, "Very Deep VAEs Generalize Autoregressive Models and Can Outperform Them on Images" (arXiv:2011.10650).

The latent is a hierarchy: a few numbers for all of the picture, then grids of 7x7, 14x14 and 28x28 places, layer upon layer.  Going
up, an encoder reads the picture once.  Going down, every layer draws its part of z from a normal distribution that depends on all
the layers above it, p(z_l given z_<l), or, for a given picture, from q(z_l given z_<l, x) (figure 3; the order is that of the ladder
VAE, Sonderby et al. 2016, arXiv:1602.02282).  The bound is the same as for one layer, its KL term a sum over layers (eq. 4).

What a layer may vary is what those above left open: drawn anew below a level, a picture keeps what the level and those above it
hold (:meth:`VDVAE.sample` with codes to keep).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, Score, State, knob
from playground.models import discretized_logistic, noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.network import Network
from playground.models.vae._hierarchy import Block, Layer, kl_between

CHUNK = 16  # pictures to go down together, always as many: layers differ by 1e-6 between batch sizes
SCORE_DRAWS = 4  # draws of z behind one score
_NATS_PER_BIT = math.log(2)


@dataclass(frozen=True)
class VDVAEConfig:
    """Levels from the top down; a level has places, a width, and layers of latents."""

    sizes: tuple[int, ...] = (1, 7, 14, 28)
    widths: tuple[int, ...] = (128, 128, 64, 32)
    layers: tuple[int, ...] = (2, 4, 5, 3)  # of latents, going down
    blocks: tuple[int, ...] = (1, 3, 3, 2)  # of the encoder, going up
    latents: tuple[int, ...] = (16, 8, 4, 2)  # numbers of one layer at one place
    num_mixtures: int = 3  # logistics per pixel

    @property
    def image_size(self) -> int:
        """Of the lowest level: pixels."""
        return self.sizes[-1]

    @property
    def channels(self) -> int:
        """Grey."""
        return 1

    @property
    def levels(self) -> list[int]:
        """The level of every layer, from the top down."""
        return [level for level, count in enumerate(self.layers) for _ in range(count)]


@dataclass(frozen=True)
class VDVAERequest(Request):
    """What to draw."""

    output: str = knob(
        "mean",
        label="output",
        choices=(("mean", "decoder's mean"), ("sample", "a draw")),
        help="The lowest layer gives every pixel a distribution. Its mean is what is usually shown; an honest sample of the model also draws each pixel, independently of the others.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.0,
        high=1.5,
        step=0.05,
        help="Multiplies the standard deviation of every layer's prior. 1 is the model as trained; lower keeps each layer nearer to what the ones above it expect.",
    )


class VDVAE(Network):
    """q(z given x) from an encoder and all that was drawn above; p(z) layer by layer; p(x given z) pixel by pixel."""

    family = "vae"
    system = "Very deep VAE"
    paper = "Child 2021, arXiv:2011.10650"
    differs = "14 layers of latents instead of 45 and more; the posterior is told as a difference from the prior, as in NVAE."
    Config = VDVAEConfig
    Request = VDVAERequest
    likelihood = "bound"
    num_threads: int | None = None
    sample_bytes = 2**20

    def __init__(self, config: VDVAEConfig) -> None:
        super().__init__()
        self.config = config
        sizes, widths = config.sizes, config.widths
        self.num_dims = config.image_size**2  # D of bits/dim
        self.latent_shapes = [(config.latents[i], sizes[i], sizes[i]) for i in config.levels]
        self.code_sizes = tuple(sizes[i] for i in config.levels)
        self.stem = nn.Conv2d(2, widths[-1], 3, padding=1)
        self.up = nn.ModuleList(
            nn.Conv2d(widths[i + 1], widths[i], sizes[i + 1] // sizes[i], stride=sizes[i + 1] // sizes[i])
            for i in range(len(sizes) - 1)
        )
        gain = 1 / math.sqrt(sum(config.layers))
        self.encoder = nn.ModuleList(
            nn.ModuleList(Block(widths[i], widths[i], sizes[i], gain) for _ in range(config.blocks[i]))
            for i in range(len(sizes))
        )
        self.start = nn.Parameter(torch.zeros(1, widths[0], 1, 1))
        self.down = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1] * (sizes[i + 1] // sizes[i]) ** 2, 1)
            for i in range(len(sizes) - 1)
        )
        self.places = nn.ParameterList(
            nn.Parameter(torch.zeros(1, widths[i], sizes[i], sizes[i])) for i in (1, 2)
        )
        self.layers = nn.ModuleList(
            Layer(widths[i], config.latents[i], sizes[i], gain) for i in config.levels
        )
        self.head = nn.Conv2d(widths[-1], 3 * config.num_mixtures, 1)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            cast("Tensor", self.head.bias).copy_(discretized_logistic.initial_bias(config.num_mixtures))

    # --- up and down

    def read(self, x: Tensor) -> list[Tensor]:
        """``x`` uint8 (B,1,H,W) -> what the encoder makes of it at every level, from the top down, each (B,W,H,W)."""
        h = self.stem(torch.cat([from_uint8(x), (x == 0).float()], 1))
        read = []
        for level in reversed(range(len(self.config.sizes))):
            for block in cast("nn.ModuleList", self.encoder[level]):
                h = h + block(h)
            read.append(h)
            if level:
                h = self.up[level - 1](h)
        return read[::-1]

    def stream(self, count: int) -> Tensor:
        """Where every picture begins: (B,W,1,1)."""
        return self.start.expand(count, -1, -1, -1)

    def enter(self, h: Tensor, layer: int) -> Tensor:
        """The stream as ``layer`` wants it: enlarged where a level begins."""
        level = self.config.levels[layer]
        if layer == 0 or self.config.levels[layer - 1] == level:
            return h
        h = F.pixel_shuffle(self.down[level - 1](h), self.config.sizes[level] // self.config.sizes[level - 1])
        return h + self.places[level - 1] if level <= len(self.places) else h

    def layer(self, index: int) -> Layer:
        """One layer, by its type."""
        return cast("Layer", self.layers[index])

    def forward(self, x: Tensor, epsilon: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """One draw of the bound of ``x`` uint8 (B,1,H,W): the mixture parameters (B,H,W,3K), and KL of every layer (layers,B) in nats."""
        read, h, kl = self.read(x), self.stream(len(x)), []
        for index, level in enumerate(self.config.levels):
            layer, h = self.layer(index), self.enter(h, index)
            prior, passed = layer.prior(h)
            posterior = layer.posterior(h, read[level], prior)
            kl.append(kl_between(posterior, prior).flatten(1).sum(1))
            h = layer.put(passed, posterior.at(epsilon[index]))
        return self.pixels(h), torch.stack(kl)

    def pixels(self, h: Tensor) -> Tensor:
        """The stream after the last layer -> mixture parameters of every pixel, (B,H,W,3K)."""
        return self.head(F.silu(h)).permute(0, 2, 3, 1)

    # --- the bound

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The negative bound in bits per dimension; labels are not used."""
        epsilon = [
            torch.randn((len(x), *shape), generator=generator, device=generator.device).to(x.device)
            for shape in self.latent_shapes
        ]
        raw, kl = self(x, epsilon)
        bits = self.num_dims * _NATS_PER_BIT
        reconstruction = -discretized_logistic.log_prob(raw, x[:, 0].long()).mean() / _NATS_PER_BIT
        spent = kl.sum(0).mean() / bits
        return {"loss": reconstruction + spent, "reconstruction": reconstruction, "kl": spent}

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """The negative bound in bits per dimension, the mean over ``SCORE_DRAWS`` draws of z; labels are not used."""
        parts = [self._draw_bound(x, seed, draw) for draw in range(SCORE_DRAWS)]
        bits = torch.stack([reconstruction + kl.sum(0) for reconstruction, kl in parts])
        errors = bits.std(0) / math.sqrt(SCORE_DRAWS)
        return [
            Score(value, "bound", "bits/dim", error)
            for value, error in zip(bits.mean(0).tolist(), errors.tolist(), strict=True)
        ]

    @torch.no_grad()
    def elbo_parts(self, x: Tensor, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """The two parts of the score in bits per dimension, and the standard error of their sum, float64 (B,) on the CPU."""
        parts = [self._draw_bound(x, seed, draw) for draw in range(SCORE_DRAWS)]
        reconstruction = torch.stack([one for one, _ in parts])
        kl = torch.stack([every.sum(0) for _, every in parts])
        error = (reconstruction + kl).std(0) / math.sqrt(SCORE_DRAWS)
        return reconstruction.mean(0), kl.mean(0), error

    @torch.no_grad()
    def kl_per_layer(self, x: Tensor, seed: int = 0) -> Tensor:
        """What every layer says of ``x`` uint8 (B,1,H,W) in bits per dimension of the picture: float64 (layers,B) on the CPU."""
        return torch.stack([self._draw_bound(x, seed, draw)[1] for draw in range(SCORE_DRAWS)]).mean(0)

    def _draw_bound(self, x: Tensor, seed: int, draw: int) -> tuple[Tensor, Tensor]:
        own = noise.identities(x)
        epsilon = [
            torch.from_numpy(noise.normal(seed, own, f"posterior.{i}", shape, step=draw)).to(x.device)
            for i, shape in enumerate(self.latent_shapes)
        ]
        raw, kl = self(x, epsilon)
        nats = -discretized_logistic.log_prob(raw, x[:, 0].long()).flatten(1).cpu().double().sum(1)
        bits = self.num_dims * _NATS_PER_BIT
        return nats / bits, kl.cpu().double() / bits

    # --- drawing

    @torch.no_grad()
    def codes_of(self, x: Tensor) -> list[np.ndarray]:
        """The mean of q of every layer given the means above it, for ``x`` uint8 (B,1,H,W): a list of float32 (B,Z,H,W)."""
        read, h, codes = self.read(x), self.stream(len(x)), []
        for index, level in enumerate(self.config.levels):
            layer, h = self.layer(index), self.enter(h, index)
            prior, passed = layer.prior(h)
            z = layer.posterior(h, read[level], prior).mean
            codes.append(z.float().cpu().numpy())
            h = layer.put(passed, z)
        return codes

    @torch.no_grad()
    def sample(self, request: VDVAERequest, resume: State | None = None) -> Iterator[Frame]:
        """Layer by layer from the top: a frame after each, in which all that is still to be drawn stands at its expected value.

        Extras: ``moved`` float32 (drawn,), by how many grey levels the drawing of each layer changed what was expected, the mean
        over pixels and pictures.  A state holds the ``z.0`` ... that were drawn, each float32 (B,Z,H,W), and ``moved``.
        """
        codes = [] if resume is None else [resume[f"z.{i}"] for i in range(len(resume) - 1)]
        moved = np.zeros(0, np.float32) if resume is None else resume["moved"]
        streams = self._after(codes, request.num_samples)
        images = self._images(streams, len(codes), request)
        if resume is None or len(codes) == len(self.layers):
            yield self._frame(codes, moved, images, request, streams)
        for index in range(len(codes), len(self.layers)):
            before = images
            streams, z = self._draw(streams, index, request)
            codes = [*codes, z]
            images = self._images(streams, len(codes), request)
            change = np.abs(images.astype(np.float32) - before).mean()
            moved = np.append(moved, np.float32(change))
            yield self._frame(codes, moved, images, request, streams)

    @torch.no_grad()
    def draw_below(self, kept: Sequence[np.ndarray], request: VDVAERequest) -> np.ndarray:
        """The layers after ``kept`` (each float32 (B,Z,H,W)) drawn from their priors: uint8 (B,H,W,1)."""
        streams = self._after(kept, request.num_samples)
        for index in range(len(kept), len(self.layers)):
            streams, _ = self._draw(streams, index, request)
        return self._images(streams, len(self.layers), request)

    def _after(self, codes: Sequence[np.ndarray], count: int) -> list[Tensor]:
        """The streams of all chunks after given codes."""
        streams = [self.stream(CHUNK) for _ in range(math.ceil(count / CHUNK))]
        for index, z in enumerate(codes):
            layer, after = self.layer(index), []
            for h, part in zip(streams, self._chunks(z), strict=True):
                _, passed = layer.prior(self.enter(h, index))
                after.append(layer.put(passed, part))
            streams = after
        return streams

    def _draw(
        self, streams: list[Tensor], index: int, request: VDVAERequest
    ) -> tuple[list[Tensor], np.ndarray]:
        """One layer more: the streams after it, and its z, float32 (B,Z,H,W)."""
        indices = range(request.first_index, request.first_index + request.num_samples)
        epsilon = noise.normal(request.seed, indices, f"z.{index}", self.latent_shapes[index])
        layer, drawn, after = self.layer(index), [], []
        for h, part in zip(streams, self._chunks(epsilon), strict=True):
            prior, passed = layer.prior(self.enter(h, index))
            z = prior.at(part, request.temperature).float()
            drawn.append(z)
            after.append(layer.put(passed, z))
        return after, torch.cat(drawn)[: len(epsilon)].cpu().numpy()

    def _frame(
        self,
        codes: list[np.ndarray],
        moved: np.ndarray,
        images: np.ndarray,
        request: VDVAERequest,
        streams: list[Tensor],
    ) -> Frame:
        done, total = len(codes), len(self.layers)
        if done == total and request.output == "sample":
            images = self._draw_pixels(streams, request)
        state = {"moved": moved, **{f"z.{i}": z for i, z in enumerate(codes)}}
        return Frame(done, total, done, images, {"moved": moved}, state)

    def _images(self, streams: list[Tensor], first: int, request: VDVAERequest) -> np.ndarray:
        """The mean pictures, with every layer from ``first`` on at its expected value: uint8 (B,H,W,1)."""
        raw = torch.cat([self._expected(h, first) for h in streams])[: request.num_samples]
        return to_uint8(discretized_logistic.mean(raw)[:, None])

    def _expected(self, h: Tensor, first: int) -> Tensor:
        """The mixture parameters, with every layer from ``first`` on at the mean of its prior."""
        for index in range(first, len(self.layers)):
            layer = self.layer(index)
            prior, passed = layer.prior(self.enter(h, index))
            h = layer.put(passed, prior.mean)
        return self.pixels(h).float()

    def _draw_pixels(self, streams: list[Tensor], request: VDVAERequest) -> np.ndarray:
        raw = torch.cat([self._expected(h, len(self.layers)) for h in streams])[: request.num_samples]
        indices = range(request.first_index, request.first_index + request.num_samples)
        size = self.config.image_size
        uniforms = torch.from_numpy(noise.uniform(request.seed, indices, "x", (2, size, size)))
        return discretized_logistic.draw(raw, uniforms[:, 0], uniforms[:, 1])[..., None].numpy()

    def _chunks(self, values: np.ndarray) -> list[Tensor]:
        padded = np.zeros((math.ceil(len(values) / CHUNK) * CHUNK, *values.shape[1:]), np.float32)
        padded[: len(values)] = values
        return list(torch.from_numpy(padded).to(self.start.device).split(CHUNK))


MODEL = VDVAE
RECIPES = (
    Recipe(
        id="vdvae-fashion",
        stored="int8",
        config=VDVAEConfig(),
        # in three legs of one curve; the rate fell over the last 900 steps
        steps=3300,
        batch_size=64,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.01,
        warmup_steps=200,
        decay_steps=900,
        max_grad_norm=2.0,
        ema=0.998,
        compile=False,
        snapshot={"num_samples": 10},
    ),
)
