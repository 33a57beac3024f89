"""A grid of pictures with one pixel pointed at in all of them: with the pointer, a click or the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.widgets.controls import ARROWS, claims


class PixelGrid(ImageGrid):
    """``pointed`` carries (row, column) whenever the hand moves to another pixel; the marker is where it points."""

    pointed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._at = (0, 0)
        self.hovered.connect(self._go)
        self.picked.connect(self._go)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Pictures; the arrow keys move the pixel that is looked at")

    def point_at(self, row: int, column: int) -> None:
        """Mark a pixel without emitting ``pointed``."""
        self._at = (row, column)
        if self._panels:
            self.set_marker(row * self._panels[0][1].shape[2] + column)

    def select(self, sample: int) -> None:
        """Nothing is selected here: all pictures show the same pixel."""

    def event(self, event: QEvent) -> bool:
        """The arrows move the pixel while this has the focus."""
        return claims(event, *ARROWS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """One pixel per arrow, five with Shift."""
        ways = dict(zip(ARROWS, ((0, -1), (0, 1), (-1, 0), (1, 0)), strict=True))
        if event.key() not in ways or not self._panels:
            super().keyPressEvent(event)
            return
        far = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        height, width = self._panels[0][1].shape[1:3]
        down, right = ways[Qt.Key(event.key())]
        row = min(max(self._at[0] + down * far, 0), height - 1)
        column = min(max(self._at[1] + right * far, 0), width - 1)
        self._go(0, row, column)

    def _go(self, sample: int, row: int, column: int) -> None:
        if sample >= 0 and (row, column) != self._at:
            self.point_at(row, column)
            self.pointed.emit(row, column)


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.pixel_grid``."""
    from playground import data
    from playground.ui.widgets.demo import application, run

    application()
    grid = PixelGrid()
    grid.setProperty("family", "autoregressive")
    grid.set_images(data.load("fashion", "test")[0][:2])
    grid.pointed.connect(print)
    run(grid)


if __name__ == "__main__":
    _demo()
