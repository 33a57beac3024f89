"""Which concept an emoji shows and in which style: what text-to-image models are judged by.

The residual network of ``classifier.py`` in colour, with two heads: a concept is told by the last features, a style by means and
spreads of early ones, which do not know what is drawn (Gatys, Ecker and Bethge 2016).  It learns from the training drawings alone,
half of them in other colours, so that the held-out pairs of concept and style are new to it as well.  It generates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import LikelihoodKind
from playground.data import Split, emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import colours as emoji_colours
from playground.evaluation.classifier import Classifier, ClassifierConfig, augment, recipe
from playground.models.blocks import from_uint8

_IN_OTHER_COLOURS = 6  # recoloured pictures of each drawing that can be


@dataclass(frozen=True)
class EmojiClassifierConfig(ClassifierConfig):
    """As that of garments, but for size and colours; the concepts are those of :func:`known_concepts`."""

    image_size: int = 32
    channels: int = 3
    num_classes: int = len(emoji.STYLES)
    num_concepts: int = 1
    width: int = 48
    num_features: int = 192
    style_width: int = 64  # channels at a quarter of the size whose means and spreads tell the style
    moved_share: float = 0.7  # of training pictures, turned, sheared and zoomed


@lru_cache(maxsize=1)
def known_concepts() -> tuple[str, ...]:
    """The families of the training drawings, sorted."""
    return tuple(sorted({emoji.family(n) for n in emoji.load("train").names.tolist()}))


class EmojiClassifier(Classifier):
    """uint8 pictures -> features -> styles (the head of the class above) and concepts."""

    system: ClassVar[str] = "Residual classifier of concepts and styles"
    likelihood: ClassVar[LikelihoodKind] = "none"
    Config = EmojiClassifierConfig
    config: EmojiClassifierConfig

    def __init__(self, config: EmojiClassifierConfig) -> None:
        super().__init__(config)
        self.concept_head = nn.Linear(config.num_features, config.num_concepts)
        self.style_layer = nn.Sequential(
            nn.Conv2d(config.width, config.style_width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(config.style_width),
            nn.ReLU(),
        )
        self.head = nn.Linear(2 * (config.width + config.style_width), config.num_classes)

    def number_of(self, name: str) -> int:
        """The number of a concept.

        Raises:
            ValueError: training had none of its family.
        """
        return known_concepts().index(emoji.family(name))

    def concepts(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> logits (B, num_concepts)."""
        found: Tensor = self.concept_head(self.features(x))
        return found

    def styles(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> logits (B, 6)."""
        return self._styles(self._fine_features(from_uint8(x)))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> logits of the styles, (B, 6)."""
        return self.styles(x)

    def _styles(self, fine: Tensor) -> Tensor:
        maps = [m.float().flatten(2) for m in (fine, self.style_layer(fine))]  # (B, C, places) each
        parts = [part for m in maps for part in (m.mean(2), (m.var(2) + 1e-4).sqrt())]
        found: Tensor = self.head(torch.cat(parts, 1)).float()
        return found

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Pictures uint8 (N,C,H,W), and concept and style, int64 (N,2)."""
        some = emoji.load(emoji.split_for(split))
        images, names, styles = [some.images], some.names.tolist(), some.styles.tolist()
        if split == "train":
            which = np.nonzero(emoji_captions.recolourable(some))[0]
            chosen = np.random.default_rng(seed).permutation(np.repeat(which, _IN_OTHER_COLOURS))
            for word, part in zip(
                emoji_colours.HUES, np.array_split(chosen, len(emoji_colours.HUES)), strict=True
            ):
                images.append(emoji_captions.recolour_all(some.images[part], word))
                names += some.names[part].tolist()
                styles += some.styles[part].tolist()
        labels = [(self.number_of(n), emoji.STYLES.index(s)) for n, s in zip(names, styles, strict=True)]
        pixels = np.ascontiguousarray(np.concatenate(images).transpose(0, 3, 1, 2))
        return torch.from_numpy(pixels), torch.tensor(labels)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The cross-entropies of both heads; pictures are shifted, mirrored and partly erased in training."""
        pictures = from_uint8(x)
        if self.training:
            pictures = moved(pictures, self.config.moved_share, generator)
            pictures = -augment(-pictures, self.config, generator)  # what comes in from outside is white
        fine = self._fine_features(pictures)
        concepts, styles = self.concept_head(self._coarse_features(fine)).float(), self._styles(fine)
        smoothing = self.config.label_smoothing if self.training else 0.0
        of_concepts = F.cross_entropy(concepts, labels[:, 0], label_smoothing=smoothing)
        of_styles = F.cross_entropy(styles, labels[:, 1], label_smoothing=smoothing)
        return {
            "loss": of_concepts + of_styles,
            "concept_accuracy": (concepts.argmax(1) == labels[:, 0]).float().mean(),
            "style_accuracy": (styles.argmax(1) == labels[:, 1]).float().mean(),
        }


def moved(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A share of the pictures (B,C,H,W in [-1, 1]) turned, sheared and zoomed; all of them a little paler or stronger in each colour."""
    uniforms = 2 * torch.rand(5, len(x), generator=generator).to(x.device) - 1
    turn, zoom = 0.25 * uniforms[0], 1.07 + 0.22 * uniforms[1]  # radians, and how much of the plane is seen
    cos, sin = zoom * torch.cos(turn), zoom * torch.sin(turn)
    zero = torch.zeros_like(turn)
    rows = [torch.stack([cos, sin + 0.15 * uniforms[2], zero], 1), torch.stack([-sin, cos, zero], 1)]
    count = round(share * len(x))
    plane = F.affine_grid(torch.stack(rows, 1)[:count], [count, *x.shape[1:]], align_corners=False)
    ink = 1 - x  # outside of a picture there is none
    ink = torch.cat([F.grid_sample(ink[:count], plane, align_corners=False), ink[count:]])
    gains = 1 + 0.15 * (2 * torch.rand((len(x), x.shape[1], 1, 1), generator=generator).to(x.device) - 1)
    return (1 - gains * ink).clamp(-1, 1)


MODEL = EmojiClassifier
RECIPES = (
    recipe(
        "concepts-emoji",
        EmojiClassifierConfig(num_concepts=2427),
        dataset="emoji",
        steps=1600,
        batch_size=128,
        warmup_steps=100,
    ),
)
