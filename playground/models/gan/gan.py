"""The first generative adversarial network: Goodfellow et al. 2014, "Generative Adversarial Nets" (arXiv:1406.2661).

Two dense networks play against each other: the generator turns noise into pictures, the discriminator tells real ones
from drawn ones.  As in the paper: rectifiers in the generator, maxout in the discriminator, and the paper's game.  In place of
dropout, the discriminator is kept smooth by penalties on its slope (R1 and R2: Mescheder, Geiger and Nowozin 2018), without
which these two networks come to no rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe
from playground.models.gan._latents import LatentGAN


@dataclass(frozen=True)
class GANConfig:
    """Shape of the two networks."""

    image_size: int = 28
    channels: int = 1
    latent_dim: int = 100
    width: int = 1200  # of the generator
    maxout_units: int = 240
    pieces: int = 5  # linear functions per maxout unit
    dropout: float = 0.0  # the paper's; a smooth discriminator does without
    gamma: float = 0.05  # weight of R1 and R2
    penalty_sigma: float = 0.01  # how far a penalty looks, on the scale [-1, 1]


class Maxout(nn.Module):
    """The largest of several linear functions (Goodfellow et al. 2013, arXiv:1302.4389): (B,inputs) -> (B,outputs)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(inputs, outputs * pieces)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(2)


class Generator(nn.Module):
    """z (B,latent_dim) -> pictures in [-1, 1], (B,C,H,W)."""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.shape = (config.channels, config.image_size, config.image_size)
        self.first = nn.Linear(config.latent_dim, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.last = nn.Linear(config.width, config.channels * config.image_size**2)

    def forward(self, z: Tensor) -> Tensor:
        h = F.relu(self.second(F.relu(self.first(z))))
        return self.last(h).tanh().unflatten(1, self.shape)


class Discriminator(nn.Module):
    """Pictures (B,C,H,W) -> logit that they are real, (B,)."""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        units, pieces = config.maxout_units, config.pieces
        self.first = Maxout(config.channels * config.image_size**2, units, pieces)
        self.second = Maxout(units, units, pieces)
        self.last = nn.Linear(units, 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        h = self.dropout(self.first(x.flatten(1)))
        return self.last(self.dropout(self.second(h)))[:, 0]


class GAN(LatentGAN):
    """The two players of the paper."""

    system = "Generative adversarial network (2014)"
    paper = "Goodfellow et al. 2014, arXiv:1406.2661"
    Config = GANConfig

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)


def _failure(
    name: str, steps: int, gamma: float, learning_rate: float, betas: tuple[float, float], generator: float
) -> Recipe:
    """A game that goes wrong, to be looked at: small networks, and no average that would smooth what happens.

    Args:
        generator: its learning rate, as a share of the discriminator's.
    """
    return Recipe(
        id=f"gan-{name}-fashion",
        stored="int8",
        config=GANConfig(width=256, maxout_units=48, gamma=gamma),
        steps=steps,
        batch_size=64,
        learning_rate=learning_rate,
        learning_rates={"generator": generator},
        warmup_steps=1,
        betas=betas,
        final_learning_rate=1.0,
        max_grad_norm=100.0,
        ema=0.0,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 10},
    )


# three ways in which a game ends badly, for the lesson on GANs: each differs from ``gan-fashion`` where it says so
FAILURES = (
    # mode collapse: a generator that learns slowly and with momentum follows a free discriminator from fashion to fashion
    _failure("collapsed", steps=2000, gamma=0.0, learning_rate=1e-3, betas=(0.5, 0.9), generator=0.05),
    # the discriminator wins: it learns 500 times as fast, and the slopes that it leaves teach nothing
    _failure("overpowered", steps=3000, gamma=0.0, learning_rate=4e-3, betas=(0.0, 0.99), generator=0.002),
    # both learn 30 times as fast as gan-fashion: the first steps throw the generator where no gradient comes from
    _failure("toofast", steps=3000, gamma=0.05, learning_rate=3e-2, betas=(0.0, 0.99), generator=1.0),
)

MODEL = GAN
RECIPES = (
    Recipe(
        id="gan-fashion",
        stored="int8",
        config=GANConfig(),
        steps=12000,
        batch_size=256,
        learning_rate=1e-3,
        warmup_steps=100,
        betas=(0.0, 0.99),
        final_learning_rate=0.75,
        ema=0.9999,
        ema_ramp=4,  # players that circle each other: what they circle around is better than where they are
        snapshot={"num_samples": 10},
    ),
    *FAILURES,
)
