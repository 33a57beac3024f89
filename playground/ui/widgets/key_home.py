"""Where the keys belong: a control that the mouse has let go gives them back to the canvas around which it stands."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QPushButton, QToolButton, QWidget


@runtime_checkable
class KeyHome(Protocol):
    """A tab or a page: it knows which of its widgets Space and the arrows are meant for."""

    def take_keys(self) -> None:
        """Give the canvas the focus."""


def leave_keys(around: QWidget) -> None:
    """Buttons below a widget no longer take the keys when the mouse presses them; the Tab key still comes to them."""
    for button in around.findChildren(QAbstractButton):
        if (
            isinstance(button, QPushButton | QToolButton)
            and button.focusPolicy() == Qt.FocusPolicy.StrongFocus
        ):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)


def hand_back(control: QWidget) -> None:
    """Give the focus to the canvas that a control belongs to; where there is none, nothing changes."""
    around = control.parentWidget()
    while around is not None and not isinstance(around, KeyHome):
        around = around.parentWidget()
    if around is not None:
        around.take_keys()
