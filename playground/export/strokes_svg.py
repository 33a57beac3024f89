"""Drawings made of strokes as an SVG file, lines and nothing else, with their settings inside.  No torch, no Qt."""

from __future__ import annotations

import math
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from playground import paths

BOX = 24.0  # side of a drawing's square, as icons have it
LINE_WIDTH = 1.2


def write(path: Path, strokes: np.ndarray, settings: str = "") -> None:
    """Write drawings side by side, in one atomic step.

    Args:
        strokes: float32 (N,T,3): dx, dy, pen up after it; a step that is not a number ends a drawing.
        settings: a text that the file keeps inside (see ``picture_metadata``).

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    content = contents(strokes, settings)
    with paths.replacing(path) as partial:
        partial.write_bytes(content.encode())


def contents(strokes: np.ndarray, settings: str = "") -> str:
    """The text of such a file."""
    columns = max(math.ceil(math.sqrt(len(strokes))), 1)
    rows = max(math.ceil(len(strokes) / columns), 1)
    drawn = []
    for i, one in enumerate(strokes):
        lines = fitted(polylines(one))
        moved = [line + BOX * np.array([i % columns, i // columns]) for line in lines]
        drawn.append(f'<path d="{" ".join(_path(line) for line in moved)}"/>')
    size = f"{columns * BOX:g} {rows * BOX:g}"
    inside = f"<metadata>{escape(settings)}</metadata>\n" if settings else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}">\n{inside}'
        f'<g fill="none" stroke="currentColor" stroke-width="{LINE_WIDTH:g}" stroke-linecap="round" '
        f'stroke-linejoin="round">\n' + "\n".join(drawn) + "\n</g>\n</svg>\n"
    )


def polylines(strokes: np.ndarray) -> list[np.ndarray]:
    """The lines of one drawing (T,3) as points (n,2), each from where the pen was put down; it begins at the origin."""
    strokes = strokes[np.isfinite(strokes).all(1).cumprod().astype(bool)]
    points = np.cumsum(strokes[:, :2], 0)
    ends = np.flatnonzero(strokes[:, 2] > 0.5) + 1
    return [line for line in np.split(points, ends) if len(line)]


def fitted(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Lines moved and scaled into the square, with room for their own width; their proportions stay."""
    if not lines:
        return []
    every = np.concatenate(lines)
    low, high = every.min(0), every.max(0)
    scale = (BOX - 2 * LINE_WIDTH) / max(float((high - low).max()), 1e-6)
    return [(line - (low + high) / 2) * scale + BOX / 2 for line in lines]


def _path(line: np.ndarray) -> str:
    places = [f"{x:.2f} {y:.2f}" for x, y in line]
    return f"M{places[0]} L{' '.join(places[1:] or places)}"
