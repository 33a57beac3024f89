"""A column of names, one of them chosen, each in its family's accent."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import ARROWS, claims


class _Entry(QAbstractButton):
    def __init__(self, text: str, family: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("family", family)
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        em = theme.em()
        return QSize(round(theme.text_width(self.text(), self._font()) + em * 2.4), round(em * 3.0))

    @staticmethod
    def _font() -> QFont:
        return theme.scaled_font(1.08, QFont.Weight.DemiBold)

    def event(self, event: QEvent) -> bool:
        return claims(event, Qt.Key.Key_Space, *ARROWS) or super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, em, accent = theme.palette(), theme.em(), theme.accent(self)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        chosen = self.isChecked()
        painter.setPen(QPen(QColor(colours.text), 1.6) if self.hasFocus() else Qt.PenStyle.NoPen)
        ground = colours.raised if chosen else colours.hover if self.underMouse() else colours.window
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(box, em * 0.46, em * 0.46)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        bar = QRectF(box.left() + em * 0.35, box.top() + em * 0.6, em * 0.25, box.height() - em * 1.2)
        painter.drawRoundedRect(bar, em * 0.12, em * 0.12)
        painter.setPen(accent if chosen else QColor(colours.text))
        painter.setFont(self._font())
        room = box.adjusted(em * 1.1, 0, 0, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())


class Rail(QWidget):
    """Entries from (text, family); up and down go through them."""

    chosen = Signal(int)

    def __init__(self, entries: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.25))
        self._group = QButtonGroup(self)
        for i, (text, family) in enumerate(entries):
            entry = _Entry(text, family, self)
            self._group.addButton(entry, i)
            column.addWidget(entry)
        column.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._group.idToggled.connect(lambda i, on: self.chosen.emit(i) if on else None)
        theme.signals.changed.connect(self._restyle)
        self._group.button(0).setChecked(True)

    def index(self) -> int:
        """Which one is chosen."""
        return self._group.checkedId()

    def set_index(self, index: int) -> None:
        """Choose one."""
        self._group.button(index).setChecked(True)

    def focus(self) -> None:
        """The focus to the chosen one."""
        chosen = self._group.checkedButton()
        if chosen is not None:
            chosen.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home and End."""
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(self._group.buttons()) - 1}
        if event.key() in ends:
            self.set_index(ends[Qt.Key(event.key())])
            self.focus()
        else:
            super().keyPressEvent(event)

    def _restyle(self) -> None:
        for entry in self._group.buttons():
            entry.updateGeometry()
