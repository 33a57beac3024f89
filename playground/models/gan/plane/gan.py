"""The first generative adversarial network in the plane, and the frame of its relatives.

Goodfellow et al. 2014, "Generative Adversarial Nets" (arXiv:1406.2661): algorithm 1 with the generator's non-saturating
loss (section 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.plane import PlaneModel, PlaneRequest, gaussian_noise, mlp


@dataclass(frozen=True)
class GANConfig:
    """Shapes of the two networks; ``discriminator_steps`` for each of the generator."""

    latent_dim: int = 2
    width: int = 128
    depth: int = 3
    discriminator_width: int = 128
    discriminator_depth: int = 3
    discriminator_steps: int = 1
    gamma: float = 0.0  # weight of a gradient penalty, where a game has one


class GANPlane(PlaneModel):
    """A generator and a discriminator that learn in turn; relatives change the game."""

    family: ClassVar[str] = "gan"
    key: ClassVar[str] = "gan-plane"
    system: ClassVar[str] = "GAN"
    paper: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661"
    turns: ClassVar[tuple[str, ...]] = ("discriminator", "generator")
    rates: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    learning_rate: ClassVar[float] = 1e-3
    batch_size: ClassVar[int] = 256
    ema: ClassVar[float] = 0.995
    Config = GANConfig

    def __init__(self, config: GANConfig = GANConfig()) -> None:
        super().__init__()
        self.config = config
        self.generator: nn.Module = mlp(config.latent_dim, config.width, config.depth, 2)
        self.discriminator = mlp(2, config.discriminator_width, config.discriminator_depth, 1)

    def generate(self, z: Tensor) -> Tensor:
        """(N, latent_dim) -> points (N,2)."""
        points: Tensor = self.generator(z)
        return points

    def discriminate(self, x: Tensor) -> Tensor:
        """Logit that a point is real, (N,2) -> (N,): the heat map."""
        logits: Tensor = self.discriminator(x)[:, 0]
        return logits

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """The turn's own side of the game."""
        z = gaussian_noise(torch.empty(len(x), self.config.latent_dim, device=x.device), generator)
        if turn == "generator":
            return self.generator_loss(x, self.generate(z))
        with torch.no_grad():
            fake = self.generate(z)
        return self.discriminator_loss(x, fake, generator)

    def discriminator_loss(self, real: Tensor, fake: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """-E log D(real) - E log(1 - D(fake)): equation 1."""
        on_real, on_fake = self.discriminate(real), self.discriminate(fake)
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        return {"loss": loss, "real": on_real.sigmoid().mean(), "fake": on_fake.sigmoid().mean()}

    def generator_loss(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """-E log D(fake)."""
        return {"loss": F.softplus(-self.discriminate(fake)).mean()}

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """One pass."""
        yield self.generate(z), {"latent": z.cpu().numpy()}

    def arrows(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Where the generator puts ``z`` (N,2), and the way its loss would move each point: both (N,2)."""
        with torch.enable_grad():
            points = self.generate(z).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.generator_loss(points, points)["loss"] * len(z), points)
        return points.detach(), -gradient


def gradient_penalty(logits: Tensor, x: Tensor) -> Tensor:
    """E ||grad_x D(x)||^2, differentiable: the R1 of real points, the R2 of drawn ones (Mescheder et al. 2018, eq. 9)."""
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.square().sum(1).mean()


MODEL = GANPlane
