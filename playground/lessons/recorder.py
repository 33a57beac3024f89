"""A lesson played to its end by itself: every scene waited for, and handed over while it is on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from playground.lessons.lesson import Lesson
from playground.lessons.player import TURN, LessonPlayer, until_calm

LONGEST = 300.0  # seconds for a scene, after which it is taken as it stands
PAGE = 1.0  # seconds for a page at least: what it reads begins a moment after it is shown


class Recorder(QObject):
    """Plays a lesson and calls ``take(number)``, from 0, for every scene when it has come to rest.

    ``finished`` carries a sentence: what was wrong with a scene, or "" if all were shown.
    """

    finished = Signal(str)

    def __init__(
        self,
        player: LessonPlayer,
        lesson: Lesson,
        take: Callable[[int], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._player, self._lesson, self._take = player, lesson, take
        self._script = self._play()
        self._turns = QTimer(self, interval=TURN)
        self._turns.timeout.connect(self._take_turn)
        self._turns.start()

    def _take_turn(self) -> None:
        try:
            next(self._script)
        except StopIteration as end:
            self._turns.stop()
            self.finished.emit(end.value)

    def _play(self) -> Generator[None, None, str]:
        """The whole lesson, a turn at a time; returns what was wrong."""
        for number in range(len(self._lesson.scenes)):
            if self._player.lesson not in (self._lesson, None) or (number and self._player.lesson is None):
                return f"{self._lesson.title} was closed before its end."
            if number:
                self._player.go_to(number)
            else:
                self._player.open(self._lesson)
            began = time.monotonic()
            for _ in self._scene():
                if time.monotonic() - began > LONGEST:
                    break
                yield
            wrong = self._player.opener.complaint
            if wrong:
                return f"{self._lesson.name or self._lesson.title}, scene {number + 1}: {wrong}"
            self._take(number)
            yield
        return ""

    def _scene(self) -> Iterator[None]:
        while self._player.is_busy:
            yield
        tab = self._player.opener.current
        if tab is not None:
            yield from until_calm(tab)
            return
        began = time.monotonic()
        page = self._player.opener.window.page
        while time.monotonic() - began < PAGE or not (page is None or page.scene.is_settled):
            yield
