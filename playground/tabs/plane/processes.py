"""Processes that train, seen from the window: as many as there are cores, started when first wanted, gone with the window.

Everything but :meth:`Processes.close` is called on the stream's worker.  A process that dies or does not answer is a
:class:`TrainingLost`, one sentence; the next training starts another.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from playground import machine
from playground.tabs.plane import child
from playground.tabs.plane.messages import Arrays, Header, pack, unpack

PATIENCE = 60.0  # seconds for an answer, after which a process counts as hung
FIRST_PATIENCE = 180.0  # for its first: it imports torch, on a machine that may be busy
_CLOSING = 1.0  # seconds that a process may take to end when it is told to
_SLICE = 0.05  # seconds between two looks at whether it lives


class TrainingLost(ValueError):
    """The process of a training has ended, said in one sentence."""


class TrainingProcess:
    """One process and what it has answered and nobody has fetched yet."""

    def __init__(self) -> None:
        import multiprocessing  # not before it is needed: the window opens without

        context = multiprocessing.get_context(
            "spawn"
        )  # a fork would share torch's threads and Qt's connections
        self._here, there = context.Pipe()
        self._process = context.Process(target=child.serve, args=(there,), name="training", daemon=True)
        self._process.start()
        there.close()
        self._answers: dict[int, deque[tuple[Header, Arrays]]] = {}
        self._has_answered = False
        self.courses: set[int] = set()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """Whether it can be talked to."""
        return self._process.is_alive()

    def send(self, header: Header, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        """A command.

        Raises:
            TrainingLost: if nobody is there.
        """
        try:
            self._here.send_bytes(pack(header, arrays))
        except (OSError, ValueError) as error:
            raise self._lost() from error

    def receive(self, number: int) -> tuple[Header, Arrays]:
        """The next answer to a course; those to others are kept for them.

        Raises:
            TrainingLost: if it died, or said nothing for so long that it must be hung; then it is ended.
            ValueError: what the process could not do, in its own words.
        """
        mine = self._answers.setdefault(number, deque())
        patience = PATIENCE if self._has_answered else FIRST_PATIENCE
        began = time.monotonic()
        while not mine:
            if time.monotonic() - began > patience:
                self.close(at_once=True)
                raise TrainingLost(f"The training did not answer for {patience:.0f} seconds and was ended.")
            self._fetch()
        header, arrays = mine.popleft()
        if header["kind"] == "failed":
            raise ValueError(header["sentence"])
        return header, arrays

    def _fetch(self) -> None:
        try:
            if not self._here.poll(_SLICE):
                if not self._process.is_alive() and not self._here.poll(0):
                    raise self._lost()
                return
            header, arrays = unpack(self._here.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._lost() from error
        self._has_answered = True
        if header["id"] in self.courses:  # else it was given up meanwhile
            self._answers.setdefault(header["id"], deque()).append((header, arrays))

    def forget(self, number: int) -> None:
        """A course is over."""
        self.courses.discard(number)
        self._answers.pop(number, None)
        with contextlib.suppress(TrainingLost):
            self.send({"kind": "end", "id": number})

    def close(self, at_once: bool = False) -> None:
        """End it; from another thread than the one that receives, which then hears that nobody is there."""
        if not at_once:
            self._process.terminate()
            self._process.join(_CLOSING)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_CLOSING)

    def _lost(self) -> TrainingLost:
        self._process.join(_SLICE)
        code = self._process.exitcode
        why = f" (exit code {code})" if code else ""
        return TrainingLost(f"The process that trains has ended unexpectedly{why}; nothing else is lost.")


class Course:
    """One training in one of the processes, from beginning to end.

    Commands may be sent ahead, so that the process need not wait for the window between two moments.
    """

    def __init__(self, process: TrainingProcess, number: int) -> None:
        self._process, self._number = process, number
        process.courses.add(number)

    def ask(self, header: Header, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        """A command, which :meth:`answer` answers in its turn."""
        self._process.send({**header, "id": self._number}, arrays)

    def answer(self) -> tuple[Header, Arrays]:
        """See :meth:`TrainingProcess.receive`."""
        return self._process.receive(self._number)

    def end(self) -> None:
        """Nobody wants it any more."""
        self._process.forget(self._number)


class Processes:
    """The processes of one window."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most or max(machine.num_cores(), 1)
        self._all: list[TrainingProcess] = []
        self._numbers = itertools.count(1)
        self._is_closed = False

    def begin(self, **what: Any) -> Course:
        """Begin a training in the process that has least to do; a new one is started while cores are free.

        Args:
            what: ``model`` (its key), ``target`` (a spec), ``seed``, ``steps``, ``config``.

        Raises:
            TrainingLost, ValueError: one sentence.
        """
        course = Course(self._idle(), next(self._numbers))
        course.ask({"kind": "begin", **what})
        course.answer()
        return course

    def look(self, what: Header, arrays: Mapping[str, np.ndarray]) -> Arrays:
        """A picture of kept weights, by a process that has little to do.

        Args:
            what: ``model, config, target, scale, step, picture``.
            arrays: ``weights/...`` and ``mean``, as a moment brought them.
        """
        course = Course(self._idle(), next(self._numbers))
        try:
            course.ask({"kind": "look", **what}, arrays)
            return course.answer()[1]
        finally:
            course.end()

    def _idle(self) -> TrainingProcess:
        if self._is_closed:
            raise TrainingLost("The window is closing.")
        self._all = [process for process in self._all if process.is_alive]
        idle = min(self._all, key=lambda process: len(process.courses), default=None)
        if idle is None or (idle.courses and len(self._all) < self._most):
            idle = TrainingProcess()
            self._all.append(idle)
            if self._is_closed:  # meanwhile, by the window's thread, which did not see this one
                idle.close(at_once=True)
                raise TrainingLost("The window is closing.")
        return idle

    @property
    def pids(self) -> list[int]:
        """Of the processes that live."""
        return [process.pid for process in self._all if process.is_alive]

    def close(self) -> None:
        """End them all; called as the window closes, from its thread."""
        self._is_closed = True
        for process in self._all:
            process.close()
