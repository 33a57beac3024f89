"""Does a device compute what the CPU computes?  Every model and every choice of its sampler, step by step on both.

The noise is made on the CPU and must arrive bit by bit.  What a network makes of it may differ in the last digits of
float32, since devices add numbers up in another order; how far that may go is stated here, in ``LIMITS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from playground import checkpoints, data
from playground.capabilities import Scores
from playground.contract import Frame, Model, Request, knobs, make_request
from playground.models import device as devices
from playground.models import network_class, noise

# by unit: how far a device may be from the CPU
LIMITS: Mapping[str, float] = {
    "bits that differ": 0.0,  # of the noise
    "grey levels": 1.0,  # on average over all pixels of the finished pictures
    "nats": 0.01,  # of any log-probability on the way, while both have drawn the same
    "of the score": 1e-3,  # relative, or absolute below 1
}
STEPS = {"num_steps": 4, "num_tokens": 40}  # enough to compare; a sampler's later steps are like its first
NUM_SAMPLES, NUM_SCORED, SEED = 4, 2, 11
Load = Callable[
    [str], tuple[Any, Any]
]  # a checkpoint's id -> its model on the CPU, and once more on the device


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: ``noise``, ``pictures`` or ``score``.
        distance: from the CPU's, in ``unit``; at most ``limit`` if all is well.
        milliseconds: each step on the device, and on the CPU; None of noise.
        memory: bytes that the device held at most, None where nobody counts them.
        note: what else there is to say, or why it could not be done.
    """

    id: str
    settings: str
    what: str
    distance: float
    unit: str
    limit: float
    milliseconds: float | None
    cpu_milliseconds: float | None
    memory: int | None
    ok: bool
    note: str = ""


def loaded_on(device: str) -> Load:
    """Loads models twice: on the CPU, and on ``device``."""

    def load(id: str) -> tuple[Any, Any]:
        return checkpoints.load(id), checkpoints.load(id).to(device)

    return load


def rows(ids: list[str], device: str, load: Load | None = None) -> Iterator[Row]:
    """The noise, and then of each model its pictures for every choice of its knobs, and its score."""
    devices.full_precision()
    yield _noise(device)
    load = load or loaded_on(device)
    for id in ids:
        pair = load(id)
        for settings in variants(pair[0].card.network):
            yield _guarded(id, settings, "pictures", pair, device, _pictures)
        if isinstance(pair[0], Scores) and pair[0].likelihood != "none":
            yield _guarded(id, {}, "score", pair, device, _score)


def variants(network: str) -> Iterator[dict[str, Any]]:
    """The defaults, and each choice of each knob that has choices."""
    yield {}
    for knob in knobs(network_class(network).Request):
        for value, _ in knob.choices if isinstance(knob.choices, tuple) else ():
            if value != knob.default:
                yield {knob.name: value}


@dataclass(frozen=True)
class _Found:
    distance: float
    unit: str
    milliseconds: float
    cpu_milliseconds: float
    note: str = ""


def _guarded(
    id: str,
    settings: dict[str, Any],
    what: str,
    pair: tuple[Any, Any],
    device: str,
    compare: Callable[[Any, Any, dict[str, Any]], _Found],
) -> Row:
    """A row, also of what a device cannot do at all."""
    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    devices.forget_peak(device)
    try:
        found = compare(*pair, settings)
    except (RuntimeError, TypeError, NotImplementedError) as error:  # what devices raise
        sentence = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Row(id, said, what, float("inf"), "", 0.0, None, None, None, False, sentence)
    limit = LIMITS[found.unit]
    return Row(
        id,
        said,
        what,
        found.distance,
        found.unit,
        limit,
        found.milliseconds,
        found.cpu_milliseconds,
        devices.peak_memory(device),
        bool(found.distance <= limit),
        found.note,
    )


def _noise(device: str) -> Row:
    """Noise goes to the device and comes back."""
    made = torch.from_numpy(noise.normal(SEED, range(NUM_SAMPLES), "x_T", (1, 28, 28)))
    differ = float((made.to(device).cpu().view(torch.int32) != made.view(torch.int32)).sum())
    return Row("all", "", "noise", differ, "bits that differ", 0.0, None, None, None, differ == 0)


