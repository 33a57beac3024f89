"""Checkpoints: one safetensors file that rebuilds its own model, with a JSON card in its header.

Reading, listing and checking headers needs neither torch nor numpy; :func:`load` imports both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.checkpoints.card import Card, CheckpointError
from playground.checkpoints.catalogue import missing
from playground.checkpoints.files import (
    cards,
    found,
    metrics_path,
    read_card,
    read_metrics,
    resolve,
    shipped,
    sound_and_broken,
    weights_hash,
    write_metrics,
)
from playground.checkpoints.header import Header, read_header
from playground.checkpoints.writer import save, write_atomically

if TYPE_CHECKING:
    from playground.checkpoints.arrays import read_arrays
    from playground.checkpoints.reader import check, load

__all__ = [
    "Card",
    "CheckpointError",
    "Header",
    "cards",
    "check",
    "found",
    "load",
    "metrics_path",
    "missing",
    "read_arrays",
    "read_card",
    "read_header",
    "read_metrics",
    "resolve",
    "save",
    "shipped",
    "sound_and_broken",
    "weights_hash",
    "write_atomically",
    "write_metrics",
]


def __getattr__(name: str) -> Any:
    """What is imported when it is first asked for: the window is on the screen before numpy is."""
    if name == "read_arrays":
        from playground.checkpoints import arrays

        return arrays.read_arrays
    if name in ("check", "load"):
        from playground.checkpoints import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
