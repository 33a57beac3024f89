"""Strokes on a piece of paper: where their points lie, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from playground.export import strokes_svg
from playground.ui.theme import theme

LINE_WIDTH = 0.038  # of the box, about that of icons
ROOM = 0.08  # of the box, on each side of it


@dataclass(frozen=True)
class Place:
    """Where the box of a drawing lies on a widget: ``scale`` pixels a box, its left upper corner at ``corner``."""

    scale: float
    corner: QPointF
    thickness: float = 1.0  # of lines, against the usual

    def point(self, x: float, y: float) -> QPointF:
        """A point of the box, on the widget."""
        return QPointF(self.corner.x() + x * self.scale, self.corner.y() + y * self.scale)

    def back(self, at: QPointF) -> tuple[float, float]:
        """A point of the widget, in the box."""
        return (at.x() - self.corner.x()) / self.scale, (at.y() - self.corner.y()) / self.scale

    @property
    def line_width(self) -> float:
        """Of a stroke, in pixels."""
        return max(self.scale * LINE_WIDTH * self.thickness, 1.2)


def place(paper: QRectF, lines: Sequence[np.ndarray] = (), thickness: float = 1.0) -> Place:
    """The box in the middle of a paper with some room around it; smaller where lines (n,2) leave it, so that all are seen."""
    low, high = np.full(2, -ROOM), np.full(2, 1 + ROOM)
    for line in lines:
        low, high = np.minimum(low, line.min(0) - ROOM / 2), np.maximum(high, line.max(0) + ROOM / 2)
    side = float((high - low).max())
    scale = min(paper.width(), paper.height()) / side
    middle = (low + high) / 2 * scale
    centre = paper.center()
    return Place(scale, QPointF(centre.x() - middle[0], centre.y() - middle[1]), thickness)


def lines_of(strokes: np.ndarray) -> list[np.ndarray]:
    """Steps float32 (T,3) as lines (n,2) in the box."""
    return [line + 0.5 for line in strokes_svg.polylines(strokes)]


def parts_of(strokes: np.ndarray, given: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The lines that were there before, of the first ``given`` points, and what was added; a line that goes on is in both."""
    added = strokes.copy()
    first = lines_of(strokes[:given])
    lines = lines_of(added)
    rest, at = [], 0
    for line in lines:
        begin = max(given - at, 0)
        if begin < len(line):
            rest.append(line[max(begin - 1, 0) :] if begin else line)
        at += len(line)
    return first, rest


def path(lines: Sequence[np.ndarray], where: Place) -> QPainterPath:
    """Lines as a path; a point alone is a dot."""
    found = QPainterPath()
    for line in lines:
        points = [where.point(x, y) for x, y in line.tolist()]
        found.moveTo(points[0])
        for point in points[1:] or [points[0] + QPointF(0.01, 0)]:
            found.lineTo(point)
    return found


def paint_paper(painter: QPainter, paper: QRectF, chosen: QColor | None = None) -> None:
    """A sheet with round corners; in a colour around it where it is chosen."""
    painter.setPen(QPen(chosen or QColor(theme.palette().line), 2 if chosen else 1))
    painter.setBrush(QColor(theme.palette().surface))
    painter.drawRoundedRect(paper, theme.em() * 0.4, theme.em() * 0.4)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_lines(painter: QPainter, lines: Sequence[np.ndarray], where: Place, ink: QColor) -> None:
    """Round ends, round corners."""
    pen = QPen(
        ink, where.line_width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    )
    painter.setPen(pen)
    painter.drawPath(path(lines, where))
