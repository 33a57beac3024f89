"""A page of text as it is being written: what was given, what was written, and where the writing stands.

Every character has its place, so that one can be pointed at, clicked, and shaded by a weight.  The type is as large as the
whole text (as long as it will be) allows, so that it does not change while it grows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import claims

SIZES = (2.6, 2.2, 1.9, 1.65, 1.45, 1.3, 1.15, 1.0, 0.9)  # of the type, relative to body text
LEADING = 1.45  # from line to line, in sizes of the type
_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
)


@lru_cache(maxsize=16)
def _widths(key: str, pixels: int) -> np.ndarray:
    """Width of each character, float64 (256,); a line break has none."""
    metrics = QFontMetricsF(_font(pixels))
    shaped = [chr(c) if 32 <= c < 127 else "?" for c in range(256)]
    return np.array([0.0 if c == 10 else metrics.horizontalAdvance(shaped[c]) for c in range(256)])


def _font(pixels: int) -> QFont:
    font = QFont(theme.scaled_font())
    font.setPixelSize(pixels)
    font.setKerning(False)  # each character stands where its neighbours' widths say
    return font


class TextPage(QWidget):
    """Shows one text; ``hovered`` carries the character under the pointer (-1 for none), ``picked`` one that was clicked.

    From the keyboard: the arrows move a pointer over the characters (Shift: by words of ten), Enter picks.
    """

    hovered = Signal(int)
    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._codes = np.zeros(0, np.uint8)
        self._given = self._room = 0
        self._weights: np.ndarray | None = None
        self._marked: tuple[int, ...] = ()
        self._pointer = -1
        self._says_where = False  # the pointer is the keyboard's
        self._layout_key: tuple[object, ...] = ()
        self._places = np.zeros((0, 2))
        self._pixels = 13
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.signals.changed.connect(self.update)

    # --- what a view calls

    def set_text(self, codes: np.ndarray, given: int, room: int | None = None) -> None:
        """Show a text.

        Args:
            codes: its characters so far, uint8 (T,).
            given: how many of them are the prompt.
            room: how long it will be.
        """
        self._codes, self._given, self._room = codes, given, max(room or 0, len(codes))
        if self._pointer >= len(codes):
            self.point_at(-1)
        self._weights = None
        self.setAccessibleDescription(self.text())
        self.update()

    @property
    def codes(self) -> np.ndarray:
        """What stands there, as ASCII codes, uint8 (T,)."""
        return self._codes

    def text(self) -> str:
        """What stands there; a code without a shape is a question mark."""
        shaped = (self._codes == 10) | ((self._codes >= 32) & (self._codes < 127))
        return bytes(np.where(shaped, self._codes, ord("?")).astype(np.uint8)).decode("ascii")

    def set_weights(self, weights: np.ndarray | None) -> None:
        """Shade characters, 0 to 1 each (T',), or none of them."""
        self._weights = weights
        self.update()

    def set_marked(self, places: Sequence[int]) -> None:
        """Underline the characters at these places: they were put there by hand."""
        self._marked = tuple(places)
        self.update()

    def marked(self) -> tuple[int, ...]:
        """What :meth:`set_marked` was given."""
        return self._marked

    def weights(self) -> np.ndarray | None:
        """What shades the characters."""
        return self._weights

    def pointer(self) -> int:
        """The character that is pointed at, -1 for none."""
        return self._pointer

    def point_at(self, index: int) -> None:
        """Point at a character, -1 for none; nothing is emitted."""
        self._pointer = index if index < len(self._codes) else -1
        self.update()

    def place_of(self, index: int) -> QRectF:
        """Where a character stands, in widget coordinates."""
        self._lay_out()
        x, y = self._places[index]
        wide = max(float(self._widths()[self._codes[index]]), self._pixels * 0.25)
        return QRectF(x, y - self._scrolled(), wide, self._pixels * LEADING)

    def sizeHint(self) -> QSize:
        """A column of text."""
        return QSize(round(theme.em() * 40), round(theme.em() * 26))

    def minimumSizeHint(self) -> QSize:
        """A few words wide."""
        return QSize(round(theme.em() * 12), round(theme.em() * 8))

    # --- where characters stand

    def _margin(self) -> float:
        return theme.em() * 1.3

    def _widths(self) -> np.ndarray:
        return _widths(theme.scaled_font().key(), self._pixels)

    def _lay_out(self) -> None:
        codes = self._codes.tobytes()
        key = (codes, self._room, self.width(), self.height(), theme.scale(), theme.scaled_font().key())
        if key == self._layout_key:
            return
        self._layout_key, self._pixels = key, self._fitting()
        self._places = self._broken(self._widths())

    def _fitting(self) -> int:
        """The largest type in which the whole text will find room, judged by the widths of English."""
        wide, high = self.width() - 2 * self._margin(), self.height() - 2 * self._margin()
        for size in SIZES:
            pixels = round(theme.BASE_PIXELS * theme.scale() * size)
            per_line = max(wide / (0.53 * pixels), 1)
            lines = self._room / per_line * 1.12 + 3
            if lines * pixels * LEADING <= high:
                return pixels
        return round(theme.BASE_PIXELS * theme.scale() * SIZES[-1])

    def _broken(self, widths: np.ndarray) -> np.ndarray:
        """Left and top of every character, float64 (T,2): broken at spaces, words too long for a line anywhere."""
        right, margin, line = self.width() - 2 * self._margin(), self._margin(), self._pixels * LEADING
        places = np.zeros((len(self._codes), 2))
        text = self.text()
        x = y = 0.0
        begin = 0
        while begin < len(text):
            if text[begin] == "\n":
                places[begin] = margin + x, margin + y
                x, y, begin = 0.0, y + line, begin + 1
                continue
            end = begin + 1
            while end < len(text) and text[end - 1] != " " and text[end] != "\n":
                end += 1
            own = widths[self._codes[begin:end]]
            printed = own[:-1].sum() if text[end - 1] == " " else own.sum()
            if x and x + printed > right:
                x, y = 0.0, y + line
            for at, width in zip(range(begin, end), own.tolist(), strict=True):
                if x and x + width > right and text[at] != " ":
                    x, y = 0.0, y + line
                places[at] = margin + x, margin + y
                x += width
            begin = end
        return places

    def _scrolled(self) -> float:
        """How far the page is moved up, so that where it is written stays in sight."""
        if not len(self._places):
            return 0.0
        bottom = self._places[-1, 1] + self._pixels * LEADING + self._margin()
        return max(0.0, math.ceil(bottom - self.height()))

    def character_at(self, point: QPointF) -> int:
        """The character under a point, -1 if there is none."""
        self._lay_out()
        if not len(self._places):
            return -1
        y = point.y() + self._scrolled()
        row = np.flatnonzero((self._places[:, 1] <= y) & (y < self._places[:, 1] + self._pixels * LEADING))
        if not len(row):
            return -1
        left = self._places[row, 0]
        right = left + np.maximum(self._widths()[self._codes[row]], 2.0)
        found = row[(left <= point.x()) & (point.x() < right)]
        return int(found[0]) if len(found) else -1

    # --- hand and keys

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point."""
        self._move_to(self.character_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at."""
        self._move_to(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick."""
        index = self.character_at(event.position())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(index)
        super().mousePressEvent(event)

    def event(self, event: QEvent) -> bool:
        """The arrows are its own once it is pointed with; Enter picks."""
        keys = _KEYS if self._pointer >= 0 else (*_KEYS[2:4], *_KEYS[4:])
        return claims(event, *keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, far = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key not in _KEYS or not len(self._codes):
            super().keyPressEvent(event)
            return
        if key in _KEYS[4:]:
            if self._pointer >= 0:
                self.picked.emit(self._pointer)
            return
        if self._pointer < 0:
            self._move_to(len(self._codes) - 1)
        elif key in _KEYS[:2]:
            by = (10 if far else 1) * (1 if key == Qt.Key.Key_Right else -1)
            self._move_to(min(max(self._pointer + by, 0), len(self._codes) - 1))
        else:
            self._lay_out()
            line = self._pixels * LEADING * (1 if key == Qt.Key.Key_Down else -1)
            x, y = self._places[self._pointer]
            apart = np.abs(self._places[:, 1] - y - line)
            if apart.min() < 1:
                row = np.flatnonzero(apart < 1)
                self._move_to(int(row[np.abs(self._places[row, 0] - x).argmin()]))

    def _move_to(self, index: int) -> None:
        if index != self._pointer:
            self._pointer = index
            self.update()
            self.hovered.emit(index)

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, shades, words, and the place where it is written."""
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        self._lay_out()
        margin = math.floor(self._margin() * 0.6)
        painter.setClipRect(self.rect().adjusted(1, margin, -1, -margin))
        if self._weights is not None:
            self._paint_weights(painter)
        self._paint_words(painter)
        accent = theme.accent(self, on_canvas=True)
        self._paint_marked(painter, accent)
        if 0 <= self._pointer < len(self._codes):
            painter.setPen(QPen(accent, 1.5))
            painter.drawRect(self.place_of(self._pointer).adjusted(-0.5, 0, 0.5, -2))
        if len(self._codes) < self._room:
            self._paint_caret(painter, accent)
        if self.hasFocus():
            painter.setClipping(False)
            painter.setPen(QPen(QColor(theme.CANVAS_MUTED), 1))
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.em() * 0.6, theme.em() * 0.6
            )

    def _paint_weights(self, painter: QPainter) -> None:
        assert self._weights is not None
        for index, weight in enumerate(self._weights[: len(self._codes)].tolist()):
            if weight > 0.01:
                shade = theme.accent(self, on_canvas=True)
                shade.setAlphaF(min(weight, 1.0) * 0.75)
                painter.fillRect(self.place_of(index).adjusted(0, 1, 0, -2), shade)

    def _paint_marked(self, painter: QPainter, accent: QColor) -> None:
        painter.setPen(QPen(accent, max(self._pixels * 0.12, 2.0)))
        for index in self._marked:
            if index < len(self._codes):
                box = self.place_of(index).adjusted(0, 0, 0, -self._pixels * 0.12)
                painter.drawLine(box.bottomLeft(), box.bottomRight())

    def _paint_words(self, painter: QPainter) -> None:
        painter.setFont(_font(self._pixels))
        up, text = self._scrolled(), self.text()
        down = QFontMetricsF(_font(self._pixels)).ascent() + self._pixels * (LEADING - 1.2) / 2
        begin = 0
        while begin < len(text):
            end = begin + 1  # a word, on one line and of one colour
            while (
                end < len(text) and text[end] not in " \n" and self._places[end, 1] == self._places[begin, 1]
            ):
                if end == self._given:
                    break
                end += 1
            if not text[begin:end].isspace():
                colour = theme.CANVAS_MUTED if begin < self._given else theme.CANVAS_TEXT
                painter.setPen(QColor(colour))
                x, y = self._places[begin]
                painter.drawText(QPointF(x, y - up + down), text[begin:end])
            begin = end

    def _paint_caret(self, painter: QPainter, accent: QColor) -> None:
        left, top = self._margin(), self._margin()
        if len(self._codes):
            box = self.place_of(len(self._codes) - 1)
            ended = self._codes[-1] == 10
            left = self._margin() if ended else box.left() + float(self._widths()[self._codes[-1]])
            top = box.top() + (self._pixels * LEADING if ended else 0)
        painter.fillRect(
            QRectF(left + 1, top + 1, max(self._pixels * 0.12, 2), self._pixels * LEADING - 4), accent
        )
