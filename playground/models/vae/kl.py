"""KL autoencoder: pictures to a small grid of numbers and back, the first stage of latent diffusion.

Rombach, Blattmann, Lorenz, Esser and Ommer, "High-resolution image synthesis with latent diffusion models", CVPR 2022
(arXiv:2112.10752, section 3.1 and appendix G, "KL-reg"): an autoencoder trained to reproduce pictures, whose latents are
drawn from q(z given x) and pulled only slightly towards a standard normal.  So slightly that it is no VAE of good pictures: a draw
from its prior decodes to fog, and its objective is no bound on a likelihood.  What draws good latents is a diffusion model on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, knob
from playground.models.blocks import ChannelRMSNorm, from_uint8
from playground.models.vae._normal_codes import NormalCodes
from playground.models.vae.vae import gaussian_kl

_CACHED = 64  # pictures that are decoded together, so that what is between the layers stays in the cache


@dataclass(frozen=True)
class KLConfig:
    """Shape of the networks, and the weights of the objective's parts."""

    image_size: int = 32
    channels: int = 3
    latent_channels: int = 8  # numbers in each of (image_size / 4)^2 places
    width: int = 64  # at half resolution; twice as much at a quarter
    num_blocks_half: int = 2  # at half resolution, in either network
    num_blocks_encoder: int = 2  # at a quarter
    num_blocks_decoder: int = 3
    beta_kl: float = 0.01  # nats of a latent number against the error of a pixel
    edge_weight: float = 1.0  # of the error of differences between neighbours
    changed_share: float = 0.5  # of the pictures of a batch that are recoloured, and so on, in training


@dataclass(frozen=True)
class KLRequest(Request):
    """What to decode."""

    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.0,
        high=2.0,
        step=0.05,
        help="Multiplies the standard deviation of the prior from which the latent is drawn. Whatever it is, the picture is fog: the latents of real pictures are a very small part of what this prior allows, and finding them is the work of the diffusion model.",
    )


