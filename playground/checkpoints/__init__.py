"""Checkpoints: one safetensors file that rebuilds its own model, with a JSON card in its header.

Reading, listing and checking headers needs no torch; :func:`load` imports it.
"""

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
from playground.checkpoints.header import Header, read_arrays, read_header
from playground.checkpoints.reader import check, load
from playground.checkpoints.writer import save, write_atomically

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
