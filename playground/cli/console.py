"""Printing on every console: one that knows no minus sign or plus-minus (cp1252, ASCII) shows the plain characters."""

from __future__ import annotations

import codecs
import io
import sys

_PLAIN = {
    "−": "-",
    "±": "+/-",
    "×": "x",
    "…": "...",
    "–": "-",
    "—": "-",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "·": "-",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "→": "->",
    "σ": "sigma",
    "β": "beta",
    "η": "eta",
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: what the console lacks in its own characters, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c, "?") for c in lacking), error.end


codecs.register_error("playground-plain", _plain)


def speak_plainly() -> None:
    """Let no character end a command; without a console (None) there is nothing to do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="playground-plain")