class KLAutoencoder(NormalCodes):
    """Encoder q(z given x) and decoder, z (latent_channels, image_size / 4, image_size / 4); a draw from the prior decodes to fog."""

    family = "vae"
    system = "KL autoencoder (first stage of Stable Diffusion)"
    paper = "Rombach et al. 2022, arXiv:2112.10752"
    Config = KLConfig
    Request = KLRequest
    likelihood = "none"
    num_threads: int | None = None
    sample_bytes = 2**21
    decoded_together = 1
    latent_deviation: Tensor

    def __init__(self, config: KLConfig) -> None:
        super().__init__()
        self.config = config
        side = config.image_size // 4
        self.latent_shape = (config.latent_channels, side, side)
        shape = (config.channels, config.width, config.num_blocks_half)
        self.encoder = make_encoder(*shape, config.num_blocks_encoder, 2 * config.latent_channels)
        self.decoder = make_decoder(*shape, config.num_blocks_decoder, config.latent_channels)
        # mean and spread of each channel of a latent, counted after training: what is built on it divides by them
        self.register_buffer("latent_mean", torch.zeros(config.latent_channels, 1, 1))
        self.register_buffer("latent_deviation", torch.ones(config.latent_channels, 1, 1))

    # --- the objective

    def forward(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures in [-1, 1] (B,C,H,W) -> their reconstructions, and ``mu`` and ``logvar`` (B, *latent_shape)."""
        mu, logvar = self.encoder(x).float().chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar.clamp(-16, 4)) * epsilon
        return self.decoder(z).float(), mu, logvar.clamp(-16, 4)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Errors of pixels (absolute and squared) and of edges, and the KL term; labels are not used."""
        pictures = from_uint8(x)
        if self.training:
            pictures = changed(pictures, self.config.changed_share, generator)
        epsilon = torch.randn((len(x), *self.latent_shape), generator=generator).to(x.device)
        recon, mu, logvar = self(pictures, epsilon)
        error = recon - pictures
        pixels = error.abs().mean() + error.square().mean()
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        kl = gaussian_kl(mu, logvar).mean()
        psnr = -10 * torch.log10(error.square().mean((1, 2, 3)) / 4).mean()
        loss = pixels + self.config.edge_weight * edges + self.config.beta_kl * kl
        return {"loss": loss, "reconstruction": pixels, "kl": kl, "psnr": psnr}

    @torch.no_grad()
    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """After training: mean and spread of the latents of pictures uint8 ``x``, channel by channel."""
        device = self.latent_mean.device
        mu = torch.cat([self.encode(part.to(device))[0] for part in x.split(500)])
        self.latent_mean.copy_(mu.mean((0, 2, 3))[:, None, None])
        self.latent_deviation.copy_(mu.std((0, 2, 3))[:, None, None])

    # --- pictures and latents

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> mean and log variance of q(z given x), each (B, *latent_shape)."""
        mu, logvar = self.encoder(from_uint8(x)).float().chunk(2, dim=1)
        return mu, logvar.clamp(-16, 4)

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B, *latent_shape) -> a picture in [-1, 1], (B,C,H,W)."""
        return torch.cat([self.decoder(part) for part in z.split(_CACHED)]).clamp(-1, 1)

    @torch.no_grad()
    def kl_per_dimension(self, x: Tensor) -> Tensor:
        """How much each latent number says about each picture: (B, *latent_shape) in nats."""
        return gaussian_kl(*self.encode(x))

    @torch.no_grad()
    def reconstruct_frames(self, x: np.ndarray) -> Iterator[Frame]:
        """Pictures uint8 (B,H,W,C) encoded to the mean of q(z given x) and decoded again.

        The frame carries ``latent`` (the mean), ``logvar`` and ``kl`` (nats), each float32 (B, *latent_shape).
        """
        pixels = torch.from_numpy(np.array(x)).permute(0, 3, 1, 2).to(self.latent_mean.device)
        mu, logvar = self.encode(pixels)
        posterior = {"logvar": logvar.cpu().numpy(), "kl": gaussian_kl(mu, logvar).cpu().numpy()}
        for frame in self.decode_frames(mu.cpu().numpy()):
            yield Frame(1, 1, 2, frame.images, {**frame.extras, **posterior}, frame.state)


def make_encoder(
    channels: int, width: int, num_blocks_half: int, num_blocks: int, num_outputs: int
) -> nn.Sequential:
    """Pictures (B,channels,H,W) -> (B,num_outputs,H/4,W/4): blocks of ``width`` at half resolution, of twice that at a quarter."""
    return nn.Sequential(
        nn.PixelUnshuffle(2),
        nn.Conv2d(4 * channels, width, 3, padding=1),
        *(Block(width) for _ in range(num_blocks_half)),
        nn.PixelUnshuffle(2),
        nn.Conv2d(4 * width, 2 * width, 1),
        *(Block(2 * width) for _ in range(num_blocks)),
        ChannelRMSNorm(2 * width),
        nn.Conv2d(2 * width, num_outputs, 1),
    )


def make_decoder(
    channels: int, width: int, num_blocks_half: int, num_blocks: int, num_inputs: int
) -> nn.Sequential:
    """The way back: (B,num_inputs,H/4,W/4) -> pictures (B,channels,H,W)."""
    return nn.Sequential(
        nn.Conv2d(num_inputs, 2 * width, 3, padding=1),
        *(Block(2 * width) for _ in range(num_blocks)),
        nn.Conv2d(2 * width, 4 * width, 1),
        nn.PixelShuffle(2),
        *(Block(width) for _ in range(num_blocks_half)),
        ChannelRMSNorm(width),
        nn.Conv2d(width, 4 * channels, 3, padding=1),
        nn.PixelShuffle(2),
    )


class Block(nn.Module):
    """Two 3x3 convolutions beside the identity; starts as the identity (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.norm_out = ChannelRMSNorm(width), ChannelRMSNorm(width)
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)

    def forward(self, h: Tensor) -> Tensor:  # (B, width, H, W)
        inner = self.conv(F.silu(self.norm(h)))
        return h + self.conv_out(F.silu(self.norm_out(inner)))


def changed(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A share of the pictures (B,C,H,W in [-1, 1]) as text-to-image diffusion will meet them: other colours, mirrored,
    upside down, on a coloured ground, or two at half size beside each other."""
    uniforms = torch.rand(6, generator=generator)
    count = round(share * len(x))
    some = x[:count]
    some = some[:, torch.randperm(x.shape[1], generator=generator)]
    some = some.flip(3) if uniforms[0] < 0.5 else some
    some = some.flip(2) if uniforms[1] < 0.15 else some
    tint = torch.rand((count, x.shape[1], 1, 1), generator=generator).to(x.device)
    tinted = (some + 1) * tint - 1  # white becomes the tint
    third = count // 3
    halves = F.avg_pool2d(some[third:], 2)
    height, width = x.shape[2] // 2, x.shape[3] // 2
    pairs = torch.ones_like(some[: len(halves) // 2])
    top, left = (height // 2, 0) if uniforms[2] < 0.5 else (0, width // 2)
    pairs[:, :, top : top + height, left : left + width] = halves[: len(pairs)]
    top, left = (top, width) if left == 0 else (height, left)
    pairs[:, :, top : top + height, left : left + width] = halves[len(halves) - len(pairs) :]
    return torch.cat([tinted[:third], pairs, some[third + len(pairs) :], x[count:]])


MODEL = KLAutoencoder
RECIPES = (
    Recipe(
        id="kl-emoji",
        config=KLConfig(),
        dataset="emoji",
        steps=4000,
        batch_size=64,
        optimizer="muon",
        muon_learning_rate=0.01,
        learning_rate=1e-3,
        warmup_steps=100,
        ema=0.998,
        snapshot={"num_samples": 10},
    ),
)
