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
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from playground.ui.playback.lane import Lane
from playground.ui.playback.pace import REFRESH, Pace
from playground.ui.playback.runs import FrameSource, Leftovers, News, Run

__all__ = ["REFRESH", "FrameSource", "Lane", "News", "Stream"]

logger = logging.getLogger(__name__)


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
        self.lock = threading.Condition()  # guards the lanes, their runs and everything below
        self._lanes: list[Lane] = []
        self._discarded: deque[Run | Leftovers] = deque()  # what the worker has to close and free
        self.level = 0.0  # the virtual time of the lane that has had least
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
        with self.lock:
            lane = Lane(self, name, closed=self._closing)
            self._lanes.append(lane)
        return lane

    @property
    def owner(self) -> QObject:
        """The parent of its lanes."""
        return self

    @property
    def has_started(self) -> bool:
        """Whether there is a worker."""
        return self._thread is not None

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
        with self.lock:
            self._closing = True
            for lane in list(self._lanes):
                lane.leave()
            self.lock.notify()
        atexit.unregister(self._shut)
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def discard(self, leftovers: Run | Leftovers | None) -> None:
        """With the lock held: the worker is to close and free this."""
        if isinstance(leftovers, Run):
            leftovers.over = True
        if leftovers is not None:
            self._discarded.append(leftovers)

    def forget(self, lane: Lane) -> None:
        """With the lock held: the lane is played no more."""
        if lane in self._lanes:
            self._lanes.remove(lane)

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

    def _next_turn(self) -> tuple[Lane, Run] | None:
        """Sleep until a lane can use the worker; None when the stream closes."""
        while True:
            self._sweep()
            with self.lock:
                if self._discarded:
                    continue
                if self._closing:
                    return None
                now = time.perf_counter()
                lane, delay = self._choose(now)
                if lane is not None:
                    self._turn += 1
                    return lane, lane.take_turn(now, self._turn)
                self.lock.wait(delay)

    def _choose(self, now: float) -> tuple[Lane | None, float | None]:
        """The lane whose turn it is, or how long until there may be one."""
        delays = [(lane, delay) for lane in self._lanes if (delay := lane.delay(now)) is not None]
        ready = [lane for lane, delay in delays if delay == 0]
        if not ready:
            return None, min((delay for _, delay in delays), default=None)
        for lane in ready:  # time that a lane did not want is not saved up
            lane.clock = max(lane.clock, self.level)
        self.level = min(lane.clock for lane in ready)
        return min(ready, key=lambda lane: (lane.touched_until <= now, lane.clock, lane.served)), None

    def _take(self, lane: Lane, run: Run) -> None:
        """Make one frame of one run, and whatever happens note what came of it."""
        frames: list[News] = []
        nbytes, ending, began = 0, None, 0.0
        try:
            if run.generator is None:
                self._load(run)
            if run.over:
                return
            began = time.perf_counter()
            made = next(run.generator)  # type: ignore[arg-type]  # loaded by now
            frames = made if isinstance(made, list) else [made]
            nbytes = sum(frame.nbytes + frame.state_nbytes for frame in frames)
        except StopIteration:
            ending = "finished", ""
        except BaseException as error:  # also RuntimeError, MemoryError, SystemExit: the worker lives on
            frames, ending = [], ("failed", self._sentence(error))
        self._note(lane, run, frames, nbytes, ending, time.perf_counter() - began if began else 0.0)

    def _load(self, run: Run) -> None:
        self._prepare()
        try:
            run.generator = iter(run.source())  # type: ignore[misc]  # there until it is called
        except StopIteration as error:
            raise RuntimeError("the source stopped before its first frame") from error
        run.source = None
        with self.lock:
            run.started = True
            ring = not run.over and self._news()
        if ring:
            self._ring()

    def _note(
        self,
        lane: Lane,
        run: Run,
        frames: list[News],
        nbytes: int,
        ending: tuple[str, str] | None,
        seconds: float,
    ) -> None:
        with self.lock:
            if lane.touched_until <= time.perf_counter():
                lane.clock += seconds
            run.seconds += seconds
            if run.over:  # superseded or stopped meanwhile: nobody wants this any more
                return
            run.count += len(frames)
            run.frames += frames
            run.nbytes += nbytes
            if ending is not None:
                run.ending, run.over = ending, True
            ring = self._news() or run.is_last_to_show
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
        if wait > 0 and self._may_wait():
            self._refresh.start(math.ceil(wait * 1000))
        else:
            self._drain()

    def _may_wait(self) -> bool:
        """Whether there is anything to paint, and more to come that it is kept for: that a run began or ended need not
        wait for a refresh, nor what a run ends with."""
        with self.lock:
            runs = [lane.run for lane in self._lanes if lane.run is not None and lane.run.frames]
            return any(not run.is_last_to_show for run in runs)

    def hurry(self) -> None:
        """What comes next should be painted at once."""
        self.pace.hurry()
        if self._refresh.isActive():
            self._refresh.start(max(0, math.ceil(self.pace.wait * 1000)))

    def _drain(self) -> None:
        """Deliver everything new; slow slots and slow paints are called for less often (``pace.py``)."""
        self._refresh.stop()
        self.pace.begin()
        with self.lock:
            self._rung = False
            lanes = list(self._lanes)
        delivered = [lane.deliver() for lane in lanes]
        if not any(delivered):  # nothing to paint, so the next picture need not wait for another refresh
            return
        now = time.perf_counter()
        heard = [lane for lane, brought in zip(lanes, delivered, strict=True) if brought]
        touched = any(lane.touched_until > now for lane in lanes)
        self.pace.end(hurried=touched or all(lane.works_elsewhere for lane in heard))


def _plain_sentence(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or ["no reason was given"])[0]
    return f"This could not be generated ({type(error).__name__}): {first}"
