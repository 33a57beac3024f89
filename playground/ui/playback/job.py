"""One long piece of work on a thread of its own, that tells how far it is and can be given up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

logger = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised inside the work when it has been given up."""


class Job(QObject):
    """Runs ``work(tick)``; ``tick(share)`` is the work's to call, and stops it once :meth:`cancel` was called.

    The work may touch no widget.  Signals arrive on the thread that made the job; exactly one of ``finished``,
    ``failed`` and ``cancelled`` ends it.
    """

    progressed = Signal(float)  # 0..1
    finished = Signal()
    failed = Signal(str)  # one sentence
    cancelled = Signal()

    def __init__(
        self, work: Callable[[Callable[[float], None]], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._work = work
        self._given_up = threading.Event()
        self._reported_at = 0.0  # when
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Stop at the next tick."""
        self._given_up.set()

    def close(self, timeout: float = 1.5) -> bool:
        """Stop and wait; True if it ended in time."""
        self.cancel()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _tick(self, share: float) -> None:
        if self._given_up.is_set():
            raise Cancelled
        if time.perf_counter() - self._reported_at > 0.05:
            self._reported_at = time.perf_counter()
            self.progressed.emit(share)
            time.sleep(0.001)  # lets the window in, should the work hold the interpreter

    def _run(self) -> None:
        try:
            self._work(self._tick)
            ending: Callable[[], object] = self.finished.emit
        except Cancelled:
            ending = self.cancelled.emit
        except Exception as error:
            logger.debug("An export failed.", exc_info=error)
            said = sentence(error)
            ending = lambda: self.failed.emit(said)  # noqa: E731
        try:
            ending()
        except RuntimeError:
            logger.debug("The window is gone.")


def sentence(error: Exception) -> str:
    """What went wrong with a file, in words."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()).rstrip(".") or type(error).__name__
