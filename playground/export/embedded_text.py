"""Where a picture or film keeps a text: found in PNG (tEXt, zTXt, iTXt), GIF, WebP, JPEG, MP4, WAV and SVG.

No pixel is decoded.

Editors and browsers that save a PNG anew pack its texts or write them as Unicode; both are read.  A file comes from
anywhere: sizes are bounded, checksums are compared, and every refusal is one sentence.  No torch, no Qt.
"""

from __future__ import annotations

import html
import json
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

MAX_TEXT_BYTES = 2**20
MAX_PIXELS = 2**28
MAX_CHUNKS = 100_000
MAX_FILE_BYTES = 2**28  # of a file other than a PNG
_PNG = b"\x89PNG\r\n\x1a\n"


class EmbeddedTextError(ValueError):
    """A file that has no such text, or a broken one, said in one sentence."""


def find(path: Path, keyword: str, begins: str) -> bytes | str:
    """The text that is kept in a file.

    Args:
        keyword: its name in a PNG.
        begins: the first characters of the text, a table in JSON, by which it is found in the other kinds.

    Raises:
        EmbeddedTextError: one sentence.
    """
    from playground.data import file_kinds  # numpy comes with it

    kinds = ("GIF picture", "WebP picture", "JPEG picture", *file_kinds.CARRIERS)
    try:
        with path.open("rb") as file:
            start = file.read(32)
            file.seek(0)
            if start.startswith(_PNG):
                return _find_in_png(file, path.name, keyword.encode())
            kind = file_kinds.kind_of_bytes(start)
            if kind not in kinds:
                said = f"it is {file_kinds.article(kind)}" if kind else "it is none that is known here"
                raise EmbeddedTextError(f"{path.name} is not a picture that settings are kept in: {said}.")
            content = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise EmbeddedTextError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if kind == "GIF picture":
        content = _comments(content)
    elif kind == "SVG drawing":
        content = html.unescape(content.decode("utf-8", "replace")).encode()
    text = _find_json(content, begins)
    if text is None:
        raise _without(path.name)
    return text


def _without(name: str) -> EmbeddedTextError:
    return EmbeddedTextError(
        f"{name} carries no settings: only pictures that were exported here can be opened."
    )


# --- PNG


def _find_in_png(file: BinaryIO, name: str, keyword: bytes) -> bytes | str:
    file.seek(len(_PNG))
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            raise EmbeddedTextError(f"{name} is cut off: it is not a whole picture.")
        (size,), kind = struct.unpack(">I", head[:4]), head[4:]
        if kind == b"IEND":
            raise _without(name)
        if kind not in (b"IHDR", b"tEXt", b"zTXt", b"iTXt") or size > MAX_TEXT_BYTES + 80:
            file.seek(size + 4, 1)
            continue
        body, check = file.read(size), file.read(4)
        if len(body) < size or len(check) < 4 or zlib.crc32(kind + body) != struct.unpack(">I", check)[0]:
            raise EmbeddedTextError(f"{name} is damaged: its parts do not match their checksums.")
        if kind == b"IHDR":
            _refuse_giant(body, name)
            continue
        found, _, text = body.partition(b"\0")
        if found == keyword:
            return _unpacked(kind, text, name)
    raise EmbeddedTextError(f"{name} is not a picture of this program: it has too many parts.")


def _refuse_giant(body: bytes, name: str) -> None:
    width, height = struct.unpack(">II", body[:8]) if len(body) >= 8 else (0, 0)
    if width * height > MAX_PIXELS:
        raise EmbeddedTextError(f"{name} claims to be {width} × {height} pixels, larger than any export.")


def _unpacked(kind: bytes, body: bytes, name: str) -> bytes | str:
    """The text of a chunk after its keyword (PNG specification, 11.3.3)."""
    if kind == b"tEXt":
        return body
    packed = kind == b"zTXt"
    if packed:
        text = body[1:]  # the method, of which there is one
    else:
        packed = body[:1] == b"\1"
        _, _, rest = body[2:].partition(b"\0")  # language
        _, _, text = rest.partition(b"\0")  # translated keyword
    if packed:
        reader = zlib.decompressobj()
        try:
            text = reader.decompress(text, MAX_TEXT_BYTES)
        except zlib.error:
            raise EmbeddedTextError(f"{name} is damaged: its settings cannot be unpacked.") from None
        if reader.unconsumed_tail:
            raise EmbeddedTextError(f"{name} is not a picture of this program: its settings are too long.")
    return text


# --- the other kinds


def _comments(content: bytes) -> bytes:
    """All comments of a GIF, each put together from its blocks of at most 255 bytes."""
    found = []
    at = content.find(b"!\xfe")
    while at >= 0:
        at += 2
        while at < len(content) and content[at]:
            found.append(content[at + 1 : at + 1 + content[at]])
            at += 1 + content[at]
        at = content.find(b"!\xfe", at)
    return b"".join(found)


def _find_json(content: bytes, begins: str) -> str | None:
    at = content.find(begins.encode())
    if at < 0:
        return None
    text = content[at : at + MAX_TEXT_BYTES].decode("utf-8", "replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return text  # whoever reads it says what is wrong with it
    return text[:end]
