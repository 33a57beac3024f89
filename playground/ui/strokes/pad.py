"""A pad to draw on with a pen: lines, one after the other, that can be taken back."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.data import icons, svg_lines
from playground.ui.strokes import ink
from playground.ui.theme import theme

TOLERANCE = 0.012  # of the box, to which a line is simplified, nearly as those of the data set were
LEAST = 0.004  # of the box between two points of the pen


class StrokePad(QWidget):
    """``lifted`` when a line has been finished; ``refused`` carries a sentence when there is no room for one."""

    lifted = Signal()
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines: list[np.ndarray] = []  # (n,2) each, in a box of side 1
        self._now: list[tuple[float, float]] = []  # the line under the pen
        self.hint = "Draw here"
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("A pad to draw on with the mouse or a pen")
        theme.signals.changed.connect(self.update)

    @property
    def path(self) -> str:
        """What is drawn, as the path of an SVG drawing in a box of 24; "" if nothing is."""
        return svg_lines.path_of_lines(self.lines)

    @property
    def num_points(self) -> int:
        """How many points all the lines have."""
        return sum(len(line) for line in self.lines)

    def set_path(self, path: str) -> None:
        """Show other lines.

        Raises:
            ValueError: one sentence, if it is no path.
        """
        self.set_lines(ink.lines_of(svg_lines.strokes_of_path(path)))

    def set_lines(self, lines: list[np.ndarray]) -> None:
        """Show other lines, (n,2) each in a box of side 1; ``lifted`` is not emitted."""
        self.lines, self._now = _as_written(lines), []
        self.update()

    def undo(self) -> None:
        """Take the last line back."""
        if self.lines:
            self.lines.pop()
            self.update()
            self.lifted.emit()

    def clear(self) -> None:
        """An empty pad."""
        self.lines, self._now = [], []
        self.update()
        self.lifted.emit()

    # --- the pen

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A line begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._now = [self._inside(event.position())]
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """It goes on."""
        if not self._now:
            return
        at = self._inside(event.position())
        if max(abs(at[0] - self._now[-1][0]), abs(at[1] - self._now[-1][1])) >= LEAST:
            self._now.append(at)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """It is finished: simplified, as the lines are from which the model has learned."""
        if not self._now or event.button() != Qt.MouseButton.LeftButton:
            return
        line, self._now = svg_lines.simplified(np.array(self._now), TOLERANCE), []
        self.update()
        if self.num_points + len(line) >= icons.MOST_POINTS:
            self.refused.emit(
                f"A drawing has at most {icons.MOST_POINTS} points, and the model needs some of them: take a line back first."
            )
            return
        self.set_lines([*self.lines, line])
        self.lifted.emit()

    def _inside(self, at: QPointF) -> tuple[float, float]:
        x, y = self._place().back(at)
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    # --- painting

    def _paper(self) -> QRectF:
        side = max(min(self.width(), self.height()) - 2.0, 8.0)
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def _place(self) -> ink.Place:
        return ink.place(self._paper())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The paper, the lines, the one under the pen."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = theme.accent(self)
        ink.paint_paper(painter, self._paper(), accent)
        where = self._place()
        ink.paint_lines(painter, self.lines, where, QColor(theme.palette().text))
        if self._now:
            ink.paint_lines(painter, [np.array(self._now)], where, accent)
        elif not self.lines:
            painter.setFont(theme.scaled_font(1.15))
            painter.setPen(QColor(theme.palette().muted))
            painter.drawText(self._paper(), Qt.AlignmentFlag.AlignCenter, self.hint)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(round(theme.em() * 20), round(theme.em() * 20))

    def minimumSizeHint(self) -> QSize:
        """A smaller one."""
        return QSize(round(theme.em() * 9), round(theme.em() * 9))


def _as_written(lines: list[np.ndarray]) -> list[np.ndarray]:
    """With as many digits as their path has: what is kept is what is seen."""
    return ink.lines_of(svg_lines.strokes_of_path(svg_lines.path_of_lines(lines)))
