"""Labels with tabular figures that keep to the size of type, whenever that changes (a font once set does not)."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from playground.ui.theme import theme


class NumbersFont(QObject):
    """Gives a widget figures of one width, now and after every change of the type size; it lives as long as the widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self._widget.setFont(theme.numbers_font())
