"""One request on its way from the worker to the window, and what the worker has to free afterwards."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from playground.contract import Frame, Message

# what a lane may bring: moments of a generation, or anything else that is worth telling
News = Frame | Message
# called on the worker: a sampler that may load its model first; a list arrives together
FrameSource = Callable[[], Iterator[News | list[News]]]

logger = logging.getLogger(__name__)


def gathered(
    frames: Iterator[News], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> Iterator[News | list[News]]:
    """What a run brings in its first ``seconds`` all together, and from then on each as it comes.

    A slider under the finger is answered by the newest of these: where the first frames are noise, it would else show
    nothing but noise until it rests.
    """
    with contextlib.closing(frames):  # type: ignore[type-var]
        end, first = clock() + seconds, list[News]()
        for frame in frames:
            first.append(frame)
            if clock() >= end:
                break
        if first:
            yield first
        yield from frames


@dataclass(eq=False)
class Run:
    """One request on its way: how far the worker is, and the news that the window has not heard yet."""

    source: FrameSource | None
    paused: bool
    steps: int = 0  # frames still owed while paused
    generator: Iterator[News | list[News]] | None = None  # belongs to the worker
    begun: bool = False  # has had a turn on the worker
    shown: bool = False  # its first frames have been delivered
    over: bool = False  # takes no more frames: ended, stopped or superseded
    seconds: float = 0.0
    count: int = 0
    started: bool = False
    frames: list[News] = field(default_factory=list)
    nbytes: int = 0
    ending: tuple[str, str] | None = None  # ("finished", "") or ("failed", the sentence)

    @property
    def is_last_to_show(self) -> bool:
        """Nothing follows what is not delivered yet, and something came before it."""
        return self.over and self.shown

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
class Leftovers:
    """Frames that nobody looks at any more: tens of megabytes, which the worker frees piece by piece."""

    frames: list[Frame]

    def clean_up(self) -> None:
        """On the worker, piece by piece."""
        while self.frames:
            self.frames.pop()
