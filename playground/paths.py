"""Where the program's own files lie, in a checkout and in an installed wheel alike; and how files are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """``assets`` or ``pretrained``: inside the package when installed from a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def own_models() -> Path | None:
    """The folder that the user names in ``PLAYGROUND_MODELS``: Python files of models, which are run, and checkpoints; None if there is none.

    Raises:
        NotADirectoryError: one sentence, if what is named is no folder.
    """
    named = os.environ.get("PLAYGROUND_MODELS")
    if not named:
        return None
    found = Path(named).expanduser().resolve()
    if not found.is_dir():
        raise NotADirectoryError(f"PLAYGROUND_MODELS names {named}, which is not a folder.")
    return found


def checkpoint_folders() -> list[Path]:
    """Where checkpoints are found by their ids: what is shipped, then the user's own."""
    own = own_models()
    return [folder("pretrained"), *([own] if own else [])]


def cache() -> Path:
    """The user's folder for what can be had again (it need not exist)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "generative-playground"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to, which replaces it at the end: at any moment the old file or the new, whole.

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    partial = path.with_name(path.name + ".part")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
