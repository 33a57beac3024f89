"""Variational autoencoder in the plane: posterior collapse on demand, and its remedy.

Kingma and Welling 2013, "Auto-Encoding Variational Bayes" (arXiv:1312.6114), equations 3 and 10.  The KL term is faded in
over the first part of training (Bowman et al. 2016, arXiv:1511.06349, section 3.1, "KL cost annealing"); without that the
encoder learns nothing here: q(z given x) becomes the prior, and the decoder draws one blurred heap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from playground.models.plane import (
    LOG_2PI,
    PlaneModel,
    PlaneRequest,
    gaussian_noise,
    mlp,
)


@dataclass(frozen=True)
class VAEConfig:
    """Shape and objective.

    Attributes:
        beta_kl: weight of the KL term once it is all there.
        warmup: share of the training over which it is faded in; 0 has all of it from the start.
        num_importance: samples of the bound that is trained: 1 is the ELBO.
    """

    latent_dim: int = 2
    width: int = 64
    depth: int = 3
    beta_kl: float = 1.0
    warmup: float = 0.1
    num_importance: int = 1


class VAEPlane(PlaneModel):
    """Gaussian encoder, Gaussian decoder with a width that is learned and may depend on z."""

    family: ClassVar[str] = "vae"
    key: ClassVar[str] = "vae-plane"
    system: ClassVar[str] = "VAE"
    paper: ClassVar[str] = "Kingma and Welling 2013, arXiv:1312.6114"
    has_density: ClassVar[bool] = True
    bound: ClassVar[bool] = True
    learning_rate: ClassVar[float] = 1.2e-2
    Config = VAEConfig

    def __init__(self, config: VAEConfig = VAEConfig()) -> None:
        super().__init__()
        self.config = config
        self.encoder = mlp(2, config.width, config.depth, 2 * config.latent_dim)
        self.decoder = mlp(config.latent_dim, config.width, config.depth, 4)
        with torch.no_grad():  # begin with a decoder as wide as the data
            last = self.decoder[-1]
            assert isinstance(last, nn.Linear)
            last.bias[2:] = 0.0

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N,2) -> mu and logvar (N, latent_dim)."""
        mu, logvar = self.encoder(x).chunk(2, 1)
        return mu, logvar.clamp(-14, 6)

    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(..., latent_dim) -> mean and log sigma (..., 2) of the points."""
        mean, log_sigma = self.decoder(z).chunk(2, -1)
        return mean, log_sigma.clamp(-5, 2)

    def log_weights(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x, z) / q(z given x) for z = mu + sigma noise, noise (K,N,latent_dim): (K,N), and the KL part, (K,N)."""
        mu, logvar = self.encode(x)
        z = mu + (logvar / 2).exp() * noise
        mean, log_sigma = self.decode(z)
        log_p = (-0.5 * (((x - mean) * (-log_sigma).exp()).square() + LOG_2PI) - log_sigma).sum(-1)
        log_q = (-0.5 * (noise.square() + LOG_2PI) - logvar / 2).sum(-1)
        log_prior = (-0.5 * (z.square() + LOG_2PI)).sum(-1)
        return log_p, log_q - log_prior

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """The negative bound; for one sample the KL term in closed form (appendix B of the paper)."""
        config = self.config
        fade = min(1.0, progress / config.warmup) if config.warmup else 1.0
        weight = config.beta_kl * fade
        shape = torch.empty(config.num_importance, len(x), config.latent_dim, device=x.device)
        log_p, kl = self.log_weights(x, gaussian_noise(shape, generator))
        mu, logvar = self.encode(x)
        exact = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
        if config.num_importance == 1:
            bound = log_p[0] - weight * exact
        else:
            bound = torch.logsumexp(log_p - weight * kl, 0) - math.log(config.num_importance)
        return {"loss": -bound.mean(), "kl": exact.mean()}

    def log_prob(self, x: Tensor) -> Tensor:
        """A lower bound with many importance samples (Burda et al. 2015, arXiv:1509.00519): (N,2) -> (N,) in nats."""
        num_importance = self.num_importance
        generator = torch.Generator().manual_seed(0)
        parts = []
        for part in x.split(250):
            shape = torch.empty(num_importance, len(part), self.config.latent_dim, device=x.device)
            log_p, kl = self.log_weights(part, gaussian_noise(shape, generator))
            parts.append(torch.logsumexp(log_p - kl, 0) - math.log(num_importance))
        return torch.cat(parts)

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """z from the prior, the decoder's mean, then a point of the distribution around it."""
        latent = z if self.config.latent_dim == 2 else z[:, : self.config.latent_dim]
        mean, log_sigma = self.decode(latent)
        yield mean, {"latent": latent.cpu().numpy()}
        generator = torch.Generator().manual_seed(request.seed)
        yield mean + log_sigma.exp() * gaussian_noise(mean, generator), {"latent": latent.cpu().numpy()}


MODEL = VAEPlane
