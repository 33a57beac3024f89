"""A part of a picture drawn anew by models that draw one piece at a time: pixels in reading order, or masked cells in any order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.capabilities import Completes, DrawsInGroups, FillsMaskedCells, PredictsPixels
from playground.contract import EACH_CLASS, Frame, Model, make_request, settings_of

_ENOUGH = 0.1  # share of the picture that must be read before its class is guessed


def pixels_in_order(
    model: Completes, picture: np.ndarray, unknown: np.ndarray, request: Any
) -> Iterator[Frame]:
    """Draw the unknown pixels in the order of the model; what is known and comes later in it is kept, and not seen.

    A model that is told a class is told the likeliest one given what stands before the first unknown pixel; where that says
    nothing, each class in turn.
    """
    x, known = _as_tensor(picture, model), torch.from_numpy(~unknown)
    asked: dict[str, Any] = {"seed": request.seed, "num_samples": request.num_samples}
    if isinstance(model, PredictsPixels):
        asked["label"] = _likely_class(model, x, known)
    yield from model.complete(x, known, _made(model, asked))


def _likely_class(model: PredictsPixels, x: Tensor, known: Tensor) -> int:
    order, alone = np.arange(known.numel()), known.numel()
    if isinstance(model, DrawsInGroups):
        order, alone = model.order, model.num_one_by_one
    read = int(np.logical_and.accumulate(known.numpy().ravel()[order]).sum())
    if read < _ENOUGH * alone:
        return EACH_CLASS
    every = torch.arange(model.num_classes, device=x.device)
    first = torch.from_numpy(order[:read].copy()).to(x.device)
    nats = [model.nats_per_pixel(x, c[None])[0].flatten()[first].sum() for c in every]
    return int(torch.stack(nats).argmin())


def cells_in_any_order(
    model: FillsMaskedCells, picture: np.ndarray, unknown: np.ndarray, request: Any
) -> Iterator[Frame]:
    """Mask every cell that has an unknown pixel, and have them guessed together."""
    codes = model.encode_codes(_as_tensor(picture, model)).cpu().numpy()
    rows, columns = model.code_shape[:2]
    cells = unknown.reshape(rows, unknown.shape[0] // rows, columns, -1).any((1, 3))
    many = np.repeat(codes, request.num_samples, axis=0)
    asked = {"seed": request.seed, "num_samples": request.num_samples, "prompt": ""}
    state = model.masked_state(many, np.broadcast_to(cells, (len(many), *cells.shape)))
    yield from model.sample(_made(model, asked), state)


def _made(model: Model, asked: dict[str, Any]) -> Any:
    names = settings_of(model.Request())
    return make_request(model.Request, {name: value for name, value in asked.items() if name in names})


def _as_tensor(picture: np.ndarray, model: Model) -> Tensor:
    device = next(model.parameters()).device
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(0, 3, 1, 2))).to(device)
