"""The menu of a picture in a grid: enlarge it, copy it, and what its view can do with a pixel of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from playground.ui.pictures.pixels import argb, qimage


def open_menu(
    parent: QWidget, at: QPoint, picture: np.ndarray, entries: Sequence[tuple[str, Callable[[], None]]]
) -> QMenu:
    """Show the menu at a point of the screen.

    Args:
        parent: the grid; actions that a view has added to it stand at the end.
        picture: uint8 (1,H,W,C), what is copied.
        entries: words and deeds that stand first.
    """
    menu = QMenu(parent)
    for text, act in entries:
        menu.addAction(text, act)
    menu.addAction(
        "Copy this picture", lambda: QGuiApplication.clipboard().setImage(qimage(argb(picture)[0]))
    )
    menu.addActions(parent.actions())
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(at)
    return menu
