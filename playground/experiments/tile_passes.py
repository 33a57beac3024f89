"""The order in which the tiles of a plane are decoded: a few far apart first, so that under a turning knob the whole plane changes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=16)
def tile_passes(n: int, step: int, whole_rows: bool = False) -> tuple[np.ndarray, ...]:
    """The tiles that each of at most three passes adds: indices into n*n tiles, row by row, int64.

    First every ``step``-th tile of every ``step``-th row, the middle one among them, then all others.

    Args:
        n: rows and columns.
        whole_rows: passes take their rows whole, where the tiles of a row are drawn together; as that is slow, there is
            one pass more between: the rows half way.
    """
    coarse = np.arange(n) % step == n // 2 % step
    half_way = np.arange(n) % step == (n // 2 + step // 2) % step
    first = coarse[:, None] & (coarse | whole_rows)
    second = half_way[:, None] & ~first & whole_rows
    found = (np.flatnonzero(mask) for mask in (first, second, ~(first | second)))
    return tuple(tiles for tiles in found if len(tiles))


@lru_cache(maxsize=64)
def stand_ins(n: int, step: int, num_passes: int, whole_rows: bool = False) -> np.ndarray:
    """For each of the n*n tiles the nearest one that is there after so many passes (itself, if it is): int64."""
    there = np.concatenate(tile_passes(n, step, whole_rows)[:num_passes])
    place = np.stack(np.divmod(np.arange(n * n), n), 1)
    apart = place[:, None] - place[there]
    found: np.ndarray = there[np.square(apart).sum(2).argmin(1)]
    return found
