"""A sheet of paper to draw on: a black pen, an eraser, and dabs of colour that lie over the drawing and are kept apart from it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.mask_grid import MaskGrid

Tool = Literal["pen", "eraser", "colour"]
_PAPER = 255


class DrawingGrid(MaskGrid):
    """``sketched`` carries the drawing uint8 (H,W,3) and the dabs uint8 (H,W,4) at every stroke; the right button erases.

    Nothing is masked here; it can stand where a :class:`MaskGrid` does.
    """

    sketched = Signal(object, object)

    def __init__(self, shape: tuple[int, int, int], parent: QWidget | None = None) -> None:
        super().__init__(shape, parent)
        self.tool: Tool = "pen"
        self.width_of_pen = 1.6  # pixels
        self.colour = (232, 48, 48)
        self.mirrors = False  # every stroke also on the other side of the middle
        self.keeps_dabs = True  # colour lies over the drawing; else it becomes part of it
        self.paper = np.full(shape, _PAPER, np.uint8)
        self.dabs = np.zeros((*shape[:2], 4), np.uint8)
        self.setAccessibleName("The drawing; drag to draw, or move with the arrow keys and draw with Space")

    def show_drawing(self, paper: np.ndarray, dabs: np.ndarray) -> None:
        """Another drawing uint8 (H,W,3), and other dabs uint8 (H,W,4); nothing is emitted."""
        self.paper, self.dabs = paper.copy(), dabs.copy()
        self.show_picture(np.where(self.dabs[..., 3:] > 0, self.dabs[..., :3], self.paper))

    def clear(self) -> None:
        """An empty sheet."""
        self._set(np.full_like(self.paper, _PAPER), np.zeros_like(self.dabs))

    def _set(self, paper: np.ndarray, dabs: np.ndarray) -> None:
        if np.array_equal(paper, self.paper) and np.array_equal(dabs, self.dabs):
            return
        self.show_drawing(paper, dabs)
        self.sketched.emit(paper.copy(), dabs.copy())

    def _dab(self, places: list[tuple[int, int]], erase: bool) -> None:
        if self.mirrors:
            last = self.paper.shape[1] - 1
            places = [*places, *((row, last - column) for row, column in places)]
        rows, columns = np.indices(self.paper.shape[:2])
        far = np.min([np.hypot(rows - r, columns - c) for r, c in places], axis=0)
        tool = "eraser" if erase else self.tool
        if tool == "colour":
            inside = far <= max(self.width_of_pen / 2, 0.5) + 0.6
            paper, dabs = self.paper.copy(), self.dabs.copy()
            if self.keeps_dabs:
                dabs[inside] = (*self.colour, 255)
            else:
                paper[inside] = self.colour
            self._set(paper, dabs)
            return
        covered = np.clip(self.width_of_pen / 2 + 0.5 - far, 0, 1)[..., None]  # it ends softly, as ink does
        if tool == "pen":
            inked = np.minimum(self.paper, _PAPER * (1 - covered))
            self._set(np.rint(inked).astype(np.uint8), self.dabs)
            return
        paper = np.rint(self.paper + (_PAPER - self.paper) * covered).astype(np.uint8)
        self._set(paper, np.where(covered > 0.5, np.uint8(0), self.dabs))


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.drawing_grid``."""
    from playground.ui.widgets.demo import application, run

    application()
    grid = DrawingGrid((32, 32, 3))
    grid.setProperty("family", "gan")
    grid.clear()
    grid.show_drawing(grid.paper, grid.dabs)
    run(grid)


if __name__ == "__main__":
    _demo()
