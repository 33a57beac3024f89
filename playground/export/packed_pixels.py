"""Pixels that somebody painted, as a short text inside the settings of a kept picture.  What is read back is trusted in nothing."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import numpy as np


def packed(array: np.ndarray) -> str:
    """uint8 or bool as a short text."""
    return base64.b64encode(zlib.compress(array.astype(np.uint8).tobytes(), 9)).decode("ascii")


def unpacked(text: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of :func:`packed`, uint8 of this shape.

    Raises:
        ValueError: one sentence, if it is anything else.
    """
    wanted = int(np.prod(shape))
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) and len(text) < 10**5 else b""
        pixels = zlib.decompressobj().decompress(raw, wanted + 1)
    except (ValueError, binascii.Error, zlib.error):
        pixels = b""
    if len(pixels) != wanted:
        raise ValueError("its view was given pixels that do not fit.")
    return np.frombuffer(pixels, np.uint8).reshape(shape).copy()
