"""Emoji drawings in six styles, 32x32 in colour, split by meaning.  No torch.

The drawings lie in ``assets/emoji`` (see ``draw.py`` there for how they were made, ``index.json`` for names and licences).
What is held out is chosen by meaning, never by picture: *new pairs* (for one concept in twenty, one of its styles) and *new
concepts* (one in forty, in every style).  Genders and directions of one concept stay on one side, and nothing held out has a
near twin in training, since some drawings bear two names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from playground import paths
from playground.data.dataset import Dataset, Split

EmojiSplit = Literal["train", "new-pairs", "new-concepts"]
SPLITS: tuple[EmojiSplit, ...] = ("train", "new-pairs", "new-concepts")
STYLES = ("noto", "noto-v1", "fxemoji", "fluent-emoji-flat", "fluent-emoji", "twemoji")
LINES = "fluent-emoji-high-contrast"  # line drawings, for colourisation only
SIDE = 32
EMOJI = Dataset(
    "emoji",
    "Emoji of six sets",
    "Apache-2.0 (Noto Emoji, FxEmojis), MIT (Fluent Emoji), CC-BY-4.0 (Twemoji)",
    (SIDE, SIDE, 3),
    STYLES,
    num_test=335,
)
_WHO = re.compile(r"^(wo)?(mens|men|man|person|people|boy|girl|child|mans|womans|womens)$")
_WHERE = re.compile(r"^(left|right|leftwards|rightwards|up|down|upwards|downwards|facing|pointing)$")


@dataclass(frozen=True, eq=False)
class Drawings:
    """Pictures and what each is: all columns have the same length N."""

    images: np.ndarray  # uint8 (N, 32, 32, 3)
    names: np.ndarray  # unicode (N,)
    styles: np.ndarray  # unicode (N,)
    groups: np.ndarray  # unicode (N,)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: np.ndarray) -> Drawings:
        return Drawings(*(getattr(self, c)[which] for c in ("images", "names", "styles", "groups")))


def family(name: str) -> str:
    """What a concept shares with its variants: its name without genders and directions."""
    words = ["person" if _WHO.match(w) else w for w in name.split("-") if not _WHERE.match(w)]
    return "-".join(words) or "arrow"


@lru_cache(maxsize=1)
def index() -> dict[str, dict[str, object]]:
    """Style -> title, author, url, licence, names, own names, groups."""
    return dict(json.loads((paths.folder("assets") / "emoji/index.json").read_text())["styles"])


@lru_cache(maxsize=1)
def drawings() -> Drawings:
    """All coloured drawings, style by style; read-only."""
    return _read("drawings.webp", STYLES)


@lru_cache(maxsize=1)
def line_drawings() -> Drawings:
    """The drawings of the line style, read-only."""
    return _read("lines.webp", (LINES,))


@lru_cache(maxsize=1)
def synonyms() -> dict[str, list[str]]:
    """Concept -> other words for it (emojilib and emojibase, MIT)."""
    return dict(json.loads((paths.folder("assets") / "emoji/synonyms.json").read_text()))


def load(split: EmojiSplit) -> Drawings:
    """The drawings of one split.

    Raises:
        ValueError: one sentence, if there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"There is no split called {split!r}; there are {', '.join(SPLITS)}.")
    return drawings()[split_of() == SPLITS.index(split)]


def split_for(split: Split) -> EmojiSplit:
    """What stands for the training, validation and test pictures of other data sets."""
    named: dict[Split, EmojiSplit] = {"train": "train", "validation": "new-pairs", "test": "new-concepts"}
    return named[split]


def pictures_and_styles(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N,32,32,3) of a split, and the index of each one's style, int64 (N,)."""
    chosen = load(split_for(split))
    return chosen.images, np.array([STYLES.index(s) for s in chosen.styles.tolist()], np.int64)


@lru_cache(maxsize=1)
def split_of() -> np.ndarray:
    """Index into ``SPLITS`` of every drawing, int64 (N,): as ``emoji_split.py`` chose, whose list is shipped."""
    held = json.loads((paths.folder("assets") / "emoji/held_out.json").read_text())
    side = {(style, name): SPLITS.index(split) for split, drawn in held.items() for style, name in drawn}
    every = drawings()
    places = zip(every.styles.tolist(), every.names.tolist(), strict=True)
    return np.array([side.get(place, 0) for place in places], np.int64)


def _read(file: str, styles: tuple[str, ...]) -> Drawings:
    columns = [index()[s] for s in styles]
    names = [n for c in columns for n in c["names"]]  # type: ignore[attr-defined]
    groups = [g for c in columns for g in c["groups"]]  # type: ignore[attr-defined]
    from PIL import Image

    with Image.open(paths.folder("assets") / "emoji" / file) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    rows, per_row = pixels.shape[0] // SIDE, pixels.shape[1] // SIDE
    cut = pixels.reshape(rows, SIDE, per_row, SIDE, 3).transpose(0, 2, 1, 3, 4).reshape(-1, SIDE, SIDE, 3)
    images = np.ascontiguousarray(cut[: len(names)])
    images.setflags(write=False)
    of = [s for s, c in zip(styles, columns, strict=True) for _ in c["names"]]  # type: ignore[attr-defined]
    return Drawings(images, np.array(names), np.array(of), np.array(groups))
