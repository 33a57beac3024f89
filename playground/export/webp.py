"""WebP as a stream: frame by frame, each only where it differs from the one before, so that no film has to fit into memory.

Pillow's encoder wants all frames at once; here it encodes one lossless picture after the other, and their data are put into the
container of an animation (WebP Container Specification, "Animation").
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

from playground.export.gif import changed

_XMP, _ANIMATION = 0x04, 0x02  # flags of the extended header
_KEEP = 0x02  # of a frame: it replaces what it covers, and stays


def write(file: BinaryIO, sheets: Iterable[np.ndarray], milliseconds: Sequence[int], xmp: str = "") -> None:
    """Write an endless loop of sheets, uint8 (H,W) or (H,W,3) of one size.

    Args:
        file: one that can be written anew at its beginning, where its length stands.
        milliseconds: how long each stands.
        xmp: a text that is kept in the file beside the pictures.
    """
    before: np.ndarray | None = None
    for sheet, stands in zip(sheets, milliseconds, strict=True):
        if before is None:
            file.write(b"RIFF\0\0\0\0WEBP" + _header(sheet, bool(xmp)))
        left, top, part = (0, 0, sheet) if before is None else _even(sheet, *changed(before, sheet))
        file.write(_chunk(b"ANMF", _frame(left, top, part, stands)))
        before = sheet
    if before is None:
        raise ValueError("A film needs a frame.")
    if xmp:
        file.write(_chunk(b"XMP ", xmp.encode()))
    length = file.tell()
    file.seek(4)
    file.write(struct.pack("<I", length - 8))


def _header(sheet: np.ndarray, has_xmp: bool) -> bytes:
    """The size of the whole, and the endless loop on black."""
    flags = _ANIMATION | (_XMP if has_xmp else 0)
    size = _three(sheet.shape[1] - 1) + _three(sheet.shape[0] - 1)
    return _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size) + _chunk(b"ANIM", b"\0\0\0\xff" + b"\0\0")


def _even(sheet: np.ndarray, left: int, top: int, part: np.ndarray) -> tuple[int, int, np.ndarray]:
    """A part of a sheet made larger so that it begins at even places, as the container wants it."""
    bottom, right = top + part.shape[0], left + part.shape[1]
    left, top = left - left % 2, top - top % 2
    return left, top, np.ascontiguousarray(sheet[top:bottom, left:right])


def _frame(left: int, top: int, part: np.ndarray, stands: int) -> bytes:
    height, width = part.shape[:2]
    place = _three(left // 2) + _three(top // 2) + _three(width - 1) + _three(height - 1)
    return place + _three(stands) + bytes([_KEEP]) + _encoded(part)


def _encoded(part: np.ndarray) -> bytes:
    """The lossless data of a picture, as the chunk that Pillow's file has of it."""
    data = io.BytesIO()
    Image.fromarray(part).convert("RGB").save(data, format="WEBP", lossless=True, quality=40, method=2)
    whole = data.getvalue()
    return whole[whole.index(b"VP8L") :]


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
