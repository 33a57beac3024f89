"""Held-out line drawings painted, against their true colours: the absolute error in grey levels, FID, and how sharp the pictures are.

Beside the model stand what needs no learning: the drawing as it is, each level of ink in its mean colour, and the colours of the
training drawing that is most like it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from playground.capabilities import Translates
from playground.data.emoji import pairs as emoji_pairs
from playground.evaluation import emoji_features, feature_distances

NUM_DABS = 3
_LEVELS = 16  # of ink
_REACH = 1  # pixels from the middle of a dab to its edge

BASELINES = {
    "drawing": "the drawing as it is",
    "mean_colour": "each level of ink in its mean colour",
    "nearest": "the colours of the nearest training drawing",
}


def measure(model: Translates, tell: Callable[[str], None]) -> dict[str, Any]:
    """``l1``, ``fid`` and ``sharpness`` of a model, of what it makes with three dabs, and of what needs no learning."""
    pairs = emoji_pairs.lines_and_colours("test")
    tell(f"{len(pairs)} held-out drawings")
    painted = {
        "": model.translate(pairs.before),
        "_three_dabs": model.translate(pairs.before, dabs=dabs_where_wrong(model, pairs, NUM_DABS)),
        **{f"_{name}": images for name, images in without_learning(pairs).items()},
        "_truth": pairs.after,
    }
    figures: dict[str, Any] = {}
    for name, images in painted.items():
        figures[f"l1{name}"] = _figure(errors(images, pairs.after), "grey levels", "L1")
        figures[f"fid{name}"] = _fid(images)
        figures[f"sharpness{name}"] = _figure(edges(images), "grey levels", "mean step between neighbours")
    return figures


def errors(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The mean absolute difference of each picture, uint8 (N,H,W,3), in grey levels: (N,)."""
    return np.abs(images.astype(np.float64) - truth).mean((1, 2, 3))


def edges(images: np.ndarray) -> np.ndarray:
    """The mean difference of neighbouring pixels, (N,): what is blurred has less."""
    x = images.astype(np.float64)
    return (np.abs(np.diff(x, axis=1)).mean((1, 2, 3)) + np.abs(np.diff(x, axis=2)).mean((1, 2, 3))) / 2


def dabs_where_wrong(model: Translates, pairs: emoji_pairs.Pairs, count: int) -> np.ndarray:
    """Dabs of the true colour as a person sets them, one after the other where the picture is most wrong: uint8 (N,H,W,4)."""
    dabs = np.zeros((*pairs.after.shape[:3], 4), np.uint8)
    for _ in range(count):
        wrong = np.abs(model.translate(pairs.before, dabs=dabs).astype(np.float64) - pairs.after).sum(-1)
        for i, found in enumerate(_smoothed(wrong)):
            row, column = np.unravel_index(found.argmax(), found.shape)
            rows, columns = (slice(max(at - _REACH, 0), at + _REACH + 1) for at in (int(row), int(column)))
            dabs[i, rows, columns, :3] = pairs.after[i, row, column]
            dabs[i, rows, columns, 3] = 255
    return dabs


def without_learning(pairs: emoji_pairs.Pairs) -> dict[str, np.ndarray]:
    """What each of ``BASELINES`` makes of drawings, uint8 (N,H,W,3)."""
    train = emoji_pairs.lines_and_colours("train")
    ink = pairs.before.mean(-1)
    known = train.before.mean(-1).reshape(len(train), -1).astype(np.float32)
    nearest = feature_distances.distances(ink.reshape(len(pairs), -1), known).argmin(1)
    return {
        "drawing": pairs.before,
        "mean_colour": _mean_colours()[_level(ink)],
        "nearest": train.after[nearest],
    }


@lru_cache(maxsize=1)
def _mean_colours() -> np.ndarray:
    """The mean colour of each level of ink in training, uint8 (16,3)."""
    train = emoji_pairs.lines_and_colours("train")
    levels, colours = _level(train.before.mean(-1)).ravel(), train.after.reshape(-1, 3).astype(np.float64)
    counts = np.maximum(np.bincount(levels, minlength=_LEVELS), 1)
    sums = [np.bincount(levels, colours[:, c], _LEVELS) for c in range(3)]
    return np.rint(np.stack(sums, 1) / counts[:, None]).astype(np.uint8)


def _level(ink: np.ndarray) -> np.ndarray:
    return np.minimum(ink.astype(np.int64) * _LEVELS // 256, _LEVELS - 1)


def _smoothed(maps: np.ndarray) -> np.ndarray:
    """The mean of 3x3 places, (N,H,W)."""
    wide = np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="edge")
    high, wide_ = maps.shape[1:]
    return np.mean([wide[:, i : i + high, j : j + wide_] for i in range(3) for j in range(3)], axis=0)


@lru_cache(maxsize=1)
def _reference() -> np.ndarray:
    return emoji_features.features_of(emoji_pairs.lines_and_colours("train").after)


def _fid(images: np.ndarray) -> dict[str, Any]:
    """From the training drawings in colour; so few pictures have a high one, the true ones too."""
    found = feature_distances.frechet_error(_reference(), emoji_features.features_of(images))
    return {**found, "unit": "", "kind": "FID", "num_images": len(images)}


def _figure(values: np.ndarray, unit: str, kind: str) -> dict[str, Any]:
    return {**feature_distances.mean_of(values), "unit": unit, "kind": kind, "num_images": len(values)}
