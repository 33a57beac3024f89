"""The King James text (1611, public domain) as the dataset ``bible``: whole books held out, characters as numbers.

The text is that of Chip Chapin's Bible Retrieval System (textfile 930105), as the Debian package ``bible-kjv-text`` has
it: ``bible.data``, 64 kB windows compressed by Unix ``compress`` (LZW; Welch 1984).  A verse is a line here, an empty line
parts chapters, and the numbers of verses are left out.  Characters are ASCII codes; 0 stands for "nothing yet".

Passages of the Bible repeat each other (Kings and Chronicles, the first three gospels, the letters of Paul), so whole
books are held out, and such as have few parallels: of each kind one or two.  The test books travel with the program;
the rest is only needed for training.  No torch.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np

from playground import paths
from playground.data import characters
from playground.data.dataset import Dataset, Split, find
from playground.data.modality import Modality

BIBLE = Dataset(
    "bible",
    "King James Bible (1611), whole books held out",
    "public domain",
    (1, characters.WINDOW, 1),
    (),
    num_test=353,
    modality=Modality.TEXT,
    parts="books",
)
TEST_BOOKS = ("Ruth", "Est", "Eccl", "Jonah", "Jas")  # story, story, wisdom, prophet, letter: 90 kB
VALIDATION_BOOKS = ("SSol", "Dan", "Phmn")  # song, prophet, letter: 78 kB
TEST_FILE = "kjv-test-books.txt.gz"
_FILES = {  # file name -> sha256
    "bible.data": "6c746c2acc8a34bfded980883ff1701a5d68934a1c853ebf88a07b978fe0ae0e",
    TEST_FILE: "5eb561c547e3d3a90090934d4520479dd7e8c1d50fa0d1be5a45412c486252e7",
}
_DEBIAN = Path("/usr/lib")
_BOOK = "== "  # a line that begins so names the next book, in the test file


def windows(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Stretches of its characters, see :func:`playground.data.characters.windows`.

    Raises:
        FileNotFoundError, ValueError: see :func:`books`.
    """
    return characters.windows(books(split).values())


@lru_cache(maxsize=3)
def books(split: Split) -> dict[str, str]:
    """Short name -> text of every book of a split, in the order of the Bible.

    Raises:
        FileNotFoundError: one sentence, if the text is not on this machine.
        ValueError: one sentence, if a file is not the published one.
    """
    if split == "test":
        return _parse_test(gzip.decompress(_read(TEST_FILE)).decode("ascii"))
    every = _parse(_decompressed(_read("bible.data")).decode("ascii"))
    if split == "validation":
        return {name: every[name] for name in VALIDATION_BOOKS}
    return {name: text for name, text in every.items() if name not in (*TEST_BOOKS, *VALIDATION_BOOKS)}


def write_test_books() -> Path:
    """Make the file of test books out of the whole text (done once; the file travels with the program)."""
    every = _parse(_decompressed(_read("bible.data")).decode("ascii"))
    text = "\n".join(f"{_BOOK}{name}\n{every[name]}" for name in TEST_BOOKS)
    path = paths.folder("assets") / TEST_FILE
    path.write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))
    return path


# --- reading


def _read(name: str) -> bytes:
    found = find(name, _DEBIAN)
    if found is None:
        raise FileNotFoundError(
            f"The King James text is not on this machine ({name}): install the Debian package bible-kjv-text, "
            "or put the file into the folder that PLAYGROUND_DATA names."
        )
    path, content = found
    if hashlib.sha256(content).hexdigest() != _FILES[name]:
        raise ValueError(f"{path} is not the published King James text (its checksum differs).")
    return content


def _parse_test(text: str) -> dict[str, str]:
    parts = re.split(rf"^{_BOOK}(\w+)\n", text, flags=re.MULTILINE)
    return {
        name: body.removesuffix("\n") if i < len(parts) // 2 - 1 else body
        for i, (name, body) in enumerate(zip(parts[1::2], parts[2::2], strict=True))
    }


def _parse(text: str) -> dict[str, str]:
    """``Ge1:2 And the earth ...`` lines -> book -> verses as lines, chapters parted by an empty line."""
    found: dict[str, list[str]] = {}
    chapter = ""
    for name, number, verse in re.findall(r"^([1-3]?[A-Za-z]+)(\d+):\d+ (.*)$", text, re.MULTILINE):
        lines = found.setdefault(name, [])
        if lines and number != chapter:
            lines.append("")
        chapter = number
        lines.append(verse.strip())
    return {name: "\n".join(lines) for name, lines in found.items()}


def _decompressed(data: bytes) -> bytes:
    """All windows of a ``bible.data``: a table of offsets, then LZW streams without their own headers."""
    (start,) = struct.unpack_from(
        ">I", data, 0x5C
    )  # of the first stream; the three bytes before it are a .Z header
    count = (start - 3 - 0x5C) // 4
    offsets = [o for o in struct.unpack_from(f">{count}I", data, 0x5C) if start <= o < len(data)]
    return b"".join(lzw(data[a:b]) for a, b in zip(offsets, [*offsets[1:], len(data)], strict=True))


def lzw(data: bytes, most_bits: int = 16) -> bytes:
    """Unix ``compress``: codes grow from 9 bits; 256 clears the table; a new width begins at a group of eight codes."""
    single = [bytes([i]) for i in range(256)] + [b""]
    table, bits, position, start = list(single), 9, 0, 0
    out: list[bytes] = []
    before: bytes | None = None
    while True:
        grows = len(table) > (1 << bits) - 1 and bits < most_bits
        if grows:
            position = start = start + -(-(position - start) // (bits * 8)) * bits * 8
            bits += 1
        if position + bits > len(data) * 8:
            return b"".join(out)
        word = int.from_bytes(data[position >> 3 : (position >> 3) + 4], "little")
        code = word >> (position & 7) & ((1 << bits) - 1)
        position += bits
        if code == 256:
            position = start = start + -(-(position - start) // (bits * 8)) * bits * 8
            table, bits, before = list(single), 9, None
            continue
        entry = table[code] if code < len(table) else (before or b"") + (before or b"")[:1]
        if before is not None and len(table) < 1 << most_bits:
            table.append(before + entry[:1])
        out.append(entry)
        before = entry
