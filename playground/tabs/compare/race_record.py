"""What happened in a race: for every lane its frames, each with the clocks at which it came.  No Qt, no torch.

Two clocks run.  A lane's *own* clock counts the time spent inside its sampler and nothing else; the *race* clock is the
sum of them all, so that it stands still while everything is paused, and a replay by it has the order and the pace of the
race itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playground.contract import Frame
from playground.ui.playback.timeline import MIB, Timeline

RACE, OWN, WALL = "race_seconds", "own_seconds", "wall_seconds"  # the stamps, among a frame's extras
FINISHED, OUT_OF_TIME, STOPPED, FAILED = "finished", "out of time", "stopped", "failed"


class Clock:
    """The race clock.  Lives on the worker, which is the only thread that turns it."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.now = now
        self.total = 0.0
        self._began: float | None = None

    def wall(self) -> float:
        """Seconds since it was first asked, whoever worked."""
        if self._began is None:
            self._began = self.now()
        return self.now() - self._began


@dataclass
class Ending:
    """How a lane's run ended; written on the worker before it says that it has."""

    outcome: str = ""
    own: float = 0.0
    race: float = 0.0


def clocked(
    source: Callable[[], Iterator[Frame]], clock: Clock, ending: Ending, limit: float | None = None
) -> Iterator[Frame]:
    """The frames of a lane, stamped; states and extras go, for nobody resumes a race.

    Args:
        source: called when the first frame is wanted.
        clock: shared by all lanes of a race.
        ending: filled in at the end.
        limit: seconds of its own work that the lane may have.  A frame that comes later does not count.
    """
    clock.wall()
    own = 0.0
    frames = source()
    with contextlib.closing(frames):  # type: ignore[type-var]
        while True:
            began = clock.now()
            frame = next(frames, None)
            spent = clock.now() - began
            own, clock.total = own + spent, clock.total + spent
            if frame is None:
                ending.outcome, ending.own, ending.race = FINISHED, own, clock.total
                return
            if limit is not None and own > limit:
                ending.outcome, ending.own, ending.race = OUT_OF_TIME, limit, clock.total
                return
            stamps = {RACE: clock.total, OWN: own, WALL: clock.wall()}
            if "notice" in frame.extras:
                stamps["notice"] = frame.extras["notice"]
            yield dataclasses.replace(frame, extras=stamps, state=None)


@dataclass(frozen=True)
class Stand:
    """Where one lane stood at one moment of the race."""

    frame: Frame | None
    seconds: float  # on its own clock
    outcome: str = ""  # "" while it is under way
    place: int = 0  # 1 for the first; 0 if it has not finished

    @property
    def passes(self) -> int:
        """Network passes so far."""
        return self.frame.passes if self.frame is not None else 0

    @property
    def milliseconds(self) -> float | None:
        """Of its own clock for each picture, so far; None before there is one."""
        count = len(self.frame.images) if self.frame is not None else 0
        return 1000 * self.seconds / count if count else None


class Record:
    """The stored frames of every lane, under one byte budget that they share equally."""

    def __init__(self, lanes: int, budget: int = 192 * MIB) -> None:
        self.timelines = [Timeline(budget // max(lanes, 1), MIB) for _ in range(lanes)]
        self.endings: list[Ending | None] = [None] * lanes

    def copy(self) -> Record:
        """The race as far as it is now known, whatever comes later."""
        other = Record(0)
        other.timelines = [timeline.copy() for timeline in self.timelines]
        other.endings = list(self.endings)
        return other

    def append(self, lane: int, frame: Frame) -> None:
        """The newest frame of a lane, stamped by :func:`clocked`."""
        self.timelines[lane].append(frame)

    def end(self, lane: int, ending: Ending) -> None:
        """A lane is over; one that was cut short stands where its last frame left it."""
        last = self.timelines[lane].last
        if last is not None and ending.outcome in (STOPPED, FAILED, FINISHED):
            ending = Ending(ending.outcome, last.extras[OWN], last.extras[RACE])
        self.endings[lane] = ending

    @property
    def duration(self) -> float:
        """The race clock at the newest thing that is known."""
        stamps = [t.last.extras[RACE] for t in self.timelines if t.last is not None]
        return max([*stamps, *(e.race for e in self.endings if e is not None)], default=0.0)

    @property
    def wall(self) -> float:
        """What a clock on the wall says of the same time, pauses included."""
        return max((t.last.extras[WALL] for t in self.timelines if t.last is not None), default=0.0)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(t.nbytes for t in self.timelines)

    def index_at(self, lane: int, seconds: float) -> int:
        """The newest frame of a lane at a moment of the race, -1 before its first."""
        return bisect_right(self.timelines[lane], seconds, key=lambda frame: frame.extras[RACE]) - 1

    def stand(self, lane: int, seconds: float) -> Stand:
        """Where a lane stood at a moment of the race."""
        index = self.index_at(lane, seconds)
        frame = self.timelines[lane][index] if index >= 0 else None
        ending = self.endings[lane]
        if ending is None or ending.race > seconds:
            return Stand(frame, frame.extras[OWN] if frame is not None else 0.0)
        return Stand(frame, ending.own, ending.outcome, self._place(lane, seconds))

    def _place(self, lane: int, seconds: float) -> int:
        """Among those that have finished by then, by their own clocks; equal clocks share a place."""
        ending = self.endings[lane]
        if ending is None or ending.outcome != FINISHED:
            return 0
        others = [e for e in self.endings if e is not None and e.outcome == FINISHED and e.race <= seconds]
        return 1 + sum(other.own < ending.own for other in others)

    def moment_after(self, seconds: float) -> float | None:
        """When the next frame of any lane came."""
        found = [
            t[i].extras[RACE]
            for t in self.timelines
            if (i := bisect_right(t, seconds, key=lambda f: f.extras[RACE])) < len(t)
        ]
        return min(found, default=None)

    def moment_before(self, seconds: float) -> float | None:
        """When the frame before that moment came, in whichever lane."""
        found = [
            t[i - 1].extras[RACE]
            for t in self.timelines
            if (i := bisect_left(t, seconds, key=lambda f: f.extras[RACE])) > 0
        ]
        return max(found, default=None)
