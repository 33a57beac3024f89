"""The judge: a small residual network that tells garments apart, whose features measure how far pictures are from real.

He et al. 2016 (arXiv:1512.03385) with the input folded 2x2 into channels; trained with shifts, mirror images, random
erasing (Zhong et al. 2017, arXiv:1708.04896) and label smoothing (Szegedy et al. 2016, arXiv:1512.00567).  It generates
nothing: its checkpoint lies in ``assets/judge``, not among the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import LikelihoodKind, Recipe
from playground.models.blocks import from_uint8


@dataclass(frozen=True)
class ClassifierConfig:
    """Shape of the network, and what is done to training pictures."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    width: int = 32  # channels at 14x14
    num_features: int = 128  # channels at 7x7
    shift: int = 2  # pixels, in each direction
    erase: int = 10  # longest side of the erased rectangle, in pixels
    label_smoothing: float = 0.1


class Classifier(nn.Module):
    """uint8 pictures -> features -> classes."""

    family: ClassVar[str] = "judge"
    system: ClassVar[str] = "Residual classifier"
    paper: ClassVar[str] = "He et al. 2016, arXiv:1512.03385"
    likelihood: ClassVar[LikelihoodKind] = "none"
    Config = ClassifierConfig

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        width, low = config.width, config.num_features
        self.num_features = low
        self.stem = nn.Conv2d(4 * config.channels, width, 3, padding=1, bias=False)
        self.fine = nn.ModuleList([Block(width) for _ in range(2)])
        self.norm = nn.BatchNorm2d(width)
        self.shrink = nn.Conv2d(width, low, 3, stride=2, padding=1, bias=False)
        self.coarse = nn.ModuleList([Block(low) for _ in range(2)])
        self.last_norm = nn.BatchNorm2d(low)
        self.head = nn.Linear(low, config.num_classes)

    def features(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> what the last layer sees, float32 (B, num_features)."""
        return self._features(from_uint8(x)).float()

    def forward(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> logits (B, num_classes)."""
        return self.head(self.features(x))

    def _features(self, x: Tensor) -> Tensor:
        return self._coarse_features(self._fine_features(x))

    def _fine_features(self, x: Tensor) -> Tensor:
        h = self.stem(F.pixel_unshuffle(x, 2))  # (B, width, H/2, W/2)
        for block in self.fine:
            h = block(h)
        return F.relu(self.norm(h))

    def _coarse_features(self, h: Tensor) -> Tensor:
        h = self.shrink(h)  # (B, num_features, H/4, W/4)
        for block in self.coarse:
            h = block(h)
        return F.relu(self.last_norm(h)).mean((2, 3))

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy with smoothed labels; pictures are changed at random while training, and only then."""
        pictures = from_uint8(x)
        if self.training:
            pictures = augment(pictures, self.config, generator)
        logits = self.head(self._features(pictures)).float()
        right = (logits.argmax(1) == labels).float().mean()
        smoothing = self.config.label_smoothing if self.training else 0.0
        return {"loss": F.cross_entropy(logits, labels, label_smoothing=smoothing), "accuracy": right}


class Block(nn.Module):
    """Residual block with normalisation first (He et al. 2016b, arXiv:1603.05027); starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        h = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(h)))


def augment(x: Tensor, config: ClassifierConfig, generator: torch.Generator, mirror: bool = True) -> Tensor:
    """Shift, mirror and erase a rectangle of every picture, ``x`` float (B,C,H,W) in [-1, 1], by its own random numbers."""
    uniforms = torch.rand(7, len(x), generator=generator, device=generator.device).to(x.device)
    batch, height, width = len(x), x.shape[2], x.shape[3]
    reach = 2 * config.shift + 1
    down, right = (uniforms[:2] * reach).long() - config.shift  # (B,) each
    rows = torch.arange(height, device=x.device) - down[:, None]  # (B, H): where each row comes from
    columns = torch.arange(width, device=x.device) - right[:, None]
    if mirror:
        columns = torch.where(uniforms[2, :, None] < 0.5, columns, width - 1 - columns)
    inside = _inside(rows, 0, height)[:, :, None] & _inside(columns, 0, width)[:, None, :]  # (B, H, W)
    numbers = torch.arange(batch, device=x.device)[:, None, None]
    moved = x[numbers, :, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    moved = moved.permute(0, 3, 1, 2)  # advanced indices come first, the channels last
    sides = (uniforms[3:5] * (config.erase + 1)).long()  # (2, B)
    top, left = (uniforms[5] * height).long() - sides[0] // 2, (uniforms[6] * width).long() - sides[1] // 2
    y, z = torch.arange(height, device=x.device)[None], torch.arange(width, device=x.device)[None]
    erased = _inside(y - top[:, None], 0, sides[0, :, None])[:, :, None]
    erased = erased & _inside(z - left[:, None], 0, sides[1, :, None])[:, None, :]
    background = -torch.ones_like(moved)
    return torch.where((inside & ~erased)[:, None], moved, background)


def _inside(value: Tensor, low: int, high: int | Tensor) -> Tensor:
    return (value >= low) & (value < high)


def recipe(id: str, config: Any, steps: int, batch_size: int, warmup_steps: int, **other: Any) -> Recipe:
    """What the networks that judge pictures have in common in how they are trained; ``other`` are fields that differ."""
    common: dict[str, Any] = {
        "optimizer": "muon",
        "muon_learning_rate": 0.02,
        "learning_rate": 2e-3,
        "betas": (0.9, 0.95),
        "weight_decay": 0.01,
        "final_learning_rate": 0.0,
        "max_grad_norm": 10.0,
        "ema": 0.0,
    }
    mine: dict[str, Any] = {"steps": steps, "batch_size": batch_size, "warmup_steps": warmup_steps}
    return Recipe(id=id, config=config, **mine, **{**common, **other})


MODEL = Classifier
# 14 epochs
RECIPES = (recipe("judge-fashion", ClassifierConfig(), steps=6000, batch_size=128, warmup_steps=200),)
