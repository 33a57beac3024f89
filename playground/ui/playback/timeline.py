"""The stored frames of one run, in order, under a byte budget.  Scrubbing time is indexing these, nothing more.

When the budget is exceeded every second old frame goes, again and again as the run grows: the past gets coarser the
further away it is, while the first, the last and the most recent quarter stay as they are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from playground.contract import Frame

MIB = 2**20


class Timeline:
    """Frames of one run; budgets are in bytes, for the frames and for the states they carry."""

    def __init__(self, frame_budget: int = 192 * MIB, state_budget: int = 128 * MIB) -> None:
        self._frame_budget = frame_budget
        self._state_budget = state_budget
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._frames: list[Frame] = []
        self._serials: list[int] = []  # a number for each frame that thinning does not change
        self._next_serial = 0
        self._frame_bytes = 0
        self._state_bytes = 0

    def copy(self) -> Timeline:
        """What is stored now, whatever comes later; the frames are the same."""
        other = Timeline(self._frame_budget, self._state_budget)
        other._frames, other._serials, other._next_serial = (
            list(self._frames),
            list(self._serials),
            self._next_serial,
        )
        other._frame_bytes, other._state_bytes = self._frame_bytes, self._state_bytes
        return other

    def append(self, frame: Frame) -> None:
        """Add the newest frame, thinning old ones if it no longer fits.  Indices may change: serials do not."""
        self._frames.append(frame)
        self._serials.append(self._next_serial)
        self._next_serial += 1
        self._frame_bytes += frame.nbytes
        self._state_bytes += frame.state_nbytes
        while self._state_bytes > self._state_budget and self._thin_states():
            pass
        while self._frame_bytes > self._frame_budget and self._thin_frames():
            pass

    def truncate(self, index: int) -> list[Frame]:
        """Keep frames 0..index (none if it is -1); returns the others, which may be large enough to be slow to free."""
        gone = self._frames[index + 1 :]
        for frame in gone:
            self._frame_bytes -= frame.nbytes
            self._state_bytes -= frame.state_nbytes
        del self._frames[index + 1 :], self._serials[index + 1 :]
        return gone

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:
        return self._frames[index]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    @property
    def last(self) -> Frame | None:
        """The newest frame."""
        return self._frames[-1] if self._frames else None

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes, states included."""
        return self._frame_bytes + self._state_bytes

    def index_of_step(self, step: int) -> int:
        """The nearest stored frame at or before that step (the first one if there is none, -1 if all is empty)."""
        if not self._frames:
            return -1
        return max(0, bisect_right(self._frames, step, key=lambda frame: frame.step) - 1)

    def state_before(self, index: int) -> Frame | None:
        """The nearest frame at or before ``index`` that carries a state: where a run can be taken up again."""
        return next((f for f in reversed(self._frames[: index + 1]) if f.state is not None), None)

    def serial(self, index: int) -> int:
        """A name for the frame at ``index`` that outlives thinning (-1 for -1)."""
        return self._serials[index] if index >= 0 else -1

    def index_of_serial(self, serial: int) -> int:
        """Where that frame is now, or the nearest earlier one that is left (-1 if there is none)."""
        return bisect_right(self._serials, serial) - 1

    def _thin_frames(self) -> bool:
        """Drop every second old frame, of each pair rather the one without a state; False if there is none."""
        drop = set()
        for i in range(1, max(2, len(self) * 3 // 4), 2):
            pair = [j for j in (i, i + 1) if j < len(self) - 1]
            if pair:
                drop.add(min(pair, key=lambda j: self._frames[j].state is not None))
        for i in drop:
            self._frame_bytes -= self._frames[i].nbytes
            self._state_bytes -= self._frames[i].state_nbytes
        keep = [i for i in range(len(self)) if i not in drop]
        self._frames = [self._frames[i] for i in keep]
        self._serials = [self._serials[i] for i in keep]
        return bool(drop)

    def _thin_states(self) -> bool:
        """Let every second old frame that carries a state go without; False if there is none."""
        carriers = [i for i, frame in enumerate(self._frames) if frame.state is not None]
        drop = [i for i in carriers[1 : max(2, len(carriers) * 3 // 4) : 2] if i != carriers[-1]]
        for i in drop:
            self._state_bytes -= self._frames[i].state_nbytes
            self._frames[i] = replace(self._frames[i], state=None)
        return bool(drop)
