"""Nats of drawings made of strokes, on test drawings whose names are in no training drawing.

A density has a unit of length: here steps are measured in standard deviations of all steps (``scale`` boxes), so nats may be
below zero; they compare with each other alone.  *Bound*: with a code, at most this (Ha and Eck 2017, eq. 9 and 10 without
a weight).  *Without a code*: the same decoder, told none, is an autoregressive model, and its value is exact.  The baseline is
*a mean stroke*: one normal distribution of the step and three frequencies of the pen, fitted to the training drawings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.capabilities import DrawsStrokes

BATCH = 64


def evaluate(model: DrawsStrokes, count: int | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every figure, on the first ``count`` test drawings (default: all); each is told what it is of, where that is known."""
    bounds, exact, mean_stroke, points = [], [], [], []
    fitted = MeanStroke(model, torch.from_numpy(_codes(data.load(model.card.dataset, "train")[0])))
    for start, x, labels in _batches(model, count):
        bounds += [s.value for s in model.score(x, start, labels)]
        exact += model.nats_per_point(x, labels).sum(1).tolist()
        mean_stroke += fitted.nats(x).sum(1).tolist()
        points += model.steps(x)[1].tolist()
        tell(f"{len(points)} drawings")
    per_drawing, num_points = np.array(bounds, float), sum(points)
    per_point = per_drawing.sum() / num_points
    rest = per_drawing - per_point * np.array(points)  # a ratio of two means, whose error this is
    return {
        "nats_per_drawing": {
            "value": float(per_drawing.mean()),
            "standard_error": float(per_drawing.std(ddof=1) / math.sqrt(len(per_drawing))),
            "without_code": float(np.mean(exact)),
            "mean_stroke": float(np.mean(mean_stroke)),
            "num_drawings": len(per_drawing),
            "kind": "bound",
            "unit": "nats/drawing",
        },
        "nats_per_point": {
            "value": float(per_point),
            "standard_error": float(rest.std(ddof=1) * math.sqrt(len(rest)) / num_points),
            "without_code": float(np.sum(exact) / num_points),
            "mean_stroke": float(np.sum(mean_stroke) / num_points),
            "num_points": num_points,
            "kind": "bound",
            "unit": "nats/point",
        },
    }


class MeanStroke:
    """The baseline: it knows how long steps are and how often the pen is lifted, and forgets everything that was drawn.

    Args:
        x: training drawings, uint8 (N,3,1,T).
    """

    def __init__(self, model: DrawsStrokes, x: Tensor) -> None:
        self.model = model
        steps, there = self._steps(x)
        moved = steps[..., :2][there > 0].double()
        self.mean = moved.mean(0)
        self.covariance = (moved - self.mean).T @ (moved - self.mean) / len(moved)
        pen = steps[..., 2:][self._said(there)].double().mean(0)
        self.log_pen = pen.clamp(min=1e-12).log()

    def _steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        steps, lengths = self.model.steps(x.cpu())
        return steps, (torch.arange(steps.shape[1]) < lengths[:, None]).float()

    def _said(self, there: Tensor) -> Tensor:
        """Where the pen is spoken of: at each point, and once when the drawing has ended."""
        return torch.nn.functional.pad(there[:, :-1], (1, 0), value=1.0) > 0

    def nats(self, x: Tensor) -> Tensor:
        """-log p of each step (B,T)."""
        steps, there = self._steps(x)
        normal = torch.distributions.MultivariateNormal(self.mean, self.covariance)
        place = -normal.log_prob(steps[..., :2].double()) * there
        pen = -(steps[..., 2:].double() * self.log_pen).sum(-1) * self._said(there)
        return place + pen


def _codes(drawings: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(drawings.transpose(0, 3, 1, 2))


def _batches(model: DrawsStrokes, count: int | None) -> Iterator[tuple[int, Tensor, Tensor]]:
    """First index, drawings uint8 (B,3,1,T) and what they are of, int64 (B,), on the model's device."""
    drawings, labels = (part[:count] for part in data.load(model.card.dataset, "test"))
    device = next(model.parameters()).device
    for start in range(0, len(drawings), BATCH):
        part = slice(start, start + BATCH)
        x = torch.from_numpy(_codes(drawings[part])).to(device)
        yield start, x, torch.from_numpy(labels[part].copy()).to(device)
