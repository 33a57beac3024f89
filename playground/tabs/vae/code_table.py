"""A grid of code numbers, one table for each level: point at one, and change it by typing, with + and -, or with the wheel."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import ARROWS, claims

Position = tuple[int, int, int]  # row, column, level
_DIGITS = tuple(Qt.Key(Qt.Key.Key_0 + i) for i in range(10))
_MORE, _LESS = (Qt.Key.Key_Plus, Qt.Key.Key_Equal), (Qt.Key.Key_Minus,)
_ENTER, _BACK = (Qt.Key.Key_Return, Qt.Key.Key_Enter), (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class CodeTable(QWidget):
    """Holds no codes of its own making: it tells what is wanted (``changed``) and shows what it is given.

    ``pointed`` carries (row, column, level); ``changed`` the same and the code, -1 for what stood there at first.
    """

    pointed = Signal(int, int, int)
    changed = Signal(int, int, int, int)

    def __init__(self, editable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._codes = np.zeros((0, 0, 0), np.int64)  # (rows, columns, levels), -1 where there is none yet
        self._changed = np.zeros((0, 0, 0), bool)
        self._titles: tuple[str, ...] = ()
        self._num_codes, self._editable = 0, editable
        self._at: Position = (0, 0, 0)
        self._typed = ""
        self._turned = 0  # of the wheel, in eighths of a degree that are not a step yet
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Code numbers; the arrow keys move")
        theme.signals.changed.connect(self.update)

    # --- what a view calls

    def set_codes(
        self,
        codes: np.ndarray,
        num_codes: int,
        titles: tuple[str, ...] = (),
        changed: np.ndarray | None = None,
    ) -> None:
        """Show ``codes`` int64 (rows,columns,levels); what is ``changed`` (bool, the same shape) is filled."""
        self._codes, self._num_codes, self._titles = codes, num_codes, titles
        self._changed = np.zeros(codes.shape, bool) if changed is None else changed
        if any(n >= size for n, size in zip(self._at, codes.shape, strict=True)):
            self._at = (0, 0, 0)
        self.update()

    def point_at(self, place: Position) -> None:
        """Mark a code without emitting ``pointed``."""
        if place != self._at:
            self._at, self._typed = place, ""
            self.update()

    def place(self) -> Position:
        """The marked one."""
        return self._at

    def code(self) -> int:
        """The code that is marked."""
        return int(self._codes[self._at])

    def cell_rect(self, place: Position) -> QRectF:
        """Where a code stands, in widget coordinates."""
        row, column, level = place
        left, top, side = self._measures()
        wide = self._codes.shape[1] * side + theme.em()
        high = self._codes.shape[0] * side + self._line() + theme.em() * 0.5
        if self._across():
            left += level * wide
        else:
            top += level * high
        return QRectF(left + column * side, top + row * side, side, side)

    def place_at(self, point: QPointF) -> Position | None:
        """The code under a point of the widget."""
        for place in np.ndindex(self._codes.shape):
            if self.cell_rect(place).contains(point):
                return place
        return None

    # --- measures

    def sizeHint(self) -> QSize:
        """Room for three figures in each cell."""
        return QSize(round(theme.em() * 20), round(theme.em() * 36))

    def minimumSizeHint(self) -> QSize:
        """So that the window can be made small."""
        return QSize(round(theme.em() * 14), round(theme.em() * 14))

    def _line(self) -> float:
        return theme.em() * 1.6 if self._titles else 0.0

    def _across(self) -> bool:
        """Side by side, or one above the other: whatever lets the cells be larger."""
        return self._side(True) > self._side(False)

    def _side(self, across: bool) -> float:
        rows, columns, levels = self._codes.shape
        side, down = (levels, 1) if across else (1, levels)
        wide = (self.width() - theme.em() * (side + 1)) / max(side * columns, 1)
        high = (self.height() - theme.em() * (1 + down * 0.5) - self._line() * down) / max(down * rows, 1)
        return max(min(wide, high, theme.em() * 3.2), 4.0)

    def _measures(self) -> tuple[float, float, float]:
        """Left and top of the first cell, and the side of a cell: the tables stand in the middle."""
        rows, columns, levels = self._codes.shape
        across = self._across()
        side = float(int(self._side(across)))
        beside, down = (levels, 1) if across else (1, levels)
        wide = beside * columns * side + (beside - 1) * theme.em()
        high = down * (rows * side + self._line()) + (down - 1) * theme.em() * 0.5
        left, top = (self.width() - wide) / 2, (self.height() - high) / 2
        return float(int(left)), float(int(max(top, 0) + self._line())), side

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The canvas, the numbers, the mark."""
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        if not self._codes.size:
            return
        accent, side = theme.accent(self, on_canvas=True), self._measures()[2]
        fitting = min(0.95, side * 0.95 / theme.text_width("000 ", theme.scaled_font(1.0)))
        for level, title in enumerate(self._titles):
            self._paint_title(painter, level, title)
        painter.setFont(theme.scaled_font(fitting))
        for place in np.ndindex(self._codes.shape):
            self._paint_cell(painter, place, accent)
        painter.setPen(QPen(accent, 2, j=Qt.PenJoinStyle.MiterJoin))
        painter.drawRect(self.cell_rect(self._at))

    def _paint_title(self, painter: QPainter, level: int, title: str) -> None:
        first = self.cell_rect((0, 0, level))
        painter.setFont(theme.scaled_font(0.92))
        painter.setPen(QColor(theme.CANVAS_MUTED))
        box = QRectF(
            first.left(), first.top() - self._line(), self._codes.shape[1] * first.width(), self._line()
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)

    def _paint_cell(self, painter: QPainter, place: Position, accent: QColor) -> None:
        box, code = self.cell_rect(place).adjusted(1, 1, 0, 0), int(self._codes[place])
        ground = QColor(accent if self._changed[place] else theme.CANVAS_MUTED)
        ground.setAlphaF(0.35 if self._changed[place] else 0.14 if code >= 0 else 0.05)
        painter.fillRect(box, ground)
        text = f"{self._typed}_" if self._typed and place == self._at else f"{code}" if code >= 0 else "·"
        painter.setPen(QColor(theme.CANVAS_TEXT if code >= 0 else theme.CANVAS_MUTED))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    # --- hands

    def event(self, event: QEvent) -> bool:
        """Arrows, and what changes a code, belong to this while it has the focus."""
        mine = (*ARROWS, *_DIGITS, *_MORE, *_LESS, *_BACK) if self._editable else ARROWS
        return claims(event, *mine) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Point at a code."""
        place = self.place_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and place is not None:
            self._go(place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The next or the previous code number, once this has the focus (else the page scrolls)."""
        if not (self._editable and self.hasFocus() and self._codes.size):
            event.ignore()
            return
        self._turned += event.angleDelta().y()
        steps, self._turned = int(self._turned / 120), int(np.fmod(self._turned, 120))
        if steps:
            self._change(self.code() + steps)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, figures, + and -, Delete."""
        ways = dict(zip(ARROWS, ((0, -1), (0, 1), (-1, 0), (1, 0)), strict=True))
        if event.key() in ways and self._codes.size:
            self._move(*ways[Qt.Key(event.key())])
        elif not self._editable or not self._codes.size or not self._edit(event):
            super().keyPressEvent(event)

    def _edit(self, event: QKeyEvent) -> bool:
        """Whether the key changed a code, or is on the way to it."""
        key = Qt.Key(event.key())
        if key in _DIGITS:
            self._type(event.text())
        elif key in _ENTER and self._typed:
            self._change(int(self._typed))
        elif key in (*_MORE, *_LESS):
            self._change(self.code() + (1 if key in _MORE else -1))
        elif key in _BACK:
            self._typed = ""
            self.changed.emit(*self._at, -1)
        else:
            return False
        self.update()
        return True

    def _type(self, figure: str) -> None:
        """Figures add up to a number; the one that leaves no room for another ends it."""
        self._typed += figure
        if int(self._typed) >= self._num_codes:
            self._typed = figure
        if int(self._typed) * 10 >= self._num_codes:
            self._change(int(self._typed))

    def _change(self, code: int) -> None:
        self._typed = ""
        self.changed.emit(*self._at, code % self._num_codes)

    def _move(self, down: int, right: int) -> None:
        """One cell on; past the edge of a table is the next one."""
        rows, columns, levels = self._codes.shape
        row, column, level = self._at
        if self._across():
            wide = min(max(level * columns + column + right, 0), levels * columns - 1)
            self._go((min(max(row + down, 0), rows - 1), wide % columns, wide // columns))
        else:
            high = min(max(level * rows + row + down, 0), levels * rows - 1)
            self._go((high % rows, min(max(column + right, 0), columns - 1), high // rows))

    def _go(self, place: Position) -> None:
        if place != self._at:
            self.point_at(place)
            self.pointed.emit(*place)


def _demo() -> None:
    """Run me: ``python -m playground.tabs.vae.code_table``."""
    from playground.ui.widgets.demo import application, run

    application()
    table, codes = CodeTable(), np.random.default_rng(0).integers(0, 512, (7, 7, 2))
    table.setProperty("family", "vae")
    table.set_codes(codes, 512, ("coarse", "detail"))
    table.changed.connect(print)
    run(table)


if __name__ == "__main__":
    _demo()
