"""A brush for x_t: a run that rests half-way is painted on, and denoised on from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget

from playground.contract import Frame
from playground.experiments.resuming import can_be_painted
from playground.export.picture_metadata import numbers
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.paint_grid import between
from playground.ui.widgets.controls import Segmented

Pixels = dict[tuple[int, int, int, int], int]  # (step, sample, row, column) -> the grey level put there
_GREYS = (None, 255, 0)  # of no brush, of the white one, of the black one
_REACH = 1.3  # pixels from the middle of the brush to its edge


class NoisyBrush(QWidget):
    """One line under the pictures while a run rests: no brush, a white one, a black one.

    ``begun`` carries the frame that is about to be painted on, and ``painted`` the same and every pixel (sample, row, column, grey)
    that was changed at its step, at every stroke.
    """

    begun = Signal(object)
    painted = Signal(object, object)

    def __init__(self, grid: ImageGrid, resting: Callable[[], Frame | None]) -> None:
        super().__init__()
        self._grid, self._resting = grid, resting
        self.pixels: Pixels = {}
        self._base: Frame | None = None  # what the stroke that goes on began at
        self._last = (-1, -1, -1)
        self.tools = Segmented(("look", "paint white", "paint black"))
        self.tools.setAccessibleName("What dragging over a picture does")
        self.tools.setToolTip(
            "Paint on x_t: what the model expects there is exchanged, the noise stays, and the run goes on from here"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.addStretch(1)
        row.addWidget(QLabel("On the noisy picture:"))
        row.addWidget(self.tools)
        row.addStretch(1)
        grid.picked.connect(self._begin)
        grid.hovered.connect(self._go_on)
        self.hide()

    def refresh(self) -> None:
        """It can be used where a run rests between its ends."""
        frame = self._resting()
        usable = frame is not None and 0 < frame.step < frame.total and can_be_painted(frame.state)
        paints = self._base is not None and bool(QApplication.mouseButtons() & Qt.MouseButton.LeftButton)
        self.setVisible(usable or paints)

    def forget(self) -> None:
        """Another run has no paint."""
        self.pixels = {}

    def _begin(self, sample: int, row: int, column: int) -> None:
        frame = self._resting()
        if self.isVisible() and _GREYS[self.tools.index()] is not None and frame is not None:
            self._base, self._last = frame, (sample, row, column)
            self.begun.emit(frame)
            self._dab(sample, [(row, column)])

    def _go_on(self, sample: int, row: int, column: int) -> None:
        if not QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._base = None
        if self._base is None or sample < 0:
            return
        same = sample == self._last[0]
        places = between(self._last[1:], (row, column)) if same else [(row, column)]
        self._last = (sample, row, column)
        self._dab(sample, places)

    def _dab(self, sample: int, places: list[tuple[int, int]]) -> None:
        frame, grey = self._base, _GREYS[self.tools.index()]
        if frame is None or grey is None:
            return
        rows, columns = np.indices(frame.images.shape[1:3])
        far = np.min([np.hypot(rows - r, columns - c) for r, c in places], axis=0)
        self.drop_after(frame.step)
        self.pixels |= {(frame.step, sample, int(r), int(c)): grey for r, c in np.argwhere(far <= _REACH)}
        self.painted.emit(frame, self.at(frame.step))

    def drop_after(self, step: int) -> None:
        """What comes later comes anew."""
        self.pixels = {at: grey for at, grey in self.pixels.items() if at[0] <= step}

    def at(self, step: int) -> list[tuple[int, int, int, int]]:
        """What was painted at a step: (sample, row, column, grey) each."""
        return [(*place[1:], grey) for place, grey in self.pixels.items() if place[0] == step]

    def written(self) -> list[list[int]]:
        """As plain JSON."""
        return [[*place, grey] for place, grey in self.pixels.items()]


def read_paint(settings: Mapping[str, Any], shape: tuple[int, ...], total: int) -> Pixels:
    """What :meth:`NoisyBrush.written` wrote, read from a file that anyone may have made.

    Args:
        shape: (samples, H, W) of the run; ``total``: its steps.

    Raises:
        ValueError: one sentence, for pixels that do not exist.
    """
    found = numbers(settings.get("painted", []), (None, 5), 0, 10**6)
    if (found != found.round()).any() or (found >= [total, *shape, 256]).any():
        raise ValueError("it paints pixels that do not exist.")
    return {(a, b, c, d): grey for a, b, c, d, grey in found.astype(int).tolist()}
