"""Baselines: real pictures, and real pictures spoiled in ways that everybody can imagine.

The reference is the first half of the test set.  Baselines are made from the second half, so that "real against real" compares
pictures that have nothing in common, just as a model's are compared; no judge and no model was trained on either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from playground import checkpoints, data, paths

NUM_REFERENCE = 5_000
NOISE_SIGMA = 12  # grey levels of 255
BLUR = "blur"  # the mark whose FID is 1


def reference(dataset: str, split: data.Split = "test") -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (5000, H, W, C) and labels that everything is compared with; decisions use the validation images."""
    images, labels = data.load(dataset, split)
    return images[:NUM_REFERENCE], labels[:NUM_REFERENCE]


def held_out(dataset: str, count: int = NUM_REFERENCE) -> tuple[np.ndarray, np.ndarray]:
    """The first ``count`` images of the other half of the test set.

    Raises:
        ValueError: one sentence, if there are not so many.
    """
    images, labels = data.load(dataset, "test")
    there = len(images) - NUM_REFERENCE
    if count > there:
        raise ValueError(f"There are {there} held-out images, not {count}.")
    return images[NUM_REFERENCE : NUM_REFERENCE + count], labels[NUM_REFERENCE : NUM_REFERENCE + count]


def blurred(images: np.ndarray) -> np.ndarray:
    """Every pixel the mean of its 3x3 neighbourhood, black outside; uint8 (N, H, W, C)."""
    padded = np.pad(images.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = images.shape[1:3]
    shifted = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return _as_uint8(np.mean(shifted, axis=0))


def noisy(images: np.ndarray) -> np.ndarray:
    """With Gaussian noise of 12 grey levels, clipped."""
    return _as_uint8(images + np.random.default_rng(0).normal(0, NOISE_SIGMA, images.shape))


def paired(images: np.ndarray) -> np.ndarray:
    """The average of each picture and another one of the set, drawn at random."""
    return _as_uint8((images.astype(np.float64) + images[partners(len(images))]) / 2)


def partners(count: int) -> np.ndarray:
    """A random cycle through all: nobody is paired with itself."""
    order = np.random.default_rng(0).permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    return partner


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


BASELINES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "held_out": ("real pictures", lambda images: images),
    "noise": ("real, with noise of sigma 12", noisy),
    BLUR: ("real, through a 3x3 blur", blurred),
    "pairs": ("averages of two real pictures", paired),
}


# --- what was measured of them


def file() -> Path:
    """Where they are written down."""
    return paths.folder("assets") / "judge" / "marks.json"


def read(dataset: str, count: int) -> dict[str, Any]:
    """The measured baselines at ``count`` pictures: name -> figures; empty if these judges have not measured them."""
    try:
        written = json.loads(file().read_text(encoding="utf-8"))
        if written["judges"] != classifier_hashes(dataset):
            return {}
        return dict(written["marks"][dataset][str(count)])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write(dataset: str, count: int, found: dict[str, Any]) -> None:
    """Write down the baselines at ``count`` pictures beside those at other counts; those of other classifiers go."""
    judges = classifier_hashes(dataset)
    try:
        marks = json.loads(file().read_text(encoding="utf-8"))
        marks = marks["marks"] if marks["judges"] == judges else {}
    except (OSError, ValueError, KeyError, TypeError):
        marks = {}
    marks.setdefault(dataset, {})[str(count)] = found
    text = json.dumps({"judges": judges, "marks": marks}, indent=1)
    checkpoints.write_atomically(file(), text.encode() + b"\n")


def classifier_paths(dataset: str) -> dict[str, Path]:
    """The files of the judges of a dataset: the name under which their figures stand -> file."""
    folder = paths.folder("assets") / "judge"
    files = {
        "judge": folder / f"judge-{dataset}.safetensors",
        "second": folder / f"judge2-{dataset}.safetensors",
    }
    return {name: path for name, path in files.items() if path.is_file()}


def classifier_hashes(dataset: str) -> dict[str, str]:
    """Which judges measured: figures of others do not compare."""
    return {name: _hash(path, path.stat().st_mtime_ns) for name, path in classifier_paths(dataset).items()}


@lru_cache(maxsize=8)
def _hash(path: Path, _changed: int) -> str:
    return checkpoints.weights_hash(path)


def fingerprint(images: np.ndarray) -> str:
    """A short hash of pictures, to tell whether two runs drew the same."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()[:16]
