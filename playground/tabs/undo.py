"""Undo and redo for every view: what made the picture before an edit is kept, and made again.

A view need not take part.  Each run that begins may be an edit (a knob, a pixel, a code, a brush stroke, a branch): when
things have come to rest, the settings and the view's own state are compared with those of before, and a difference is a
step on the undo stack of that view and model.  A drag is one step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack
from PySide6.QtWidgets import QApplication

from playground.contract import Frame, knobs
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import Page

if TYPE_CHECKING:  # what is undone is seen later than the window
    from playground.export.contact_sheet import Content
    from playground.ui.pictures.image_grid import ImageGrid

MOST_STEPS = 200
REST_MS = 250  # without another change: the edit is over
Key = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Moment:
    """A view before or after an edit: what makes its picture, the frame, and what its grids showed.

    Of a page's scene, ``kept`` is whatever its own ``moment`` says.
    """

    kept: Any
    frame: Frame | None = None
    shown: tuple[Content | None, ...] = ()


class Edit(QUndoCommand):
    """From one moment of a view to another."""

    def __init__(
        self, before: Moment, after: Moment, text: str, put: Callable[[Moment], Moment | None]
    ) -> None:
        super().__init__(text)
        self.before, self.after, self._put = before, after, put
        self._done = True  # by hand, before it came here

    def undo(self) -> None:
        """Go back; redo comes to where this was."""
        self.after = self._put(self.before) or self.after

    def redo(self) -> None:
        """Do it again."""
        if not self._done:
            self._put(self.after)
        self._done = False


class UndoHistory(QObject):
    """The edits of every view that is watched.

    Args:
        shown: the tab or page on screen, None before there is one.
    """

    changed = Signal()  # there is more or less to undo

    def __init__(self, parent: QObject, shown: Callable[[], FamilyTab | Page | None]) -> None:
        super().__init__(parent)
        self._shown = shown
        self._stacks: dict[Key, QUndoStack] = {}
        self._known: dict[Key, Moment] = {}  # how a view was when it last came to rest
        self._open: tuple[Key, Moment | None] | None = None  # an edit that goes on, and what was before it
        self._is_busy = False  # an undo is no edit
        self._timer = QTimer(self, singleShot=True, interval=REST_MS)
        self._timer.timeout.connect(self.settle)

    def watch(self, tab: FamilyTab | Page) -> None:
        """Keep the edits of a tab from now on."""
        tab.changing.connect(lambda: self._begin(tab))
        if isinstance(tab, FamilyTab):
            tab.opened.connect(lambda: self._forget(tab))
            tab.change_button.clicked.connect(lambda _=False: self.toggle_comparison())

    # --- undo and redo

    @property
    def stack(self) -> QUndoStack | None:
        """The edits of the view on screen, None while there are none."""
        tab = self._shown()
        key = _key_of(tab)
        return self._stacks.get(key) if key is not None else None

    def undo(self) -> None:
        """Take the last edit of the view on screen back."""
        self.settle()
        if self.stack is not None:
            self.stack.undo()
            self.changed.emit()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self.settle()
        if self.stack is not None:
            self.stack.redo()
            self.changed.emit()

    # --- what changed

    def next_comparison(self) -> None:
        """Difference, blink, side by side, and back to the view."""
        from playground.ui.pictures.comparison import MODES

        canvas = getattr(self._shown(), "canvas", None)
        over = canvas.comparison if canvas is not None else None
        if canvas is None or over is None:
            self.toggle_comparison()
        elif over.mode + 1 < len(MODES):
            over.show_mode(over.mode + 1)
        else:
            canvas.close_comparison()

    def toggle_comparison(self) -> None:
        """Show what the last edit changed, or the view again; nothing where there is nothing to compare."""
        from playground.ui.pictures.comparison import DIFFERENCE

        tab = self._shown()
        if not isinstance(tab, FamilyTab) or tab.view is None:
            return
        self.settle()
        if tab.canvas.close_comparison():
            return
        pair = self._pair(tab)
        if pair is not None:
            tab.canvas.compare(*pair, DIFFERENCE)

    def _pair(self, tab: FamilyTab) -> tuple[ImageGrid, Content] | None:
        """The largest grid whose pictures the last edit may have changed, and what it showed before."""
        from playground.ui.pictures.comparison import is_comparable
        from playground.ui.pictures.image_grid import ImageGrid

        stack = self.stack
        command = stack.command(stack.index() - 1) if stack is not None and stack.index() > 0 else None
        if not isinstance(command, Edit) or tab.view is None:
            return None
        grids = tab.view.findChildren(ImageGrid)
        pairs = [
            (grid, before)
            for grid, before in zip(grids, command.before.shown, strict=False)
            if grid.isVisible() and before is not None and is_comparable(before, grid.content())
        ]
        return max(pairs, key=lambda pair: pair[0].width() * pair[0].height(), default=None)

    # --- edits

    def _begin(self, tab: FamilyTab | Page) -> None:
        """A run begins: what is on the screen now is what may be wanted back."""
        key = _key_of(tab)
        if self._is_busy or key is None or tab is not self._shown():
            return
        if self._open is None or self._open[0] != key:
            self._open = (key, _with_picture(tab, self._known.get(key)))
        self._timer.start()

    def _forget(self, tab: FamilyTab) -> None:
        """Something else was opened, which is no edit."""
        key = _key_of(tab)
        if key is not None and not self._is_busy:
            self._known.pop(key, None)
            self._open = (key, None)
            self._timer.start()
        self._show_button(tab)

    def settle(self) -> None:
        """The edit is over, unless the mouse still holds something."""
        if self._open is None:
            return
        key, before = self._open
        tab = self._shown()
        now = _moment_of(tab) if tab is not None and _key_of(tab) == key else None
        if tab is None or _key_of(tab) != key:
            self._open = None
            return
        if now is None or QApplication.mouseButtons():
            self._timer.start()
            return
        self._open, self._known[key] = None, now
        self._timer.stop()
        if before is not None and (text := _difference(tab, before.kept, now.kept)):
            self._stack(key).push(Edit(before, now, text, lambda moment: self._put(tab, key, moment)))
            self.changed.emit()
        self._show_button(tab)

    def _stack(self, key: Key) -> QUndoStack:
        if key not in self._stacks:
            self._stacks[key] = QUndoStack(self)
            self._stacks[key].setUndoLimit(MOST_STEPS)
        return self._stacks[key]

    def _put(self, tab: FamilyTab | Page, key: Key, moment: Moment) -> Moment | None:
        """Show a moment again; the one that was there until now."""
        was = _with_picture(tab, _moment_of(tab))
        self._is_busy = True
        try:
            if isinstance(tab, FamilyTab):
                tab.put_back(moment.kept, moment.frame)
            else:
                tab.scene.put_back(moment.kept)
            self._known[key] = moment
        finally:
            self._is_busy = False
        QTimer.singleShot(0, self, lambda: self._show_button(tab))
        return was

    def _show_button(self, tab: FamilyTab | Page) -> None:
        if isinstance(tab, FamilyTab):
            stack = self.stack if tab is self._shown() else None
            tab.change_button.setVisible(
                stack is not None and stack.canUndo() and self._pair(tab) is not None
            )


def _key_of(tab: FamilyTab | Page | None) -> Key | None:
    """What the edits of a view belong to; None while it has no model."""
    if isinstance(tab, FamilyTab):
        view = tab.view
        return (tab.family.key, view.name, tab.model_id) if view is not None else None
    return (tab.key, tab.scene.name) if tab is not None else None


def _moment_of(tab: FamilyTab | Page) -> Moment | None:
    from playground.tabs.frame.exporter import metadata_of

    if isinstance(tab, FamilyTab):
        view = tab.view
        kept = metadata_of(view) if view is not None and view.model is tab.model else None
    else:
        kept = tab.scene.moment()
    return Moment(kept) if kept is not None else None


def _with_picture(tab: FamilyTab | Page, moment: Moment | None) -> Moment | None:
    """The moment with the step and the pictures that are on the screen."""
    from playground.ui.pictures.image_grid import ImageGrid

    if moment is None or not isinstance(tab, FamilyTab) or tab.view is None:
        return moment
    player = tab.view.player
    frame, last = player.frame, player.timeline.last
    if frame is None or last is None:
        return moment
    shown = tuple(grid.content() for grid in tab.view.findChildren(ImageGrid))
    kept = replace(moment.kept, step=frame.step, head=last.step)
    return Moment(kept, replace(frame, state=None), shown)  # states are large, and the run is made again


def _difference(tab: FamilyTab | Page, before: Any, now: Any) -> str:
    """What an edit changed, in words; "" if it changed nothing."""
    from playground.export.picture_metadata import PictureMetadata

    if not isinstance(before, PictureMetadata) or not isinstance(tab, FamilyTab) or tab.view is None:
        return "" if before == now else "the picture"
    passing = tab.view.passing
    labels = {knob.name: knob.label for knob in knobs(tab.view.asked(tab.model)) if knob.name not in passing}
    turned = [labels[n] for n in now.settings if n in labels and now.settings[n] != before.settings.get(n)]
    names = {*now.state, *before.state} - passing
    edited = any(now.state.get(name) != before.state.get(name) for name in names)
    return ", ".join(turned[:3]) or ("the picture" if edited else "")
