"""The first time: one line of ways in over a window in which something is already moving, and a tour of its four parts."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QTabWidget, QWidget

from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import LinkTarget
from playground.tabs.window_memory import WindowMemory
from playground.ui.widgets.welcome import Step, StepsOverlay, WelcomeLine


class Window(Protocol):
    """What it asks of the window."""

    @property
    def tabs(self) -> QTabWidget:
        """All tabs."""

    @property
    def current(self) -> FamilyTab | None:
        """The family's tab on screen."""

    def go(self, place: LinkTarget) -> None:
        """Open a tab, a model, a view."""

    def show_line(self, line: QWidget) -> None:
        """Put a line over the tabs."""


class Welcome(QObject):
    """Greets until it is told not to."""

    def __init__(self, window: Window, widget: QMainWindow, memory: WindowMemory) -> None:
        super().__init__(widget)
        self._window, self._widget, self._memory = window, widget, memory
        self.overlay: StepsOverlay | None = None
        self.line = WelcomeLine(
            (
                ("Diffusion", "diffusion", lambda: window.go(LinkTarget("diffusion"))),
                (
                    "GPT",
                    "autoregressive",
                    lambda: window.go(LinkTarget("autoregressive", "gpt-bible", "Write")),
                ),
                ("Map", "neutral", lambda: window.go(LinkTarget("guide", "", "Map"))),
                ("Tour", "neutral", self.begin_tour),
            )
        )
        self.line.dismissed.connect(self.end)
        window.show_line(self.line)

    def begin_tour(self) -> None:
        """Point at the four parts, in a tab that has all of them."""
        if self._window.current is None:
            self._window.go(LinkTarget("diffusion"))
        self.overlay = StepsOverlay(self._widget, self._steps())
        self.overlay.ended.connect(self.end)

    def end(self) -> None:
        """Never again."""
        self.line.hide()
        self._memory.end_welcome()

    def _steps(self) -> tuple[Step, ...]:
        def of_tab(name: str) -> QWidget | None:
            tab = self._window.current
            return getattr(tab, name) if tab is not None else None

        return (
            Step(
                self._window.tabs.tabBar,
                "Six ways to make pictures",
                "Each family of models has a tab. The Guide compares them, shows a map and has nine lessons; "
                "Compare lets them race.",
            ),
            Step(
                lambda: of_tab("switch"),
                "What to ask of a model",
                "Watch it generate, look inside, give it a picture, or see how it was trained. PageUp and PageDown turn these views.",
            ),
            Step(
                lambda: of_tab("knobs"),
                "Turn something",
                "Every knob acts at once, and its tooltip says what it does. Ctrl+Z takes it back, R draws other pictures.",
            ),
            Step(
                lambda: of_tab("transport"),
                "Stop, and look closely",
                "Space pauses, the arrows go step by step, a double click enlarges a picture. “?” lists all keys and explains the words.",
            ),
        )
