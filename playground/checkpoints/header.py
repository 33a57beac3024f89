"""The header and the tensors of a checkpoint file, read by ``safetensors`` and checked: sizes, kinds, the card.  No torch."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize, safe_open

from playground.checkpoints import int8
from playground.checkpoints.card import Card, CheckpointError, parse_card

MAX_FILE_BYTES = 256 * 2**20
MAX_HEADER_BYTES = 2**20
MAX_DIMS = 8
# how numpy calls what a file may hold; it has no bfloat16, whose two bytes are the upper half of a float32
_KINDS = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"},
    **{"I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "BOOL": "?"},
}
# what the library finds wrong with the table of a file, by a word of its message, and what follows the file's name
_REASONS = (
    ("not fully covered", "is cut off or padded: its weights are not as long as its table of tensors says"),
    (
        "invalid offset",
        "has a table of tensors in which one overlaps another, leaves a gap or has the wrong size",
    ),
    ("shape", "has a table of tensors in which one has an impossible shape or a size that its shape denies"),
    ("invalid JSON", "is not a safetensors file: its header is not a table of tensors in JSON"),
)


@dataclass(frozen=True)
class Header:
    """A checked header: the card, and what tensors there are."""

    card: Card
    tensors: dict[str, tuple[str, tuple[int, ...]]]  # name -> (kind, shape)


def read_header(path: Path) -> Header:
    """Check sizes, tensor table and card.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    try:
        _check_sizes(path)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            slices = {name: file.get_slice(name) for name in list(file.keys())}
            tensors = {name: (one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
    except SafetensorError as error:
        raise CheckpointError(_sentence(path, error)) from None
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    card = parse_card(path, metadata)
    if not tensors:
        raise CheckpointError(f"{path.name} holds no weights.")
    for name, (kind, shape) in tensors.items():
        if len(shape) > MAX_DIMS:
            raise CheckpointError(f"The tensor {name[:60]!r} in {path.name} has {len(shape)} dimensions.")
        if kind not in _KINDS:
            raise CheckpointError(
                f"The tensor {name[:60]!r} in {path.name} holds numbers of a kind not known here ({kind})."
            )
    return Header(card, tensors)


def _check_sizes(path: Path) -> None:
    """Before a library is asked: what it would read must be of a size that a checkpoint can have."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    if size > MAX_FILE_BYTES:
        raise CheckpointError(
            f"{path.name} is {size / 2**20:.0f} MB; checkpoints are at most {MAX_FILE_BYTES >> 20} MB."
        )
    if len(start) < 8:
        raise CheckpointError(f"{path.name} is too short to be a checkpoint ({size} bytes).")
    (header_bytes,) = struct.unpack("<Q", start)
    if header_bytes > MAX_HEADER_BYTES or 8 + header_bytes > size:
        raise CheckpointError(
            f"{path.name} is not a safetensors file, or it is cut off: its header claims {header_bytes} bytes."
        )


def _sentence(path: Path, error: SafetensorError) -> str:
    reason = next((said for word, said in _REASONS if word in str(error)), "is not a safetensors file")
    return f"{path.name} {reason}."


def read_arrays(path: Path, header: Header) -> dict[str, np.ndarray]:
    """The tensors as numpy arrays (bfloat16 widened to float32, bytes unpacked to it: ``int8.py``).

    Raises:
        CheckpointError: if a number in them is not finite, or bytes lack the size of their steps.
    """
    try:
        found: list[tuple[str, dict[str, Any]]] = deserialize(path.read_bytes())
    except SafetensorError as error:
        raise CheckpointError(_sentence(path, error)) from None
    arrays = {name: _array(one["data"], *header.tensors[name]) for name, one in found}
    for name, array in arrays.items():
        refuse_infinite(path, name, array)
    try:
        unpacked = int8.unpack(arrays)
    except ValueError as error:
        raise CheckpointError(f"{path.name} {error}.") from None
    for name, array in unpacked.items():  # also of products: 127 steps may be more than a number can be
        refuse_infinite(path, name, array)
    return unpacked


def refuse_infinite(path: Path, name: str, array: np.ndarray) -> None:
    """Raises CheckpointError with one sentence, if a number of a tensor is not finite."""
    if not np.isfinite(array).all():
        raise CheckpointError(f"The tensor {name[:60]!r} in {path.name} holds numbers that are not finite.")


def _array(data: bytes, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.frombuffer(data, _KINDS[kind]).reshape(shape)
    return (array.astype(np.uint32) << 16).view(np.float32) if kind == "BF16" else array
