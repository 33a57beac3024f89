"""Speed of the models against the budgets, side by side with a slower way where there is one.  No Qt here.

Every figure is a median over repetitions after a warm-up, on the machine at hand; ``playground/window_bench.py`` adds the
rows that need a window.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from playground import checkpoints
from playground.models.base import make_request


@dataclass(frozen=True)
class Row:
    """One measured figure.  ``peer`` is the slower way in the same unit, ``ratio`` = peer / value."""

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    budget: float | None = None  # of the ratio where there is a peer, else of the value
    ok: bool | None = None


def row(name: str, value: float, unit: str, peer: float | None = None, budget: float | None = None) -> Row:
    """Fill in the ratio and whether the budget is met (a ratio must reach it, a value must stay under it)."""
    ratio = None if peer is None else peer / value
    ok = None if budget is None else (ratio >= budget if ratio is not None else value <= budget)
    return Row(name, round(value, 3), unit, peer and round(peer, 3), ratio and round(ratio, 2), budget, ok)


def model_rows() -> Iterator[tuple[str, Callable[[], Row]]]:
    """Name and measurement of every row that needs only the models."""
    for count, budget in ((1, None), (16, 50.0)):
        yield f"autoregressive, {count} images, cached", partial(_cached_against_naive, count, budget)
    yield "autoregressive, one full forward pass, 16 images", _full_pass
    yield "diffusion, 16 images, 12 steps", lambda: _drain("ddpm-fashion", 1.5, num_samples=16, num_steps=12)
    yield "diffusion, 16 images, 20 steps", lambda: _drain("ddpm-fashion", 1.5, num_samples=16, num_steps=20)
    yield "VAE decode, one picture", lambda: _decode("vae-fashion", 1)
    yield "VAE decode, 15x15 plane", lambda: _decode("vae2d-fashion", 225)


def _seconds(act: Callable[[], Any], repeats: int) -> float:
    act()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _cached_against_naive(count: int, budget: float | None) -> Row:
    """The naive sampler is timed over 20 pixels of the middle and scaled to 784: all its pixels cost the same."""
    model = checkpoints.load("pixelcnn-fashion")
    request = make_request(model.Request, {"num_samples": count})
    cached = _seconds(lambda: list(model.sample(request)), 3)
    naive = model.sample_naive(request)
    next(naive)
    start, pixels = time.perf_counter(), 20
    for _ in range(pixels):
        next(naive)
    per_pixel = (time.perf_counter() - start) / pixels
    size = model.config.image_size**2
    return row(f"autoregressive, {count} images, cached", cached, "s", peer=per_pixel * size, budget=budget)


def _full_pass() -> Row:
    import torch

    model = checkpoints.load("pixelcnn-fashion")
    x, labels = torch.zeros(16, 1, 28, 28, dtype=torch.uint8), torch.arange(16) % 10
    with torch.no_grad():
        return row(
            "autoregressive, one full forward pass, 16 images",
            _seconds(lambda: model(x, labels), 5) * 1e3,
            "ms",
        )


def _drain(name: str, budget: float, **settings: Any) -> Row:
    model = checkpoints.load(name)
    request = make_request(model.Request, settings)
    seconds = _seconds(lambda: list(model.sample(request)), 3)
    title = f"diffusion, {settings['num_samples']} images, {settings['num_steps']} steps"
    return row(title, seconds, "s", budget=budget)


def _decode(name: str, count: int) -> Row:
    model = checkpoints.load(name)
    z = np.random.default_rng(0).standard_normal((count, *model.latent_shape)).astype(np.float32)
    milliseconds = _seconds(lambda: list(model.decode_frames(z)), 20) * 1e3
    return row(
        "VAE decode, one picture" if count == 1 else "VAE decode, 15x15 plane",
        milliseconds,
        "ms",
        budget=33.0,
    )


def as_table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    lines = [f"{'':58s} {'value':>10s} {'':5s} {'slow way':>10s} {'ratio':>7s} {'budget':>7s}"]
    for r in rows:
        peer = "" if r.peer is None else f"{r.peer:.2f}"
        ratio = "" if r.ratio is None else f"{r.ratio:.1f}x"
        budget = "" if r.budget is None else f"{r.budget:g}"
        said = {True: "met", False: "MISSED", None: ""}[r.ok]
        lines.append(f"{r.name:58s} {r.value:10.2f} {r.unit:5s} {peer:>10s} {ratio:>7s} {budget:>7s} {said}")
    return "\n".join(lines)
