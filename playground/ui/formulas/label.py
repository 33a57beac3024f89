"""A formula on screen, in the colour of the text and at the size of the type, with real fractions and roots.

It shows what was drawn beforehand (``drawn.py``), through QtSvg and so crisp at any size; what was not drawn is set as
rich text.
"""

from __future__ import annotations

import html
import re

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QLabel, QWidget

from playground.ui.formulas.drawn import Line, Piece, broken, line_height, line_width, shipped
from playground.ui.formulas.rich_text import to_html
from playground.ui.theme import theme

SIZE = 1.38  # em: beside sentences a formula is as large as a title
LEADING = 0.3  # em of the formula's own type between two lines


class FormulaLabel(QLabel):
    """One formula, centred; with ``wraps`` it goes on in the next line, between its pieces, where it is too wide."""

    def __init__(self, wraps: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "formula")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(wraps)
        self._tex, self._size = "", SIZE
        self._pieces: tuple[Piece, ...] = ()
        self._renderers: dict[Piece, QSvgRenderer] = {}
        theme.signals.changed.connect(self._restyle)

    @property
    def is_drawn(self) -> bool:
        """Whether it is shown as drawn beforehand, not as rich text."""
        return bool(self._pieces)

    def set_formula(self, tex: str, size: float = SIZE) -> None:
        """Show a formula of the small notation (or rich text) at ``size`` em; "" for none."""
        if (tex, size) == (self._tex, self._size):
            return
        self._tex, self._size = tex, size
        self._pieces = shipped().get(tex, ())
        said = to_html(tex) if tex else ""
        self.setAccessibleName(html.unescape(re.sub(r"<[^>]*>", "", said)))
        self._restyle()

    def lines(self, width: float) -> list[Line]:
        """How a drawn formula is broken where there are ``width`` device-independent pixels; [] where it is rich text."""
        if not self._pieces:
            return []
        return broken(self._pieces, width / self._em() if self.wordWrap() else float("inf"))

    def sizeHint(self) -> QSize:
        """Of the formula in one line."""
        return self._measure(float("inf")) if self._pieces else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """As narrow as may be where it wraps: what is still too wide is drawn smaller."""
        if not self._pieces:
            return super().minimumSizeHint()
        hint = self.sizeHint()
        return QSize(round(self._em() * 3), hint.height()) if self.wordWrap() else hint

    def heightForWidth(self, width: int) -> int:
        """Of all its lines."""
        return self._measure(width).height() if self._pieces else super().heightForWidth(width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Layouts that know nothing of heights for widths give room for all lines too."""
        super().resizeEvent(event)
        self._keep_room()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The lines one under the other, each centred."""
        if not self._pieces:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lines = self.lines(self.width())
        em = self._em() * self._shrunk(lines, self.width())
        top = (self.height() - _height(lines) * em) / 2
        for line in lines:
            baseline = top + max(piece.ascent for piece in line) * em
            pen = QPointF((self.width() - line_width(line) * em) / 2 - line[0].lead * em, baseline)
            for piece in line:
                box = QRectF(piece.left, -piece.ascent, piece.width, piece.height)
                place = QRectF(pen + box.topLeft() * em, box.size() * em)
                self._renderers[piece].render(painter, place)
                pen.setX(pen.x() + piece.advance * em)
            top += (line_height(line) + LEADING) * em

    def _em(self) -> float:
        return round(theme.em() * self._size)

    def _measure(self, width: float) -> QSize:
        lines = self.lines(width)
        em = self._em() * self._shrunk(lines, width)
        return QSize(round(max(map(line_width, lines)) * em) + 1, round(_height(lines) * em) + 1)

    def _shrunk(self, lines: list[Line], width: float) -> float:
        """1, or what makes the widest line fit."""
        return min(1.0, width / (max(map(line_width, lines)) * self._em()))

    def _restyle(self) -> None:
        colour = theme.palette().text
        self._renderers = {piece: QSvgRenderer(QByteArray(piece.coloured(colour))) for piece in self._pieces}
        said = to_html(self._tex) if self._tex and not self._pieces else ""
        self.setText(f"<span style='font-size:{self._em():.0f}px'>{said}</span>" if said else "")
        self._keep_room()
        self.updateGeometry()
        self.update()

    def _keep_room(self) -> None:
        wraps = self._pieces and self.wordWrap()
        self.setMinimumHeight(self._measure(self.width()).height() if wraps else 0)


def _height(lines: list[Line]) -> float:
    """Of lines one under the other, in em."""
    return sum(map(line_height, lines)) + LEADING * (len(lines) - 1)
