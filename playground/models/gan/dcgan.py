"""DCGAN: Radford, Metz and Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional GANs" (arXiv:1511.06434).

The guidelines of its section 3: strided convolutions instead of pooling, batch normalisation in both networks (not at
the generator's output nor at the discriminator's input), ReLU in the generator, leaky ReLU in the discriminator, no
dense hidden layers, weights drawn from N(0, 0.02^2), Adam with beta_1 = 0.5.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from playground.contract import Recipe
from playground.models.blocks import from_uint8
from playground.models.gan._latents import LatentGAN


@dataclass(frozen=True)
class DCGANConfig:
    """Shape of the two networks."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    latent_dim: int = 64
    width: int = 64  # channels of the generator at half resolution; twice as many at a quarter, four times at an eighth
    discriminator_width: int = 32  # as many would win: it judges less than the other has to draw
    kernel: int = 4

    @property
    def eighth(self) -> int:
        """Rows of the smallest map: 4 for 28 pixels."""
        return math.ceil(self.image_size / 8)


class DiscriminatorShape(Protocol):
    """What a configuration says of a discriminator."""

    @property
    def channels(self) -> int: ...
    @property
    def discriminator_width(self) -> int: ...
    @property
    def kernel(self) -> int: ...
    @property
    def eighth(self) -> int: ...


class Generator(nn.Module):
    """z (B,latent_dim) -> pictures in [-1, 1], (B,C,H,W), by fractionally strided convolutions."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width, kernel, self.eighth = config.width, config.kernel, config.eighth
        uneven = config.image_size // 4 % 2  # 7 cells come of 4
        self.project = nn.Linear(config.latent_dim, 4 * width * self.eighth**2)
        self.norm_eighth = nn.BatchNorm2d(4 * width)
        self.to_quarter = nn.ConvTranspose2d(
            4 * width, 2 * width, 3, 2, 1, output_padding=1 - uneven, bias=False
        )
        self.norm_quarter = nn.BatchNorm2d(2 * width)
        self.to_half = nn.ConvTranspose2d(2 * width, width, kernel, 2, kernel // 2 - 1, bias=False)
        self.norm_half = nn.BatchNorm2d(width)
        self.to_full = nn.ConvTranspose2d(width, config.channels, kernel, 2, kernel // 2 - 1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.project(z).unflatten(1, (-1, self.eighth, self.eighth))
        h = F.relu(self.norm_eighth(h))
        h = F.relu(self.norm_quarter(self.to_quarter(h)))
        h = F.relu(self.norm_half(self.to_half(h)))
        return self.to_full(h).tanh()


class Discriminator(nn.Module):
    """Pictures (B,C,H,W) -> logit that they are real, (B,)."""

    def __init__(self, config: DiscriminatorShape) -> None:
        super().__init__()
        width, kernel = config.discriminator_width, config.kernel
        self.to_half = nn.Conv2d(config.channels, width, kernel, 2, kernel // 2 - 1)
        self.to_quarter = nn.Conv2d(width, 2 * width, kernel, 2, kernel // 2 - 1, bias=False)
        self.norm_quarter = nn.BatchNorm2d(2 * width)
        self.to_eighth = nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=False)
        self.norm_eighth = nn.BatchNorm2d(4 * width)
        self.last = nn.Conv2d(4 * width, 1, config.eighth)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What it sees at a quarter and at an eighth of the resolution."""
        h = F.leaky_relu(self.to_half(x), 0.2)
        quarter = F.leaky_relu(self.norm_quarter(self.to_quarter(h)), 0.2)
        return quarter, F.leaky_relu(self.norm_eighth(self.to_eighth(quarter)), 0.2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.maps(x)[-1]).flatten()


class DCGAN(LatentGAN):
    """The convolutional players."""

    system = "Deep convolutional GAN"
    paper = "Radford, Metz and Chintala 2015, arXiv:1511.06434"
    Config = DCGANConfig

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__(config)
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)

    @torch.no_grad()
    def count_statistics(self, x: Tensor, generator: torch.Generator) -> None:
        """Count the means and variances of batch normalisation anew, for weights that are an average of others.

        They are those of 20 batches of 100 draws, and for the discriminator of as many of real pictures ``x``,
        uint8 (B,C,H,W), which it sees apart from the drawn ones, as in training.
        """
        device = x.device
        z = [torch.randn(100, *self.latent_shape, generator=generator).to(device) for _ in range(20)]
        update_bn(z, self.generator)
        drawn = (self(part) for part in z)
        real = (from_uint8(part) for part in x.split(100))
        update_bn(itertools.chain.from_iterable(zip(real, drawn, strict=False)), self.discriminator)


MODEL = DCGAN
RECIPES = (
    Recipe(
        id="dcgan-fashion",
        stored="int8",
        config=DCGANConfig(),
        steps=26000,
        batch_size=128,
        learning_rate=1e-3,
        betas=(0.5, 0.999),
        final_learning_rate=1.0,  # players that circle each other come no nearer by slowing down
        warmup_steps=1,
        max_grad_norm=100.0,  # as published: none
        ema=0.9998,
        ema_ramp=6,
        snapshot={"num_samples": 10},
    ),
)
