"""Samples that are drawn live, one subject after the other on one lane: the Guide's pictures are never canned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from playground.contract import Frame, make_request
from playground.tabs.frame import model_cache as model_cache
from playground.tabs.frame.model_cache import ModelCache
from playground.ui.playback.stream import FrameSource, Lane

PAUSE, REST = 0.6, 5.0  # seconds between two subjects, and between two rounds


@dataclass(frozen=True)
class Subject:
    """Something to draw: ``count`` pictures by a model, the steps of the run spread over ``seconds``."""

    key: str
    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 3.0
    count: int = 8


class Rounds(QObject):
    """Draws all subjects, then goes back the way it came with other samples, and so on while it is awake.

    Going back and forth, not round and round, meets the models again that the cache still holds: of one more than it can hold,
    only one has to be loaded again each way.
    """

    arrived = Signal(str, object)  # the key of a subject, and its newest Frame
    failed = Signal(str, str)  # key, one sentence

    def __init__(self, lane: Lane, model_cache: ModelCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane, self._model_cache = lane, model_cache
        self._subjects: list[Subject] = []
        self._at, self._round = 0, 0
        self._paced = False
        self.awake = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._play)
        lane.frames_arrived.connect(self._arrive)
        lane.finished.connect(self._next)
        lane.failed.connect(self._fail)

    def set_subjects(self, subjects: Sequence[Subject]) -> None:
        """Draw these from now on."""
        self._timer.stop()
        self.lane.stop()
        self._subjects, self._at, self._round = list(subjects), 0, 0
        if self.awake:
            self._play()

    @property
    def subject(self) -> Subject | None:
        """Whose turn it is."""
        if not self._subjects:
            return None
        back = self._round % 2 == 1
        return self._subjects[len(self._subjects) - 1 - self._at if back else self._at]

    def wake(self) -> None:
        """Go on, or begin."""
        if self.awake:
            return
        self.awake = True
        if self.lane.state == "paused":
            self.lane.resume()
        elif not self.lane.is_open:
            self._play()

    def rest(self) -> None:
        """Nobody looks: no more work than the frame that is being made."""
        self.awake = False
        self._timer.stop()
        self.lane.pause()

    def _play(self) -> None:
        subject = self.subject
        if subject is None or not self.awake:
            return
        self._paced = False
        self.lane.set_pace(None)
        self.lane.play(self._source(subject, self._round))

    def _source(self, subject: Subject, turn: int) -> FrameSource:
        store = self._model_cache

        def play() -> Iterator[Frame]:
            model = store.get(subject.model)
            request = make_request(model.Request, {**subject.settings, "num_samples": subject.count})
            request = dataclasses.replace(request, first_index=turn * subject.count)
            return model_cache.with_threads(model, model.sample(request))

        return play

    def _arrive(self, frames: list[Frame]) -> None:
        subject, frame = self.subject, frames[-1]
        if subject is None:
            return
        if not self._paced and frame.total > 1:
            self._paced = True
            self.lane.set_pace(frame.total / subject.seconds)
        self.arrived.emit(subject.key, frame)

    def _fail(self, sentence: str) -> None:
        subject = self.subject
        if subject is not None:
            self.failed.emit(subject.key, sentence)
        self._next()

    def _next(self) -> None:
        self._at += 1
        wait = PAUSE
        if self._at >= len(self._subjects):
            self._at, self._round, wait = 0, self._round + 1, REST
        if self.awake:
            self._timer.start(round(wait * 1000))
