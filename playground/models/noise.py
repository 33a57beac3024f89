"""Noise as a pure function of (seed, sample index, draw name, step): Philox 4x64, a counter-based generator.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).  Because nothing is ever *running*, sample 5 of
seed 7 gets the same noise alone or among a hundred, on any device, and when a run is resumed in the middle.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.random import Generator, Philox

__all__ = ["identities", "normal", "uniform"]


def normal(seed: int, indices: Iterable[int], name: str, shape: tuple[int, ...], step: int = 0) -> np.ndarray:
    """Standard normal noise, float32 (len(indices), *shape)."""
    return _draw(seed, indices, name, step, lambda g: g.standard_normal(shape, dtype=np.float32))


def uniform(
    seed: int, indices: Iterable[int], name: str, shape: tuple[int, ...], step: int = 0
) -> np.ndarray:
    """Uniform noise in [0, 1), float64 (len(indices), *shape)."""
    return _draw(seed, indices, name, step, lambda g: g.random(shape))


def identities(pictures: Any) -> list[int]:
    """A number for each uint8 picture, (B, ...) array or tensor, in place of a sample index: a picture that is scored
    gets noise of its own, whatever stands beside it in the batch."""
    rows = np.ascontiguousarray(pictures.cpu() if hasattr(pictures, "cpu") else pictures)
    return [int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "big") for row in rows]


def _draw(
    seed: int, indices: Iterable[int], name: str, step: int, draw: Callable[[Generator], np.ndarray]
) -> np.ndarray:
    word = zlib.crc32(name.encode())
    # the generator itself counts in the lowest word of the counter; ours are the others
    bits = (Philox(key=[seed, int(index)], counter=[0, step, word, 0]) for index in indices)
    return np.stack([draw(Generator(b)) for b in bits])
