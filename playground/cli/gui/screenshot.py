"""``--screenshot``: a picture of the real window, or an animation of all tabs, written whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QCoreApplication, QObject, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from playground import checkpoints
from playground.cli import shared

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}  # ending -> Qt's name of it
ANIMATION = ".gif"
SHORTEST, LONGEST = 0.5, 3600.0  # seconds of an animation; of waiting for a picture


def refuse_impossible(path: Path, after: float) -> None:
    """Before a window opens.

    Raises:
        ValueError, OSError: one sentence, if nothing could be written to ``path``, or not after so many seconds.
    """
    kind = path.suffix.lower()
    if kind not in (*PICTURES, ANIMATION):
        raise ValueError(
            f"--screenshot takes a name that ends in {', '.join(PICTURES)} or {ANIMATION}, not {path.name!r}."
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: --screenshot takes the name of a file.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent}.")
    least = SHORTEST if kind == ANIMATION else 0.0
    if not (math.isfinite(after) and least <= after <= LONGEST):
        raise ValueError(f"--after takes {least:g} to {LONGEST:g} seconds, not {after:g}.")


class Screenshot(QObject):
    """Takes the picture when it is time, writes it and closes the window; :meth:`code` says how it went."""

    def __init__(self, window: QWidget, path: Path, after: float) -> None:
        super().__init__(window)
        self._window, self._path = window, path
        self._code: int | None = None  # until it was written, or not
        if path.suffix.lower() == ANIMATION:
            from playground.cli.gui.tour import Tour

            Tour(window, after, lambda data: self._write(lambda: data))  # type: ignore[arg-type]
        else:
            timer = QTimer(self, singleShot=True)  # it goes with the window, and with it what it would draw
            timer.timeout.connect(lambda: self._write(self._grabbed))
            timer.start(round(after * 1000))

    def _grabbed(self) -> bytes:
        return encoded(self._window.grab().toImage(), PICTURES[self._path.suffix.lower()])

    def _write(self, made: Callable[[], bytes]) -> None:
        try:
            checkpoints.write_atomically(self._path, made())
            self._code = 0
        except (OSError, ValueError) as error:
            self._fail(shared.one_sentence(error))
        self._window.close()

    def _fail(self, sentence: str) -> None:
        shared.tell(sentence)
        self._code = 1
        app = QCoreApplication.instance()
        if app is not None:
            app.setProperty("exit_code", 1)  # the program may have to end before anybody asks for the code

    def code(self) -> int:
        """0, or 1 after one sentence on stderr."""
        if self._code is None:
            self._fail("The window was closed before its picture was taken.")
        return int(self._code or 0)


def encoded(image: QImage, kind: str) -> bytes:
    """A picture as the bytes of its file.

    Raises:
        ValueError: one sentence, if Qt cannot write this kind here.
    """
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    if not image.save(buffer, kind):  # type: ignore[call-overload]
        raise ValueError(f"Qt cannot write {kind} here.")
    return bytes(buffer.data().data())
