"""From options to an open window and back: what is seen first is made first, torch and the rest are imported after it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from playground import families
from playground.app import MainWindow
from playground.tabs import registry
from playground.ui.theme import theme
from playground.ui.widgets.after_paint import AfterPaint

if TYPE_CHECKING:
    from playground.export.window_state import WindowState


def _begin(window: MainWindow, file_or_link: str) -> None:
    """Torch on the worker; what the first view is made of, which must be imported here, while that goes on."""
    window.stream.start()
    if file_or_link:
        _open(window, file_or_link)
    if window.current is not None:
        registry.views_of(window.current.family)


def _open(window: MainWindow, file_or_link: str) -> None:
    from playground.export import window_state

    if window_state.is_link(file_or_link):
        window.lessons.open_link(file_or_link)
    else:
        window.open_file(Path(file_or_link))


def _link_of(last: WindowState | None) -> str:
    if last is None:
        return ""
    from playground.export import window_state

    return window_state.link_of(last)


def run(
    options: Namespace,
    then: Callable[[MainWindow], object] = lambda window: None,
    remembers: bool = False,
) -> int:
    """Open the window, call ``then`` with it, and stay until it is closed.

    Args:
        remembers: as it was left the last time, unless the options say otherwise.
    """
    if options.tab:
        families.entry(options.tab)  # a wrong name is refused before anything opens
    QApplication.setApplicationName("Generative Playground")
    QApplication.setOrganizationName("Generative Playground")  # settings lie under it
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    theme.load_fonts()
    memory = None
    if remembers:
        from playground.tabs.window_memory import WindowMemory

        memory = WindowMemory()
    asked = options.tab or options.model or options.view or options.open
    last = memory.state() if memory is not None and not asked else None
    theme.apply(app, memory.mode if memory is not None and options.theme == "system" else options.theme)
    first = (
        (last.tab, last.model, last.view) if last is not None else (options.tab, options.model, options.view)
    )
    tab, model, view = (name or "" for name in first)
    window = MainWindow(tab, model, view, options.device)
    if memory is not None:
        memory.place(window)
        memory.watch(window, lambda: window.lessons.state())
        window.remember_files(memory)
        if memory.is_new:
            from playground.tabs.welcome import Welcome

            Welcome(window, window, memory)
    if options.size:
        window.resize(QSize(*options.size))
    if options.lecture:
        window.lecture.begin(full_screen=not (options.size or options.screenshot))
    AfterPaint(window, lambda: _begin(window, options.open or _link_of(last)))
    window.show()
    then(window)
    code = app.exec() or int(app.property("exit_code") or 0)
    if not getattr(window, "ended_in_time", True):  # a step or an import is still running: do not wait for it
        sys.stdout.flush()
        os._exit(code)
    return code
