"""A leaf of the map: pictures as they are being made, a sentence, and marks for what the model can compute."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.pixels import argb, check_pictures, qimage
from playground.ui.theme import theme
from playground.ui.widgets.pressable import Pressable

Mark = tuple[bool, str]  # whether it can, and what
GAP = 2  # device-independent pixels between pictures
LEAST_TEXT, BRIEF_TEXT = 30.5, 20.0  # em that the words keep beside the pictures, and in a hall


def fitting(words: str, font: QFont, width: float, height: float) -> str:
    """As much of a sentence as there is room for, up to the end of a clause, else of a word."""
    if _height(words, font, width) <= height + 1:
        return words
    for end in reversed([found.start() for found in re.finditer(r"[,:;.](?=\s)", words)]):
        if _height(words[:end] + ".", font, width) <= height + 1:
            return words[:end] + "."
    parts = words.split()
    while len(parts) > 1 and _height(" ".join(parts) + " …", font, width) > height + 1:
        parts.pop()
    return " ".join(parts) + " …"


def _height(words: str, font: QFont, width: float) -> float:
    box = QRectF(0, 0, width, 1000)
    return QFontMetricsF(font).boundingRect(box, Qt.TextFlag.TextWordWrap, words).height()


class MapCard(Pressable):
    """Painted in the accent of ``family``; a click, Enter or Space chooses it, the arrows go to its neighbours."""

    steps = {  # noqa: RUF012
        Qt.Key.Key_Up: -1,
        Qt.Key.Key_Left: -1,
        Qt.Key.Key_Down: 1,
        Qt.Key.Key_Right: 1,
    }

    def __init__(self, title: str, words: str, family: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("family", family)
        self.title, self.words, self.model = title, words, ""
        self.marks: Sequence[Mark] = ()
        self._pictures: list[QImage] = []
        self._scale, self._is_brief = 1.0, False
        self.set_model("")

    def set_look(self, scale: float, brief: bool) -> None:
        """Type as a multiple of the program's; ``brief`` leaves the marks out, for a hall."""
        if (scale, brief) != (self._scale, self._is_brief):
            self._scale, self._is_brief = scale, brief
            self.update()

    def _em(self) -> float:
        return theme.em() * self._scale

    def _font(self, size: float = 1.0, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        return theme.scaled_font(size * self._scale, weight)

    def set_model(self, name: str) -> None:
        """The model that draws here; "" if there is none, and then there is nothing to open."""
        self.model = name
        self.setEnabled(bool(name))
        self.setCursor(Qt.CursorShape.PointingHandCursor if name else Qt.CursorShape.ArrowCursor)
        self.setAccessibleName(f"{self.title}: open {name}" if name else f"{self.title}: no model here")
        self.setToolTip(f"Open {name}" if name else "")
        self.update()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """What the model can and cannot compute."""
        self.marks = tuple(marks)
        self.setAccessibleDescription("; ".join(text for _, text in marks))
        self.update()

    def set_images(self, images: np.ndarray) -> None:
        """Pictures to show from now on, uint8 (B,H,W,C)."""
        check_pictures(images)
        self._pictures = [qimage(one) for one in argb(images)]
        self.update(self.pictures_rect().toAlignedRect())

    @property
    def num_pictures(self) -> int:
        """How many pictures there are to show."""
        return len(self._pictures)

    def sizeHint(self) -> QSize:
        """Three lines of text high."""
        return QSize(round(self._em() * 50), round(self._em() * 6.9))

    # --- geometry

    def zoom(self, side: int = 28) -> int:
        """Device pixels per pixel of a picture."""
        return max(int((self.height() - 4) * self.devicePixelRatioF() // side), 1)

    def _step(self, side: int = 28) -> float:
        return self.zoom(side) * side / self.devicePixelRatioF() + GAP

    def num_shown(self) -> int:
        """How many pictures find room."""
        return max(
            1,
            int((self.width() - self._em() * (BRIEF_TEXT if self._is_brief else LEAST_TEXT)) / self._step()),
        )

    def pictures_rect(self) -> QRectF:
        """The dark ground at the left."""
        return QRectF(1, 1, self.num_shown() * self._step() + 2 * GAP, self.height() - 2)

    def picture_rects(self) -> list[QRectF]:
        """Where every picture is drawn, in widget coordinates."""
        if not self._pictures:
            return []
        side = self._pictures[0].width()
        size = self.zoom(side) * side / self.devicePixelRatioF()
        top, left = round((self.height() - size) / 2), self.pictures_rect().adjusted(1, 1, -1, -1).left()
        room = self.num_shown() * self._step() + GAP  # where pictures of another size find room, too
        count = min(len(self._pictures), max(1, int(room / self._step(side))))
        return [QRectF(round(left + GAP + i * self._step(side)), top, size, size) for i in range(count)]

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, pictures, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, em = theme.palette(), self._em()
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        raised = self.isEnabled() and self.underMouse()
        painter.setBrush(QColor(colours.raised if raised else colours.surface))
        edge = QColor(colours.line)
        if self.isEnabled() and (raised or self.hasFocus()):
            edge = QColor(colours.text) if self.hasFocus() else theme.accent(self)
        painter.setPen(QPen(edge, 2 if self.hasFocus() else 1))
        painter.drawRoundedRect(box, em * 0.46, em * 0.46)
        self._paint_pictures(painter)
        self._paint_words(painter)

    def _paint_pictures(self, painter: QPainter) -> None:
        ground = self.pictures_rect().adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.CANVAS))
        painter.drawRoundedRect(ground, self._em() * 0.38, self._em() * 0.38)
        if not self._pictures:
            painter.setPen(QColor(theme.CANVAS_MUTED))
            painter.setFont(self._font(0.92))
            said = "…" if self.model else "no checkpoint here"
            painter.drawText(ground, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, said)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for at, picture in zip(self.picture_rects(), self._pictures, strict=False):
            painter.drawImage(at, picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_words(self, painter: QPainter) -> None:
        colours, em = theme.palette(), self._em()
        left = self.pictures_rect().right() + em * 0.8
        room = QRectF(left, 0, self.width() - left - em * 0.7, self.height())
        title, body = self._font(1.08, QFont.Weight.DemiBold), self._font()
        small = self._font(0.92)
        lines = [QFontMetricsF(f).height() for f in (title, body, small)]
        if self._is_brief:
            lines[2] = 0.0  # no marks
        spare = max(room.height() - lines[0] - lines[2] - em * 0.8, lines[1])
        said = fitting(
            self.words, body, room.width(), int(spare / lines[1]) * lines[1] if self._is_brief else spare
        )
        tall = min(_height(said, body, room.width()), spare)
        y = (room.height() - lines[0] - tall - lines[2] - em * 0.5) / 2
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        top = QRectF(room.left(), y, room.width(), lines[0])
        right = "" if self._is_brief else self.model
        painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        painter.setFont(title)
        painter.setPen(theme.accent(self) if self.isEnabled() else QColor(colours.muted))
        spare = top.width() - (theme.text_width(right, small) + em if right else 0)
        shown = QFontMetricsF(title).elidedText(self.title, Qt.TextElideMode.ElideRight, spare)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.setFont(body)
        painter.setPen(QColor(colours.text if self.isEnabled() else colours.muted))
        middle = QRectF(room.left(), top.bottom() + em * 0.15, room.width(), tall)
        painter.save()
        painter.setClipRect(middle)
        painter.drawText(middle, Qt.TextFlag.TextWordWrap, said)
        painter.restore()
        if not self._is_brief:
            self._paint_marks(
                painter, QRectF(room.left(), middle.bottom() + em * 0.3, room.width(), lines[2])
            )

    def _paint_marks(self, painter: QPainter, room: QRectF) -> None:
        """A tick or a dash before each, so that colour is not all that tells them apart."""
        font, em, colours = self._font(0.92), self._em(), theme.palette()
        painter.setFont(font)
        x = room.left()
        for can, text in self.marks:
            wide = em * 1.15 + theme.text_width(text, font)
            if x + wide > room.right() + 1:
                break
            colour = theme.accent(self) if can and self.isEnabled() else QColor(colours.muted)
            painter.setPen(QPen(colour, em * 0.13, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            y, side = room.center().y(), em * 0.3
            if can:
                corners = [(0, 0), (0.9, 0.9), (2.4, -1.0)]
                painter.drawPolyline([QPointF(x + cx * side, y + cy * side) for cx, cy in corners])
            else:
                painter.drawLine(QPointF(x, y), QPointF(x + 2.1 * side, y))
            painter.setPen(QColor(colours.text if can and self.isEnabled() else colours.muted))
            at = QRectF(x + em * 1.0, room.top(), wide, room.height())
            painter.drawText(at, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            x += wide + em * 0.95
