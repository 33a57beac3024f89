"""The pictures of a grid as they are painted: the model's own, or once they rest in colour larger ones that stand in for them.

While pictures move they are the model's own: nothing is computed that would be replaced at once.  Who makes them larger stands
somewhere around the grid, as the stage does that enlarges one of them (``enlarging.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from PySide6.QtCore import QObject, QRectF, QTimer, Signal, SignalInstance
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.grid_layout import Layout
from playground.ui.pictures.pixels import column

ROOM = 160  # pixels of the screen: pictures that are this large there are made as large as they can become
REST = 120  # milliseconds without another picture, after which they are made larger
SMALL, LARGEST = 32, 128  # pixels: the side of pictures that are made larger, and how large they can become
Taken = Callable[[list[np.ndarray]], None]


class Enlarger(Protocol):
    """Makes pictures larger, unless it is switched off."""

    switched: SignalInstance

    @property
    def is_on(self) -> bool:
        """Whether pictures are to be larger."""

    def ask(self, asker: QObject, panels: Sequence[np.ndarray], times: int, take: Taken) -> None:
        """Have uint8 (B,H,W,3) arrays made ``times`` as large; ``take`` hears of it later, unless the asker has asked again."""


@runtime_checkable
class HasEnlarger(Protocol):
    """A widget around pictures that knows who makes them larger."""

    enlarger: Enlarger


class PaintedPictures(QObject):
    """Of one grid.  ``changed`` when larger ones stand in, or no longer do."""

    changed = Signal()

    def __init__(self, grid: QWidget) -> None:
        super().__init__(grid)
        self._grid = grid
        self._own: list[np.ndarray] = []
        self._known: np.ndarray | None = None
        self._larger: list[np.ndarray] | None = None
        self._may_be_larger = False
        self._sheets: list[QImage] = []
        self._zoom = 1.0
        self._enlarger: Enlarger | None = None
        self._resting = QTimer(self, singleShot=True, interval=REST)
        self._resting.timeout.connect(self._ask)

    def replace(self, panels: list[np.ndarray], known: np.ndarray | None, may_be_larger: bool) -> None:
        """The grid shows these now, uint8 (B,H,W,C) each; ``known`` bool (H,W) or (B,H,W), None for all of it."""
        self._own, self._known, self._larger, self._sheets = panels, known, None, []
        in_colour = all(p.shape[1:] == (SMALL, SMALL, 3) for p in panels)
        self._may_be_larger = may_be_larger and known is None and bool(panels) and in_colour
        if self._may_be_larger:
            self._resting.start()
        else:
            self._resting.stop()

    @property
    def panels(self) -> list[np.ndarray]:
        """The pictures of each panel as they are painted."""
        return self._larger or self._own

    @property
    def times_larger(self) -> float:
        """By how much they are larger than the grid's own."""
        return self.panels[0].shape[1] / self._own[0].shape[1] if self._own else 1.0

    # --- larger ones

    def _ask(self) -> None:
        enlarger = self._found()
        if enlarger is not None and enlarger.is_on and self._may_be_larger:
            times = LARGEST // SMALL if self._zoom * SMALL >= ROOM else 2
            enlarger.ask(self, self._own, times, self._take)

    def _take(self, panels: list[np.ndarray]) -> None:
        if self._may_be_larger and not self._resting.isActive():  # else it has been overtaken
            self._stand_in(panels)

    def _stand_in(self, panels: list[np.ndarray] | None) -> None:
        self._larger, self._sheets = panels, []
        self.changed.emit()

    def _switched(self) -> None:
        if self._enlarger is not None and not self._enlarger.is_on:
            self._stand_in(None)
        elif self._may_be_larger:
            self._resting.start()

    def _found(self) -> Enlarger | None:
        around = self._grid.parentWidget()
        while around is not None and not isinstance(around, HasEnlarger):
            around = around.parentWidget()
        found = around.enlarger if around is not None else None
        if found is not None and self._enlarger is None:
            self._enlarger = found
            found.switched.connect(self._switched)
        return found

    # --- painting

    def paint(self, painter: QPainter, layout: Layout) -> None:
        """In device pixels: every picture in its place."""
        self._zoom = layout.fit.zoom
        zoom = self._zoom / self.times_larger
        k = 1 if zoom == int(zoom) else math.ceil(zoom)  # at the next whole zoom if theirs is not whole
        if not self._sheets:
            self._sheets = [self._sheet(images, layout.count, k) for images in self.panels]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, k != 1)
        for panel, images in enumerate(self.panels):
            height, width = images.shape[1] * k, images.shape[2] * k
            for sample in range(layout.count):
                source = QRectF(0, sample * height, width, height)
                painter.drawImage(QRectF(*layout.rect(sample, panel)), self._sheets[panel], source)

    def _sheet(self, images: np.ndarray, count: int, k: int) -> QImage:
        """The pictures of a panel one under the other."""
        known = self._known
        fits = known is not None and known.shape in (images.shape[1:3], images.shape[:3])
        return column(images, known if fits else None, count, k)
