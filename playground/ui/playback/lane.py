"""A lane: one view's place to play a generator.  Its newest request wins, the older one stops at its next frame.

Everything public is called on the GUI thread and every signal arrives there; only sources run on the worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from playground.contract import Frame
from playground.ui.playback.runs import FrameSource, Leftovers, Run

FINGER = 0.4  # seconds for which a touched lane goes first
OUTBOX_BYTES = 64 * 2**20  # frames that the window has not fetched yet; a lane this far ahead waits for it


class Worker(Protocol):
    """What a lane needs of the stream that it belongs to."""

    autostart: bool
    lock: threading.Condition  # guards the lanes and their runs
    level: float  # the virtual time of the lane that has had least

    @property
    def owner(self) -> QObject:
        """The parent of its lanes."""

    def start(self) -> None:
        """Start the worker if it is not running."""

    def discard(self, leftovers: Run | Leftovers | None) -> None:
        """With the lock held: the worker is to close and free this."""

    def forget(self, lane: Lane) -> None:
        """With the lock held: the lane is played no more."""

    def hurry(self) -> None:
        """What comes next should be painted at once."""


class Lane(QObject):
    """One view's place to play a generator.  Made by :meth:`Stream.lane`.

    ``state`` is one of: idle, waiting (for the worker, or for the model to load), running, paused, finished,
    failed, stopped.  No signal ever speaks of a request after play() has put another in its place.
    """

    frames_arrived = Signal(object)  # list[Frame] or list[Message], in order
    started = Signal()  # the source was called: the model is there
    finished = Signal()
    failed = Signal(str)  # one clear sentence
    state_changed = Signal(str)

    def __init__(self, stream: Worker, name: str, closed: bool = False) -> None:
        super().__init__(stream.owner)
        self.setObjectName(name)
        self._stream = stream
        self.run: Run | None = None  # the newest request
        self._state = "idle"
        self._held: tuple[FrameSource, bool] | None = (
            None  # a patient request that waits for the first frame of this one
        )
        self._begun = False  # the window has heard that the newest request started
        self._closed = closed
        self._interval = 0.0  # seconds from frame to frame, 0: as fast as it goes
        self._due = 0.0  # when the next frame may be made
        self.clock = 0.0  # virtual time: what this lane has had of the worker
        self.served = 0  # the turn in which it last had the worker
        self.touched_until = 0.0
        # whether its frames are made in another process: painting them takes nothing from that, so it is done at every refresh
        self.works_elsewhere = False

    @property
    def name(self) -> str:
        """What this lane is called, for people who debug."""
        return self.objectName()

    @property
    def state(self) -> str:
        """idle, waiting, running, paused, finished, failed or stopped."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether the newest request may still bring frames (paused ones included)."""
        return self._state in ("waiting", "running", "paused")

    @property
    def is_holding(self) -> bool:
        """Whether a patient request waits for the first frame of this one."""
        return self._held is not None

    @property
    def worker_seconds(self) -> float:
        """Time spent inside the current generator: its own work only, without loading and waiting."""
        return self.run.seconds if self.run else 0.0

    @property
    def frames_made(self) -> int:
        """How many frames ``worker_seconds`` went into."""
        return self.run.count if self.run else 0

    @property
    def steps_owed(self) -> int:
        """Steps asked for and not begun."""
        return self.run.steps if self.run else 0

    def play(self, source: FrameSource, *, paused: bool = False, patient: bool = False) -> None:
        """Begin a new request; the older one stops at its next frame.

        Args:
            source: what to play.
            paused: waits for step() or resume().
            patient: if the older one is making its first frame, that one is still shown, and only the newest of the
                patient requests follows it.  Without this a slider that moves faster than a picture is made would
                show nothing until it rests.
        """
        if self._closed:
            return
        with self._changing():
            if patient and self._is_making_first_frame():
                self._held = source, paused
                return
            self._held = None
            self._stream.discard(self.run)
            self.run = Run(source, paused)
            self._due = 0.0
        self._begun = False
        if self._stream.autostart:
            self._stream.start()
        self._set_state("paused" if paused else "waiting")

    def pause(self) -> None:
        """Stop after the frame that is being made; the generator waits.  Steps still owed are forgotten."""
        if not self.is_open:
            return
        self._begin_held(paused=True)
        with self._changing() as run:
            run.paused, run.steps = True, 0
        self._set_state("paused")

    def resume(self) -> None:
        """Go on after pause()."""
        if self._state != "paused":
            return
        with self._changing() as run:
            run.paused, run.steps, self._due = False, 0, 0.0
        self._set_state("running" if self._begun else "waiting")

    def step(self) -> None:
        """Pause if need be, then make exactly one more frame."""
        if not self.is_open:
            return
        self._begin_held(paused=True)
        with self._changing() as run:
            run.paused, run.steps = True, run.steps + 1
        self._set_state("paused")

    def stop(self) -> None:
        """End the request: the frames made so far arrive at once, the one being made never does."""
        if not self.is_open:
            return
        self._held = None
        with self._changing() as run:
            if not run.over:  # else it has just ended by itself, and that is the news
                self._stream.discard(run)
        self.deliver()
        if self.run is run and self.is_open:
            self._set_state("stopped")

    def touch(self) -> None:
        """The user's finger is here: this lane goes first for the next moments, and that time is not charged."""
        self.touched_until = time.perf_counter() + FINGER
        self._stream.hurry()

    def set_pace(self, frames_per_second: float | None) -> None:
        """Make at most so many frames a second (None: as fast as it goes) without holding up the other lanes."""
        if frames_per_second is not None and not frames_per_second > 0:
            raise ValueError(f"A pace is a number of frames per second above 0, not {frames_per_second}.")
        with self._changing():
            self._interval = 1 / frames_per_second if frames_per_second else 0.0
            self._due = 0.0

    def let_go(self, frames: list[Frame]) -> None:
        """Free these on the worker: at once, on this thread, it would be a gap in the event loop."""
        with self._stream.lock:
            self._stream.discard(Leftovers(frames))
            self._stream.lock.notify()

    def close(self) -> None:
        """Take the lane off the stream; it is silent from now on, and calls to it do nothing."""
        if self._closed:
            return
        with self._changing():
            self.leave()
        self.setParent(None)

    def _begin_held(self, paused: bool = False) -> bool:
        if self._held is None:
            return False
        source, wanted_paused = self._held
        self.play(source, paused=paused or wanted_paused)
        return True

    # --- the rest runs with the stream's lock held, but for deliver and _set_state; public names are the stream's to use

    @contextmanager
    def _changing(self) -> Iterator[Run]:
        """Change what this lane wants; one that comes back to work starts level with those at work."""
        with self._stream.lock:
            idle = not self._wants_work()
            yield self.run  # type: ignore[misc]
            if idle and self._wants_work():
                self.clock = self._stream.level
            self._stream.lock.notify()

    def leave(self) -> None:
        """Ask for nothing more, and let go of everything."""
        self._stream.discard(self.run)
        self.run, self._held, self._closed, self._state = None, None, True, "stopped"
        self._stream.forget(self)

    def _is_making_first_frame(self) -> bool:
        run = self.run
        if run is None or run.shown or run.paused:
            return False
        return bool(run.frames) or (run.begun and not run.over)

    def _wants_work(self) -> bool:
        run = self.run
        if run is None or run.over or (self._held is not None and run.count > 0):
            return False
        return not run.paused or run.steps > 0

    def delay(self, now: float) -> float | None:
        """Seconds until this lane can use the worker, None if something must happen first."""
        run = self.run
        if run is None or not self._wants_work() or run.nbytes > OUTBOX_BYTES:
            return None
        return 0.0 if run.paused else max(0.0, self._due - now)

    def take_turn(self, now: float, turn: int) -> Run:
        """This lane has the worker: note it, and say for which run."""
        run = self.run
        assert run is not None, "it wants work"
        self.served, run.begun = turn, True
        if run.paused:
            run.steps -= 1
        elif self._interval:
            late = now - self._due > self._interval
            self._due = (now if late else self._due) + self._interval
        return run

    def deliver(self) -> bool:
        """On the GUI thread: pass on the news, unless a slot begins a new request on the way; were there frames?"""
        with self._stream.lock:
            run = self.run
            if run is None:
                return False
            started, frames, ending = run.take_news()
            self._stream.lock.notify()  # there is room in the outbox again
        if started:
            self._begun = True
            if self._state == "waiting":
                self._set_state("running")
            if self.run is run:
                self.started.emit()
        if frames and self.run is run:
            run.shown = True
            self.frames_arrived.emit(frames)
        if (frames or ending) and self.run is run and self._begin_held():
            return bool(frames)
        if ending and self.run is run and self.is_open:
            kind, sentence = ending
            self._set_state(kind)
            if self.run is run:
                self.finished.emit() if kind == "finished" else self.failed.emit(sentence)
        return bool(frames)

    def _set_state(self, state: str) -> None:
        if state != self._state and not self._closed:
            self._state = state
            self.state_changed.emit(state)
