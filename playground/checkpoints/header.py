"""The header of a checkpoint file, checked by ``safetensors`` and by us: sizes, kinds, the card.  No torch."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.checkpoints.card import Card, CheckpointError, parse_card

if TYPE_CHECKING:
    from safetensors import SafetensorError

MAX_FILE_BYTES = 256 * 2**20
MAX_HEADER_BYTES = 2**20
MAX_DIMS = 8
# how numpy calls what a file may hold; it has no bfloat16, whose two bytes are the upper half of a float32
KINDS = {
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
    from safetensors import SafetensorError, safe_open  # numpy comes with them

    try:
        _check_sizes(path)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            slices = {name: file.get_slice(name) for name in list(file.keys())}
            tensors = {name: (one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
    except SafetensorError as error:
        raise CheckpointError(sentence(path, error)) from None
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    card = parse_card(path, metadata)
    if not tensors:
        raise CheckpointError(f"{path.name} holds no weights.")
    for name, (kind, shape) in tensors.items():
        if len(shape) > MAX_DIMS:
            raise CheckpointError(f"The tensor {name[:60]!r} in {path.name} has {len(shape)} dimensions.")
        if kind not in KINDS:
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


def glance(path: Path) -> Card:
    """The card alone, for menus that are shown before numpy is imported: what is loaded goes through :func:`read_header`.

    Raises:
        CheckpointError: one sentence, if the file is cut off or its card is wrong.
    """
    try:
        _check_sizes(path)
        table, num_bytes = _table(path)
        ends = [one["data_offsets"][1] for name, one in table.items() if name != "__metadata__"]
        if max(ends, default=0) != num_bytes:
            raise CheckpointError(f"{path.name} {_reason('not fully covered')}.")
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    except CheckpointError:
        raise
    except (RecursionError, ValueError, KeyError, TypeError, IndexError):
        raise CheckpointError(f"{path.name} {_reason('invalid JSON')}.") from None
    if not ends:
        raise CheckpointError(f"{path.name} holds no weights.")
    return parse_card(path, table.get("__metadata__"))


def _table(path: Path) -> tuple[dict[str, Any], int]:
    """The table of tensors as it is written, and how many bytes follow it."""
    with path.open("rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        text = file.read(header_bytes)
    return dict(json.loads(text)), path.stat().st_size - 8 - header_bytes


def sentence(path: Path, error: SafetensorError) -> str:
    """What the library finds wrong with a file, in our words."""
    return f"{path.name} {_reason(str(error))}."


def _reason(words: str) -> str:
    return next((said for word, said in _REASONS if word in words), "is not a safetensors file")
