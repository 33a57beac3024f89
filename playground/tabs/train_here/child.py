"""The process in which pictures are learned: it is told what, tells how far it is, and listens between two steps.

Messages are those of the plane (``tabs/plane/messages.py``).  The first says what to begin or to resume; ``pause``, ``go``, ``stop``
and ``leave`` may follow at any time.  Where nobody is there any more, the run is saved and left.  No Qt.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground import machine
from playground.tabs.plane.messages import Arrays, Header, pack, unpack

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from playground.training.loop import Progress
    from playground.training.plan import Plan

NICE = 4  # the window, and what else is on the screen, go first
EVERY = 5  # steps between two looks at what is said
_REPORTED_EVERY = 0.2  # seconds


def serve(connection: Connection) -> None:
    """One run, from its beginning or where it was left, to its end or until it is told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the window's, which ends us
    with contextlib.suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(NICE)
    talk = Talk(connection)
    try:
        header, arrays = unpack(connection.recv_bytes())
        _learn(talk, header, arrays)
    except EOFError:
        return
    except Exception as error:  # whatever a run raises is told: a full disk, a loss that is not finite
        talk.tell({"kind": "failed", "sentence": _sentence(error)})


class Talk:
    """What is said to the window and heard from it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.is_over = False  # the run is to end
        self.keeps = False  # and what came of it is to be kept
        self._reported = 0.0

    def tell(self, header: Header, arrays: Arrays | None = None) -> None:
        """A message; nobody need be there."""
        try:
            self._connection.send_bytes(pack(header, arrays))
        except OSError:
            self.is_over = True

    def tell_progress(self, progress: Progress) -> None:
        """A few times a second, and whenever there are pictures."""
        now = time.monotonic()
        last = progress.step == progress.total
        if progress.snapshot is None and not last and now - self._reported < _REPORTED_EVERY:
            return
        self._reported = now
        said = {
            "kind": "progress",
            "step": progress.step,
            "total": progress.total,
            "seconds": progress.seconds,
            "left": progress.seconds_left,
            "figures": progress.figures,
        }
        self.tell(said, {} if progress.snapshot is None else {"pictures": progress.snapshot})

    def listen(self) -> None:
        """Hear what was said since; a pause lasts until something else is said."""
        is_paused = False
        try:
            while is_paused or self._connection.poll(0):
                kind = unpack(self._connection.recv_bytes())[0]["kind"]
                is_paused = kind == "pause"
                if kind in ("stop", "leave"):
                    self.is_over, self.keeps = True, kind == "stop"
                    return
        except (EOFError, OSError):
            self.is_over = True


def _learn(talk: Talk, header: Header, arrays: Arrays) -> None:
    import torch

    from playground.training import loop, own_runs

    torch.set_num_threads(max(machine.num_cores() - 1, 1))  # one is the window's
    torch.set_flush_denormal(True)
    folder = Path(header["folder"])
    plan = _plan(folder, header, arrays)
    resumes = header["kind"] == "resume"
    talk.tell({"kind": "begun", "id": plan.recipe.id, "total": plan.recipe.steps})
    for progress in loop.train(plan, folder, resume=resumes, every=EVERY, is_enough=lambda: talk.is_over):
        talk.tell_progress(progress)
        talk.listen()
    done = not talk.is_over
    if done or talk.keeps:
        made = own_runs.install(folder)
        if done:
            own_runs.forget(folder)
        talk.tell({"kind": "made", "file": str(made), "is_done": done})


def _plan(folder: Path, header: Header, arrays: Arrays) -> Plan:
    from playground.data.own_pictures import Collection
    from playground.training import own

    recipe, id = str(header.get("recipe", "")), str(header.get("id", ""))
    if header["kind"] == "resume":
        return own.resume(folder)
    if "images" not in arrays:
        return own.begin_again(folder, recipe, id)
    pictures = Collection(str(header["title"]), arrays["images"])
    drawn_by = str(header.get("drawn_by", ""))
    return own.begin(folder, recipe, pictures, bool(header["augment"]), id, drawn_by)


def _sentence(error: Any) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"The training stopped: {error.strerror} ({error.filename or 'its folder'}). What was saved last is kept."
    text = " ".join(str(error).split())
    return (
        text
        if isinstance(error, ValueError | FloatingPointError)
        else f"{type(error).__name__}: {text[:300]}"
    )
