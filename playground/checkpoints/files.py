"""Checkpoint files: where they lie, their cards, and the figures that were measured of them later.  No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from playground import paths
from playground.checkpoints.card import Card, CheckpointError
from playground.checkpoints.header import read_header
from playground.checkpoints.writer import write_atomically


def resolve(id_or_path: str | Path) -> Path:
    """The file of a shipped id, or the path itself.

    Raises:
        CheckpointError: if there is neither.
    """
    path = Path(id_or_path)
    shipped = paths.folder("pretrained") / f"{id_or_path}.safetensors"
    if path.suffix != ".safetensors" and path.name == str(id_or_path) and shipped.is_file():
        return shipped
    if path.is_file():
        return path
    names = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.safetensors"))) or "none yet"
    raise CheckpointError(f"There is no checkpoint {str(id_or_path)!r}; shipped are {names}.")


def cards() -> list[Card]:
    """The cards of all shipped checkpoints with their measured figures, sorted by family and id."""
    files = sorted(paths.folder("pretrained").glob("*.safetensors"))
    return sorted((read_card(f) for f in files), key=lambda c: (c.family, c.id))


def read_card(path: Path) -> Card:
    """The card of a file, with the figures of the ``.metrics.json`` beside it if they are of these weights.

    Raises:
        CheckpointError: one sentence.
    """
    return _read_card(path, _stamp(path), _stamp(metrics_path(path)))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does: the moment of its last change and its size; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _read_card(path: Path, weights: object, metrics: object) -> Card:
    """Read once for each state of the two files: views ask for all cards when they open."""
    return dataclasses.replace(read_header(path).card, metrics=read_metrics(path))


def read_metrics(path: Path) -> dict[str, Any]:
    """What was measured of exactly these weights; empty if nothing was."""
    try:
        return dict(json.loads(metrics_path(path).read_text())[weights_hash(path)])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Add figures to the ``.metrics.json`` beside a checkpoint, under the hash of its weights."""
    merged = {**read_metrics(path), **metrics}
    write_atomically(metrics_path(path), json.dumps({weights_hash(path): merged}, indent=1).encode() + b"\n")


def metrics_path(path: Path) -> Path:
    """``<id>.safetensors`` -> ``<id>.metrics.json``."""
    return path.with_suffix(".metrics.json")


def weights_hash(path: Path) -> str:
    """SHA-256 of the weights without the card, 16 hex digits: measured figures belong to these."""
    data = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", data[:8])
    return hashlib.sha256(data[8 + header_bytes :]).hexdigest()[:16]
