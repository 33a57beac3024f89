"""StyleGAN2: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958), small.

A mapping network turns z into w; every convolution of the synthesis network is modulated by w (section 2.2), gets noise
of its own, and adds to the picture through a skip connection (section 4).  Other than there, the mapping has two layers, the
leaky ReLU of the synthesis lacks the gain of sqrt(2), pictures end in a tanh, and no path length is regularised.  The game is that of 2014 against DCGAN's
discriminator, which is told the class, too.  A network that knows classes can win for long by one picture a class, which a
discriminator is slow to notice: the generator's loss therefore has the energy distances between real and drawn pictures of
each class in what the discriminator sees (Salimans et al. 2016, arXiv:1606.03498, section 3.1, "feature matching";
Bellemare et al. 2017, arXiv:1705.10743).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import update_bn

from playground.contract import Frame, Recipe, Request, State, class_knob, knob, labels_of
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan import _distances
from playground.models.gan._games import discriminator_loss
from playground.models.gan._latents import CHUNK, TURNS
from playground.models.gan._styled import Critic, Generator, StyleGANConfig
from playground.models.network import Network


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
        help="The noise added after every convolution: it decides fine detail, not what the picture shows. Each layer learns how strong it is; the shipped model has learned to do almost without.",
    )
    label: int = class_knob("Which garment to draw.")


class StyleGAN(Network):
    """Generator, critic, and what w is good for: truncation, mixing, directions."""

    family = "gan"
    system = "StyleGAN2"
    paper = "Karras et al. 2020, arXiv:1912.04958"
    differs = (
        "Mapping of two layers (eight there), leaky ReLU without the gain of √2 in the synthesis, tanh at the end, no path "
        "length regularisation, the discriminator of DCGAN, and energy distances between sets in the generator's loss."
    )
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
        self.num_layers = len(config.sizes)
        self.latent_shape = (config.w_dim,)  # what is decoded is w
        self.generator = Generator(config)
        self.discriminator = Critic(config)

    # --- training

    def loss(
        self, x: Tensor, labels: Tensor, generator: torch.Generator, turn: str = "generator"
    ) -> dict[str, Tensor]:
        """The game of 2014 and, for the generator, the energy distances; ``x`` uint8 (B,C,H,W), ``labels`` (B,)."""
        real, fake = from_uint8(x), self._draw(labels, generator)
        if turn == "discriminator":
            on_real, _ = self.discriminator(real, labels)
            on_fake, _ = self.discriminator(fake.detach(), labels)
            return discriminator_loss(on_real.float(), on_fake.float())
        on_fake, seen = self.discriminator(fake, labels)
        with torch.no_grad():
            _, seen_of_real = self.discriminator(real, labels)
        game = F.softplus(-on_fake.float()).mean()  # not saturating: Goodfellow et al. 2014, section 3
        with torch.autocast(real.device.type, enabled=False):
            distance, spread = _distances.distance(seen_of_real, seen, labels)
        loss = game + self.config.distance_weight * distance
        return {"loss": loss, "game": game, "distance": distance, "spread": spread}

    @torch.no_grad()
    def count_statistics(self, x: Tensor, generator: torch.Generator) -> None:
        """Count the discriminator's statistics anew, as DCGAN does; ``x`` real pictures, uint8 (B,C,H,W)."""
        real = x.split(100)
        labels = torch.arange(100, device=x.device) % self.num_classes
        drawn = (self._draw(labels, generator) for _ in real)
        shown = itertools.chain.from_iterable(zip(map(from_uint8, real), drawn, strict=True))
        update_bn(shown, self.discriminator)

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
        return [(1, size, size) for size in self.config.sizes]

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
        # a sign that does not depend on the library
        largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
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

    @torch.no_grad()
    def discriminator_output(self, x: Tensor, labels: Tensor) -> Tensor:
        """The discriminator's probability that pictures in [-1, 1], (B,C,H,W), are real ones of their class: (B,)."""
        logits, _ = self.discriminator(x, labels)
        return cast(Tensor, logits).float().sigmoid()

    def start_of_search(self, goal: Tensor, labels: Tensor) -> Tensor:
        """Where a search for the latent of ``goal`` (1,C,H,W) begins: at the mean w of its class, (1,w_dim)."""
        return self.w_avg[labels]

    # --- drawing

    @torch.no_grad()
    def sample(self, request: StyleRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw z, map it to w, synthesize: one pass, one frame.  Extras: ``latent`` (w) and ``discriminator_output`` float32 (B,)."""
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
        extras = {
            "latent": kept,
            "discriminator_output": self.discriminator_output(pictures, labels).cpu().numpy(),
        }
        return Frame(1, 1, 1, to_uint8(pictures), extras, {"latent": kept})


MODEL = StyleGAN
RECIPES = (
    Recipe(
        id="stylegan-fashion",
        stored="int8",
        config=StyleGANConfig(),
        steps=16000,
        batch_size=128,
        learning_rate=1e-3,
        # in three legs: the generator's rate at 1 for 5,000 steps and at 0.3 for 3,900; slower, its judge keeps up with it
        learning_rates={"generator": 0.15},
        betas=(0.5, 0.999),
        final_learning_rate=1.0,  # players that circle each other come no nearer by slowing down
        warmup_steps=1,
        max_grad_norm=100.0,  # none
        ema=0.9998,
        ema_ramp=6,
        snapshot={"num_samples": 10, "truncation_psi": 1.0},
        evaluate={"truncation_psi": 1.0},
    ),
)
