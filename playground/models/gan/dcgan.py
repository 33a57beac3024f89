"""DCGAN: Radford, Metz and Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional GANs" (arXiv:1511.06434).

The guidelines of its section 3: strided convolutions instead of pooling, batch normalisation in both networks (not at
the generator's output nor at the discriminator's input), ReLU in the generator, leaky ReLU in the discriminator, no
dense hidden layers, weights drawn from N(0, 0.02^2), Adam with beta_1 = 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.base import Recipe
from playground.models.gan._latents import LatentGAN


@dataclass(frozen=True)
class DCGANConfig:
    """Shape of the two networks."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    latent_dim: int = 64
    width: int = 64  # channels at half resolution; twice as many at a quarter
    kernel: int = 4


class Generator(nn.Module):
    """z (B,latent_dim) -> pictures in [-1, 1], (B,C,H,W), by fractionally strided convolutions."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width, kernel = config.width, config.kernel
        self.quarter = config.image_size // 4
        self.project = nn.Linear(config.latent_dim, 4 * width * self.quarter**2)
        self.norm_quarter = nn.BatchNorm2d(4 * width)
        self.to_half = nn.ConvTranspose2d(4 * width, 2 * width, kernel, 2, kernel // 2 - 1, bias=False)
        self.norm_half = nn.BatchNorm2d(2 * width)
        self.to_full = nn.ConvTranspose2d(2 * width, config.channels, kernel, 2, kernel // 2 - 1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.project(z).unflatten(1, (-1, self.quarter, self.quarter))
        h = F.relu(self.norm_quarter(h))
        h = F.relu(self.norm_half(self.to_half(h)))
        return self.to_full(h).tanh()


class Discriminator(nn.Module):
    """Pictures (B,C,H,W) -> logit that they are real, (B,)."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width, kernel = config.width, config.kernel
        self.to_half = nn.Conv2d(config.channels, width, kernel, 2, kernel // 2 - 1)
        self.to_quarter = nn.Conv2d(width, 2 * width, kernel, 2, kernel // 2 - 1, bias=False)
        self.norm_quarter = nn.BatchNorm2d(2 * width)
        self.last = nn.Conv2d(2 * width, 1, config.image_size // 4)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.to_half(x), 0.2)
        h = F.leaky_relu(self.norm_quarter(self.to_quarter(h)), 0.2)
        return self.last(h).flatten()


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


MODEL = DCGAN
RECIPES = (
    Recipe(
        id="dcgan-fashion",
        stored="int8",
        config=DCGANConfig(),
        steps=7000,
        batch_size=64,
        learning_rate=2e-4,
        betas=(0.5, 0.999),
        final_learning_rate=0.05,
        warmup_steps=1,
        ema=0.999,
        snapshot={"num_samples": 10},
    ),
)