def _pictures(reference: Any, model: Any, settings: dict[str, Any]) -> _Found:
    """Draw on both, step by step, and compare what is drawn; where a sampler draws numbers one by one, what it drew from."""
    request = _request(reference, settings)
    for warm in (reference, model):
        next(warm.sample(request))
    same, nats, first, seconds = True, None, "", np.zeros(2)
    for expected, found in zip(_timed(reference, request), _timed(model, request), strict=True):
        seconds += expected[1], found[1]
        frame, drawn = expected[0], found[0]
        if same and "logits" in frame.extras and "logits" in drawn.extras:
            nats = max(nats or 0.0, _log_distance(frame.extras["logits"], drawn.extras["logits"]))
        if same and not np.array_equal(frame.images, drawn.images):
            same, first = False, f"pictures differ from step {drawn.step} on"
    cpu_ms, ms = 1000 * seconds / max(frame.step, 1)
    if nats is not None:
        return _Found(nats, "nats", float(ms), float(cpu_ms), first)
    distance = float(np.abs(frame.images.astype(float) - drawn.images).mean())
    return _Found(distance, "grey levels", float(ms), float(cpu_ms), first)


def _request(model: Model, settings: dict[str, Any]) -> Request:
    names = {k.name for k in knobs(model.Request)}
    wanted = {**STEPS, **settings, "num_samples": NUM_SAMPLES, "seed": SEED}
    return make_request(model.Request, {k: v for k, v in wanted.items() if k in names})


def _timed(model: Model, request: Request) -> Iterator[tuple[Frame, float]]:
    """Each frame and its seconds; a frame is numpy, so that whatever the device does has been waited for."""
    frames = model.sample(request)
    while True:
        began = time.perf_counter()
        try:
            frame = next(frames)
        except StopIteration:
            return
        yield frame, time.perf_counter() - began


def _log_distance(expected: np.ndarray, found: np.ndarray) -> float:
    """The largest difference of two log-probabilities, of ``logits`` (..., V); what only one calls impossible is infinite."""
    a, b = (torch.from_numpy(x).double().log_softmax(-1).numpy() for x in (expected, found))
    both = np.isfinite(a) & np.isfinite(b)
    if (np.isfinite(a) != np.isfinite(b)).any():
        return float("inf")
    likely = both & (np.maximum(a, b) > -12)  # what is never drawn may be further off
    return float(np.abs(a - b)[likely].max(initial=0.0))


def _score(reference: Any, model: Any, settings: dict[str, Any]) -> _Found:
    """Score test pictures on both."""
    pictures, classes = data.load(reference.card.dataset, "test")
    x = torch.from_numpy(pictures[:NUM_SCORED].transpose(0, 3, 1, 2).copy())
    labels = torch.from_numpy(classes[:NUM_SCORED].copy())
    values, seconds = [], []
    for scorer in (reference, model):
        device = next(scorer.parameters()).device
        began = time.perf_counter()
        scores = scorer.score(x.to(device), SEED, labels.to(device))
        seconds.append(time.perf_counter() - began)
        values.append(np.array([s.value for s in scores]))
    distance = float((np.abs(values[1] - values[0]) / np.maximum(np.abs(values[0]), 1)).max())
    return _Found(distance, "of the score", 1000 * seconds[1], 1000 * seconds[0])


def table(found: list[Row]) -> str:
    """Markdown, a line for each row."""
    lines = [
        "| model | settings | what | distance | at most | ms/step | on the CPU | memory | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        times = [f"{ms:.2f}" if ms is not None else "" for ms in (row.milliseconds, row.cpu_milliseconds)]
        memory = f"{row.memory / 2**20:.0f} MB" if row.memory is not None else ""
        distance = f"{row.distance:.2g} {row.unit}"
        verdict = " ".join(part for part in ("ok" if row.ok else "**not ok**", row.note) if part)
        cells = [row.id, row.settings, row.what, distance, f"{row.limit:g}", *times, memory, verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
