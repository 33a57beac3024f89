"""A button that paints itself and is as good from the keyboard as under the pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import claims

_PRESSES = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Pressable(QAbstractButton):
    """Enter, Space and a click press it; the keys in ``steps`` lead to its neighbours."""

    stepped = Signal(int)  # -1 to the one before, +1 to the one after
    steps: ClassVar[Mapping[Qt.Key, int]] = {}

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.signals.changed.connect(self.updateGeometry)
        theme.signals.changed.connect(self.update)

    def event(self, event: QEvent) -> bool:
        """Its keys are its own while it has the focus."""
        return claims(event, *_PRESSES, *self.steps) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in self.steps:
            self.stepped.emit(self.steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)
