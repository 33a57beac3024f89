"""StyleGAN2: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958), small.

A mapping network turns z into w; every convolution of the synthesis network is modulated by w (section 2.2), gets noise
of its own, and adds to the picture through a skip connection (section 4).  The game is the relativistic one of R3GAN
(Huang et al. 2024, arXiv:2501.05441) with its penalties R1 and R2, which are taken to first order:
(D(x + sigma n) - D(x))^2 / sigma^2 is, on average over n, the squared gradient (Lin et al. 2025, arXiv:2501.08316, eq. 3).
Some thousand steps are too few for a critic to notice by itself that all pictures of a class are one; the generator's
loss has energy distances between real and drawn pictures for that, in what a diffusion model sees (``_features.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground import data
from playground.models import noise
from playground.models.base import Frame, Recipe, Request, State, class_knob, knob, labels_of
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan import _features
from playground.models.gan._games import opinions
from playground.models.gan._latents import CHUNK, TURNS
from playground.models.gan._styled import Critic, Generator


@dataclass(frozen=True)
class StyleGANConfig:
    """Shape of the networks and weights of the penalties."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    dataset: str = "fashion"  # whose test images the critic's opinions are measured against
    num_classes: int = 10
    latent_dim: int = 64
    w_dim: int = 128
    widths: tuple[int, int, int] = (128, 64, 32)  # of the generator at a quarter, half and full resolution
    critic_widths: tuple[int, int, int] = (128, 64, 32)
    gamma: float = 0.05  # weight of R1 and R2
    penalty_sigma: float = (
        0.03  # how far a penalty looks, on the scale [-1, 1]; if far, the critic may not see grain
    )
    mixing: float = 0.2  # so often two styles are mixed while training
    distance_weight: float = 5.0  # of the energy distances in the generator's loss


@dataclass(frozen=True)
class StyleRequest(Request):
    """What to draw."""

    truncation_psi: float = knob(
        0.8,
        label="truncation_psi",
        low=-1.0,
        high=1.5,
        step=0.05,
        help="Pulls w towards its mean: 1 leaves it, 0 is the mean itself, values between trade variety for quality. Negative ones give the opposite of a picture.",
    )
    noise: bool = knob(
        True,
        label="noise",
        help="The noise added after every convolution: it decides fine detail, not what the picture shows.",
    )
    label: int = class_knob("Which garment to draw.")


