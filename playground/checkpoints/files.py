"""Checkpoint files: where they lie, their cards, and the figures that were measured of them later.  No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from playground import paths
from playground.checkpoints import catalogue
from playground.checkpoints.card import Card, CheckpointError
from playground.checkpoints.header import read_header
from playground.checkpoints.writer import write_atomically


def resolve(id_or_path: str | Path) -> Path:
    """The file of a shipped id (or of one in the user's own folder), or the path itself.

    Raises:
        CheckpointError: if there is neither.
    """
    path = Path(id_or_path)
    if path.suffix != ".safetensors" and path.name == str(id_or_path):
        for folder in paths.checkpoint_folders():
            if (file := folder / f"{id_or_path}.safetensors").is_file():
                return file
    if path.is_file():
        return path
    for entry in catalogue.missing():
        if entry.id == str(id_or_path):
            raise CheckpointError(entry.how_to_get)
    names = ", ".join(file.stem for file in found()) or "none yet"
    raise CheckpointError(f"There is no checkpoint {str(id_or_path)!r}; shipped are {names}.")


def found() -> list[Path]:
    """The files of all checkpoints that have an id here, sorted by it: shipped ones, and those in the user's own folder."""
    folders = reversed(paths.checkpoint_folders())  # what is shipped wins
    return sorted(
        {file.name: file for folder in folders for file in folder.glob("*.safetensors")}.values(),
        key=lambda file: file.name,
    )


def cards() -> list[Card]:
    """The cards of all of them with their measured figures, sorted by family and id."""
    return sorted(_readable(found()), key=lambda c: (c.family, c.id))


def _readable(files: list[Path]) -> Iterator[Card]:
    """Cards; of the user's own files, those that have one (``playground check`` says what is wrong with the others)."""
    for file in files:
        try:
            yield read_card(file)
        except CheckpointError:
            if file.parent == paths.folder("pretrained"):
                raise


def read_card(path: Path) -> Card:
    """The card of a file, with the figures of the ``.metrics.json`` beside it if they are of these weights.

    Raises:
        CheckpointError: one sentence.
    """
    return _read_card(path, _stamp(path), _stamp(metrics_path(path)))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does: the moment of its last change and its size; None if it is not there."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_mtime_ns, there.st_size


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
