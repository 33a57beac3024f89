"""Variational autoencoder: Kingma and Welling 2013, "Auto-Encoding Variational Bayes" (arXiv:1312.6114).

The same model appeared in Rezende, Mohamed and Wierstra 2014 (arXiv:1401.4082).  Two objectives differ from it by a number:
a beta-VAE weighs the KL term more (Higgins et al., ICLR 2017), an IWAE trains on the tighter, importance-weighted bound of
Burda, Grosse and Salakhutdinov 2015 (arXiv:1509.00519).  The decoder's p(x given z) is a probability of the
8-bit values themselves, a mixture of discretised logistics for every pixel (arXiv:1701.05517), so that the bound is one on true
bits per dimension.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.contract import Frame, Recipe, Request, Score, State, knob
from playground.models import discretized_logistic, noise
from playground.models.blocks import to_uint8
from playground.models.network import Network
from playground.models.vae import _prior
from playground.models.vae._networks import CACHED, Decoder, Encoder, log_likelihood, mean_picture

CHUNK = 16  # batches of drawn pixels are padded to this: layers differ by 1e-6 between batch sizes, and that can flip a pixel
SCORE_DRAWS = 16  # draws of z behind one score
_NATS_PER_BIT = math.log(2)


@dataclass(frozen=True)
class VAEConfig:
    """Shape of the networks, and the weight of the KL term."""

    latent_dim: int = 32
    width: int = 16  # of the convolutions at half resolution; twice as much at a quarter
    hidden: int = 512  # of the dense layers
    num_mixtures: int = 3  # logistics per pixel
    image_size: int = 28
    channels: int = 1
    beta_kl: float = 1.0  # 1 is the ELBO; more is a beta-VAE
    num_weights: int = 1  # importance weights per picture in training: 1 is the ELBO, more an IWAE
    prior_components: int = 0  # of the mixture fitted to the codes after training; 0 for none


@dataclass(frozen=True)
class VAERequest(Request):
    """What to decode."""

    output: str = knob(
        "mean",
        label="output",
        choices=(("mean", "decoder's mean"), ("sample", "a draw")),
        help="The decoder gives every pixel a distribution. Its mean is what is usually shown; an honest sample of the model also draws each pixel, independently of the others, and looks grainy.",
    )
    prior: str = knob(
        "normal",
        label="prior",
        choices=(("normal", "standard normal"), ("fitted", "fitted to the codes")),
        help="Where z is drawn. The standard normal is the model as trained, but the codes of real garments do not fill it: what falls between them decodes to nothing in particular. The other is a mixture of normal distributions, fitted to the training codes afterwards.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.0,
        high=2.0,
        step=0.05,
        help="Multiplies the prior's standard deviation (of each component, if it is a mixture). 1 is the model as trained; lower stays near the average garment, higher leaves the region that the decoder was trained on.",
    )


class VAE(Network):
    """Encoder q(z given x), decoder p(x given z), standard normal prior p(z)."""

    family = "vae"
    system = "Variational autoencoder"
    paper = "Kingma and Welling 2013, arXiv:1312.6114"
    Config = VAEConfig
    Request = VAERequest
    likelihood = "bound"
    num_threads: int | None = None
    sample_bytes = 2**20
    decoded_together = 1
    prior_shares: Tensor
    prior_means: Tensor
    prior_factors: Tensor

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        self.latent_shape = (config.latent_dim,)
        self.num_dims = config.channels * config.image_size**2  # D of bits/dim
        self.encoder = Encoder(config, 2 * config.latent_dim)
        self.decoder = Decoder(config)
        components, dims = config.prior_components, config.latent_dim
        if components:
            self.register_buffer("prior_shares", torch.full((components,), 1 / components))
            self.register_buffer("prior_means", torch.zeros(components, dims))
            self.register_buffer("prior_factors", torch.eye(dims).repeat(components, 1, 1))

    # --- the evidence lower bound

    def forward(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        """One draw of the two terms of the ELBO (eq. 10): log p(x given z) and KL(q || p), each (B,) in nats."""
        mu, logvar = self.encode(x)
        z = mu + torch.exp(0.5 * logvar) * epsilon  # the reparameterisation of section 2.4
        return self.log_likelihood(x, z), gaussian_kl(mu, logvar).sum(1)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The negative bound in bits per dimension; labels are not used.

        With one weight it is the ELBO, its KL term weighted by ``beta_kl``; with more, their importance-weighted bound.
        """
        shape = (self.config.num_weights, len(x), self.config.latent_dim)
        epsilon = torch.randn(shape, generator=generator, device=generator.device).to(x.device)
        bits = self.num_dims * _NATS_PER_BIT
        if self.config.num_weights > 1:
            return {"loss": -bound_of(self.log_weights(x, *self.encode(x), epsilon)).mean() / bits}
        log_likelihood, kl = self(x, epsilon[0])
        reconstruction, kl = -log_likelihood.mean() / bits, kl.mean() / bits
        return {"loss": reconstruction + self.config.beta_kl * kl, "reconstruction": reconstruction, "kl": kl}

    def log_weights(self, x: Tensor, mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
        """log p(x, z) / q(z given x) at z = mu + sigma epsilon (Burda et al., eq. 7): ``epsilon`` (k,B,D) -> (k,B), nats."""
        z = mu + torch.exp(0.5 * logvar) * epsilon  # (k, B, D)
        # log p(z) / q(z given x), whose constants cancel
        log_ratio = 0.5 * (logvar + epsilon.square() - z.square()).sum(2)
        every = x.expand(len(epsilon), *x.shape).flatten(0, 1)
        return self.log_likelihood(every, z.flatten(0, 1)).view(log_ratio.shape) + log_ratio

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x given z) of 8-bit ``x`` (B,C,H,W), summed over the pixels: (B,) in nats."""
        return log_likelihood(self.decoder(z), x)

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Negative ELBO in bits per dimension, the mean over ``SCORE_DRAWS`` draws of z; labels are not used."""
        reconstruction, kl, errors = self.elbo_parts(x, seed)
        return [
            Score(value, "bound", "bits/dim", error)
            for value, error in zip((reconstruction + kl).tolist(), errors.tolist(), strict=True)
        ]

    @torch.no_grad()
    def elbo_parts(self, x: Tensor, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """The two parts of the score in bits per dimension, float64 (B,) on the CPU: what x costs given z, and what z costs.

        The first is the mean over ``SCORE_DRAWS`` draws of z; its standard error is the third.
        """
        mu, logvar = self.encode(x)
        draws = [
            self.log_likelihood(x, z)
            for z in self.posterior_draws(mu, logvar, SCORE_DRAWS, seed, noise.identities(x))
        ]
        nats = self.num_dims * _NATS_PER_BIT
        reconstruction = -torch.stack(draws).cpu().double() / nats  # (draws, B)
        kl = gaussian_kl(mu, logvar).sum(1).cpu().double() / nats
        return reconstruction.mean(0), kl, reconstruction.std(0) / math.sqrt(SCORE_DRAWS)

    @torch.no_grad()
    def importance_weighted_bound(self, x: Tensor, k: int = 64, seed: int = 0) -> Tensor:
        """-log of the mean of ``k`` importance weights (Burda et al., eq. 8), in bits per dimension, float64 (B,) on the CPU.

        A bound too, never worse on average than the ELBO (which is k = 1) and tighter as ``k`` grows.
        """
        nats = -bound_of(torch.cat(list(self.weights_in_turn(x, k, seed))))
        return nats / (self.num_dims * _NATS_PER_BIT)

    @torch.no_grad()
    def weights_in_turn(self, x: Tensor, k: int, seed: int = 0) -> Iterator[Tensor]:
        """``k`` draws of the log importance weights, float64 (1,B) each on the CPU; the first ones are the same whatever ``k`` is."""
        mu, logvar = self.encode(x)
        own = noise.identities(x)
        for draw in range(k):
            epsilon = torch.from_numpy(noise.normal(seed, own, "posterior", self.latent_shape, step=draw))
            yield self.log_weights(x, mu, logvar, epsilon.to(x.device)[None]).cpu().double()

    def posterior_draws(
        self, mu: Tensor, logvar: Tensor, count: int, seed: int, indices: list[int]
    ) -> Iterator[Tensor]:
        """``count`` draws from q(z given x), each (B,D), from the noise of ``indices`` (B); the first ones are the same whatever ``count`` is."""
        for draw in range(count):
            epsilon = noise.normal(seed, indices, "posterior", self.latent_shape, step=draw)
            yield mu + torch.exp(0.5 * logvar) * torch.from_numpy(epsilon).to(mu.device)

    # --- a prior that knows where the codes are

    @torch.no_grad()
    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """After training: fit the mixture to codes drawn from q(z given x) of up to 20,000 pictures ``x``."""
        if not self.config.prior_components:
            return
        parts = [self.encode(part) for part in x[:20_000].split(500)]
        mu, logvar = (torch.cat(p) for p in zip(*parts, strict=True))
        z = mu.cpu() + torch.exp(0.5 * logvar.cpu()) * torch.randn(mu.shape, generator=generator)
        fitted = _prior.fit_mixture(z, self.config.prior_components, generator)
        for name, value in zip(("shares", "means", "factors"), fitted, strict=True):
            getattr(self, f"prior_{name}").copy_(value)

    def _draw_latents(self, request: VAERequest) -> np.ndarray:
        """z float32 (B,D) of a request's samples."""
        indices = range(request.first_index, request.first_index + request.num_samples)
        normal = noise.normal(request.seed, indices, "z", self.latent_shape)
        if request.prior == "normal":
            return np.float32(request.temperature) * normal
        if not self.config.prior_components:
            raise ValueError("This model has no fitted prior: choose the standard normal.")
        choice = torch.from_numpy(noise.uniform(request.seed, indices, "component", ()))
        mixture = (self.prior_shares.cpu(), self.prior_means.cpu(), self.prior_factors.cpu())
        return _prior.draw_codes(torch.from_numpy(normal), choice, *mixture, request.temperature).numpy()

    # --- pictures and latents

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> mean and log variance of q(z given x), each (B,D)."""
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B,D) -> the mean of p(x given z), a picture in [-1, 1], (B,C,H,W)."""
        return torch.cat([mean_picture(self.decoder(part)) for part in z.split(CACHED)])

    @torch.no_grad()
    def kl_per_dimension(self, x: Tensor) -> Tensor:
        """How much each latent says about each picture: KL(q(z_d given x) || p(z_d)), (B,D) in nats."""
        return gaussian_kl(*self.encode(x))

    @torch.no_grad()
    def sample(self, request: VAERequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw z from the prior and decode it: a VAE samples in one pass, so there is one frame.

        The frame carries ``latent`` float32 (B,D), and a state that holds the same z.
        """
        z = self._draw_latents(request) if resume is None else resume["z"]
        yield from self.decode_frames(z, request.output, request.seed, request.first_index)

    @torch.no_grad()
    def decode_frames(
        self, z: np.ndarray, output: str = "mean", seed: int = 0, first_index: int = 0
    ) -> Iterator[Frame]:
        """The frame of given latents, ``z`` float32 (B,D): what a slider or a latent plane asks for.

        Args:
            output: "mean", or "sample" for a draw from p(x given z); ``seed`` and ``first_index`` fix its noise.
        """
        latents = torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(self.decoder.stem.weight.device)
        if output == "mean":
            images = to_uint8(self.decode(latents))
        else:
            images = self._draw_pixels(latents, seed, first_index)
        yield Frame(1, 1, 1, images, {"latent": z}, {"z": z})

    @torch.no_grad()
    def reconstruct_frames(self, x: np.ndarray, output: str = "mean", seed: int = 0) -> Iterator[Frame]:
        """Pictures uint8 (B,H,W,C) encoded to the mean of q(z given x) and decoded again.

        The frame carries ``latent`` (the mean), ``logvar`` and ``kl`` (nats), each float32 (B,D).
        """
        pixels = torch.from_numpy(np.array(x)).permute(0, 3, 1, 2).to(self.decoder.stem.weight.device)
        mu, logvar = self.encode(pixels)
        posterior = {"logvar": logvar.cpu().numpy(), "kl": gaussian_kl(mu, logvar).cpu().numpy()}
        for frame in self.decode_frames(mu.cpu().numpy(), output, seed):
            yield Frame(1, 1, 2, frame.images, {**frame.extras, **posterior}, frame.state)

    def _draw_pixels(self, z: Tensor, seed: int, first_index: int) -> np.ndarray:
        """Every pixel drawn from p(x given z): uint8 (B,H,W,C), the same bits whatever the batch."""
        start = first_index - first_index % CHUNK  # a sample always stands at the same place of its chunk
        offset, count = first_index - start, len(z)
        padded = z.new_zeros(math.ceil((offset + count) / CHUNK) * CHUNK, z.shape[1])
        padded[offset : offset + count] = z
        raw = torch.cat([self.decoder(part) for part in padded.split(CHUNK)])[offset : offset + count]
        indices = range(first_index, first_index + count)
        size, channels = self.config.image_size, self.config.channels
        uniforms = torch.from_numpy(noise.uniform(seed, indices, "x", (2 * channels, size, size)))
        # which logistic, where in it
        choice, level = (F.pixel_unshuffle(d, 2) for d in uniforms.chunk(2, dim=1))
        values = F.pixel_shuffle(discretized_logistic.draw(raw, choice, level), 2)
        return values.permute(0, 2, 3, 1).contiguous().numpy()


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, 1)) of every dimension, in nats (appendix B)."""
    return 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)


def bound_of(log_weights: Tensor) -> Tensor:
    """log of the mean of importance weights (Burda et al., eq. 8): their logs (k,B) -> (B,), in nats."""
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


MODEL = VAE
RECIPES = (
    Recipe(
        id="vae2d-fashion",
        stored="int8",
        config=VAEConfig(latent_dim=2, prior_components=16),
        steps=4500,
        batch_size=128,
        snapshot={"num_samples": 10},
        evaluate={"prior": "fitted"},
    ),
    Recipe(
        id="vae-fashion",
        stored="int8",
        config=VAEConfig(prior_components=64),
        steps=7000,
        batch_size=128,
        snapshot={"num_samples": 10},
        evaluate={"prior": "fitted"},
    ),
    Recipe(
        id="betavae-fashion",
        stored="int8",
        config=VAEConfig(latent_dim=12, hidden=256, beta_kl=8.0, prior_components=32),
        steps=2600,
        batch_size=128,
        snapshot={"num_samples": 10},
        evaluate={"prior": "fitted"},
    ),
)
