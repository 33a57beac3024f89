"""Before Qt is asked for a window: what it would abort over, without a word to the user, is said in a sentence."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping

_CURSOR = (
    "libxcb-cursor.so.0"  # Qt reaches an X11 screen through it since 6.5, and most systems do not install it
)
_PACKAGES = {  # of Debian and Ubuntu, for what Qt's own packages expect of a Linux system
    _CURSOR: "libxcb-cursor0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}


class NoScreen(OSError):
    """The window cannot be opened, said in one sentence."""


def refuse_without_screen(
    environment: Mapping[str, str] = os.environ,
    system: str = sys.platform,
    load: Callable[[str], object] = ctypes.CDLL,
) -> None:
    """Look for a screen on Linux; Windows and a Mac have one.

    Raises:
        NoScreen: one sentence, if there is none, or a library is missing that Qt needs to reach it.
    """
    if not system.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return
    wayland = environment.get("WAYLAND_DISPLAY") or environment.get("XDG_SESSION_TYPE") == "wayland"
    if not (wayland or environment.get("DISPLAY")):
        raise NoScreen("There is no screen here; QT_QPA_PLATFORM=offscreen lets --screenshot do without one.")
    if not wayland:
        try:
            load(_CURSOR)
        except OSError:
            raise NoScreen(_lacking(_CURSOR)) from None


def explained(error: ImportError) -> ImportError | NoScreen:
    """What to install, if Qt could not be imported for want of a library of the system; else the error itself."""
    found = next((library for library in _PACKAGES if library in str(error)), None)
    return NoScreen(_lacking(found)) if found is not None else error


def _lacking(library: str) -> str:
    return f"Qt lacks a library of the system, {library}: install it (on Debian and Ubuntu {_PACKAGES[library]})."
