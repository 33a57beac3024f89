"""Where the program's own files lie, in a checkout and in an installed wheel alike; and how files are written."""

from __future__ import annotations

import errno
import glob
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PARTIAL = ".part"
_STALE = 3600.0  # seconds after which nobody writes any more
TRAINING_STATE = "state.safetensors"  # of a run that can go on, in the folder of that run
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
    """Where checkpoints are found by their ids: what is shipped, then the user's own, then what was trained in the window."""
    own = own_models()
    return [folder("pretrained"), *([own] if own else []), trained_models()]


def trained_models() -> Path:
    """Checkpoints of models that the user has trained, in the menus like any other (it need not exist)."""
    return user_data() / "models"


def training_runs() -> Path:
    """A folder for each training that was begun in the window, so that it can go on later (it need not exist)."""
    return user_data() / "training"


def user_data() -> Path:
    """The user's folder for what cannot be had again (it need not exist)."""
    base = os.environ.get("XDG_DATA_HOME")
    return Path(base or home() / ".local" / "share") / "generative-playground"


def cache() -> Path:
    """The user's folder for what can be had again (it need not exist)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or home() / ".cache") / "generative-playground"


def home() -> Path:
    """The user's folder; where there is none (a container's nameless user), the one for what is passing."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to, which replaces it at the end: at any moment the old file or the new, whole.

    The name is new every time, so that two programs may write one file: the later wins, and neither sees half of it.

    Raises:
        OSError: about ``path``, if there is no space or no right to write there; an older file stays as it was.
    """
    partial = path.with_name(f"{path.name[:50]}.{os.getpid()}-{os.urandom(4).hex()}{_PARTIAL}")
    try:
        _remove_stale(path)
        yield partial
        with partial.open("r+b") as file:  # Windows syncs no handle that cannot write
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise _about(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Take away what programs left that were killed while they wrote this file."""
    for left in path.parent.glob(f"{glob.escape(path.name[:50])}.*-*{_PARTIAL}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink()


def _about(path: Path, error: OSError) -> OSError:
    """The same error about the file that was meant, not about the one beside it."""
    return OSError(error.errno or errno.EIO, error.strerror or str(error), str(path))
