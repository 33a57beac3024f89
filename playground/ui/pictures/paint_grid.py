"""One picture that can be painted on, at whole-number zoom: with the pointer, or with the arrow keys and Space."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from playground.ui.pictures.pixel_grid import PixelGrid
from playground.ui.widgets.controls import claims

_REACH = 1.6  # pixels from the middle of the brush to its edge, where it ends softly


class PaintGrid(PixelGrid):
    """``stroked`` carries the new uint8 (H,W,1) at every stroke; the right button does what the brush does not."""

    stroked = Signal(object)

    def __init__(self, shape: tuple[int, int, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.erases = False  # the brush makes black
        self._picture = np.zeros(shape, np.uint8)
        self._last = (-1, -1)
        self.hovered.connect(self._stroke)
        self.picked.connect(self._begin)
        self.setAccessibleName("The picture; drag to paint, or move with the arrow keys and paint with Space")

    def show_picture(self, picture: np.ndarray) -> None:
        """Another picture, uint8 (H,W,1)."""
        self._picture = picture.copy()
        self.set_images(self._picture[None])

    def picture(self) -> np.ndarray:
        """What is shown, uint8 (H,W,1)."""
        return self._picture.copy()

    def event(self, event: QEvent) -> bool:
        """Space paints while this has the focus."""
        return claims(event, Qt.Key.Key_Space) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space paints where the marker is; with Shift held it does what the brush does not."""
        if event.key() == Qt.Key.Key_Space:
            inverse = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._dab([self._at], self.erases != inverse)
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """From the keyboard only: the right button paints."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            super().contextMenuEvent(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """No marker without a hand."""
        self._last = (-1, -1)
        self.set_marker(None)
        super().leaveEvent(event)

    def _begin(self, sample: int, row: int, column: int) -> None:
        self._last = (-1, -1)
        self._stroke(sample, row, column)

    def _stroke(self, sample: int, row: int, column: int) -> None:
        buttons = QApplication.mouseButtons()
        left, right = buttons & Qt.MouseButton.LeftButton, buttons & Qt.MouseButton.RightButton
        if sample < 0 or not (left or right):
            self._last = (-1, -1)
            return
        before = self._last if self._last[0] >= 0 else (row, column)
        self._last = (row, column)
        self._dab(between(before, (row, column)), self.erases != bool(right))

    def _dab(self, places: list[tuple[int, int]], erase: bool) -> None:
        rows, columns = np.indices(self._picture.shape[:2])
        far = np.min([np.hypot(rows - r, columns - c) for r, c in places], axis=0)
        ink = np.clip(_REACH - far, 0, 1)[..., None]  # 1 in the middle, 0 outside
        new = self._picture * (1 - ink) + (0 if erase else 255) * ink
        painted = np.rint(new).astype(np.uint8)
        if not np.array_equal(painted, self._picture):
            self.show_picture(painted)
            self.stroked.emit(painted.copy())


def between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels on the line from one to the other, both included."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            round(start[0] + (end[0] - start[0]) * i / steps),
            round(start[1] + (end[1] - start[1]) * i / steps),
        )
        for i in range(steps + 1)
    ]


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.paint_grid``."""
    from playground import data
    from playground.ui.widgets.demo import application, run

    application()
    grid = PaintGrid(data.DATASETS["fashion"].image_shape)
    grid.setProperty("family", "neutral")
    grid.show_picture(data.load("fashion", "test")[0][0])
    run(grid)


if __name__ == "__main__":
    _demo()
