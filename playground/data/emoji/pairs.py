"""Pairs of drawings that show the same thing in two styles, split by meaning.  No torch.

What pictures are translated from and to: line drawings and colours (``fluent-emoji-high-contrast``, ``fluent-emoji-flat``), or two
styles in colour.  A concept that is new to every model of colour (``playground data emoji --split new-concepts``) is a test pair;
one that was held out as a new pair in a Fluent style chooses; all the others train.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from playground.data import emoji
from playground.data.dataset import Split

FLAT, SHADED = "fluent-emoji-flat", "fluent-emoji"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Row by row the same thing: all columns have the same length N."""

    before: np.ndarray  # uint8 (N, 32, 32, 3)
    after: np.ndarray  # uint8 (N, 32, 32, 3)
    names: np.ndarray  # unicode (N,)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, which: np.ndarray) -> Pairs:
        return Pairs(self.before[which], self.after[which], self.names[which])


def lines_and_colours(split: Split) -> Pairs:
    """Line drawings and the same things in flat colours, of one split."""
    every = _shared(emoji.LINES, FLAT)
    return every[_of_split(every.names, split)]


def two_styles(before: str, after: str, split: Split | None = None) -> Pairs:
    """The things that two styles share, in both; of one split, or all of them."""
    every = _shared(before, after)
    return every if split is None else every[_of_split(every.names, split)]


def of_style(style: str, split: Split) -> emoji.Drawings:
    """All the drawings of a style whose concepts belong to a split, whether or not another style has them."""
    every = emoji.drawings()[emoji.drawings().styles == style]
    return every[_of_split(every.names, split)]


@lru_cache(maxsize=4)
def _shared(before: str, after: str) -> Pairs:
    first, second = _of(before), _of(after)
    names = sorted(first.keys() & second.keys())
    return Pairs(np.stack([first[n] for n in names]), np.stack([second[n] for n in names]), np.array(names))


def _of(style: str) -> dict[str, np.ndarray]:
    every = emoji.line_drawings() if style == emoji.LINES else emoji.drawings()
    chosen = every[every.styles == style]
    return dict(zip(chosen.names.tolist(), chosen.images, strict=True))


def _of_split(names: np.ndarray, split: Split) -> np.ndarray:
    """Which names belong to a split, bool (N,)."""
    test, validation = _held_out()
    kin = [emoji.family(n) for n in names.tolist()]
    side = np.array([2 if k in test else 1 if k in validation else 0 for k in kin], np.int64)
    return side == ("train", "validation", "test").index(split)


@lru_cache(maxsize=1)
def _held_out() -> tuple[frozenset[str], frozenset[str]]:
    """The families of test and of validation."""
    pairs = emoji.load("new-pairs")
    fluent = pairs.names[np.isin(pairs.styles, [FLAT, SHADED])]
    names = (emoji.load("new-concepts").names, fluent)
    test, validation = (frozenset(emoji.family(n) for n in some.tolist()) for some in names)
    return test, validation - test
