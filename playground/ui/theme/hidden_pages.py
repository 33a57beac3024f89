"""A page that nobody sees puts the new style sheet on when it is shown.

A window with every tab open has 1,300 widgets, of which ninety are in sight; to dress them all is nine tenths of the time
that light, dark and zoom stop it for.  Qt dresses what is marked as polished and tells what has no style of its own: the
widgets of hidden pages are neither for as long as the sheet is exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

_POLISHED, _OWN_STYLE = Qt.WidgetAttribute.WA_WState_Polished, Qt.WidgetAttribute.WA_SetStyle
_pages: WeakSet[QWidget] = WeakSet()
_waiting: WeakSet[QWidget] = WeakSet()  # pages that wear the sheet of before


class _Doorkeeper(QObject):
    """Dresses a page that comes into sight."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and watched in _waiting and isinstance(watched, QWidget):
            _dress(watched)
        return False


_doorkeeper = _Doorkeeper()


def dress_when_shown(page: QWidget) -> None:
    """From now on ``page`` takes a new look only when it is shown."""
    if page not in _pages:
        _pages.add(page)
        page.installEventFilter(_doorkeeper)


@contextmanager
def left_out() -> Iterator[None]:
    """While the sheet is exchanged: the pages that are hidden now are not asked to wear it."""
    there = [
        page for page in _pages if isValid(page)
    ]  # of a window that was closed Python may still hold them
    hidden = [page for page in there if not page.isVisible()]
    left = [w for page in hidden for w in _widgets(page) if not w.testAttribute(_OWN_STYLE)]
    style = QApplication.style()
    for widget in left:
        if widget.testAttribute(_POLISHED):
            # it gets back its own colours and type, or they would be lost under the sheet's
            style.unpolish(widget)
            widget.setAttribute(_POLISHED, False)
        widget.setAttribute(_OWN_STYLE, True)
    try:
        yield
    finally:
        for widget in left:
            widget.setAttribute(_OWN_STYLE, False)
        _waiting.update(hidden)


def _dress(page: QWidget) -> None:
    _waiting.discard(page)
    style, undressed = QApplication.style(), [w for w in _widgets(page) if not w.testAttribute(_POLISHED)]
    for widget in undressed:
        style.polish(widget)
        widget.setAttribute(_POLISHED, True)
    for widget in undressed:
        QApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))


def _widgets(page: QWidget) -> list[QWidget]:
    return [page, *page.findChildren(QWidget)]
