"""Super-resolution by a small convolutional network: 32x32 to 64x64, the second stage of a cascade.

Dong, Loy, He and Tang 2014 ("SRCNN", arXiv:1501.00092) with the pixel shuffle of Shi et al. 2016 (arXiv:1609.05158) and what is
learned as a correction of bicubic interpolation (Kim, Lee and Lee 2016, "VDSR", arXiv:1511.04587).  Nothing is drawn at random:
it is a regression, so where several fine pictures would fit a coarse one it paints their mean.  As in Ho et al. 2022 ("Cascaded
diffusion models", arXiv:2106.15282) half of what it learns from was spoiled by the stage before, so that it mends artefacts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.capabilities import Precision
from playground.contract import Frame, Recipe, Request, State
from playground.data import Split, emoji
from playground.data.emoji import large as emoji_large
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.network import Network
from playground.models.precision import bfloat16_pays

_TOGETHER = 256  # pictures that the autoencoder spoils together
_AT_ONCE = 8  # pictures that are enlarged together, so that what is between the layers stays in the cache


@dataclass(frozen=True)
class SuperResolutionConfig:
    """Shape of the network, and how its pictures are changed in training."""

    image_size: int = 32  # of what comes in
    channels: int = 3
    factor: int = 2
    width: int = 64
    depth: int = 7  # 3x3 layers
    latent_noise: float = 0.1  # deviations of a latent that decoded pictures are off
    tinted_share: float = 0.25  # of the pictures of a batch that stand on a coloured ground


@dataclass(frozen=True)
class SuperResolutionRequest(Request):
    """Which held-out drawings are made larger: the seed chooses them."""


class SuperResolution(Network):
    """uint8 pictures of any size -> pictures ``factor`` times as high and wide."""

    family = "upscaling"
    system = "Super-resolution network (second stage of a cascade)"
    paper = "Shi et al. 2016, arXiv:1609.05158; Kim et al. 2016, arXiv:1511.04587"
    differs = "It learns from drawings, half of them decoded by kl-emoji, and works in colour."
    Config = SuperResolutionConfig
    Request = SuperResolutionRequest
    likelihood = "none"
    num_threads: int | None = 1  # so few numbers that a second thread waits for the first
    sample_bytes = 2**22

    def __init__(self, config: SuperResolutionConfig) -> None:
        super().__init__()
        self.config = config
        self.precision: Precision = "fp32"
        inner = (nn.Conv2d(config.width, config.width, 3, padding=1) for _ in range(config.depth - 2))
        last = nn.Conv2d(config.width, config.channels * config.factor**2, 3, padding=1)
        nn.init.zeros_(last.weight)  # starts as bicubic interpolation
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Conv2d(config.channels, config.width, 3, padding=1),
            *(part for layer in inner for part in (nn.ReLU(), layer)),
            nn.ReLU(),
            last,
            nn.PixelShuffle(config.factor),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], (B,C,H,W) -> (B,C,2H,2W)."""
        smooth = F.interpolate(x, scale_factor=self.config.factor, mode="bicubic", align_corners=False)
        return smooth + self.layers(x).float()

    @torch.no_grad()
    def upscale(self, images: np.ndarray) -> np.ndarray:
        """Pictures uint8 (B,H,W,C) -> uint8 (B,2H,2W,C)."""
        device = next(self.parameters()).device
        parts = []
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16"):
            for some in np.split(images, range(_AT_ONCE, len(images), _AT_ONCE)):
                x = from_uint8(torch.from_numpy(np.ascontiguousarray(some)).to(device).permute(0, 3, 1, 2))
                parts.append(to_uint8(self(x.contiguous(memory_format=torch.channels_last))))
        return np.concatenate(parts)

    def set_precision(self, precision: Precision) -> None:
        """Enlarge in float32, or in bfloat16 (``models/precision.py``)."""
        self.precision = precision

    def one_pass(self) -> None:
        """A few pictures, for the probe."""
        side = self.config.image_size
        self.upscale(np.zeros((_AT_ONCE, side, side, self.config.channels), np.uint8))

    # --- training

    def learn_from(self, autoencoder: Any) -> None:
        """The first stage whose artefacts are to be mended; it is no part of this network."""
        self._spoiled_by = (autoencoder,)  # in a tuple: not a submodule

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Drawings at 64x64 uint8 (N,C,2H,2W) and, in place of labels, what they are to be made of: uint8 (N,C,H,W).

        Each training drawing occurs twice: made of the one at 32x32, and of that one decoded by the autoencoder.
        """
        small = torch.from_numpy(emoji.pictures_and_styles(split)[0].transpose(0, 3, 1, 2).copy())
        large = torch.from_numpy(emoji_large.load(split)[0].transpose(0, 3, 1, 2).copy())
        if split != "train":
            return large, small
        generator = torch.Generator().manual_seed(seed)
        spoiled = torch.cat([self._spoiled(part, generator) for part in small.split(_TOGETHER)])
        return large.repeat(2, 1, 1, 1), torch.cat([small, spoiled])

    @torch.no_grad()
    def _spoiled(self, x: Tensor, generator: torch.Generator) -> Tensor:
        (coder,) = self._spoiled_by
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_pays("cpu")):
            mu, _ = coder.encode(x)
            off = torch.randn(mu.shape, generator=generator) * coder.latent_deviation
            images = to_uint8(coder.decode(mu + self.config.latent_noise * off))
        return torch.from_numpy(images).permute(0, 3, 1, 2)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Absolute and squared error of ``x`` uint8 (B,C,2H,2W) made of ``labels`` uint8 (B,C,H,W)."""
        large, small = from_uint8(x), from_uint8(labels)
        if self.training:
            large, small = self._changed(large, small, generator)
        error = self(small) - large
        pixels = error.abs().mean() + error.square().mean()
        psnr = -10 * torch.log10(error.square().mean() / 4)
        return {"loss": pixels, "psnr": psnr}

    def _changed(self, large: Tensor, small: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Other colours, mirrored, turned, partly on a coloured ground: the same in both sizes."""
        uniforms = torch.rand(3, generator=generator)
        order = torch.randperm(small.shape[1], generator=generator)
        count = round(self.config.tinted_share * len(small))
        tint = torch.rand((count, small.shape[1], 1, 1), generator=generator).to(small.device)
        found = []
        for x in (large, small):
            x = x[:, order] if uniforms[0] < 0.5 else x
            x = x.flip(3) if uniforms[1] < 0.5 else x
            x = x.transpose(2, 3) if uniforms[2] < 0.3 else x
            found.append(torch.cat([(x[:count] + 1) * tint - 1, x[count:]]))  # white becomes the tint
        return found[0], found[1]

    # --- what it draws

    @torch.no_grad()
    def sample(self, request: SuperResolutionRequest, resume: State | None = None) -> Iterator[Frame]:
        """Held-out drawings at 32x32, chosen by the seed, made larger in one pass.

        The frame carries ``small`` uint8 (B,H,W,C), what the pictures were made of.
        """
        if resume is None:
            indices = range(request.first_index, request.first_index + request.num_samples)
            small = self._chosen(noise.uniform(request.seed, indices, "which", ()))
        else:
            small = resume["small"]
        yield Frame(1, 1, 1, self.upscale(small), {"small": small}, {"small": small})

    def _chosen(self, uniforms: np.ndarray) -> np.ndarray:
        held = np.concatenate([emoji.load("new-pairs").images, emoji.load("new-concepts").images])
        return held[(uniforms * len(held)).astype(np.int64)]


def bicubic(images: np.ndarray, factor: int = 2) -> np.ndarray:
    """Pictures uint8 (N,H,W,C) made ``factor`` times as large without learning anything."""
    x = from_uint8(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    return to_uint8(F.interpolate(x, scale_factor=factor, mode="bicubic", align_corners=False))


MODEL = SuperResolution
RECIPES = (
    Recipe(
        id="sr-emoji",
        config=SuperResolutionConfig(),
        dataset="emoji-64",
        start_from="kl-emoji",
        steps=3000,
        batch_size=32,
        optimizer="muon",
        muon_learning_rate=0.01,
        learning_rate=1e-3,
        warmup_steps=100,
        ema=0.998,
        snapshot={"num_samples": 10},
    ),
)
