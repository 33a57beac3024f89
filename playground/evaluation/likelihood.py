"""Bits per dimension of a set of 8-bit images: exact values and bounds, each with its standard error.

The importance-weighted bound is that of Burda, Grosse and Salakhutdinov 2015 (arXiv:1509.00519), eq. 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.capabilities import (
    DrawsStrokes,
    EstimatesPartition,
    ImportanceWeighted,
    Scores,
    Speaks,
    WritesText,
)
from playground.checkpoints.figures import ESTIMATED_BOUND
from playground.contract import Model
from playground.data import characters
from playground.evaluation.sequences import sound, strokes, text

ShowProgress = Callable[[int, int], None]  # images done, images in all
NUM_WEIGHTS = 64  # k of the importance-weighted bound


def bits_per_dim(
    model: Model,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    seed: int = 0,
    batch_size: int = 100,
    progress: ShowProgress | None = None,
) -> dict[str, Any]:
    """Average :meth:`score` of a model over ``images``, uint8 (N,H,W,C).

    Returns:
        ``value``, ``kind`` ("exact", "bound" or "energy"), ``unit``, ``standard_error`` (over the images; the
        random draws behind each score are part of it) and ``num_images``.

    Raises:
        ValueError: one sentence, if the model has no likelihood or there are no images.
    """
    if not isinstance(model, Scores):
        raise ValueError(f"{type(model).__name__} has no likelihood: it cannot be scored.")
    scores = []
    for start, x, y in _batches(model, images, labels, batch_size):
        scores += model.score(x, seed + start, y)  # other random numbers for every batch
        if progress is not None:
            progress(len(scores), len(images))
    if any(s.value is None for s in scores):
        raise ValueError(f"{type(model).__name__} has no likelihood: it cannot be scored.")
    summary = _summary(np.array([s.value for s in scores], np.float64))
    return {**summary, "kind": scores[0].kind, "unit": scores[0].unit}


def importance_weighted_bits_per_dim(
    model: Model,
    images: np.ndarray,
    seed: int = 0,
    k: int = NUM_WEIGHTS,
    batch_size: int = 100,
    progress: ShowProgress | None = None,
) -> dict[str, Any]:
    """The tighter bound of a model that has ``importance_weighted_bound``, averaged over ``images`` uint8 (N,H,W,C).

    Returns:
        What :func:`bits_per_dim` does, and ``k``, the number of weights per image.

    Raises:
        ValueError: one sentence, if the model has no such bound or there are no images.
    """
    if not isinstance(model, ImportanceWeighted):
        raise ValueError(f"{type(model).__name__} has no importance-weighted bound.")
    values: list[float] = []
    for start, x, _ in _batches(model, images, None, batch_size):
        values += model.importance_weighted_bound(x, k, seed + start).tolist()
        if progress is not None:
            progress(len(values), len(images))
    return {**_summary(np.array(values)), "kind": "bound", "unit": "bits/dim", "k": k}


def annealed_log_likelihood(
    model: EstimatesPartition, images: np.ndarray, energy: dict[str, Any]
) -> dict[str, Any]:
    """log p(v) in nats of binarised images, from their mean ``energy`` and an estimate of log Z.

    Annealed importance sampling (Salakhutdinov and Murray 2008) gives Z without bias, so log Z tends to be too small and
    this log-likelihood too high: it is an estimate, neither exact nor a bound, and of black and white pixels.  Where the
    energies are bounds themselves, it is an estimate of a lower bound (Salakhutdinov and Hinton 2009).
    """
    x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)).copy())
    device = next(model.parameters()).device
    base = model.binarise(x.to(device)).mean(0)
    log_z, error = model.log_partition(base)
    return {
        "value": -energy["value"] - log_z,
        "standard_error": math.hypot(energy["standard_error"], error),
        "num_images": energy["num_images"],
        "kind": ESTIMATED_BOUND if model.energy_is_bound else "estimate",
        "unit": "nats",
        "log_partition": log_z,
        "log_partition_standard_error": error,
    }


def bits_per_character(
    model: WritesText, books: dict[str, str], tell: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """What whole books cost a model of text, each character given what is in sight of the earlier ones of its book.

    Returns:
        ``value`` (over all characters), ``standard_error`` (over stretches of 512 characters), ``books`` (name ->
        value), ``num_characters``, ``kind`` ("exact") and ``unit``.
    """
    device = next(model.parameters()).device
    bits, of_book = [], {}
    for name, book in books.items():
        codes = torch.from_numpy(characters.codes_of(book).astype(np.int64))[None].to(device)
        bits.append(model.nats_per_character(codes)[0].cpu().double().numpy() / math.log(2))
        of_book[name] = float(bits[-1].mean())
        if tell is not None:
            tell(f"{name}: {of_book[name]:.3f} bits per character")
    every = np.concatenate(bits)
    stretches = np.array([part.mean() for part in np.array_split(every, max(len(every) // 512, 1))])
    summary = _summary(stretches)
    return {
        "value": float(every.mean()),
        "standard_error": summary["standard_error"],
        "num_characters": len(every),
        "books": of_book,
        "kind": "exact",
        "unit": "bits/char",
    }


def evaluate(model: Model, count: int | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every likelihood figure that a model offers, on the first ``count`` test images (default: all).

    Conditional models are scored given the true class, models of text on all test books or modules.  ``tell`` is called now and
    then with a line of progress.
    """
    if isinstance(model, WritesText):
        texts = data.texts(model.card.dataset, "test")
        return {"bits_per_char": bits_per_character(model, texts, tell), **text.evaluate(model, tell)}
    if isinstance(model, Speaks):
        return sound.evaluate(model, count, tell)
    if isinstance(model, DrawsStrokes):
        return strokes.evaluate(model, count, tell)
    images, labels = (part[:count] for part in data.load(model.card.dataset, "test"))

    def progress(done: int, total: int) -> None:
        if done % 1000 == 0 or done == total:
            tell(f"{done} of {total} images")

    figures: dict[str, Any] = {}
    if model.card.likelihood == "energy":
        figures["energy"] = bits_per_dim(model, images, progress=progress)  # in nats, and so its unit says
    elif model.card.likelihood != "none":
        figures["bits_per_dim"] = bits_per_dim(model, images, labels, progress=progress)
    if isinstance(model, EstimatesPartition):
        tell("annealed importance sampling …")
        figures["log_likelihood"] = annealed_log_likelihood(model, images, figures["energy"])
    if isinstance(model, ImportanceWeighted):
        name = f"importance_weighted_bits_per_dim_{NUM_WEIGHTS}"
        figures[name] = importance_weighted_bits_per_dim(model, images, progress=progress)
    return figures


def _batches(
    model: Model, images: np.ndarray, labels: np.ndarray | None, batch_size: int
) -> Iterator[tuple[int, Tensor, Tensor | None]]:
    """First index, ``x`` uint8 (B,C,H,W) and labels int64 (B,), on the model's device."""
    if not len(images):
        raise ValueError("There are no images to score.")
    device = next(model.parameters()).device
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        x = torch.from_numpy(np.ascontiguousarray(images[part].transpose(0, 3, 1, 2)).copy()).to(device)
        y = None if labels is None else torch.from_numpy(np.array(labels[part], np.int64)).to(device)
        yield start, x, y


def _summary(values: np.ndarray) -> dict[str, Any]:
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {
        "value": float(values.mean()),
        "standard_error": spread / math.sqrt(len(values)),
        "num_images": len(values),
    }
