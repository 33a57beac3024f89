"""What gives a picture away: how it differs from real ones in things that can be said in words and counted.

No network judges here, only four plain measures of a grey picture on black; each is compared with the same of held-out real
pictures, and the most unusual is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from playground import data

_COMPARED = 2_000  # real pictures
RARE = 2.5  # percent of real pictures that are as far out, on either side: less is worth a word
_INK, _DARK = 48, 24  # grey levels: what belongs to the garment for certain, and what is as good as black
# name -> what a picture is that has little of it, and much
_WORDS = {
    "sharpness": ("blurrier", "sharper"),
    "speckles": ("cleaner", "more speckled"),
    "symmetry": ("less symmetric", "more symmetric"),
    "evenness": ("patchier", "more even"),
}


@dataclass(frozen=True)
class Giveaway:
    """The most unusual measure of a picture: its words, and the share of real pictures, in percent, that it exceeds in that."""

    words: str
    percent: float

    @property
    def is_rare(self) -> bool:
        """Whether so few real pictures are like it that it is worth a word."""
        return self.percent > 100 - RARE


def measures(images: np.ndarray) -> dict[str, np.ndarray]:
    """Of grey pictures uint8 (N,H,W,1), four numbers each, (N,).

    ``sharpness`` is what a 3x3 blur takes away, as a share of what two more take after it; ``speckles`` is how many lit pixels stand alone in the dark;
    ``symmetry`` falls with the mean difference from its mirror image; ``evenness`` with the spread of grey inside.
    """
    x = images[..., 0].astype(np.float64)
    ink = x > _INK
    area = ink.sum((1, 2)).clip(min=1)
    near = _blurred(x)
    fine, coarse = (np.abs(d).mean((1, 2)) for d in (x - near, near - _blurred(_blurred(near))))
    around = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    beside = np.stack([around[:, :-2, 1:-1], around[:, 2:, 1:-1], around[:, 1:-1, :-2], around[:, 1:-1, 2:]])
    alone = (x > _DARK) & (beside.max(0) <= _DARK)
    mean = (x * ink).sum((1, 2)) / area
    spread = np.sqrt((((x - mean[:, None, None]) ** 2) * ink).sum((1, 2)) / area)
    return {
        "sharpness": fine / (coarse + 1),
        "speckles": alone.sum((1, 2)).astype(np.float64),
        "symmetry": -np.abs(x - x[:, :, ::-1]).mean((1, 2)),
        "evenness": -spread,
    }


def _blurred(x: np.ndarray) -> np.ndarray:
    """The mean of 3x3 pixels each, (N,H,W)."""
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    return np.asarray(rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9


def giveaways(images: np.ndarray, dataset: str) -> list[Giveaway]:
    """The most unusual measure of each picture uint8 (N,H,W,1), against held-out pictures of a data set."""
    found: list[list[Giveaway]] = [[] for _ in images]
    real = _of_real(dataset)
    for name, values in measures(images).items():
        usual = real[name]
        for i, value in enumerate(values):
            below = 100 * np.searchsorted(usual, value, side="left") / len(usual)
            above = 100 - 100 * np.searchsorted(usual, value, side="right") / len(usual)
            little, much = _WORDS[name]
            found[i] += [Giveaway(much, float(below)), Giveaway(little, float(above))]
    return [max(one, key=lambda giveaway: giveaway.percent) for one in found]


@lru_cache(maxsize=2)
def _of_real(dataset: str) -> dict[str, np.ndarray]:
    images, _ = data.load(dataset, "test")
    return {name: np.sort(values) for name, values in measures(images[-_COMPARED:]).items()}
