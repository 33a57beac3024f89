"""The real window as the bench uses it: opened on the screen if there is one, waited for, and closed again."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any


def environment() -> dict[str, str]:
    """For a process with a window: offscreen where there is no screen."""
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform != "linux"
    return {**os.environ} if screen else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


class Probe:
    """A real window that can be waited for."""

    def __init__(self, tab: str, model: str = "", view: str = "") -> None:
        os.environ.update(environment())
        from playground import garbage

        garbage.pause()  # as the command does, until the worker has torch
        from PySide6.QtWidgets import QApplication

        from playground.app import MainWindow
        from playground.ui.theme import theme

        self.app = QApplication.instance() or QApplication(sys.argv[:1])
        theme.load_fonts()
        theme.apply(self.app, "dark")  # type: ignore[arg-type]
        self.window = MainWindow(tab, model, view)
        self.window.show()
        self.window.stream.start()
        self.wait(lambda: self.window.current is not None and self.window.current.view is not None, 60)

    @property
    def tab(self) -> Any:
        """The family's tab on screen, whose widgets are those of its family."""
        return self.window.current

    @property
    def view(self) -> Any:
        """Its view, whose widgets are those of its kind."""
        return self.tab.view

    def wait(self, until: Callable[[], Any], seconds: float) -> None:
        """Run the event loop until something is true; asked every millisecond, so as to take no time from others."""
        from PySide6.QtCore import QEventLoop, Qt, QTimer

        if until():
            return
        loop, end, late = QEventLoop(), time.perf_counter() + seconds, []

        def ask() -> None:
            if until():
                loop.quit()
            elif time.perf_counter() > end:
                late.append(True)
                loop.quit()

        timer = QTimer(timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(ask)
        timer.start(1)
        loop.exec()
        timer.stop()
        if late:
            raise TimeoutError("The window did not come as far as the bench waits for.")

    def run(self, seconds: float) -> None:
        """Run the event loop for a while."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def close(self) -> None:
        """Leave nothing running."""
        self.window.close()
        self.app.processEvents()
