"""Plays a race: one lane per entrant, a record of every frame, and a pointer into the time of the race.

What ``player.py`` is for one run, for several at once.  While samplers run the pointer follows them; behind the head,
play replays what is stored at the pace at which it came, and takes the samplers up again where they stand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from playground.contract import Frame
from playground.tabs.compare.race_record import FAILED, STOPPED, Clock, Ending, Record, Stand, clocked
from playground.ui.playback.stream import REFRESH, Lane

Racer = Callable[[], Iterator[Frame]]  # called on the worker: the run of one model


class RacePlayer(QObject):
    """Several lanes that start together.

    Args:
        lanes: as many as can ever race; a race takes the first ones.
        now: the clock by which work is measured, for tests.
    """

    shown = Signal(object)  # list[int]: the lanes that stand differently now
    changed = Signal()  # length, pointer or state changed
    failed = Signal(int, str)  # lane, one clear sentence
    ended = Signal()  # no lane can bring another frame

    def __init__(
        self,
        lanes: Sequence[Lane],
        parent: QObject | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self.lanes = list(lanes)
        self.record = Record(0)
        self.pace = 1.0  # of a replay, as a multiple of the recorded one
        self.was_paused = False  # the wall clock has counted a pause
        self._now = now
        self._endings: list[Ending] = []
        self._held: set[int] = set()  # paused one by one
        self._at: float | None = None  # race seconds; None follows the head
        self._replay_from = (0.0, 0.0)
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        for i, lane in enumerate(self.lanes):
            lane.frames_arrived.connect(lambda frames, i=i: self._store(i, frames))
            lane.finished.connect(lambda i=i: self._finished(i))
            lane.failed.connect(lambda sentence, i=i: self._broke(i, sentence))
            lane.state_changed.connect(lambda _state, i=i: self._announce([i]))

    # --- what there is

    @property
    def count(self) -> int:
        """How many lanes are in this race."""
        return len(self.record.timelines)

    @property
    def position(self) -> float:
        """The pointer, in seconds of the race."""
        return self.record.duration if self._at is None else self._at

    @property
    def at_head(self) -> bool:
        """Whether the pointer follows what is newest."""
        return self._at is None

    @property
    def is_open(self) -> bool:
        """Whether any lane may still bring frames (paused ones included)."""
        return any(lane.is_open for lane in self.lanes[: self.count])

    @property
    def is_sampling(self) -> bool:
        """Whether any lane is at work or waiting for its turn."""
        return any(lane.state in ("waiting", "running") for lane in self.lanes[: self.count])

    @property
    def is_replaying(self) -> bool:
        """Whether stored frames are being played."""
        return self._timer.isActive()

    @property
    def is_playing(self) -> bool:
        """Whether anything moves."""
        return self.is_sampling or self.is_replaying

    @property
    def is_empty(self) -> bool:
        """Nothing stored."""
        return not self.record.duration

    def stand(self, lane: int) -> Stand:
        """Where a lane stands at the pointer."""
        return self.record.stand(lane, self.position)

    def is_paused(self, lane: int) -> bool:
        """Whether that lane waits for a hand."""
        return self.lanes[lane].state == "paused"

    # --- what can be done

    def start(self, sources: Sequence[Racer | None], limit: float | None = None) -> None:
        """Begin a race; None is a lane that cannot take part.

        Args:
            sources: what each lane plays; already loaded, for the clocks run from the first frame on.
            limit: seconds of its own work that each may have; None lets all come to their end.
        """
        self.clear()
        self.record = Record(len(sources))
        self._endings = [Ending() for _ in sources]
        clock = Clock(self._now)
        for i, source in enumerate(sources):
            if source is not None:
                self._play(i, source, clock, limit)
        self.changed.emit()

    def _play(self, lane: int, source: Racer, clock: Clock, limit: float | None) -> None:
        ending = self._endings[lane]
        self.lanes[lane].play(lambda: clocked(source, clock, ending, limit))

    def clear(self) -> None:
        """Stop, and forget the race."""
        self._timer.stop()
        for lane in self.lanes:
            lane.stop()
        for lane, timeline in zip(self.lanes, self.record.timelines, strict=False):
            lane.let_go(timeline.truncate(-1))
        self.record, self._endings, self._held, self._at = Record(0), [], set(), None
        self.was_paused = False
        self.changed.emit()

    def toggle(self) -> None:
        """Play or pause everything."""
        self.pause() if self.is_playing else self.play()

    def play(self) -> None:
        """Go on: replay up to the head, sample from there; from the start if the race is over."""
        if not self.at_head:
            self._replay(self.position)
        elif self.is_open:
            self._resume()
        elif not self.is_empty:
            self._replay(0.0)

    def pause(self) -> None:
        """Everything stands still; each sampler finishes the frame that it is making."""
        self._timer.stop()
        self._pause_lanes()
        self.changed.emit()

    def toggle_lane(self, lane: int) -> None:
        """Pause or resume one; the others go on."""
        if self.is_paused(lane):
            self._held.discard(lane)
            self._at = None
            self._timer.stop()
            self.lanes[lane].resume()
        else:
            self._held.add(lane)
            self.was_paused = True
            self.lanes[lane].pause()
        self._announce(range(self.count))

    def stop(self) -> None:
        """End the race: what is stored stays."""
        self._timer.stop()
        for i, lane in enumerate(self.lanes[: self.count]):
            if lane.is_open:
                lane.stop()  # its last frames arrive now
                if lane.state == "stopped":
                    self._over(i, Ending(STOPPED))
        self.changed.emit()

    def seek(self, seconds: float) -> None:
        """Show a moment of the race; anywhere behind the head the samplers pause."""
        self._timer.stop()
        self._point(min(max(seconds, 0.0), self.record.duration))
        if not self.at_head:
            self._pause_lanes()

    def step(self, by: int) -> None:
        """To the next (1) or the previous (-1) frame of any lane."""
        record = self.record
        moment = record.moment_after(self.position) if by > 0 else record.moment_before(self.position)
        if moment is not None:
            self.seek(moment)

    # --- the samplers' news

    def _store(self, lane: int, frames: list[Frame]) -> None:
        if lane < self.count:
            for frame in frames:
                self.record.append(lane, frame)
            self._announce([lane])

    def _finished(self, lane: int) -> None:
        if lane < self.count:  # else something that is no race has been played there
            self._over(lane, self._endings[lane])

    def _over(self, lane: int, ending: Ending) -> None:
        self.record.end(lane, ending)
        self._announce(range(self.count))  # a place changes what others are
        if not self.is_open:
            self.ended.emit()

    def _broke(self, lane: int, sentence: str) -> None:
        self.failed.emit(lane, sentence)
        self._over(lane, Ending(FAILED))

    def _announce(self, lanes: Sequence[int]) -> None:
        lanes = [i for i in lanes if i < self.count]
        if self.at_head and lanes:
            self.shown.emit(lanes)
        self.changed.emit()

    def _pause_lanes(self) -> None:
        for lane in self.lanes[: self.count]:
            if lane.is_open:
                self.was_paused = True
                lane.pause()

    def _resume(self) -> None:
        waiting = {i for i in range(self.count) if self.is_paused(i)}
        if waiting <= self._held:  # only lanes that were paused one by one are left: "go on" then means these
            self._held.clear()
        for i in waiting - self._held:
            self.lanes[i].resume()

    # --- the pointer and the replay

    def _point(self, seconds: float) -> None:
        before = [self.record.stand(i, self.position) for i in range(self.count)]
        self._at = None if seconds >= self.record.duration else seconds
        now = [self.stand(i) for i in range(self.count)]
        differing = [i for i in range(self.count) if before[i] != now[i]]
        if differing:
            self.shown.emit(differing)
        self.changed.emit()

    def _replay(self, seconds: float) -> None:
        self._replay_from = (time.perf_counter(), seconds)
        self._timer.start(round(1000 * REFRESH))
        self._point(seconds)

    def set_pace(self, pace: float) -> None:
        """How fast a replay goes, as a multiple of the recorded pace."""
        self._replay_from = (time.perf_counter(), self.position)
        self.pace = pace

    def _tick(self) -> None:
        began, first = self._replay_from
        self._point(first + (time.perf_counter() - began) * self.pace)
        if self.at_head:
            self._timer.stop()
            if self.is_open:
                self._resume()
            self.changed.emit()
