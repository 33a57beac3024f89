"""The second judge: a masked autoencoder, which never saw a label and has no convolution.

He et al. 2022, "Masked autoencoders are scalable vision learners" (arXiv:2111.06377): a transformer that sees a quarter of a
picture's patches and must paint the others.  Its features measure what the classifier's may not care about, so that a
conclusion on which both agree does not hang on either (Stein et al. 2023, arXiv:2306.04675, compare such judges).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import LikelihoodKind, Recipe
from playground.models.blocks import attention, from_uint8


@dataclass(frozen=True)
class MaskedConfig:
    """Shape of the two transformers, and how much the encoder sees."""

    image_size: int = 28
    channels: int = 1
    patch: int = 4  # pixels a side
    num_features: int = 96  # of the encoder's tokens
    num_layers: int = 4
    decoder_width: int = 64
    num_decoder_layers: int = 2
    num_heads: int = 4
    num_seen: int = 13  # patches of the 49


class MaskedAutoencoder(nn.Module):
    """uint8 pictures -> tokens of the patches that are seen -> the pixels of those that are not."""

    family: ClassVar[str] = "judge"
    system: ClassVar[str] = "Masked autoencoder"
    paper: ClassVar[str] = "He et al. 2022, arXiv:2111.06377"
    likelihood: ClassVar[LikelihoodKind] = "none"
    Config = MaskedConfig

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__()
        self.config = config
        width, narrow, heads = config.num_features, config.decoder_width, config.num_heads
        self.num_features = width
        num_patches, num_pixels = (config.image_size // config.patch) ** 2, config.channels * config.patch**2
        self.embed = nn.Linear(num_pixels, width)
        self.position = nn.Parameter(0.02 * torch.randn(num_patches, width))
        self.encoder = nn.ModuleList([Layer(width, heads) for _ in range(config.num_layers)])
        self.norm = nn.LayerNorm(width)
        self.bridge = nn.Linear(width, narrow)
        self.unseen = nn.Parameter(0.02 * torch.randn(narrow))
        self.decoder_position = nn.Parameter(0.02 * torch.randn(num_patches, narrow))
        self.decoder = nn.ModuleList([Layer(narrow, heads) for _ in range(config.num_decoder_layers)])
        self.decoder_norm = nn.LayerNorm(narrow)
        self.paint = nn.Linear(narrow, num_pixels)

    def features(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> the mean of the tokens of all patches, float32 (B, num_features)."""
        return self._encode(self.embed(self.patches(x)) + self.position).mean(1).float()

    def patches(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> pixels in [-1, 1] by patch, (B, T, C patch^2)."""
        return F.pixel_unshuffle(from_uint8(x), self.config.patch).flatten(2).transpose(1, 2)

    def _encode(self, tokens: Tensor) -> Tensor:  # (B, T, D)
        for layer in self.encoder:
            tokens = layer(tokens)
        return self.norm(tokens)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Squared error of the painted pixels of the patches that were not seen; labels are not used."""
        patches = self.patches(x)
        uniforms = torch.rand(patches.shape[:2], generator=generator, device=generator.device).to(x.device)
        order = uniforms.argsort(1)[..., None]  # (B, T, 1)
        seen = order[:, : self.config.num_seen]
        tokens = self.embed(patches) + self.position
        tokens = self.bridge(self._encode(tokens.take_along_dim(seen, 1)))
        canvas = self.unseen.to(tokens.dtype).expand(*patches.shape[:2], -1)
        canvas = canvas.scatter(1, seen.expand_as(tokens), tokens) + self.decoder_position
        for layer in self.decoder:
            canvas = layer(canvas)
        hidden = order[:, self.config.num_seen :]
        painted = self.paint(self.decoder_norm(canvas)).float().take_along_dim(hidden, 1)
        return {"loss": (painted - patches.take_along_dim(hidden, 1)).square().mean()}


class Layer(nn.Module):
    """A transformer layer with its norms first; starts as the identity."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        for closing in (self.out, self.narrow):
            nn.init.zeros_(closing.weight)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, D)
        qkv = self.qkv(self.norm1(x)).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        h = attention(qkv[0], qkv[1], qkv[2])  # (B, heads, T, D / heads)
        x = x + self.out(h.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


MODEL = MaskedAutoencoder
RECIPES = (
    Recipe(
        id="judge2-fashion",
        config=MaskedConfig(),
        steps=2000,
        batch_size=128,
        optimizer="muon",
        muon_learning_rate=0.01,
        learning_rate=2e-3,
        warmup_steps=200,
        ema=0.998,
    ),
)
