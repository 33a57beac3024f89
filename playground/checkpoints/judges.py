"""Networks that draw nothing, and find or judge what others drew: where their checkpoints lie (``assets/judge``).  No torch."""

from __future__ import annotations

from pathlib import Path

from playground import paths

CLIP = "clip-emoji"
DRAWS_NOTHING = f"{CLIP} draws nothing: playground search finds drawings with it."


def folder() -> Path:
    """Where they lie."""
    return paths.folder("assets") / "judge"


def path(name: str) -> Path:
    """The file of one of them, which need not be there."""
    return folder() / f"{name}.safetensors"


def is_there(name: str = CLIP) -> bool:
    """Whether it is installed."""
    return path(name).is_file()


def how_to_get(name: str = CLIP) -> str:
    """One sentence."""
    return f"{name} is not here yet: playground train {name} --install makes it."
