"""The menu of a picture, the same in every grid: enlarge it, what its view can do with a pixel of it, what the window offers, copy it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Union, runtime_checkable

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from playground.ui.pictures.pixels import argb, qimage

# words and a deed, or the entries of a menu of its own
MenuEntry = tuple[str, Union[Callable[[], object], "Sequence[MenuEntry]"]]


@runtime_checkable
class OffersMore(Protocol):
    """A window: it knows where else a picture can be taken."""

    def picture_entries(self, picture: np.ndarray) -> Sequence[MenuEntry]:
        """What can be done with uint8 (H,W,C)."""


def open_menu(
    parent: QWidget, at: QPoint, picture: np.ndarray, entries: Sequence[tuple[str, Callable[[], object]]]
) -> QMenu:
    """Show the menu at a point of the screen.

    Args:
        parent: the grid; actions that a view has added to it stand at the end.
        picture: uint8 (1,H,W,C), what is copied.
        entries: words and deeds that stand first.
    """
    menu, window = QMenu(parent), parent.window()
    _fill(menu, entries)
    if isinstance(window, OffersMore):
        menu.addSeparator()
        _fill(menu, window.picture_entries(picture[0]))
        menu.addSeparator()
    menu.addAction(
        "Copy this picture", lambda: QGuiApplication.clipboard().setImage(qimage(argb(picture)[0]))
    )
    menu.addActions(parent.actions())
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(at)
    return menu


def _fill(menu: QMenu, entries: Sequence[MenuEntry]) -> None:
    for text, what in entries:
        if callable(what):
            menu.addAction(text).triggered.connect(lambda _=False, act=what: act())
        else:
            _fill(menu.addMenu(text), what)
