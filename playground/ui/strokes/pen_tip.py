"""One drawing while it is drawn, and under the tip of its pen the mixture that the next point is drawn from, as ellipses."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.strokes import ink
from playground.ui.theme import theme

LEAST_WEIGHT, SAID_FROM = 0.01, 0.08  # components that are painted, and whose weight is written
THICKNESS = 0.45  # of lines against those of a sheet: the ellipses are the subject
SPREADS = (2.0, 1.0)  # an ellipse for so many standard deviations


class PenTip(QWidget):
    """The paper, the lines, the ellipses and what each weighs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strokes = np.zeros((0, 3), np.float32)
        self._mixture: np.ndarray | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The drawing, and where its next point may lie")
        theme.signals.changed.connect(self.update)

    def set_moment(self, strokes: np.ndarray, mixture: np.ndarray | None) -> None:
        """Show steps float32 (T,3), and a mixture float32 (M,6): weight, means, spreads in boxes, correlation; None: it has ended."""
        self._strokes, self._mixture = strokes, mixture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ellipses lie under the lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = max(min(self.width(), self.height()) - 2.0, 8.0)
        paper = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        ink.paint_paper(painter, paper)
        lines = ink.lines_of(self._strokes)
        where = ink.place(paper, lines, THICKNESS)
        tip = lines[-1][-1] if lines else np.full(2, 0.5)
        painter.setClipRect(paper)
        ink.paint_lines(painter, lines, where, QColor(theme.palette().text))
        if self._mixture is not None:
            self._paint_mixture(painter, tip, self._mixture, where)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.accent(self))
            painter.drawEllipse(where.point(*tip.tolist()), where.line_width * 0.9, where.line_width * 0.9)

    def _paint_mixture(
        self, painter: QPainter, tip: np.ndarray, mixture: np.ndarray, where: ink.Place
    ) -> None:
        accent = theme.accent(self)
        for weight, x, y, sx, sy, rho in mixture[mixture[:, 0].argsort()].tolist():
            if weight < LEAST_WEIGHT:
                continue
            centre = where.point(tip[0] + x, tip[1] + y)
            angle, long, short = axes(sx, sy, rho)
            painter.save()
            painter.translate(centre)
            painter.rotate(math.degrees(angle))
            for times in SPREADS:
                fill, edge = QColor(accent), QColor(accent)
                fill.setAlphaF(0.08 + 0.3 * weight)
                edge.setAlphaF(0.25 + 0.6 * weight)
                painter.setBrush(fill)
                painter.setPen(QPen(edge, 1.2))
                radius = (max(times * s * where.scale, 2.0) for s in (long, short))
                painter.drawEllipse(_around(*radius))
            painter.restore()
        self._say_weights(painter, tip, mixture, where)

    def _say_weights(self, painter: QPainter, tip: np.ndarray, mixture: np.ndarray, where: ink.Place) -> None:
        painter.setFont(theme.scaled_font(0.95))
        painter.setPen(QColor(theme.palette().text))
        for weight, x, y, sx, sy, _ in mixture.tolist():
            if weight >= SAID_FROM:
                at = where.point(tip[0] + x + sx, tip[1] + y - sy)
                painter.drawText(at, f"{weight:.0%}")

    def sizeHint(self) -> QSize:
        """A large square."""
        return QSize(round(theme.em() * 34), round(theme.em() * 34))

    def minimumSizeHint(self) -> QSize:
        """A smaller one."""
        return QSize(round(theme.em() * 9), round(theme.em() * 9))


def axes(sx: float, sy: float, rho: float) -> tuple[float, float, float]:
    """The ellipse of one standard deviation: the angle of its long axis in radians, and both half axes."""
    values, vectors = np.linalg.eigh(np.array([[sx * sx, rho * sx * sy], [rho * sx * sy, sy * sy]]))
    short, long = np.sqrt(np.maximum(values, 0.0))
    return math.atan2(vectors[1, 1], vectors[0, 1]), float(long), float(short)


def _around(across: float, down: float) -> QRectF:
    return QRectF(-across, -down, 2 * across, 2 * down)
