"""Bars as one small picture: hundreds of bars cost one ``drawImage``, where rectangles or paths take many milliseconds."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from playground.ui.pixels import qimage

_LEAST = 2.0  # width in pixels below which no bar is drawn


class Bars(pg.GraphicsObject):
    """Bars of one width that stand on a common ground, in plot coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self._x, self._heights = np.zeros(0), np.zeros(0)
        self._width = 1.0
        self._bounds = QRectF()
        self._colour = QColor()

    def set_bars(self, x: np.ndarray, tops: np.ndarray, ground: float, width: float) -> None:
        """``x`` (N,) rising, ``tops`` (N,) not below ``ground``."""
        self.prepareGeometryChange()
        self._x, self._heights, self._width = x, tops - ground, width
        ends = (x[0] - width / 2, x[-1] + width / 2, tops.max()) if len(x) else (0.0, 0.0, ground)
        self._bounds = QRectF(ends[0], ground, ends[1] - ends[0], ends[2] - ground)
        self.update()

    def set_colour(self, colour: QColor) -> None:
        """Of all bars; may be translucent."""
        self._colour = colour
        self.update()

    def boundingRect(self) -> QRectF:
        """In plot coordinates; the name is Qt's."""
        return self._bounds

    def paint(self, painter: QPainter, *args: object) -> None:
        """Which bar is over each column of pixels, and how high."""
        box = painter.worldTransform().mapRect(self._bounds)
        ratio = painter.device().devicePixelRatio()
        pixels = box.width() * ratio / max(self._bounds.width(), 1e-12)  # per unit of x
        if not len(self._x) or box.height() * ratio < 0.5:
            return
        width = max(self._width, _LEAST / pixels)
        grow = (width - self._width) / 2 * pixels / ratio
        box.adjust(-grow, 0, grow, 0)
        w, h = max(round(box.width() * ratio), 1), max(round(box.height() * ratio), 1)
        at = self._x[0] - width / 2 + (np.arange(w) + 0.5) / w * (self._x[-1] - self._x[0] + width)
        bar = np.searchsorted((self._x[1:] + self._x[:-1]) / 2, at)
        high = (
            np.where(np.abs(at - self._x[bar]) <= width / 2, self._heights[bar], 0) / self._heights.max() * h
        )
        inside = np.arange(h)[::-1, None] + 0.5 < high  # (h, w)
        opacity = self._colour.alphaF()
        r, g, b = (round(v * opacity) for v in self._colour.getRgb()[:3])  # premultiplied
        argb = np.uint32(round(255 * opacity) << 24 | r << 16 | g << 8 | b)
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawImage(box, qimage(np.where(inside, argb, np.uint32(0))))
