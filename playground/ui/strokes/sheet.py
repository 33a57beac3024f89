"""A sheet of drawings, each on its own piece of paper, as large as there is room for; Enter or a double click enlarges one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.strokes import ink
from playground.ui.theme import theme


class StrokeSheet(QWidget):
    """Shows drawings; ``picked`` carries the number of one that was clicked.

    Args:
        columns: so many in a row; None: as many as make them largest.
    """

    picked = Signal(int)

    def __init__(self, columns: int | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = columns
        self._strokes = np.zeros((0, 1, 3), np.float32)
        self._given = 0
        self._captions: tuple[str, ...] = ()
        self._ended = np.zeros(0, bool)
        self._large: int | None = None  # the one that fills the sheet
        self.chosen: int | None = None  # the one that stands out
        self.waiting = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        theme.signals.changed.connect(self.update)

    @property
    def strokes(self) -> np.ndarray:
        """What is shown, float32 (B,T,3)."""
        return self._strokes

    def set_drawings(
        self,
        strokes: np.ndarray,
        given: int = 0,
        captions: Sequence[str] = (),
        ended: np.ndarray | None = None,
    ) -> None:
        """Show steps of the pen, float32 (B,T,3), not a number after the end.

        Args:
            given: so many points were there before; they are painted in another ink.
            captions: a line under each.
            ended: bool (B,), of those where the pen is no longer on the paper; None: all.
        """
        if len(strokes) != len(self._strokes):
            self._large = None
        self._strokes, self._given, self._captions = strokes, given, tuple(captions)
        self._ended = np.ones(len(strokes), bool) if ended is None else np.asarray(ended, bool)
        self.setAccessibleDescription(f"{len(strokes)} drawings")
        self.update()

    # --- where each lies

    def _caption_height(self) -> float:
        return theme.em() * 1.7 if any(self._captions) else 0.0

    def _layout(self) -> tuple[int, float]:
        """Columns, and the side of a paper."""
        count, gap, below = max(len(self._strokes), 1), self._gap(), self._caption_height()
        if self._large is not None:
            return 1, max(min(self.width() - 2, self.height() - below - 2), 8.0)

        def side(columns: int) -> float:
            rows = math.ceil(count / columns)
            across = (self.width() - 2 - gap * (columns - 1)) / columns
            return min(across, (self.height() - 2 - gap * (rows - 1)) / rows - below)

        columns = self._columns or max(range(1, count + 1), key=lambda n: side(n) * _filled(count, n))
        return min(columns, count), max(side(min(columns, count)), 8.0)

    def _gap(self) -> float:
        return theme.em() * 0.6

    def papers(self) -> list[tuple[int, QRectF]]:
        """Number of a drawing and its paper, of those that are seen."""
        columns, side = self._layout()
        shown = range(len(self._strokes)) if self._large is None else [self._large]
        gap, below = self._gap(), self._caption_height()
        rows = math.ceil(len(shown) / columns) if shown else 0
        left = (self.width() - columns * side - (columns - 1) * gap) / 2
        top = max((self.height() - rows * (side + below) - (rows - 1) * gap) / 2, 1.0)
        found = []
        for place, number in enumerate(shown):
            row, column = divmod(place, columns)
            found.append(
                (number, QRectF(left + column * (side + gap), top + row * (side + below + gap), side, side))
            )
        return found

    def number_at(self, point: QPointF | QPoint) -> int | None:
        """Which drawing lies there."""
        return next((n for n, paper in self.papers() if paper.contains(QPointF(point))), None)

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The papers, what is drawn on them, and where the pens are."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not len(self._strokes):
            painter.setPen(QColor(theme.palette().muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.waiting)
            return
        accent = theme.accent(self)
        for number, paper in self.papers():
            ink.paint_paper(painter, paper, accent if number == self.chosen else None)
            self._paint_drawing(painter, number, paper, accent)
            if number < len(self._captions):
                box = QRectF(
                    paper.left() - self._gap() / 2,
                    paper.bottom(),
                    paper.width() + self._gap(),
                    self._caption_height(),
                )
                painter.setFont(theme.scaled_font(0.92))
                painter.setPen(QColor(theme.palette().muted))
                said = painter.fontMetrics().elidedText(
                    self._captions[number], Qt.TextElideMode.ElideRight, int(box.width())
                )
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, said)

    def _paint_drawing(self, painter: QPainter, number: int, paper: QRectF, accent: QColor) -> None:
        first, rest = ink.parts_of(self._strokes[number], self._given)
        where = ink.place(paper, [*first, *rest])
        text = QColor(theme.palette().text)
        ink.paint_lines(painter, rest, where, accent if self._given else text)
        ink.paint_lines(painter, first, where, text)
        if not self._ended[number] and (rest or first):
            x, y = (rest or first)[-1][-1].tolist()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(where.point(x, y), where.line_width * 1.1, where.line_width * 1.1)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    # --- one large, and which one

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Say which one was clicked."""
        super().mousePressEvent(event)
        number = self.number_at(event.position())
        if number is not None:
            self.picked.emit(number)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """As large as the sheet, and back."""
        self._enlarge(self.number_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter enlarges the chosen one or the first; Escape shows all again."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and len(self._strokes):
            return self._enlarge(self.chosen or 0)
        if event.key() == Qt.Key.Key_Escape and self._large is not None:
            return self._enlarge(None)
        super().keyPressEvent(event)

    def _enlarge(self, number: int | None) -> None:
        self._large = number if self._large is None else None
        self.update()

    def sizeHint(self) -> QSize:
        """Room for a few."""
        return QSize(round(theme.em() * 40), round(theme.em() * 26))

    def minimumSizeHint(self) -> QSize:
        """Room for one."""
        return QSize(round(theme.em() * 7), round(theme.em() * 6))


def _filled(count: int, columns: int) -> float:
    """How much a layout is worth for its looks: a last row with gaps takes something off."""
    return 1.0 if count % columns == 0 else 0.82
