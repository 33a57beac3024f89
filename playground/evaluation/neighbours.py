"""Is it memorised?  The training pictures nearest to what a model draws, and how near held-out real pictures come.

A distance is the root of the mean squared difference of 8-bit values.  A sample nearer to training than nearly all held-out pictures
are is suspicious; one that is not has not been copied, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import data
from playground.data import emoji
from playground.evaluation import feature_distances

NUM_NEAREST = 5
NUM_HELD_OUT = 1000  # real pictures that say how near is usual
_AT_ONCE = 10_000  # training pictures compared together


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What lies nearest to N pictures."""

    indices: np.ndarray  # int64 (N, NUM_NEAREST), into the training pictures, the nearest first
    distances: np.ndarray  # float64 (N, NUM_NEAREST)
    percentiles: (
        np.ndarray
    )  # float64 (N,): 0 to 100, the place of the nearest distance among those of held-out pictures


def find(images: np.ndarray, dataset: str) -> Neighbours:
    """The nearest training pictures of ``images`` uint8 (N,H,W,C).

    Raises:
        FileNotFoundError: one sentence, if the training pictures are not on disk.
    """
    train, _ = data.load(dataset, "train")
    indices, distances = _nearest(images, train)
    _, usual = _nearest(held_out(dataset)[:NUM_HELD_OUT], train)
    usual = np.sort(usual[:, 0])
    percentiles = 100 * np.searchsorted(usual, distances[:, 0], side="right") / len(usual)
    return Neighbours(indices, distances, percentiles)


def held_out(dataset: str) -> np.ndarray:
    """Real pictures that no model learned from."""
    if dataset == emoji.EMOJI.name:
        return np.concatenate([emoji.load("new-pairs").images, emoji.load("new-concepts").images])
    return data.load(dataset, "test")[0]


def name_of(dataset: str) -> Callable[[int], Any]:
    """What a training picture is called: "style/name" of an emoji, else its index."""
    if dataset != emoji.EMOJI.name:
        return int
    known = emoji.load("train")
    return lambda i: f"{known.styles[i]}/{known.names[i]}"


def as_rows(found: Neighbours, dataset: str) -> list[dict[str, Any]]:
    """The same as plain JSON: an object for each sample."""
    name = name_of(dataset)
    return [
        {
            "sample": i,
            "nearest": [
                {"id": name(int(j)), "distance": round(float(d), 4)}
                for j, d in zip(found.indices[i], found.distances[i], strict=True)
            ],
            "percentile": round(float(found.percentiles[i]), 2),
        }
        for i in range(len(found.percentiles))
    ]


def _nearest(images: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat, size = images.reshape(len(images), -1), images[0].size
    best = np.full((len(images), 0), np.inf)
    where = np.zeros((len(images), 0), np.int64)
    for start in range(0, len(train), _AT_ONCE):
        part = train[start : start + _AT_ONCE]
        here = feature_distances.distances(flat, part.reshape(len(part), -1)) / np.sqrt(size)
        best = np.concatenate([best, here], axis=1)
        where = np.concatenate(
            [where, np.tile(np.arange(start, start + len(part)), (len(images), 1))], axis=1
        )
        order = np.argsort(best, axis=1, kind="stable")[:, :NUM_NEAREST]
        best, where = np.take_along_axis(best, order, 1), np.take_along_axis(where, order, 1)
    return where, best
