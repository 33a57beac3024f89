"""The window's side of a training: a process, and a thread that waits for what it says, so that the window never does."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from playground.tabs.plane.messages import Arrays, Header, pack, unpack
from playground.tabs.train_here import child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

_LEAVING = 1.2  # seconds that a run may take to save itself when the window closes; what it loses else is seconds old


class Trainer(QObject):
    """One training at a time.  ``heard`` carries each message (header, arrays); ``ended`` comes once, at the very end."""

    heard = Signal(object, object)
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._here: Connection | None = None
        self._process: BaseProcess | None = None
        self._is_closed = False
        self.ended.connect(self._forget)

    @property
    def is_running(self) -> bool:
        """Whether there is one, at work or paused."""
        return self._thread is not None

    def begin(self, header: Header, arrays: Arrays | None = None) -> None:
        """Start a process and tell it what to do; nothing if there is one, or the window has closed."""
        if self.is_running or self._is_closed:
            return
        self._thread = threading.Thread(target=self._converse, args=(header, arrays or {}), daemon=True)
        self._thread.start()

    def say(self, kind: str) -> None:
        """``pause``, ``go``, ``stop`` or ``leave``; nothing if nobody is there to hear it."""
        if self._here is not None:
            with contextlib.suppress(OSError, ValueError):
                self._here.send_bytes(pack({"kind": kind}))

    def close(self) -> None:
        """The window closes: the run is saved, or was a few seconds ago."""
        self._is_closed = True
        self.say("leave")
        if self._thread is not None:
            self._thread.join(_LEAVING)
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
        if self._thread is not None:
            self._thread.join(_LEAVING)

    def _converse(self, header: Header, arrays: Arrays) -> None:
        """On the thread."""
        import multiprocessing  # not before it is needed: the window opens without

        context = multiprocessing.get_context(
            "spawn"
        )  # a fork would share torch's threads and Qt's connections
        here, there = context.Pipe()
        process = context.Process(target=child.serve, args=(there,), name="training", daemon=True)
        process.start()
        there.close()
        self._process, self._here = process, here
        said_all = False
        try:
            here.send_bytes(pack(header, arrays))
            while True:
                said, brought = unpack(here.recv_bytes())
                said_all = said["kind"] in ("made", "failed")
                self._pass_on(said, brought)
        except (EOFError, OSError):
            pass
        process.join()
        if not said_all and not self._is_closed and process.exitcode:
            sentence = f"The process that trains has ended unexpectedly (exit code {process.exitcode})."
            self._pass_on({"kind": "failed", "sentence": sentence}, {})
        if not self._is_closed:
            self.ended.emit()

    def _pass_on(self, header: Header, arrays: Any) -> None:
        if not self._is_closed:
            self.heard.emit(header, arrays)

    def _forget(self) -> None:
        self._thread = self._here = self._process = None
