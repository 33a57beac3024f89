"""GIF as a stream: frame by frame, each only where it differs from the one before, so that no film has to fit into memory.

Pillow itself collects all frames before it writes the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from PIL import GifImagePlugin, Image

_MOST_COMMENT = 2**20  # bytes


def write(
    file: BinaryIO, sheets: Iterable[np.ndarray], milliseconds: Sequence[int], comment: str = ""
) -> None:
    """Write an endless loop of sheets, uint8 (H,W) or (H,W,3) of one size.

    Args:
        milliseconds: how long each stands, in whole hundredths of a second.
        comment: kept in the file beside the pictures.
    """
    before: np.ndarray | None = None
    for sheet, stands in zip(sheets, milliseconds, strict=True):
        if before is None:
            file.write(_header(_indexed(sheet), comment))
        left, top, part = (0, 0, sheet) if before is None else changed(before, sheet)
        for piece in GifImagePlugin.getdata(
            _indexed(part), (left, top), duration=stands, include_color_table=True
        ):
            file.write(piece)
        before = sheet
    if before is None:
        raise ValueError("A film needs a frame.")
    file.write(b";")


def _header(first: Image.Image, comment: str) -> bytes:
    """Size and colours of the whole, the endless loop and the comment."""
    pieces, _ = GifImagePlugin.getheader(first, info={"loop": 0})
    text = comment.encode("ascii", "backslashreplace")[:_MOST_COMMENT]
    blocks = b"".join(bytes([len(text[i : i + 255])]) + text[i : i + 255] for i in range(0, len(text), 255))
    loop = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    plain = b"".join(pieces)
    return plain + (b"" if b"NETSCAPE" in plain else loop) + (b"!\xfe" + blocks + b"\0" if text else b"")


def changed(before: np.ndarray, sheet: np.ndarray) -> tuple[int, int, np.ndarray]:
    """Left, top and pixels of the smallest part that covers every difference; one pixel if there is none."""
    different = before != sheet
    if different.ndim == 3:
        different = different.any(2)
    rows, columns = np.flatnonzero(different.any(1)), np.flatnonzero(different.any(0))
    if not len(rows):
        return 0, 0, sheet[:1, :1]
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return int(left), int(top), np.ascontiguousarray(sheet[top:bottom, left:right])


def _indexed(pixels: np.ndarray) -> Image.Image:
    """At most 256 colours, those of the part itself."""
    image = Image.fromarray(pixels)
    return image if image.mode == "L" else image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
