"""One worker thread plays many generators, and the screen hears of it at most once per refresh.

A lane is one view's place to play a generator: its newest request wins and the older one stops at its next frame.
Lanes share the worker by time (start-time fair queuing: Goyal, Vin and Cheng 1996), the lane under the user's finger
first.  Everything public is called on the GUI thread and every signal arrives there; only sources run on the worker.
"""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from playground.contract import Frame, Message
from playground.ui.playback.pace import REFRESH, Pace

__all__ = ["REFRESH", "FrameSource", "Lane", "News", "Stream"]

News = (
    Frame | Message
)  # what a lane may bring: moments of a generation, or anything else that is worth telling
FrameSource = Callable[[], Iterator[News]]  # called on the worker: a sampler that may load its model first

FINGER = 0.4  # seconds for which a touched lane goes first
OUTBOX_BYTES = 64 * 2**20  # frames that the window has not fetched yet; a lane this far ahead waits for it

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Run:
    """One request on its way: how far the worker is, and the news that the window has not heard yet."""

    source: FrameSource | None
    paused: bool
    steps: int = 0  # frames still owed while paused
    generator: Iterator[News] | None = None  # belongs to the worker
    begun: bool = False  # has had a turn on the worker
    shown: bool = False  # its first frames have been delivered
    over: bool = False  # takes no more frames: ended, stopped or superseded
    seconds: float = 0.0
    count: int = 0
    started: bool = False
    frames: list[News] = field(default_factory=list)
    nbytes: int = 0
    ending: tuple[str, str] | None = None  # ("finished", "") or ("failed", the sentence)

    def take_news(self) -> tuple[bool, list[News], tuple[str, str] | None]:
        """What is new since the last time, in the order in which it happened."""
        news = self.started, self.frames, self.ending
        self.started, self.frames, self.nbytes, self.ending = False, [], 0, None
        return news

    def clean_up(self) -> None:
        """On the worker: run the generator's ``finally`` and let go of what it held."""
        close = getattr(self.generator, "close", None)
        self.source = self.generator = None
        try:
            if close is not None:
                close()
        except BaseException:
            logger.warning("A sampler failed while it was cleaning up.", exc_info=True)


@dataclass(eq=False)
class _Rubbish:
    """Frames that nobody looks at any more: tens of megabytes, which the worker frees piece by piece."""

    frames: list[Frame]

    def clean_up(self) -> None:
        while self.frames:
            self.frames.pop()


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

    def __init__(self, stream: Stream, name: str) -> None:
        super().__init__(stream)
        self.setObjectName(name)
        self._stream = stream
        self._run: _Run | None = None  # the newest request
        self._state = "idle"
        self._held: tuple[FrameSource, bool] | None = (
            None  # a patient request that waits for the first frame of this one
        )
        self._begun = False  # the window has heard that the newest request started
        self._closed = False
        self._interval = 0.0  # seconds from frame to frame, 0: as fast as it goes
        self._due = 0.0  # when the next frame may be made
        self._clock = 0.0  # virtual time: what this lane has had of the worker
        self._served = 0  # the turn in which it last had the worker
        self._touched_until = 0.0

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
    def worker_seconds(self) -> float:
        """Time spent inside the current generator: its own work only, without loading and waiting."""
        return self._run.seconds if self._run else 0.0

    @property
    def frames_made(self) -> int:
        """How many frames ``worker_seconds`` went into."""
        return self._run.count if self._run else 0

    @property
    def steps_owed(self) -> int:
        """Steps asked for and not begun."""
        return self._run.steps if self._run else 0

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
            self._stream._discard(self._run)
            self._run = _Run(source, paused)
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
                self._stream._discard(run)
        self._deliver()
        if self._run is run and self.is_open:
            self._set_state("stopped")

    def touch(self) -> None:
        """The user's finger is here: this lane goes first for the next moments, and that time is not charged."""
        self._touched_until = time.perf_counter() + FINGER
        self._stream._hurry()

    def set_pace(self, frames_per_second: float | None) -> None:
        """Make at most so many frames a second (None: as fast as it goes) without holding up the other lanes."""
        if frames_per_second is not None and not frames_per_second > 0:
            raise ValueError(f"A pace is a number of frames per second above 0, not {frames_per_second}.")
        with self._changing():
            self._interval = 1 / frames_per_second if frames_per_second else 0.0
            self._due = 0.0

    def let_go(self, frames: list[Frame]) -> None:
        """Free these on the worker: at once, on this thread, it would be a gap in the event loop."""
        with self._stream._lock:
            self._stream._discarded.append(_Rubbish(frames))
            self._stream._lock.notify()

    def close(self) -> None:
        """Take the lane off the stream; it is silent from now on, and calls to it do nothing."""
        if self._closed:
            return
        with self._changing():
            self._leave()
        self.setParent(None)

    def _begin_held(self, paused: bool = False) -> bool:
        if self._held is None:
            return False
        source, wanted_paused = self._held
        self.play(source, paused=paused or wanted_paused)
        return True

    # --- the rest runs with the stream's lock held, but for _deliver and _set_state

    @contextmanager
    def _changing(self) -> Iterator[_Run]:
        """Change what this lane wants; one that comes back to work starts level with those at work."""
        with self._stream._lock:
            idle = not self._wants_work()
            yield self._run  # type: ignore[misc]
            if idle and self._wants_work():
                self._clock = self._stream._level
            self._stream._lock.notify()

    def _leave(self) -> None:
        self._stream._discard(self._run)
        self._run, self._held, self._closed, self._state = None, None, True, "stopped"
        if self in self._stream._lanes:
            self._stream._lanes.remove(self)

    def _is_making_first_frame(self) -> bool:
        run = self._run
        if run is None or run.shown or run.paused:
            return False
        return bool(run.frames) or (run.begun and not run.over)

    def _wants_work(self) -> bool:
        run = self._run
        if run is None or run.over or (self._held is not None and run.count > 0):
            return False
        return not run.paused or run.steps > 0

    def _delay(self, now: float) -> float | None:
        """Seconds until this lane can use the worker, None if something must happen first."""
        run = self._run
        if run is None or not self._wants_work() or run.nbytes > OUTBOX_BYTES:
            return None
        return 0.0 if run.paused else max(0.0, self._due - now)

    def _take_turn(self, now: float, turn: int) -> _Run:
        run = self._run
        assert run is not None, "it wants work"
        self._served, run.begun = turn, True
        if run.paused:
            run.steps -= 1
        elif self._interval:
            late = now - self._due > self._interval
            self._due = (now if late else self._due) + self._interval
        return run

    def _deliver(self) -> bool:
        """On the GUI thread: pass on the news, unless a slot begins a new request on the way; were there frames?"""
        with self._stream._lock:
            run = self._run
            if run is None:
                return False
            started, frames, ending = run.take_news()
            self._stream._lock.notify()  # there is room in the outbox again
        if started:
            self._begun = True
            if self._state == "waiting":
                self._set_state("running")
            if self._run is run:
                self.started.emit()
        if frames and self._run is run:
            run.shown = True
            self.frames_arrived.emit(frames)
        if (frames or ending) and self._run is run and self._begin_held():
            return bool(frames)
        if ending and self._run is run and self.is_open:
            kind, sentence = ending
            self._set_state(kind)
            if self._run is run:
                self.finished.emit() if kind == "finished" else self.failed.emit(sentence)
        return bool(frames)

    def _set_state(self, state: str) -> None:
        if state != self._state and not self._closed:
            self._state = state
            self.state_changed.emit(state)


