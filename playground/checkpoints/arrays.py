"""The tensors of a checkpoint file as numpy arrays, every number of them finite.  No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize

from playground.checkpoints import int8
from playground.checkpoints.card import CheckpointError
from playground.checkpoints.header import KINDS, Header, sentence


def read_arrays(path: Path, header: Header) -> dict[str, np.ndarray]:
    """The tensors as numpy arrays (bfloat16 widened to float32, bytes unpacked to it: ``int8.py``).

    Raises:
        CheckpointError: if a number in them is not finite, or bytes lack the size of their steps.
    """
    try:
        found: list[tuple[str, dict[str, Any]]] = deserialize(path.read_bytes())
    except SafetensorError as error:
        raise CheckpointError(sentence(path, error)) from None
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
    array = np.frombuffer(data, KINDS[kind]).reshape(shape)
    return (array.astype(np.uint32) << 16).view(np.float32) if kind == "BF16" else array
