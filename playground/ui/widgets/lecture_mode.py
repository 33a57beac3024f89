"""Lecture mode of a window: full screen with type and pictures for the back row, and back as the window was."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QWindowStateChangeEvent
from PySide6.QtWidgets import QApplication, QWidget

from playground.ui.theme import theme


class LectureMode(QObject):
    """Switches a window between a desk and a hall.

    The mode is the theme's (``theme.lecture()``), never read off the window: a full screen that is left by the
    system's own keys ends it too, and a window that was maximised comes back maximised.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._before = Qt.WindowState.WindowNoState  # what the window goes back to
        window.installEventFilter(self)

    @property
    def is_on(self) -> bool:
        """Whether the window is dressed for a hall."""
        return theme.lecture()

    def begin(self, full_screen: bool = True) -> None:
        """Enter it; without ``full_screen`` the window keeps its size (for a picture of it)."""
        if self.is_on:
            return
        self._before = self._window.windowState() & ~Qt.WindowState.WindowFullScreen
        theme.set_lecture(_app(), True)
        if full_screen:
            self._window.setWindowState(self._before | Qt.WindowState.WindowFullScreen)
            self._window.activateWindow()  # some platforms show it anew, without the keys

    def end(self) -> None:
        """Leave it."""
        theme.set_lecture(_app(), False)
        if self._window.isFullScreen():
            self._window.setWindowState(self._before)
            self._window.activateWindow()

    def toggle(self) -> None:
        """Enter or leave."""
        self.end() if self.is_on else self.begin()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The full screen was left by other means."""
        if isinstance(event, QWindowStateChangeEvent):
            was_full = bool(event.oldState() & Qt.WindowState.WindowFullScreen)
            if was_full and not self._window.isFullScreen() and self.is_on:
                theme.set_lecture(_app(), False)
        return False


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
