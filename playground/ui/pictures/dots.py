"""Ten thousand round dots in one picture, by numpy: several times quicker than Qt, which keeps the event loop waiting."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor, QImage

from playground.ui.pictures.pixels import qimage

_LEVELS = 16  # of opacity, at the smooth edge of a dot


def dots(
    points: np.ndarray, kinds: np.ndarray, colours: list[QColor], size: float, side: int, opacity: float
) -> QImage:
    """A square picture of ``side`` pixels with a dot at every point, transparent elsewhere.

    Where dots meet, the middle of one stands over the edge of another, and else the later point over the earlier.

    Args:
        points: (N,2) in pixels from the top left; what lies outside is cut.
        kinds: int (N,), which of the colours.
        size: diameter in pixels; the edges are smooth.
        opacity: of a dot, 0..1.
    """
    x, y = (np.ascontiguousarray(along, np.float32) for along in np.transpose(points))
    column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    x, y = x - column - 0.5, y - row - 0.5  # of the point, from the middle of its pixel
    kinds = np.asarray(kinds, np.int32) * (_LEVELS + 1)
    inks, canvas = _inks(colours, opacity), np.zeros(side * side, np.uint32)
    for right, down in _stamp(size):
        cover = size / 2 + 0.5 - np.sqrt(np.square(x - right) + np.square(y - down))
        seen = (cover > 0.5 / _LEVELS) & (column >= -right) & (column < side - right)
        seen &= (row >= -down) & (row < side - down)
        levels = np.minimum(cover[seen] * _LEVELS + 0.5, _LEVELS).astype(np.int32)
        canvas[(row[seen] + down) * side + (column[seen] + right)] = inks[kinds[seen] + levels]
    return qimage(canvas.reshape(side, side))


def _inks(colours: list[QColor], opacity: float) -> np.ndarray:
    """Each colour at each level of opacity, uint32 (colours * (levels + 1)), premultiplied ARGB."""
    channels = np.array([(255, c.red(), c.green(), c.blue()) for c in colours], np.float32)
    share = np.linspace(0.0, opacity, _LEVELS + 1, dtype=np.float32)
    ink = np.round(channels[:, None] * share[:, None]).astype(np.uint32)  # (colours, levels + 1, 4)
    return (ink << np.array([24, 16, 8, 0], np.uint32)).sum(2, dtype=np.uint32).ravel()


def _stamp(size: float) -> list[tuple[int, int]]:
    """Offsets of the pixels that a dot may touch, the middle last."""
    reach = int(np.ceil(size / 2 + 1.0))
    offsets = [(dx, dy) for dx in range(-reach, reach + 1) for dy in range(-reach, reach + 1)]
    near = [o for o in offsets if np.hypot(*o) < size / 2 + 0.5 + 0.71]
    return sorted(near, key=lambda o: -np.hypot(*o))
