"""The map of the field as a drawn tree: twigs from left to right, and at the right end of each branch a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.tabs.guide.map_card import MapCard
from playground.ui.theme import theme

TWIG, BETWEEN, NOTE = 8.6, 1.9, 18.6  # em: width of a twig, of the space after it, and of the note
ROW_GAP = 0.42  # em
ROW, WORDS = 6.15, 33.0  # em: least height of a leaf, least width of its pictures and words
BRIEF_ROW, BRIEF_WORDS = 4.1, 25.0  # the same in a hall, where a leaf says less
COLUMNS = 4


@dataclass(frozen=True)
class Twig:
    """A branching of the tree; ``parent`` is the id of another, "" for the root; ``twin``: one of the same name."""

    id: str
    parent: str
    column: int
    title: str
    words: str
    twin: str = ""


class MapTree(QWidget):
    """Draws twigs, and lays the cards out at the right; ``note`` stands in the free corner at the top left.

    Args:
        twigs: parents before their children.
        cards: (id of the parent twig, card) from top to bottom.
    """

    def __init__(
        self, twigs: Sequence[Twig], cards: Sequence[tuple[str, MapCard]], note: tuple[str, str]
    ) -> None:
        super().__init__()
        self._scale, self._in_hall = 1.0, False
        self.twigs, self.note = {twig.id: twig for twig in twigs}, note
        self.cards = [card for _, card in cards]
        self._parents = [parent for parent, _ in cards]
        for i, card in enumerate(self.cards):
            card.setParent(self)
            card.stepped.connect(lambda by, i=i: self.step(i, by))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Map of generative models")
        theme.signals.changed.connect(self._restyle)

    def step(self, index: int, by: int) -> None:
        """The focus to the next card up or down that can be opened."""
        order = self.cards[index + 1 :] if by > 0 else self.cards[:index][::-1]
        for card in order:
            if card.isEnabled():
                card.setFocus(Qt.FocusReason.TabFocusReason)
                return

    # --- geometry

    def fit(self, room: QSize) -> None:
        """In a hall nothing scrolls: the leaves say less, and the type gives way as far as it must."""
        in_hall = theme.lecture()
        wide, high = self._needed(in_hall)
        em = theme.em()
        scale = min(1.0, room.width() / (wide * em), room.height() / (high * em)) if in_hall else 1.0
        if (scale, in_hall) != (self._scale, self._in_hall):
            self._scale, self._in_hall = scale, in_hall
            for card in self.cards:
                card.set_look(scale, in_hall)
            self._restyle()

    def _needed(self, in_hall: bool) -> tuple[float, float]:
        """The least width and height, in em."""
        row, words = (BRIEF_ROW, BRIEF_WORDS) if in_hall else (ROW, WORDS)
        return COLUMNS * (TWIG + BETWEEN) + words, len(self.cards) * (row + ROW_GAP)

    def _em(self) -> float:
        return theme.em() * self._scale

    def _font(self, size: float = 1.0, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        return theme.scaled_font(size * self._scale, weight)

    def minimumSizeHint(self) -> QSize:
        """Below this the scene scrolls."""
        wide, high = self._needed(self._in_hall)
        return QSize(int(wide * self._em()), int(high * self._em()))

    def sizeHint(self) -> QSize:
        """The least."""
        return self.minimumSizeHint()

    def twig_rect(self, name: str) -> QRectF:
        """Where a twig stands."""
        em, twig = self._em(), self.twigs[name]
        wide = TWIG * em
        high = self._text_height(twig) + em * 0.9
        x = 1 + twig.column * (TWIG + BETWEEN) * em
        return QRectF(x, self._centre(name) - high / 2, wide, high)

    def _text_height(self, twig: Twig) -> float:
        return sum(
            QFontMetricsF(font)
            .boundingRect(QRectF(0, 0, (TWIG - 1.1) * self._em(), 1000), Qt.TextFlag.TextWordWrap, text)
            .height()
            for font, text in self._texts(twig)
        )

    def _texts(self, twig: Twig) -> list[tuple[QFont, str]]:
        return [
            (self._font(1.0, QFont.Weight.DemiBold), twig.title),
            (self._font(0.85), twig.words),
        ]

    def _under(self, name: str) -> list[int]:
        """The rows of the cards below a twig."""
        found = []
        for row, parent in enumerate(self._parents):
            at = parent
            while at and at != name:
                at = self.twigs[at].parent
            if at == name:
                found.append(row)
        return found

    def _row_height(self) -> float:
        gap = ROW_GAP * self._em()
        return (self.height() - gap * (len(self.cards) - 1)) / len(self.cards)

    def _centre(self, name: str) -> float:
        rows = self._under(name)
        middle = (rows[0] + rows[-1]) / 2
        return middle * (self._row_height() + ROW_GAP * self._em()) + self._row_height() / 2

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The cards share the height."""
        em, high = self._em(), self._row_height()
        left = round(COLUMNS * (TWIG + BETWEEN) * em)
        for row, card in enumerate(self.cards):
            top = round(row * (high + ROW_GAP * em))
            card.setGeometry(left, top, max(self.width() - left, 1), int(high))
        super().resizeEvent(event)

    def _restyle(self) -> None:
        self.updateGeometry()
        self.resizeEvent(QResizeEvent(self.size(), self.size()))
        self.update()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Branches below, twigs above them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for card, parent in zip(self.cards, self._parents, strict=True):
            end = QPointF(card.x(), card.y() + card.height() / 2)
            colour = theme.accent(card) if card.isEnabled() else QColor(theme.palette().line)
            self._branch(painter, parent, end, colour, 2.2)
        for twig in self.twigs.values():
            if twig.parent:
                box = self.twig_rect(twig.id)
                end = QPointF(box.left(), box.center().y())
                self._branch(painter, twig.parent, end, QColor(theme.palette().muted), 1.6)
        for twig in self.twigs.values():
            self._paint_twins(painter, twig) if twig.twin else None
        for twig in self.twigs.values():
            self._paint_twig(painter, twig)
        self._paint_note(painter)

    def _branch(self, painter: QPainter, parent: str, end: QPointF, colour: QColor, wide: float) -> None:
        box = self.twig_rect(parent)
        begin = QPointF(box.right(), box.center().y())
        column = (self.twigs[parent].column + 1) * (TWIG + BETWEEN) * self._em()
        turn = min(begin.x() + (column - begin.x()) * 0.5, end.x())
        path = QPainterPath(begin)
        last = QPointF(min(column, end.x()), end.y())
        path.cubicTo(QPointF(turn, begin.y()), QPointF(turn, end.y()), last)
        path.lineTo(end)
        pen = QPen(colour, wide * self._em() / 13, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _paint_twins(self, painter: QPainter, twig: Twig) -> None:
        """A dashed bow between two twigs of one name."""
        one, other = self.twig_rect(twig.id), self.twig_rect(twig.twin)
        x, out = one.right(), self._em() * 1.5
        path = QPainterPath(QPointF(x, one.center().y() + self._em() * 0.8))
        last = QPointF(x, other.center().y() - self._em() * 0.8)
        path.cubicTo(QPointF(x + out, path.currentPosition().y()), QPointF(x + out, last.y()), last)
        painter.setPen(QPen(QColor(theme.palette().muted), self._em() * 0.1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _paint_twig(self, painter: QPainter, twig: Twig) -> None:
        em, colours = self._em(), theme.palette()
        box = self.twig_rect(twig.id)
        named_twice = any(t.twin in (twig.id,) or (t.id == twig.id and t.twin) for t in self.twigs.values())
        style = Qt.PenStyle.DashLine if named_twice else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(colours.muted if named_twice else colours.line), 1.2, style))
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(box, em * 0.46, em * 0.46)
        y = box.top() + em * 0.45
        for (font, text), colour in zip(self._texts(twig), (colours.text, colours.muted), strict=True):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            room = QRectF(box.left() + em * 0.55, y, box.width() - em * 1.1, 1000)
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter
            painter.drawText(room, flags, text)
            y += QFontMetricsF(font).boundingRect(room, flags, text).height()

    def _paint_note(self, painter: QPainter) -> None:
        em, colours = self._em(), theme.palette()
        heading, words = self.note
        y = em * 0.2
        for font, text, colour in (
            (self._font(1.0, QFont.Weight.DemiBold), heading, colours.text),
            (self._font(0.85), words, colours.muted),
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            room = QRectF(2, y, NOTE * em, 1000)
            painter.drawText(room, Qt.TextFlag.TextWordWrap, text)
            y += QFontMetricsF(font).boundingRect(room, Qt.TextFlag.TextWordWrap, text).height() + em * 0.2
