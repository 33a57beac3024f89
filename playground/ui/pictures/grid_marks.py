"""What is drawn over the pictures of a grid: a frame around a pixel, a line above a row, a bar under
each picture, a frame around the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from playground.ui.pictures.grid_layout import Layout

_MITRED = Qt.PenJoinStyle.MiterJoin
_FIT = 3  # points: height of a bar under a picture


@dataclass
class GridMarks:
    """Marks that are the same in every picture, and the one picture that is chosen."""

    pixel: int | None = None  # row * W + column: the first pixel of the frame
    pixel_size: int = 1  # sides of the frame, in pixels
    edited: tuple[
        tuple[int, int, int, int], ...
    ] = ()  # sample, row, column and side of what was changed by hand
    rule: int | None = None  # a line above this row
    selected: int = -1  # a picture, -1 for none
    fits: tuple[float, ...] = ()  # of each picture of one panel, 0..1: a bar under it
    fits_panel: int = 0
    usual_fit: float = 0.0  # a tick on those bars

    def paint(self, painter: QPainter, layout: Layout, panel: int, accent: QColor, ratio: float) -> None:
        """Draw them on one panel; the painter's unit is the device pixel, of which ``ratio`` make a point."""
        thick = max(round(1.5 * ratio), 1)
        boxes = [layout.rect(sample, panel) for sample in range(layout.count)]
        zoom = layout.fit.zoom
        if self.pixel is not None:
            row, column = divmod(self.pixel, layout.size[1])
            side, grow = self.pixel_size * zoom, thick / 2
            painter.setPen(QPen(accent, thick, j=_MITRED))
            frames = [QRectF(x + column * zoom, y + row * zoom, side, side) for x, y, _, _ in boxes]
            painter.drawRects([frame.adjusted(-grow, -grow, grow, grow) for frame in frames])
        self._paint_edited(painter, layout, boxes, thick)
        if self.rule is not None:
            painter.setPen(QPen(accent, thick))
            for x, y, width, _ in boxes:
                line = y + round(self.rule * zoom)
                painter.drawLine(x, line, x + width - 1, line)
        if panel == self.fits_panel:
            self._paint_fits(painter, boxes, accent, ratio)
        if 0 <= self.selected < layout.count:
            thick = max(min(round(2 * ratio), int(zoom)), 1)
            painter.setPen(QPen(accent, thick, j=_MITRED))
            grow = thick / 2
            painter.drawRect(QRectF(*boxes[self.selected]).adjusted(-grow, -grow, grow, grow))

    def _paint_edited(
        self,
        painter: QPainter,
        layout: Layout,
        boxes: Sequence[tuple[float, float, float, float]],
        thick: int,
    ) -> None:
        """A frame around each place that was changed, white in black, to be seen on any picture."""
        zoom = layout.fit.zoom
        for sample, row, column, size in self.edited:
            if sample >= len(boxes):
                continue
            x, y, _, _ = boxes[sample]
            place = QRectF(x + column * zoom, y + row * zoom, size * zoom, size * zoom)
            for colour, grow in ((QColor("black"), 1.5 * thick), (QColor("white"), 0.5 * thick)):
                painter.setPen(QPen(colour, thick, j=_MITRED))
                painter.drawRect(place.adjusted(-grow, -grow, grow, grow))

    def _paint_fits(
        self,
        painter: QPainter,
        boxes: Sequence[tuple[float, float, float, float]],
        accent: QColor,
        ratio: float,
    ) -> None:
        """In the gap under each picture how much of its width is filled, and where it usually ends."""
        high, ground = max(round(_FIT * ratio), 1), QColor(accent)
        ground.setAlphaF(0.25)
        for (x, y, width, height), fit in zip(boxes, self.fits, strict=False):
            top = y + height + max(round(ratio), 1)
            painter.fillRect(QRectF(x, top, width, high), ground)
            painter.fillRect(QRectF(x, top, width * min(max(fit, 0.0), 1.0), high), accent)
            at = x + width * min(max(self.usual_fit, 0.0), 1.0)
            painter.fillRect(QRectF(at - ratio, top - ratio, 2 * ratio, high + 2 * ratio), QColor("white"))
