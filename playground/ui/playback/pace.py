"""How often the window hears of new frames: as often as the display shows them, unless painting them costs too much.

A sampler of small steps and the window share Python's interpreter lock, so whatever the window does the sampler waits
for.  The window therefore gets a twenty-fifth of the time: what it spent since the last news (painting included, measured as
this thread's processor time) decides how long it waits for the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable

REFRESH = 1 / 60  # seconds between two deliveries, at least
SLOWEST = 1 / 8  # and at most: slower than this is no moving picture, whatever it costs
SHARE = 0.03  # of the time for the window, so that with what is not counted (waiting for the lock) it stays under a tenth
_NEWEST = 0.3  # weight of the newest measurement: the clock of some systems ticks in steps of 16 ms


class Pace:
    """When the next delivery is due.  The clocks are arguments so that a test can turn them."""

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._clock, self._spent = clock, spent
        self.due = self._began = self._spent_before = 0.0
        self._cost = 0.0  # processor time per delivery, smoothed

    @property
    def wait(self) -> float:
        """Seconds until the next delivery is due; 0 or less: now."""
        return self.due - self._clock()

    def hurry(self) -> None:
        """A finger came: the next delivery waits for the display only."""
        self.due = min(self.due, self._began + REFRESH)

    def begin(self) -> None:
        """A delivery begins."""
        self._began = self._clock()

    def end(self, hurried: bool = False) -> None:
        """It has been made; ``hurried`` while a finger waits for the answer, or nobody for the interpreter: every refresh counts."""
        spent = self._spent()
        cost = min(spent - self._spent_before, SHARE * SLOWEST)  # this delivery, and the paints of the last
        self._spent_before = spent
        self._cost += _NEWEST * (cost - self._cost)
        slots = 2 * (self._clock() - self._began)  # in any case half of the time is the event loop's
        fair = REFRESH if hurried else min(self._cost / SHARE, SLOWEST)
        self.due = self._began + max(REFRESH, fair, slots)
