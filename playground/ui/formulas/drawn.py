"""Formulas that were drawn beforehand (``draw.py``), and how their pieces are broken into lines.

A formula is a few pieces, each an SVG picture on one baseline; between two pieces a line may end, inside a piece it
may not.  All measures are in em, the size of the type.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from playground import paths

FILE = "formulas.json"
INK = "currentColor"  # what stands in the file where the colour of the text will be


@dataclass(frozen=True)
class Piece:
    """A part of a formula that stays together.

    The pen starts at x = 0 on the baseline, y = 0, and y grows downwards.  ``lead`` is the white before the first
    sign, which is left out where the piece begins a line; ``advance`` is how far the pen moves.
    """

    svg: str
    left: float
    ascent: float
    width: float
    height: float
    lead: float
    advance: float

    @property
    def descent(self) -> float:
        """What hangs below the baseline."""
        return self.height - self.ascent

    def coloured(self, colour: str) -> bytes:
        """The picture with its ink in ``#rrggbb``."""
        return self.svg.replace(INK, colour).encode()


Line = tuple[Piece, ...]


@cache
def shipped() -> dict[str, tuple[Piece, ...]]:
    """Formula -> its pieces; nothing where the file is missing or is not what it should be."""
    try:
        read = json.loads((paths.folder("assets") / FILE).read_text(encoding="utf-8"))
        return {tex: tuple(Piece(**piece) for piece in pieces) for tex, pieces in read["formulas"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def line_width(line: Sequence[Piece]) -> float:
    """From the first sign to the end of the last piece."""
    return sum(piece.advance for piece in line) - line[0].lead


def line_height(line: Sequence[Piece]) -> float:
    """From the highest to the lowest of its pieces."""
    return max(p.ascent for p in line) + max(p.descent for p in line)


def broken(pieces: Sequence[Piece], width: float) -> list[Line]:
    """Lines no wider than ``width``, as long as they can be; a piece that is wider has a line of its own."""
    lines: list[Line] = []
    for piece in pieces:
        if lines and line_width((*lines[-1], piece)) <= width:
            lines[-1] = (*lines[-1], piece)
        else:
            lines.append((piece,))
    return lines
