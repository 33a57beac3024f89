"""What the window and a process that trains say to each other: a line of JSON and named arrays, as bytes.

Nothing is pickled.  A message is the length of its header (4 bytes), the header as JSON, then the arrays one after the other.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

Header = dict[str, Any]
Arrays = dict[str, np.ndarray]

_KINDS = "biuf"  # of numbers that may travel
_LAYOUT = "_arrays"


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """One message."""
    whole = {name: np.asarray(value, order="C") for name, value in (arrays or {}).items()}
    layout = [[name, value.dtype.str, list(np.shape(value))] for name, value in whole.items()]
    text = json.dumps({**header, _LAYOUT: layout}).encode()
    return b"".join([struct.pack("<I", len(text)), text, *(value.tobytes() for value in whole.values())])


def unpack(message: bytes) -> tuple[Header, Arrays]:
    """The header and the arrays, which are read-only views of the message.

    Raises:
        ValueError: if it is not a message.
    """
    try:
        (length,) = struct.unpack_from("<I", message)
        header = json.loads(message[4 : 4 + length])
        layout = header.pop(_LAYOUT)
        arrays, at = {}, 4 + length
        for name, kind, shape in layout:
            dtype = np.dtype(kind)
            if dtype.kind not in _KINDS:
                raise ValueError(kind)
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(message, dtype, count, at).reshape(shape)
            at += count * dtype.itemsize
    except (struct.error, UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"This is not a message ({error}).") from None
    return header, arrays
