"""The outline of a picture, as a shape to learn: where grey levels change most, after a little blurring.  No torch."""

from __future__ import annotations

import numpy as np

_FAINT = 0.3  # of the steepest slope: what is flatter is no outline
_LEAST = 8.0  # grey levels from pixel to pixel that are more than grain


def outline(grey: np.ndarray) -> np.ndarray:
    """uint8 (S,S) -> uint8 (S,S), bright along edges; all 0 for an even picture (Sobel and Feldman 1968)."""
    x = np.pad(grey.astype(np.float64), 1, mode="edge")
    smooth = (x[:-2] + 2 * x[1:-1] + x[2:]) / 4  # down the columns, (S, S + 2)
    across = (smooth[:, 2:] - smooth[:, :-2]) / 2
    level = (x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]) / 4  # along the rows, (S + 2, S)
    down = (level[2:] - level[:-2]) / 2
    slope = np.hypot(across, down)
    if slope.max() < _LEAST:
        return np.zeros(grey.shape, np.uint8)
    share = slope / slope.max()
    return np.where(share < _FAINT, 0, np.rint(255 * share)).astype(np.uint8)
