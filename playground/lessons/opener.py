"""Putting a state on the screen: the window as lessons and links use it."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Qt

from playground import families
from playground.export.window_state import WindowState
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import Page
from playground.ui.pictures.enlarging import enlarge
from playground.ui.pictures.image_grid import ImageGrid


class Window(Protocol):
    """What lessons ask of the window."""

    @property
    def current(self) -> FamilyTab | None:
        """The family's tab on screen; None while a page is."""
        ...

    @property
    def page(self) -> Page | None:
        """The page on screen; None while a family's tab is."""
        ...

    def open_tab(self, key: str) -> bool:
        """Show a tab; False if there is none of that key."""
        ...

    def say(self, sentence: str) -> None:
        """What went wrong, in a banner."""
        ...


class StateOpener(QObject):
    """Shows states in a window, and knows when the newest has arrived."""

    def __init__(self, window: Window, parent: QObject) -> None:
        super().__init__(parent)
        self.window = window
        self._awaited: FamilyTab | None = None  # the tab that a state is still on its way to
        self._visible: tuple[str, ...] | None = None  # the knobs that it will show
        self._enlarged: int | None = None  # the picture that will fill the canvas, from 1

    @property
    def current(self) -> FamilyTab | None:
        """The family's tab on screen; None while a page is."""
        return self.window.current

    @property
    def is_opening(self) -> bool:
        """Whether the state that was asked for last is still on its way."""
        return self._awaited is not None

    def take_keys(self) -> None:
        """Space, Enter and the arrows are for the pictures of what is shown, whatever had the focus before."""
        shown = self.window.current or self.window.page
        if shown is not None:
            shown.take_keys()

    @property
    def complaint(self) -> str:
        """What a banner says was wrong with what was asked for last, "" if nothing."""
        shown = self.window.current or self.window.page
        banner = shown.banner if shown is not None else None
        return banner.text() if banner is not None and banner.isVisible() and banner.kind() == "error" else ""

    def show_state(self, state: WindowState) -> None:
        """Put a state on the screen; what is wrong with it is said in a banner."""
        if not self.window.open_tab(state.tab):
            self.window.say(f"There is no tab called {state.tab!r} here.")
            return
        tab, page = self.window.current, self.window.page
        if page is not None:
            page.banner.clear()
            page.show_scene(state.view)
            if state.settings or state.state:
                page.scene.restore(state.as_picture_metadata())
        elif tab is not None:
            self._show_in(tab, state)

    def _show_in(self, tab: FamilyTab, state: WindowState) -> None:
        entry = families.entry(state.tab)
        model = state.model or (entry.opens if isinstance(entry, families.Family) else "")
        kept = WindowState(state.tab, model, state.view, state.settings, state.step, state.state)
        if not tab.models.entry_of(kept.as_picture_metadata()):
            self.window.say(f"The model {model} is not here; open its checkpoint first.")
            return
        if self._awaited is not tab:
            self._await(tab)
        self._visible, self._enlarged = state.visible, state.enlarged
        tab.canvas.close_enlargement()
        tab.restore(kept.as_picture_metadata(), plays=state.step is None)

    def _await(self, tab: FamilyTab) -> None:
        if self._awaited is not None:
            self._awaited.opened.disconnect(self._arrived)
        self._awaited = tab
        tab.opened.connect(self._arrived)

    def _arrived(self) -> None:
        if self._awaited is not None:
            self._awaited.opened.disconnect(self._arrived)
            self._awaited.knobs.show_only(self._visible)
            if self._enlarged is not None and self._awaited.view is not None:
                shown = self._awaited.view.player.shown
                shown.connect(self._enlarge, Qt.ConnectionType.SingleShotConnection)
        self._awaited = None

    def _enlarge(self) -> None:
        """The first pictures are there: one of them fills the canvas."""
        tab, number = self.current, self._enlarged
        grids = tab.view.findChildren(ImageGrid) if tab is not None and tab.view is not None else []
        grid = max((g for g in grids if g.isVisible()), key=ImageGrid.count, default=None)
        if grid is not None and number is not None and number <= grid.count():
            enlarge(grid, number - 1)

    def release(self) -> None:
        """All knobs of the present tab again."""
        if self.current is not None:
            self.current.knobs.show_only(None)
