"""Answers to a question as wide buttons with a number, and how the families stand while questions are open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.pressable import Pressable


class ChoiceButton(Pressable):
    """A number, the answer in plain words, and the exact term below it."""

    steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}  # noqa: RUF012

    def __init__(self, number: int, text: str, exact: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number, self.exact = number, exact
        self.setText(text)
        self.setAccessibleName(f"{number}: {text} ({exact})")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Two lines."""
        em = theme.em()
        wide = theme.text_width(self.text(), theme.scaled_font(1.08)) + em * 4.5
        return QSize(round(wide), round(em * 3.7))

    def minimumSizeHint(self) -> QSize:
        """Texts are elided below this."""
        return QSize(round(theme.em() * 16), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """A field that lights up under the pointer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, em = theme.palette(), theme.em()
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        lit = self.underMouse() or self.isDown()
        painter.setPen(
            QPen(QColor(colours.text if self.hasFocus() else colours.line), 2 if self.hasFocus() else 1)
        )
        painter.setBrush(QColor(colours.hover if lit else colours.raised))
        painter.drawRoundedRect(box, em * 0.6, em * 0.6)
        painter.setPen(QColor(colours.muted))
        painter.setFont(theme.scaled_font(1.08, QFont.Weight.DemiBold))
        number = QRectF(box.left(), box.top(), em * 2.6, box.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignCenter, str(self.number))
        room = box.adjusted(em * 2.6, em * 0.5, -em * 0.8, -em * 0.5)
        half = room.height() / 2
        for i, (font, text, colour) in enumerate(
            (
                (theme.scaled_font(1.08), self.text(), colours.text),
                (theme.scaled_font(0.92), self.exact, colours.muted),
            )
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            line = QRectF(room.left(), room.top() + i * half, room.width(), half)
            shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


class Standing(QWidget):
    """One bar per family: what share of the ways on from here ends with it."""

    def __init__(self, families: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._families = list(families)  # (key, title)
        self.shares: dict[str, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Families still possible")
        theme.signals.changed.connect(self.updateGeometry)

    def set_shares(self, shares: dict[str, float]) -> None:
        """Shares from 0 to 1 by key; a family that is not named is out."""
        self.shares = {key: share for key, share in shares.items() if share > 0}
        titles = dict(self._families)
        said = ", ".join(f"{titles[key]} {share:.0%}" for key, share in self.shares.items())
        self.setAccessibleDescription(said)
        self.update()

    def sizeHint(self) -> QSize:
        """A line for each."""
        return QSize(round(theme.em() * 24), round(theme.em() * 2.9 * len(self._families)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, bar, share."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, em = theme.palette(), theme.em()
        high, name, figure = self.height() / len(self._families), em * 9.5, em * 4.2
        for i, (key, title) in enumerate(self._families):
            share = self.shares.get(key, 0.0)
            line = QRectF(0, i * high, self.width(), high)
            painter.setFont(theme.scaled_font(1.08, QFont.Weight.DemiBold))
            painter.setPen(theme.accent(key) if share else QColor(colours.muted))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)
            groove = QRectF(
                name, line.center().y() - em * 0.45, max(self.width() - name - figure, 1), em * 0.9
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(groove, em * 0.45, em * 0.45)
            if share:
                painter.setBrush(theme.accent(key))
                full = QRectF(groove)
                full.setWidth(max(groove.width() * share, em * 0.9))
                painter.drawRoundedRect(full, em * 0.45, em * 0.45)
            painter.setPen(QColor(colours.text if share else colours.muted))
            painter.setFont(theme.scaled_font())
            said = f"{share:.0%}" if share else "out"
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, said)