class StyleGAN(nn.Module):
    """Generator, critic, and what w is good for: truncation, mixing, directions."""

    family = "gan"
    system = "StyleGAN2"
    paper = "Karras et al. 2020, arXiv:1912.04958; Huang et al. 2024, arXiv:2501.05441"
    likelihood = "none"
    Config = StyleGANConfig
    Request = StyleRequest
    turns = TURNS
    num_threads: int | None = None
    sample_bytes = 2 * 2**20

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        self.config = config
        self.num_classes = config.num_classes
        self.num_layers = 6
        self.latent_shape = (config.w_dim,)  # what is decoded is w
        self.generator = Generator(config)
        self.discriminator = Critic(config)

    # --- training

    def learn_from(self, teacher: Any) -> None:
        """Look at pictures with this diffusion model's eyes while training; it is not saved with the model."""
        net = teacher.net.to(self.generator.label.weight.device, memory_format=torch.channels_last)
        self.__dict__["eyes"] = net.requires_grad_(False)

    def loss(
        self, x: Tensor, labels: Tensor, generator: torch.Generator, turn: str = "generator"
    ) -> dict[str, Tensor]:
        """Relativistic pairing (R3GAN, eq. 2) and, for the critic, R1 and R2; ``x`` uint8 (B,C,H,W)."""
        real = from_uint8(x)
        if turn == "generator":
            return self._generator_loss(real, labels, generator)
        fake = self._draw(labels, generator)

        def ask(pictures: Tensor, rows: Tensor) -> Tensor:
            return cast(Tensor, self.discriminator(pictures, labels[rows]))

        sigma = self.config.penalty_sigma
        on_real, on_fake, r1, r2 = opinions(ask, real, fake.detach().float(), sigma, generator)
        loss = F.softplus(on_fake - on_real).mean() + 0.5 * self.config.gamma * (r1 + r2)
        return {"loss": loss, "lead": (on_real - on_fake).mean(), "r1": r1, "r2": r2}

    def _generator_loss(self, real: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The game, and the energy distances: with a diffusion model's eyes to many real pictures, else to those at hand."""
        config, eyes = self.config, self.__dict__.get("eyes")
        if eyes is None:
            seen = _features.features(None, real)
            here = [int(c) for c, n in enumerate(labels.bincount()) if n > 1]
            known = {c: _features.real_of([kind[labels == c] for kind in seen]) for c in here}
            chosen = labels
        else:
            known = dict(enumerate(_features.real_pictures(eyes, config.dataset, self.num_classes)))
            chosen = _features.few_classes(len(real), self.num_classes, generator).to(labels.device)
        fake = self._draw(chosen, generator)
        with torch.no_grad():
            on_real = self.discriminator(real, labels).float()
        game = F.softplus(on_real - self.discriminator(fake, chosen).float()).mean()
        kinds = _features.features(eyes, fake)
        with torch.autocast(real.device.type, enabled=False):
            distance, spread = _features.distance(known, kinds, chosen)
        loss = game + config.distance_weight * distance
        return {"loss": loss, "game": game, "distance": distance, "spread": spread}

    def _draw(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        device, count = labels.device, len(labels)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=generator.device).to(device)

        z, other = normal(count, self.config.latent_dim), normal(count, self.config.latent_dim)
        place = torch.rand(count, 2, generator=generator, device=generator.device).to(device)
        switch = (1 + place[:, 0] * (self.num_layers - 1)).floor()
        switch = torch.where(place[:, 1] < self.config.mixing, switch, float(self.num_layers))
        noises = [normal(count, *shape) for shape in self.noise_shapes()]
        return cast(Tensor, self.generator(z, other, switch, labels, noises))

    # --- w

    def noise_shapes(self) -> list[tuple[int, int, int]]:
        """Shape of each layer's noise, (1,H,W)."""
        sizes = [self.config.image_size // d for d in (4, 4, 2, 2, 1, 1)]
        return [(1, size, size) for size in sizes]

    @cached_property
    def many_w(self) -> Tensor:
        """1,000 draws of w for each class, (num_classes,1000,w_dim)."""
        device = self.generator.label.weight.device
        z = torch.from_numpy(noise.normal(0, range(1000), "w_avg", self.prior_shape)).to(device)
        labels = torch.arange(self.num_classes, device=device)
        with torch.no_grad():
            return torch.stack([self.generator.map(z, c.expand(len(z))) for c in labels])

    @cached_property
    def w_avg(self) -> Tensor:
        """The mean of w for each class, (num_classes,w_dim)."""
        return self.many_w.mean(1)

    @cached_property
    def directions(self) -> tuple[Tensor, Tensor]:
        """Principal directions of w around the mean of its class (GANSpace, Harkonen et al. 2020, arXiv:2004.02546).

        Returns:
            unit vectors, the widest first, (w_dim,w_dim), and the standard deviation along each, (w_dim,).
        """
        centred = (self.many_w - self.w_avg[:, None]).flatten(0, 1)
        _, deviations, axes = torch.linalg.svd(centred.cpu(), full_matrices=False)
        largest = axes.gather(
            1, axes.abs().argmax(1, keepdim=True)
        )  # a sign that does not depend on the library
        axes, deviations = axes * largest.sign(), deviations / math.sqrt(len(centred))
        return axes.to(centred.device), deviations.to(centred.device)

    def w_of(self, z: Tensor, labels: Tensor, truncation_psi: float = 1.0) -> Tensor:
        """``z`` (B,latent_dim), ``labels`` (B,) -> w, pulled towards the mean of its class: (B,w_dim)."""
        mean = self.w_avg[labels]
        return mean + truncation_psi * (self.generator.map(z, labels) - mean)

    def synthesize(self, styles: Tensor, noises: list[Tensor]) -> Tensor:
        """Styles (B,layers,w_dim), noises each (B,1,H,W) -> pictures, (B,C,H,W)."""
        parts = zip(styles.split(CHUNK), *(n.split(CHUNK) for n in noises), strict=True)
        return torch.cat([self.generator.synthesis(w, list(ns)) for w, *ns in parts]).float()

    def decode(self, w: Tensor) -> Tensor:
        """``w`` (B,w_dim) or, layer by layer, (B,layers,w_dim) -> pictures without noise, (B,C,H,W)."""
        styles = w[:, None].expand(-1, self.num_layers, -1) if w.ndim == 2 else w
        silent = [w.new_zeros(len(w), *shape) for shape in self.noise_shapes()]
        return self.synthesize(styles, silent)

    @cached_property
    def opinion_of_real(self) -> Tensor:
        """The mean of D(x) over 50 test images of each class, (num_classes,)."""
        device = self.generator.label.weight.device
        images, labels = data.load(self.config.dataset, "test")
        means = []
        for c in range(self.num_classes):
            x = torch.from_numpy(images[labels == c][:50].transpose(0, 3, 1, 2).copy()).to(device)
            each = torch.full((len(x),), c, device=device)
            means.append(self.discriminator(from_uint8(x), each).float().mean())
        return torch.stack(means)

    @torch.no_grad()
    def opinion(self, x: Tensor, labels: Tensor) -> Tensor:
        """D(x) of pictures in [-1, 1], (B,C,H,W), minus its mean over real ones of the class: (B,).

        A relativistic critic only ever compares, so only such differences mean something.
        """
        return cast(Tensor, self.discriminator(x, labels)).float() - self.opinion_of_real[labels]

    def start_of_search(self, goal: Tensor, labels: Tensor) -> Tensor:
        """Where a search for the latent of ``goal`` (1,C,H,W) begins: at the mean w of its class, (1,w_dim)."""
        return self.w_avg[labels]

    # --- drawing

    @torch.no_grad()
    def sample(self, request: StyleRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw z, map it to w, synthesize: one pass, one frame.  Extras: ``latent`` (w) and ``opinion`` float32 (B,)."""
        if resume is None:
            indices = range(request.first_index, request.first_index + request.num_samples)
            yield self.picture_of(noise.normal(request.seed, indices, "z", self.prior_shape), request)
        else:
            w = torch.from_numpy(resume["latent"]).to(self.generator.label.weight.device)
            yield self.frame_of(w, self.labels(request), self.noises(request))

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """Shape of one z, a draw from the standard normal."""
        return (self.config.latent_dim,)

    def picture_of(self, z: np.ndarray, request: StyleRequest) -> Frame:
        """The frame of draws from the prior, ``z`` float32 (B,latent_dim), under the knobs of a request."""
        labels = self.labels(request)
        w = self.w_of(torch.from_numpy(z).to(labels.device), labels, request.truncation_psi)
        return self.frame_of(w, labels, self.noises(request))

    def labels(self, request: StyleRequest) -> Tensor:
        """The class of each sample of a request, int64 (B,)."""
        chosen = labels_of(request.label, request, self.num_classes)
        return torch.from_numpy(chosen).to(self.generator.label.weight.device)

    def noises(self, request: StyleRequest) -> list[Tensor]:
        """The noise of every layer for the samples of a request; zero if it asks for none."""
        device = self.generator.label.weight.device
        indices = range(request.first_index, request.first_index + request.num_samples)
        if not request.noise:
            return [torch.zeros(len(indices), *shape, device=device) for shape in self.noise_shapes()]
        draws = [
            noise.normal(request.seed, indices, "noise", shape, step=i)
            for i, shape in enumerate(self.noise_shapes())
        ]
        return [torch.from_numpy(draw).to(device) for draw in draws]

    def frame_of(self, w: Tensor, labels: Tensor, noises: list[Tensor]) -> Frame:
        """The frame of given w, (B,w_dim) or (B,layers,w_dim)."""
        styles = w[:, None].expand(-1, self.num_layers, -1) if w.ndim == 2 else w
        pictures = self.synthesize(styles, noises)
        kept = np.array(w.cpu().numpy())
        extras = {"latent": kept, "opinion": self.opinion(pictures, labels).cpu().numpy()}
        return Frame(1, 1, 1, to_uint8(pictures), extras, {"latent": kept})


MODEL = StyleGAN
RECIPES = (
    Recipe(
        id="stylegan-fashion",
        stored="int8",
        config=StyleGANConfig(),
        start_from="ddpm-fashion",
        # in four legs: 6,000; 4,800 from half the rate; with ema=0.999, 10,200 at a constant 1.2e-3 and 2,400 at 2.4e-3
        steps=23400,
        batch_size=64,
        learning_rate=4e-3,
        learning_rates={"discriminator": 2.0},
        betas=(0.0, 0.99),
        final_learning_rate=0.05,
        warmup_steps=100,
        ema=0.998,
        snapshot={"num_samples": 10, "truncation_psi": 1.0},
        evaluate={"truncation_psi": 1.0},
    ),
)
