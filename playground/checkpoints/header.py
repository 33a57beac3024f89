"""The header of a checkpoint file, checked: sizes, the table of tensors, the card.  No torch."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from playground.checkpoints import int8
from playground.checkpoints.card import Card, CheckpointError, parse_card

MAX_FILE_BYTES = 256 * 2**20
MAX_HEADER_BYTES = 2**20
_ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "I8": 1, "BOOL": 1}


@dataclass(frozen=True)
class Header:
    """A checked header: the card, and where each tensor lies in the file."""

    card: Card
    tensors: dict[str, tuple[str, tuple[int, ...], int, int]]  # name -> (dtype, shape, begin, end)
    data_start: int


def read_header(path: Path) -> Header:
    """Check sizes, tensor table and card.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    try:
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
            raw = file.read(header_bytes)
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.") from None
    table = _parse_table(path, raw)
    card = parse_card(path, table.pop("__metadata__", None))
    return Header(card, _parse_tensors(path, table, size - 8 - header_bytes), 8 + header_bytes)


def _parse_table(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        table = json.loads(raw)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path.name} is not a safetensors file: its header is not JSON.") from None
    if not isinstance(table, dict):
        raise CheckpointError(f"{path.name} is not a safetensors file: its header is not a table.")
    return table


def _parse_tensors(
    path: Path, table: dict[str, Any], data_bytes: int
) -> dict[str, tuple[str, tuple[int, ...], int, int]]:
    tensors: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    try:
        for name, entry in table.items():
            shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
            if not all(isinstance(n, int) and 0 <= n <= 2**31 for n in (*shape, begin, end)):
                raise CheckpointError(
                    f"The tensor {name[:60]!r} in {path.name} has an impossible shape or place."
                )
            if end - begin != math.prod(shape) * _ITEM_BYTES[entry["dtype"]]:
                raise CheckpointError(
                    f"The tensor {name[:60]!r} in {path.name} has a size that its shape denies."
                )
            tensors[name] = (entry["dtype"], shape, begin, end)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"The table of tensors in {path.name} is broken.") from None
    position = 0
    for name, (_, _, begin, end) in sorted(tensors.items(), key=lambda item: item[1][2:]):
        if begin != position:
            raise CheckpointError(
                f"The tensor {name[:60]!r} in {path.name} overlaps another or leaves a gap."
            )
        position = end
    if position != data_bytes:
        raise CheckpointError(
            f"{path.name} is cut off or padded: {data_bytes} bytes of weights where {position} belong."
        )
    if not tensors:
        raise CheckpointError(f"{path.name} holds no weights.")
    return tensors


def read_arrays(path: Path, header: Header) -> dict[str, np.ndarray]:
    """The tensors as numpy arrays (bfloat16 widened to float32, bytes unpacked to it: ``int8.py``).

    Raises:
        CheckpointError: if a number in them is not finite, or bytes lack the size of their steps.
    """
    data = path.read_bytes()[header.data_start :]
    plain = {
        "F32": "<f4",
        "F16": "<f2",
        "F64": "<f8",
        "I64": "<i8",
        "I32": "<i4",
        "U8": "u1",
        "I8": "i1",
        "BOOL": "?",
    }
    arrays = {}
    for name, (dtype, shape, begin, end) in header.tensors.items():
        if dtype == "BF16":
            wide = np.frombuffer(data[begin:end], "<u2").astype(np.uint32) << 16
            array = wide.view(np.float32).reshape(shape)
        else:
            array = np.frombuffer(data[begin:end], plain[dtype]).reshape(shape)
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"The tensor {name[:60]!r} in {path.name} holds numbers that are not finite."
            )
        arrays[name] = array
    try:
        return int8.unpack(arrays)
    except ValueError as error:
        raise CheckpointError(f"{path.name} {error}.") from None
