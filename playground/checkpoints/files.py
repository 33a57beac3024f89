"""Checkpoint files: where they lie, their cards, and the figures that were measured of them later.  No torch."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from playground import paths
from playground.checkpoints import catalogue, judges
from playground.checkpoints.card import Card, CheckpointError
from playground.checkpoints.header import glance, read_header
from playground.checkpoints.writer import write_atomically
from playground.models.plane_catalogue import how_to_see, is_plane


def resolve(id_or_path: str | Path) -> Path:
    """The file of a shipped id (or of one in the user's own folder), or the path itself.

    Raises:
        CheckpointError: if there is neither.
    """
    path = Path(id_or_path)
    is_id = path.suffix != ".safetensors" and path.name == str(id_or_path) != ""
    file = _of_id(str(id_or_path)) if is_id else None
    if file is not None or path.is_file():
        return file or path
    if not is_id:
        raise CheckpointError(f"There is no file {str(id_or_path)!r}.")
    return shipped(str(id_or_path))


def shipped(model_id: str) -> Path:
    """The file of an id that came with the program, or lies in the user's own folder.

    Raises:
        CheckpointError: if there is none; it says how one that is known is had.
    """
    file = _of_id(model_id)
    if file is not None:
        return file
    for entry in catalogue.missing():
        if entry.id == model_id:
            raise CheckpointError(entry.how_to_get)
    if is_plane(model_id):
        raise CheckpointError(how_to_see(model_id))
    names = ", ".join(file.stem for file in found()) or "none yet"
    raise CheckpointError(f"There is no checkpoint {model_id!r}; shipped are {names}.")


def _of_id(model_id: str) -> Path | None:
    files = [folder / f"{model_id}.safetensors" for folder in paths.checkpoint_folders()]
    files += [judges.path(judges.CLIP)] if model_id == judges.CLIP else []
    return next((file for file in files if file.name == f"{model_id}.safetensors" and file.is_file()), None)


def found() -> list[Path]:
    """The files of all checkpoints that have an id here, sorted by it: shipped ones, and those in the user's own folder."""
    folders = reversed(paths.checkpoint_folders())  # what is shipped wins
    return sorted(
        {
            file.name: file
            for folder in folders
            for file in folder.glob("*.safetensors")
            if file.name != paths.TRAINING_STATE  # beside it may lie the checkpoint of a run
        }.values(),
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


def sound_and_broken() -> tuple[list[Card], dict[str, str]]:
    """Cards of shipped files without their figures, and file name -> sentence for those that are broken."""
    sound, broken = [], {}
    for file in found():
        try:
            sound.append(glance(file))
        except CheckpointError as error:
            broken[file.name] = str(error)
    return sound, broken


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
    """What was measured of exactly these weights; empty if nothing was.  What is no figure is left out."""
    try:
        found = dict(json.loads(metrics_path(path).read_bytes())[weights_hash(path)])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error):
        return {}
    return {name: figure for name, figure in found.items() if isinstance(figure, dict) and _sound(figure)}


def _sound(figure: dict[str, Any]) -> bool:
    """Whether everything that is called a value or an error is a finite number, and every unit and kind a word."""
    for name, value in figure.items():
        if name in ("value", "standard_error", "num_images", "num_characters"):
            if type(value) not in (int, float) or not math.isfinite(value):
                return False
        elif name in ("unit", "kind"):
            if not isinstance(value, str):
                return False
        elif name in ("fid", "quality", "second") and not (isinstance(value, dict) and _sound(value)):
            return False
    if "value" in figure and "unit" in figure:
        return "kind" in figure and "standard_error" in figure
    return True


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Add figures to the ``.metrics.json`` beside a checkpoint, under the hash of its weights."""
    merged = {**read_metrics(path), **metrics}
    write_atomically(metrics_path(path), json.dumps({weights_hash(path): merged}, indent=1).encode() + b"\n")


def metrics_path(path: Path) -> Path:
    """``<id>.safetensors`` -> ``<id>.metrics.json``."""
    return path.with_suffix(".metrics.json")


def weights_hash(path: Path) -> str:
    """SHA-256 of the weights without the card, 16 hex digits: measured figures belong to these."""
    import hashlib  # loads a library of its own, which the window need not wait for

    data = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", data[:8])
    return hashlib.sha256(data[8 + header_bytes :]).hexdigest()[:16]
