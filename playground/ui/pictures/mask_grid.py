"""A picture of which a part can be painted over: what is painted is hatched, and a bool mask says where it is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.paint_grid import PaintGrid


class MaskGrid(PaintGrid):
    """``masked`` carries the new bool (H,W) at every stroke; the right button takes away what the brush paints."""

    masked = Signal(object)

    def __init__(self, shape: tuple[int, int, int], parent: QWidget | None = None) -> None:
        super().__init__(shape, parent)
        self.may_be_larger = False  # its pixels are painted on
        self.paints = True  # else it is only looked at
        self.reach = 2.5  # pixels from the middle of the brush to its edge
        self.covered = np.zeros(shape[:2], bool)
        self.setAccessibleName(
            "The picture; drag to paint over a part, or move with the arrow keys and paint with Space"
        )

    def set_mask(self, mask: np.ndarray) -> None:
        """Another part, bool (H,W); nothing is emitted."""
        self.covered = mask.copy()
        self.set_known(~self.covered)

    def _dab(self, places: list[tuple[int, int]], erase: bool) -> None:
        if not self.paints:
            return
        rows, columns = np.indices(self.covered.shape)
        near = np.min([np.hypot(rows - r, columns - c) for r, c in places], axis=0) <= self.reach
        mask = self.covered & ~near if erase else self.covered | near
        if not np.array_equal(mask, self.covered):
            self.set_mask(mask)
            self.masked.emit(mask.copy())


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.mask_grid``."""
    from playground import data
    from playground.ui.widgets.demo import application, run

    application()
    grid = MaskGrid(data.DATASETS["emoji"].image_shape)
    grid.setProperty("family", "neutral")
    grid.show_picture(data.load("emoji", "test")[0][0])
    run(grid)


if __name__ == "__main__":
    _demo()
