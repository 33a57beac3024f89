"""Playing a lesson: which scene is on, going on and back, stepping off the path and back on, and what happens by itself.

A scene is put on the screen as an exported picture is opened; its actions then run as a script that is
asked for its next turn thirty times a second, so that nothing waits and the user can take over at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from playground.contract import settings_of
from playground.lessons.lesson import Action, Lesson, LessonScene
from playground.lessons.opener import StateOpener
from playground.tabs.frame.family_tab import FamilyTab

TURN = 33  # ms
_CALM = 3  # turns in which nothing may be on its way


class LessonPlayer(QObject):
    """One lesson at a time; ``changed`` tells of every new scene, and of the path being left or taken again."""

    changed = Signal()

    def __init__(self, opener: StateOpener, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.opener = opener
        self.lesson: Lesson | None = None
        self.index = 0
        self.is_on_path = False
        self._script: Iterator[None] = iter(())
        self._turns = QTimer(self, interval=TURN)
        self._turns.timeout.connect(self._take_turn)

    @property
    def scene(self) -> LessonScene | None:
        """The scene that is on, or that one comes back to."""
        return self.lesson.scenes[self.index] if self.lesson is not None else None

    @property
    def is_busy(self) -> bool:
        """Whether the scene is still opening, or its actions are not over."""
        return self._turns.isActive()

    def open(self, lesson: Lesson, at: int = 0) -> None:
        """Begin a lesson."""
        self.lesson = lesson
        self.go_to(at)

    def close(self) -> None:
        """No lesson any more; what is on the screen stays."""
        self._turns.stop()
        self.lesson, self.index, self.is_on_path = None, 0, False
        self.opener.release()
        self.changed.emit()

    def replace(self, lesson: Lesson, at: int) -> None:
        """The lesson has been edited: scene ``at`` is the one that is on the screen already."""
        self._turns.stop()
        self.lesson, self.index, self.is_on_path = lesson, min(max(at, 0), len(lesson.scenes) - 1), True
        self.changed.emit()

    def go_to(self, index: int) -> None:
        """Show a scene; beyond the ends, the first or the last."""
        if self.lesson is None:
            return
        self.index = min(max(index, 0), len(self.lesson.scenes) - 1)
        self.is_on_path = True
        scene = self.lesson.scenes[self.index]
        self.opener.show_state(scene.shows)
        self.opener.take_keys()
        self._script = self._play(scene)
        self._turns.start()
        self.changed.emit()

    def next(self) -> None:
        """The scene after this one; the last one stays."""
        if self.lesson is not None and self.index + 1 < len(self.lesson.scenes):
            self.go_to(self.index + 1)

    def previous(self) -> None:
        """The scene before this one; the first one stays."""
        if self.index > 0:
            self.go_to(self.index - 1)

    def step_off(self) -> None:
        """Leave the path to show something else; the scene is kept."""
        self._turns.stop()
        self.is_on_path = False
        self.opener.release()
        self.changed.emit()

    def toggle_path(self) -> None:
        """Off the path, or back to the scene as it was."""
        self.step_off() if self.is_on_path else self.go_to(self.index)

    def goes_on_with_space(self) -> bool:
        """Whether there is nothing on the screen that Space would play or pause."""
        tab = self.opener.current
        if not self.is_on_path or self.is_busy:
            return False
        if tab is None or tab.view is None:
            return True
        return len(tab.view.player.timeline) <= 1 and not tab.view.player.is_sampling

    # --- what happens by itself

    def _take_turn(self) -> None:
        try:
            next(self._script)
        except StopIteration:
            self._turns.stop()

    def _play(self, scene: LessonScene) -> Iterator[None]:
        """The scene as a script, a turn at a time: it opens, then its actions come one after another."""
        while self.opener.is_opening:
            yield
        self.opener.take_keys()
        for action in scene.actions:
            tab = self.opener.current
            if tab is not None and tab.view is not None:
                yield from self._act(tab, action)

    def _act(self, tab: FamilyTab, action: Action) -> Iterator[None]:
        assert tab.view is not None
        if action.kind == "drag":
            yield from _drag(tab, action)
        elif action.kind == "wait":
            yield from until_calm(tab)
        else:
            while not len(tab.view.player.timeline):
                yield
            tab.view.player.go_first()
            tab.view.player.play()


def until_calm(tab: FamilyTab) -> Iterator[None]:
    """Turns until nothing moves and nothing is on its way; a loop, which never ends, has been through once."""
    calm = 0
    while calm < _CALM:
        calm = calm + 1 if _is_calm(tab) else 0
        yield


def _is_calm(tab: FamilyTab) -> bool:
    view = tab.view
    if view is None:
        return False
    loops = view.player.loop and view.player.is_replaying and not view.player.is_sampling
    return loops or (view.is_settled and not view.player.is_playing)


def _drag(tab: FamilyTab, action: Action) -> Iterator[None]:
    """The knob moves as if under a slow finger; one that is not there is said in the banner."""
    assert tab.view is not None
    request = tab.view.request  # also has the knobs that the view turns by other means
    found = settings_of(request).get(action.knob) if request is not None else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        tab.banner.show_error(f"This view has no knob called {action.knob!r} that could be dragged.")
        return
    began, whole = time.perf_counter(), isinstance(found, int)
    share = 0.0
    while share < 1.0:
        share = min((time.perf_counter() - began) / action.seconds, 1.0)
        value = found + (action.to - found) * share
        try:
            tab.knobs.set_settings({action.knob: round(value) if whole else round(value, 4)})
        except ValueError as error:
            tab.banner.show_error(str(error))
            return
        yield
