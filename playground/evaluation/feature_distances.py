"""How near a set of pictures is to another, by their features: Frechet distance, precision, recall, density, coverage.

Heusel et al. 2017 (arXiv:1706.08500) for the Frechet distance; Kynkaanniemi et al. 2019 (arXiv:1904.06991) for precision
and recall; Naeem et al. 2020 (arXiv:2002.09797) for density and coverage.  Features are float arrays (N, D).  Every
function that averages over pictures returns the value of each, so that its error is a bootstrap away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

NUM_NEIGHBOURS = 5
NUM_RESAMPLES = 40
_ROWS = 1000  # of a table of distances at a time


# --- the Frechet distance


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of two sets of features, (N, D) and (M, D)."""
    return frechet_between(FeatureStatistics.of(a), FeatureStatistics.of(b))


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Mean (D,) and covariance (D, D) of features, float64."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> FeatureStatistics:
        """Of features (N, D).

        Raises:
            ValueError: one sentence, for fewer than two rows.
        """
        if len(features) < 2:
            raise ValueError("A spread needs at least two pictures.")
        features = features.astype(np.float64)
        return cls(features.mean(0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_between(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """The Frechet distance of two normal distributions; never below 0."""
    # the eigenvalues of C_a C_b are those of the symmetric C_a^(1/2) C_b C_a^(1/2), which has a safe solver
    root = _square_root(a.covariance)
    values = np.linalg.eigvalsh(root @ b.covariance @ root)
    mixed = np.sqrt(np.clip(values, 0, None)).sum()
    gap = np.square(a.mean - b.mean).sum()
    return float(max(gap + np.trace(a.covariance) + np.trace(b.covariance) - 2 * mixed, 0.0))


def _square_root(symmetric: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(symmetric)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


# --- neighbourhoods


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """One number per picture; the figures of the papers are their means."""

    precision: np.ndarray  # (M,) is this picture inside some ball of the reference?
    recall: np.ndarray  # (N,) is this reference picture inside some ball of the pictures?
    density: np.ndarray  # (M,) in how many balls of the reference it lies, divided by k
    coverage: np.ndarray  # (N,) is there a picture in the ball of this reference picture?


def neighbourhoods(reference: np.ndarray, features: np.ndarray, k: int = NUM_NEIGHBOURS) -> Neighbourhoods:
    """Balls reach from each picture to its ``k``-th nearest neighbour in its own set; features are (N, D) and (M, D).

    Raises:
        ValueError: one sentence, if a set has no more than ``k`` pictures.
    """
    if min(len(reference), len(features)) <= k:
        raise ValueError(f"{k} neighbours need more than {k} pictures in either set.")
    reach_of_reference, reach_of_features = own_reach(reference, k), own_reach(features, k)
    inside_features = np.zeros(len(reference), bool)
    counts = np.zeros(len(features), np.int64)
    covered = np.zeros(len(reference), bool)
    for start in range(0, len(reference), _ROWS):
        part = slice(start, start + _ROWS)
        distance = distances(reference[part], features)  # (rows, M)
        inside_reference = distance < reach_of_reference[part, None]
        counts += inside_reference.sum(0)
        covered[part] = inside_reference.any(1)
        inside_features[part] = (distance < reach_of_features[None]).any(1)
    return Neighbourhoods(
        (counts > 0).astype(np.float64),
        inside_features.astype(np.float64),
        counts / k,
        covered.astype(np.float64),
    )


def own_reach(features: np.ndarray, k: int) -> np.ndarray:
    """Distance of every row to its ``k``-th nearest other row, (N,)."""
    parts = []
    for start in range(0, len(features), _ROWS):
        table = distances(features[start : start + _ROWS], features)
        parts.append(np.partition(table, k, axis=1)[:, k])  # the nearest is the picture itself
    return np.concatenate(parts)


def nearest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance of every row of ``a`` (N, D) to the nearest row of ``b`` (M, D), (N,)."""
    found = np.full(len(a), np.inf)
    for start in range(0, len(b), 10 * _ROWS):
        found = np.minimum(found, distances(a, b[start : start + 10 * _ROWS]).min(1))
    return found


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances, (N, M)."""
    x, y = (torch.from_numpy(np.ascontiguousarray(v, np.float32)) for v in (a, b))
    return torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist").numpy()


# --- classes


def class_entropy(predicted: np.ndarray, num_classes: int) -> float:
    """Entropy of the shares of the classes among ``predicted`` int64 (N,), divided by its largest value: 1 is even."""
    shares = np.bincount(predicted, minlength=num_classes) / len(predicted)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / np.log(num_classes))


# --- errors


def figure(value: float, error: float) -> dict[str, float]:
    """A figure as it is stored."""
    return {"value": float(value), "standard_error": float(error)}


def bootstrapped(
    count: int, measure: Callable[[np.ndarray], float], seed: int = 0, resamples: int = NUM_RESAMPLES
) -> dict[str, float]:
    """``measure`` of all of ``count`` pictures, with the spread of it over sets drawn with replacement as its error.

    Args:
        measure: from indices int64 (count,) to a number.
    """
    rng = np.random.default_rng(seed)
    again = [measure(rng.integers(0, count, count)) for _ in range(resamples)]
    return figure(measure(np.arange(count)), float(np.std(again, ddof=1)))


def mean_of(values: np.ndarray, seed: int = 0) -> dict[str, float]:
    """The mean of one number per picture, with its bootstrap error."""
    return bootstrapped(len(values), lambda chosen: float(values[chosen].mean()), seed, 200)


def frechet_error(reference: np.ndarray, features: np.ndarray, seed: int = 0) -> dict[str, float]:
    """The Frechet distance of ``features`` (M, D) from ``reference`` (N, D), with its bootstrap error."""
    of_reference = FeatureStatistics.of(reference)

    def fid(chosen: np.ndarray) -> float:
        return frechet_between(of_reference, FeatureStatistics.of(features[chosen]))

    return bootstrapped(len(features), fid, seed)


def compare(reference: np.ndarray, features: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """FID, precision, recall, density and coverage of ``features`` (M, D) against ``reference`` (N, D)."""
    near = neighbourhoods(reference, features)
    names = ("precision", "recall", "density", "coverage")
    return {
        "fid": frechet_error(reference, features, seed),
        **{name: mean_of(getattr(near, name), seed) for name in names},
    }
