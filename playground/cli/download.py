"""Training data from the web, after a yes: an option of the command line, or an answer on the terminal."""

from __future__ import annotations

import sys

from playground import data


def offer(dataset: str, said_yes: bool) -> None:
    """Fetch the training data of ``dataset`` if they lack and the user wants it; without a yes nothing is fetched.

    Raises:
        OSError, ValueError: one sentence, if they cannot be had.
    """
    wanted = data.wants_download(dataset)
    if wanted and (said_yes or _asked(f"Fetch {wanted}?")):
        print(f"Fetching {wanted} …", file=sys.stderr, flush=True)
        data.download(dataset)


def _asked(question: str) -> bool:
    """Only a person at a terminal can answer; what runs by itself has said no."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