class Stream(QObject):
    """The worker thread and its lanes.

    Args:
        explain: turns an exception into one clear sentence for the user.
        setup: runs first on the worker (importing torch, setting thread counts); tried again by the next request if
            it raises, and that request fails with its sentence.
        autostart: the first request starts the worker; else :meth:`start` does (once the window has been painted).
    """

    _bell = Signal()  # worker -> GUI thread: there is news; at most one is pending

    def __init__(
        self,
        explain: Callable[[BaseException], str] | None = None,
        setup: Callable[[], None] | None = None,
        parent: QObject | None = None,
        autostart: bool = True,
    ) -> None:
        super().__init__(parent)
        self.autostart = autostart
        self._explain = explain or _plain_sentence
        self._setup = setup
        self._lock = threading.Condition()  # guards the lanes, their runs and everything below
        self._lanes: list[Lane] = []
        self._discarded: deque[_Run | _Rubbish] = deque()  # what the worker has to close and free
        self._level = 0.0  # the virtual time of the lane that has had least
        self._turn = 0
        self._rung = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._bell.connect(self._answer_bell, Qt.ConnectionType.QueuedConnection)
        self._refresh = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._refresh.timeout.connect(self._drain)
        self.pace = Pace()

    def lane(self, name: str) -> Lane:
        """A new place to play."""
        lane = Lane(self, name)
        with self._lock:
            lane._closed = self._closing
            self._lanes.append(lane)
        return lane

    def start(self) -> None:
        """Start the worker, and ``setup`` with it, before the first request does."""
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._work, name="stream", daemon=True)
            self._thread.start()
            atexit.register(self._shut)  # for a window that forgets to close us

    def close(self, timeout: float = 1.5) -> bool:
        """Stop everything, clean up on the worker and wait for it.

        Returns:
            True if the thread ended in time; False if a step is still running (a program that wants to leave
            nonetheless does so with ``os._exit``).
        """
        self._refresh.stop()
        return self._shut(timeout)

    def _shut(self, timeout: float = 1.5) -> bool:
        with self._lock:
            self._closing = True
            for lane in list(self._lanes):
                lane._leave()
            self._lock.notify()
        atexit.unregister(self._shut)
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _discard(self, run: _Run | None) -> None:
        if run is not None:
            run.over = True
            self._discarded.append(run)

    # --- the worker

    def _work(self) -> None:
        try:
            self._prepare()
        except BaseException:
            logger.debug("The worker's setup failed; the first request will say so.", exc_info=True)
        while (turn := self._next_turn()) is not None:
            self._take(*turn)
            turn = None  # hold no frame or model while waiting
        self._sweep()

    def _prepare(self) -> None:
        if self._setup is not None:
            self._setup()
            self._setup = None

    def _next_turn(self) -> tuple[Lane, _Run] | None:
        """Sleep until a lane can use the worker; None when the stream closes."""
        while True:
            self._sweep()
            with self._lock:
                if self._discarded:
                    continue
                if self._closing:
                    return None
                now = time.perf_counter()
                lane, delay = self._choose(now)
                if lane is not None:
                    self._turn += 1
                    return lane, lane._take_turn(now, self._turn)
                self._lock.wait(delay)

    def _choose(self, now: float) -> tuple[Lane | None, float | None]:
        """The lane whose turn it is, or how long until there may be one."""
        delays = [(lane, delay) for lane in self._lanes if (delay := lane._delay(now)) is not None]
        ready = [lane for lane, delay in delays if delay == 0]
        if not ready:
            return None, min((delay for _, delay in delays), default=None)
        for lane in ready:  # time that a lane did not want is not saved up
            lane._clock = max(lane._clock, self._level)
        self._level = min(lane._clock for lane in ready)
        return min(ready, key=lambda lane: (lane._touched_until <= now, lane._clock, lane._served)), None

    def _take(self, lane: Lane, run: _Run) -> None:
        """Make one frame of one run, and whatever happens note what came of it."""
        frame, size, ending, began = None, 0, None, 0.0
        try:
            if run.generator is None:
                self._load(run)
            if run.over:
                return
            began = time.perf_counter()
            frame = next(run.generator)  # type: ignore[arg-type]  # loaded by now
            size = frame.nbytes + frame.state_nbytes
        except StopIteration:
            ending = "finished", ""
        except BaseException as error:  # also RuntimeError, MemoryError, SystemExit: the worker lives on
            frame, ending = None, ("failed", self._sentence(error))
        self._note(lane, run, frame, size, ending, time.perf_counter() - began if began else 0.0)

    def _load(self, run: _Run) -> None:
        self._prepare()
        try:
            run.generator = iter(run.source())  # type: ignore[misc]  # there until it is called
        except StopIteration as error:
            raise RuntimeError("the source stopped before its first frame") from error
        run.source = None
        with self._lock:
            run.started = True
            ring = not run.over and self._news()
        if ring:
            self._ring()

    def _note(
        self,
        lane: Lane,
        run: _Run,
        frame: News | None,
        size: int,
        ending: tuple[str, str] | None,
        seconds: float,
    ) -> None:
        with self._lock:
            if lane._touched_until <= time.perf_counter():
                lane._clock += seconds
            run.seconds += seconds
            if run.over:  # superseded or stopped meanwhile: nobody wants this any more
                return
            if frame is not None:
                run.count += 1
                run.frames.append(frame)
                run.nbytes += size
            if ending is not None:
                run.ending, run.over = ending, True
            ring = self._news()
        if ending is not None:
            run.clean_up()
        if ring:
            self._ring()

    def _news(self) -> bool:
        """With the lock held: True if the bell has to be rung for it."""
        ring, self._rung = not self._rung, True
        return ring

    def _ring(self) -> None:
        try:
            self._bell.emit()
        except RuntimeError:  # the window is gone, and this object's Qt half with it
            self._closing = True

    def _sweep(self) -> None:
        while self._discarded:
            self._discarded.popleft().clean_up()

    def _sentence(self, error: BaseException) -> str:
        logger.debug("A sampler failed.", exc_info=error)
        try:
            return str(self._explain(error))
        except Exception:
            return _plain_sentence(error)

    # --- the GUI thread

    def _answer_bell(self) -> None:
        wait = self.pace.wait
        if wait > 0 and self._has_frames():
            self._refresh.start(math.ceil(wait * 1000))
        else:
            self._drain()

    def _has_frames(self) -> bool:
        """Whether there is anything to paint; that a run began or ended need not wait for a refresh."""
        with self._lock:
            return any(lane._run is not None and lane._run.frames for lane in self._lanes)

    def _hurry(self) -> None:
        self.pace.hurry()
        if self._refresh.isActive():
            self._refresh.start(max(0, math.ceil(self.pace.wait * 1000)))

    def _drain(self) -> None:
        """Deliver everything new; slow slots and slow paints are called for less often (``pace.py``)."""
        self.pace.begin()
        with self._lock:
            self._rung = False
            lanes = list(self._lanes)
        delivered = [lane._deliver() for lane in lanes]
        if not any(delivered):  # nothing to paint, so the next picture need not wait for another refresh
            return
        now = time.perf_counter()
        self.pace.end(hurried=any(lane._touched_until > now for lane in lanes))


def _plain_sentence(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or ["no reason was given"])[0]
    return f"This could not be generated ({type(error).__name__}): {first}"
