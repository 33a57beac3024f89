"""The emoji drawings at 64x64: what super-resolution learns from and is measured on.  No torch.

The held-out ones travel with the program (``assets/emoji/held_out_64.webp``: first the new pairs, then the new concepts, each in
the order of ``emoji.load``).  The others are drawn from the vector files when a network is to be trained on them
(``assets/emoji/draw_large.py``), and looked for where training pictures are.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from playground import paths
from playground.data import emoji
from playground.data.dataset import Dataset, Split, places

SIDE = 64
PER_ROW = 128  # drawings in a row of a sheet
EMOJI_64 = Dataset(
    "emoji-64",
    "Emoji of six sets at 64x64",
    emoji.EMOJI.licence,
    (SIDE, SIDE, 3),
    emoji.STYLES,
    num_test=335,
)
TRAINING_FILE = "emoji_64.webp"


def load(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N,64,64,3), in the order of ``emoji.pictures_and_styles``, and the index of each one's style, int64 (N,).

    Raises:
        FileNotFoundError: one sentence, if the training drawings are nowhere on this machine; it says how to draw them.
    """
    styles = emoji.pictures_and_styles(split)[1]
    if split == "train":
        return training_drawings(), styles
    pairs = len(emoji.load("new-pairs"))
    held = held_out()
    return held[:pairs] if split == "validation" else held[pairs:], styles


@lru_cache(maxsize=1)
def held_out() -> np.ndarray:
    """The drawings of the new pairs, then those of the new concepts, uint8 (N,64,64,3), read-only."""
    count = len(emoji.load("new-pairs")) + len(emoji.load("new-concepts"))
    return _read(paths.folder("assets") / "emoji/held_out_64.webp", count)


def training_drawings() -> np.ndarray:
    """The training drawings, uint8 (N,64,64,3), read-only.

    Raises:
        FileNotFoundError: one sentence, if they are nowhere on this machine.
    """
    found = next((p for p in training_places() if p.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            "The emoji drawings at 64x64 are not on this machine: install the npm packages @iconify-json/<set> of the sets in "
            "assets/emoji/index.json into a folder, and have them drawn by python assets/emoji/draw_large.py FOLDER."
        )
    return _read(found, len(emoji.load("train")))


def training_places() -> list[Path]:
    """Where the sheet of training drawings is looked for."""
    return [place / TRAINING_FILE for place in places(paths.folder("assets") / "emoji")]


def _read(path: Path, count: int) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    rows = pixels.shape[0] // SIDE
    cut = pixels.reshape(rows, SIDE, PER_ROW, SIDE, 3).transpose(0, 2, 1, 3, 4).reshape(-1, SIDE, SIDE, 3)
    if len(cut) < count:
        raise ValueError(f"{path} holds other drawings than this version's: draw them again.")
    images = np.ascontiguousarray(cut[:count])
    images.setflags(write=False)
    return images
