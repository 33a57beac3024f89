"""A quiet button that leads somewhere else: words in the accent of a family, and an arrow if it leads elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.pressable import Pressable

ARROW = " →"


class LinkButton(Pressable):
    """Enter and Space follow it; ``family`` gives it another accent than the tab's."""

    def __init__(
        self,
        text: str,
        family: str = "",
        tip: str = "",
        parent: QWidget | None = None,
        arrow: bool = True,
    ) -> None:
        super().__init__(parent)
        self._arrow = ARROW if arrow else ""
        if family:
            self.setProperty("family", family)
        self.setText(text)
        self.setToolTip(tip)
        self.setAccessibleName(f"{text}: {tip}" if tip else text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """One line of text."""
        em = theme.em()
        wide = theme.text_width(self.text() + self._arrow, theme.scaled_font(0.92)) + em * 1.1
        return QSize(round(wide), round(em * 1.75))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A thin frame, filled under the pointer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent, colours, em = theme.accent(self), theme.palette(), theme.em()
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge, ground = QColor(accent), QColor(accent)
        edge.setAlphaF(0.55)
        ground.setAlphaF(0.22 if self.underMouse() or self.isDown() else 0.08)
        painter.setPen(QPen(QColor(colours.text), 1.6) if self.hasFocus() else QPen(edge, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(box, em * 0.46, em * 0.46)
        painter.setPen(accent)
        painter.setFont(theme.scaled_font(0.92))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.text() + self._arrow)
