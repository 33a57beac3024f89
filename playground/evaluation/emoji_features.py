"""The shipped classifier of emoji (``emoji_classifier.py``), and what it says of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import checkpoints
from playground.data import emoji
from playground.evaluation import emoji_report

OTHERS = 19  # concepts that a drawing must look less like
_AT_ONCE = 250


def weights_hash() -> str:
    """Which classifier measured: figures of others do not compare."""
    return checkpoints.weights_hash(emoji_report.classifier_file())


@lru_cache(maxsize=1)
def shipped() -> Any:
    """The classifier, loaded once."""
    return checkpoints.load(emoji_report.classifier_file())


def features_of(images: np.ndarray) -> np.ndarray:
    """uint8 (N,32,32,3) -> float32 (N,D), none below 0."""
    return _of_each(images, shipped().features)


def concepts_right(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The probability that each picture looks more like its concept than like 19 others, drawn at random: float64 (N,).

    A picture and its mirror image are asked, so that little hangs on a few pixels.
    """
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    logits = _of_each(images, shipped().concepts) + _of_each(mirrored, shipped().concepts)
    own = np.array([shipped().number_of(name) for name in names])
    ahead = (logits > logits[np.arange(len(own)), own][:, None]).sum(
        1
    )  # other concepts that it looks more like
    others = logits.shape[1] - 1
    drawn = np.arange(OTHERS)
    return np.prod(np.maximum(others - ahead[:, None] - drawn, 0) / (others - drawn), axis=1)


def styles_right(images: np.ndarray, styles: Sequence[str]) -> np.ndarray:
    """Whether each picture looks drawn in its style: bool (N,)."""
    wanted = np.array([emoji.STYLES.index(s) for s in styles])
    return _of_each(images, shipped().styles).argmax(1) == wanted


def new_concepts_right(images: np.ndarray, places: Sequence[tuple[str, str]]) -> np.ndarray:
    """Whether each picture is nearer, by its features, to a held-out drawing of its concept than to those of 19 others: bool (N,).

    The classifier has no class for a concept that training held out.  ``places`` are (style, name); drawings of that very style
    are left out, so that real ones can be asked the same, and concepts that have no other are not counted.
    """
    held = emoji.load("new-concepts")
    kin = np.array([emoji.family(n) for n in held.names.tolist()])
    every, features, rng, right = np.unique(kin), features_of(held.images), np.random.default_rng(0), []
    for row, (style, name) in zip(features_of(images), places, strict=True):
        own = emoji.family(name)
        others = rng.permutation(every[every != own])[:OTHERS]
        far = np.linalg.norm(features - row, axis=1)
        mine = far[(kin == own) & (held.styles != style)]
        if len(mine):
            right.append(mine.min() < far[np.isin(kin, others)].min())
    return np.array(right)


@torch.no_grad()
def _of_each(images: np.ndarray, network: Any) -> np.ndarray:
    parts: list[Tensor] = [
        network(torch.from_numpy(images[i : i + _AT_ONCE].transpose(0, 3, 1, 2).copy()))
        for i in range(0, len(images), _AT_ONCE)
    ]
    return torch.cat(parts).float().numpy()
