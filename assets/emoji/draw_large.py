"""Draws the emoji at 64x64, for super-resolution: ``python assets/emoji/draw_large.py FOLDER``.

``FOLDER`` holds the npm packages ``@iconify-json/<set>`` (``node_modules``).  The held-out drawings go into ``assets/emoji``, the
training drawings, which are not shipped, into the program's cache.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from draw import paint_set
from PIL import Image

from playground import paths
from playground.data import emoji
from playground.data.emoji import large as emoji_large


def main(folder: Path) -> None:
    """Draw all of it, and write both sheets."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication([])
    every = np.concatenate([paint_set(folder, style, emoji_large.SIDE)[1] for style in emoji.STYLES])
    side = emoji.split_of()
    assert len(every) == len(side), "the sets have other drawings than those that are shipped"
    parts = [every[side == emoji.SPLITS.index(split)] for split in emoji.SPLITS]
    paths.cache().mkdir(parents=True, exist_ok=True)
    write_sheet(paths.folder("assets") / "emoji/held_out_64.webp", np.concatenate(parts[1:]), effort=6)
    write_sheet(paths.cache() / emoji_large.TRAINING_FILE, parts[0], effort=0)
    del application


def write_sheet(path: Path, drawings: np.ndarray, effort: int) -> None:
    """Drawings uint8 (N,S,S,3) side by side in one lossless picture."""
    side, per_row = drawings.shape[1], emoji_large.PER_ROW
    rows = -(-len(drawings) // per_row)
    padded = np.full((rows * per_row, side, side, 3), 255, np.uint8)
    padded[: len(drawings)] = drawings
    sheet = padded.reshape(rows, per_row, side, side, 3).transpose(0, 2, 1, 3, 4).reshape(rows * side, -1, 3)
    Image.fromarray(sheet).save(path, lossless=True, quality=20 * effort // 2 + 40, method=effort)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
