"""What may come next: a row for each of the likeliest characters, its probability as a bar, and a click to choose it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.export.csv_table import Table
from playground.ui.theme import theme
from playground.ui.widgets.controls import claims

MOST = 16  # rows
_NAMES = {" ": "space", "\n": "new line"}
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


def name_of(code: int) -> str:
    """How a character is written where it stands alone."""
    return _NAMES.get(chr(code), chr(code) if 32 < code < 127 else f"code {code}")


class TokenBars(QWidget):
    """Bars lying on their side, the likeliest at the top; ``chosen`` carries the code of a row that was picked."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self.chances = np.zeros(0)  # of every code, as the model gives them
        self._codes: list[int] = []
        self.drawn = -1  # the code that was drawn, -1 for none yet
        self._row = -1  # under the pointer, or the keyboard's
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(
            "Probabilities of the next character; the arrows choose one, Enter puts it there"
        )
        self.setToolTip("Click a character to put it there: the text goes on from it")
        theme.signals.changed.connect(self.updateGeometry)
        theme.signals.changed.connect(self.update)

    def set_values(self, chances: np.ndarray, drawn: int = -1, title: str = "") -> None:
        """Give the bars: probabilities (V,) by code; ``drawn`` is the code that stands there, -1 if none does yet."""
        self.chances, self.drawn, self._title = chances, drawn, title
        order = np.argsort(-chances, kind="stable")
        self._codes = [int(c) for c in order[: self._most()] if chances[c] > 0]
        if drawn >= 0 and drawn not in self._codes:
            self._codes[-1:] = [drawn]
        self._row = min(self._row, len(self._codes) - 1)
        self.update()

    def codes(self) -> Sequence[int]:
        """What the rows stand for, from the top."""
        return tuple(self._codes)

    def row_rect(self, row: int) -> QRectF:
        """Where a row is, in widget coordinates."""
        return QRectF(0, self._top() + row * self._line(), self.width(), self._line())

    def table(self) -> Table:
        """Every character that may come next and its probability."""
        order = [int(c) for c in np.argsort(-self.chances, kind="stable") if self.chances[c] > 0]
        rows = [[name_of(c), float(self.chances[c])] for c in order]
        return Table("the next character", ["character", "probability"], rows)

    def sizeHint(self) -> QSize:
        """A name, a bar and a figure."""
        return QSize(round(theme.em() * 16), round(theme.em() * 28))

    def minimumSizeHint(self) -> QSize:
        """The same, narrower."""
        return QSize(round(theme.em() * 12), round(theme.em() * 10))

    def _line(self) -> float:
        return theme.em() * 1.72

    def _top(self) -> float:
        return theme.em() * 2.0

    def _most(self) -> int:
        return max(min(MOST, int((self.height() - self._top()) / self._line())), 1)

    # --- hand and keys

    def _row_at(self, y: float) -> int:
        row = int((y - self._top()) // self._line())
        return row if 0 <= row < len(self._codes) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The row under the pointer lights up."""
        self._set_row(self._row_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        """None does."""
        self._set_row(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        row = self._row_at(event.position().y())
        if row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self._codes[row])

    def event(self, event: QEvent) -> bool:
        """Its keys are its own while it has the focus."""
        return claims(event, *_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._codes:
            by = 1 if event.key() == Qt.Key.Key_Down else -1
            self._set_row(min(max(self._row + by, 0), len(self._codes) - 1))
        elif event.key() in _KEYS[2:]:
            if self._row >= 0:
                self.chosen.emit(self._codes[self._row])
        else:
            super().keyPressEvent(event)

    def _set_row(self, row: int) -> None:
        if row != self._row:
            self._row = row
            self.update()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """A title, then the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, accent, em = theme.palette(), theme.accent(self), theme.em()
        painter.setFont(theme.scaled_font(1.0))
        painter.setPen(QColor(colours.muted))
        middle = Qt.AlignmentFlag.AlignVCenter
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(
            QRectF(0, 0, self.width(), self._top()), int((middle | Qt.AlignmentFlag.AlignLeft).value), title
        )
        names, figures = em * 5.0, em * 3.6
        longest = max((float(self.chances[c]) for c in self._codes), default=1.0) or 1.0
        for row, code in enumerate(self._codes):
            box = self.row_rect(row)
            if row == self._row:
                painter.setPen(QPen(QColor(colours.text), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
                painter.setBrush(QColor(colours.hover))
                painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), em * 0.3, em * 0.3)
            is_drawn, chance = code == self.drawn, float(self.chances[code])
            painter.setPen(QColor(colours.text))
            weight = painter.font().Weight.DemiBold if is_drawn else painter.font().Weight.Normal
            painter.setFont(theme.scaled_font(1.0, weight))
            right = int((middle | Qt.AlignmentFlag.AlignRight).value)
            painter.drawText(
                QRectF(0, box.top(), names, box.height()), right, ("▸ " if is_drawn else "") + name_of(code)
            )
            room = max(box.width() - names - figures - em, em)
            bar = QRectF(
                names + em * 0.6,
                box.top() + em * 0.34,
                max(room * chance / longest, 1.5),
                box.height() - em * 0.68,
            )
            shade = QColor(accent)
            shade.setAlphaF(1.0 if is_drawn or self.drawn < 0 else 0.5)
            painter.fillRect(bar, shade)
            painter.setPen(QColor(colours.muted))
            said = f"{chance:.1%}" if chance >= 0.0005 else "<0.1%"
            painter.drawText(
                QRectF(box.right() - figures - em * 0.2, box.top(), figures, box.height()), right, said
            )
