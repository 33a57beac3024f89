"""The whole way of a run in a row of small pictures: in a hall fewer of them, which are then large enough to be seen."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.theme import theme

MOST_IN_HALL = 8  # of a way's pictures: more would be too small to see


class WayStrip(ImageGrid):
    """``went`` carries the number of the picture that was clicked, counted along the whole way."""

    went = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[np.ndarray, int, int, int | None] | None = None
        self._stops: list[int] = []
        self.picked.connect(lambda sample, row, column: self.went.emit(self._stops[sample]))
        theme.signals.changed.connect(self._again)

    def show_way(self, pictures: np.ndarray, reached: int, at: int, columns: int | None = None) -> None:
        """Show uint8 (N,H,W,C), of which the first ``reached`` are there and number ``at`` is marked.

        ``columns``: pictures in a row where all of them are shown.
        """
        self._shown = pictures, reached, at, columns
        in_hall = theme.lecture() and len(pictures) > MOST_IN_HALL
        self._stops = spread(len(pictures), MOST_IN_HALL) if in_hall else list(range(len(pictures)))
        self.set_images(pictures[self._stops], columns=None if in_hall else columns)
        known = np.array(self._stops) < reached
        whole = np.broadcast_to(known[:, None, None], (len(known), *pictures.shape[1:3]))
        self.set_known(None if known.all() else whole)
        self.select(int(np.abs(np.array(self._stops) - at).argmin()))

    def _again(self) -> None:
        if self._shown is not None:
            self.show_way(*self._shown)


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` numbers from 0, evenly spaced, with both ends."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most))})
