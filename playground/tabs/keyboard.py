"""The keys of the window: those that no control may have are shortcuts, the others arrive where no control wanted them.

The list that ``?`` shows is in ``ui/widgets/key_list.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QTabWidget, QWidget

from playground.families import GROUPS
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import Page
from playground.ui.theme import theme
from playground.ui.widgets.lecture_mode import LectureMode

_MOST_TABS = 9  # that have a key


class Keyboard(QObject):
    """What keys mean in a window with these tabs.

    Args:
        shown: the tab or page on screen, None before there is one.
        lesson: takes a key that a lesson wants; True if it has used it.
        compare: shows what the last edit changed, in one way after the other.
    """

    def __init__(
        self,
        window: QWidget,
        tabs: QTabWidget,
        lecture: LectureMode,
        shown: Callable[[], FamilyTab | Page | None],
        lesson: Callable[[QKeyEvent], bool],
        compare: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._lecture, self._shown, self._lesson = lecture, shown, lesson
        self._compare = compare
        keys: dict[str, Callable[[], object]] = {
            "PgUp": lambda: self.turn_page(-1),
            "PgDown": lambda: self.turn_page(1),
        }
        for i in range(min(tabs.count(), _MOST_TABS)):
            keys[f"Ctrl+{i + 1}"] = partial(tabs.setCurrentIndex, i)
        for i in range(len(GROUPS)):
            keys[f"Alt+{i + 1}"] = partial(self._choose_group, i)
        for key, act in keys.items():
            QShortcut(QKeySequence(key), window).activated.connect(act)

    def turn_page(self, by: int) -> None:
        """The next or the previous scene of a lesson, else view, whatever has the focus."""
        key = Qt.Key.Key_PageDown if by > 0 else Qt.Key.Key_PageUp
        shown = self._shown()
        if self._lesson(QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier)):
            return
        if shown is not None:
            shown.turn_page(by)

    def _choose_group(self, group: int) -> None:
        shown = self._shown()
        if shown is not None and shown.switch is not None:
            shown.switch.choose_group(group)

    def close_innermost(self, event: QKeyEvent) -> bool:
        """An enlarged picture, else leave (or go back to) a lesson, else the full screen; False if there is none."""
        shown = self._shown()
        if shown is not None and (shown.canvas.close_enlargement() or shown.canvas.close_comparison()):
            return True
        if self._lesson(event):
            return True
        was_on = self._lecture.is_on
        self._lecture.end()
        return was_on

    def handle(self, event: QKeyEvent) -> bool:
        """A key that no control wanted; False if it means nothing."""
        if event.key() == Qt.Key.Key_Escape and self.close_innermost(event):
            return True
        if event.key() != Qt.Key.Key_Escape and self._lesson(event):
            return True
        shown = self._shown()
        if isinstance(shown, FamilyTab) and shown.transport.handle_key(event):
            return True
        if isinstance(shown, Page) and shown.handle_key(event):
            return True
        if shown is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return shown.canvas.close_enlargement() or _enlarge_first(shown.canvas)
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        acts: dict[tuple[bool, int], Callable[[], object]] = {
            (True, Qt.Key.Key_Plus): lambda: _scale(theme.scale() * 1.1),
            (True, Qt.Key.Key_Equal): lambda: _scale(theme.scale() * 1.1),
            (True, Qt.Key.Key_Minus): lambda: _scale(theme.scale() / 1.1),
            (True, Qt.Key.Key_0): lambda: _scale(theme.normal_scale()),
            (False, Qt.Key.Key_PageUp): lambda: self.turn_page(-1),  # in a window without the focus
            (False, Qt.Key.Key_PageDown): lambda: self.turn_page(1),
        }
        if isinstance(shown, FamilyTab):
            acts |= {
                (False, Qt.Key.Key_R): shown.knobs.reseed,
                (False, Qt.Key.Key_B): self._compare,
                (False, Qt.Key.Key_E): shown.explain_button.toggle,
                (True, Qt.Key.Key_S): lambda: shown.keeper.open(),
                (True, Qt.Key.Key_C): lambda: shown.exports.copy(settings=shift),
            }
        act = acts.get((ctrl, event.key()))
        if act is not None:
            act()
        return act is not None


def _enlarge_first(canvas: QWidget) -> bool:
    """The chosen picture of the first grid on the canvas, or its first picture; False if there is none."""
    from playground.ui.pictures.image_grid import ImageGrid  # numpy, which the window does not wait for

    for grid in canvas.findChildren(ImageGrid):
        if grid.isVisible() and grid.num_shown:
            grid.enlarge(max(grid.selected(), 0))
            return True
    return False


def _scale(factor: float) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.set_scale(app, factor)
