"""Who sees whom inside a masked autoencoder: from one output back through the masks to the inputs it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.contract import Frame, Request, State, knob
from playground.models import discretized_logistic
from playground.models.autoregressive.made import MADE, ORDERINGS, orders
from playground.models.blocks import to_uint8

_PLACE = "The output that is looked at, counted from 1: point at it, or turn this."


@dataclass(frozen=True)
class MasksRequest(Request):
    """Which output, of which picture, in which ordering."""

    ordering: str = knob(
        "rows",
        label="ordering",
        choices=ORDERINGS,
        help="Which pixel comes when. The weights stay; another ordering puts another set of them to zero.",
    )
    image: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test pictures.",
    )
    row: int = knob(15, label="row", low=1, high=28, counts="rows", help=_PLACE)
    column: int = knob(15, label="column", low=1, high=28, counts="columns", help=_PLACE)
    seed: int = 0
    num_samples: int = 1


@torch.no_grad()
def look(model: MADE, request: MasksRequest, resume: State | None = None) -> Iterator[Frame]:
    """One frame, whose ``images`` is the test picture.

    Extras: ``rank`` int64 (H,W), when each pixel comes; ``sees`` bool (H,W), the inputs that the output depends on;
    ``masks``, three bool arrays (hidden,pixels), (hidden,hidden) and (pixels,hidden), and ``paths``, the part of each that
    leads to the output; ``mean`` uint8 (1,H,W,C), the mean of every pixel given the earlier ones; ``log_probs`` float32
    (256,) of the output's pixel.
    """
    images, labels = data.load(model.card.dataset, "test")
    picture, device = images[request.image : request.image + 1], next(model.parameters()).device
    at = [name for name, _ in ORDERINGS].index(request.ordering)
    size, row, column = model.config.image_size, request.row - 1, request.column - 1
    into, between, out_of = masks = [mask.cpu().numpy() for mask in model.masks(at)]
    paths, sees = trace(into, between, out_of, row * size + column)
    x = torch.from_numpy(picture.transpose(0, 3, 1, 2).copy()).to(device)
    raw = model(x, torch.tensor([int(labels[request.image])], device=device), at)  # (1, H, W, 3K)
    extras = {
        "rank": np.argsort(orders(size)[request.ordering]).reshape(size, size),
        "sees": sees.reshape(size, size),
        "masks": masks,
        "paths": paths,
        "mean": to_uint8(discretized_logistic.mean(raw)[:, None]),
        "log_probs": discretized_logistic.all_log_probs(raw[0, row, column]).cpu().numpy(),
    }
    yield Frame(1, 1, 1, picture, extras, {})


def trace(
    into: np.ndarray, between: np.ndarray, out_of: np.ndarray, pixel: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """The connections that lead to one output, as parts of the three masks, and the inputs (pixels,) that they reach."""
    second = out_of[pixel]  # units of the second layer that the output may look at, (hidden,)
    first = between[second].any(0) | second  # and of the first: the second adds itself to it
    paths = [into & first[:, None], between & second[:, None], np.zeros_like(out_of)]
    paths[2][pixel] = second
    return paths, paths[0].any(0)
