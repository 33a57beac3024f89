"""Sound as a WAV file: 16-bit PCM, mono, with its settings in a comment (RIFF ``LIST INFO ICMT``).  No torch, no Qt."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from playground import paths
from playground.data import mu_law

PAUSE = 0.25  # seconds between recordings of one file


def write(path: Path, codes: np.ndarray, settings: str = "") -> None:
    """Write recordings one after the other, in one atomic step.

    Args:
        codes: mu-law, uint8 (N,1,T,1), at 8 kHz.
        settings: a text that the file keeps inside (see ``picture_metadata``).

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    content = contents(codes, settings)
    with paths.replacing(path) as partial:
        partial.write_bytes(content)


def contents(codes: np.ndarray, settings: str = "") -> bytes:
    """The bytes of such a file."""
    silence = np.zeros(round(PAUSE * mu_law.RATE), np.float32)
    parts = [part for sound in mu_law.decode(codes[:, 0, :, 0]) for part in (sound, silence)][:-1]
    samples = np.rint(np.concatenate(parts or [silence[:0]]) * 32767).astype("<i2").tobytes()
    rate, width = mu_law.RATE, 2
    head = struct.pack("<HHIIHH", 1, 1, rate, rate * width, width, 8 * width)
    chunks = [_chunk(b"fmt ", head)]
    if settings:
        chunks.append(_chunk(b"LIST", b"INFO" + _chunk(b"ICMT", settings.encode() + b"\0")))
    body = b"WAVE" + b"".join(chunks) + _chunk(b"data", samples)
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
