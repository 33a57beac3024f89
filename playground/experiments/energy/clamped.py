"""A part of a picture filled in by chains: they wander to where the energy is low, and the known pixels are put back after every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from playground.contract import Frame, knobs, make_request
from playground.experiments.energy.repair import ChainModel, repair_request
from playground.models import noise
from playground.models.energy.chains import run

_LONGEST = 200  # steps of a chain that may take any number


def clamped(model: ChainModel, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Iterator[Frame]:
    """Chains that begin with noise where the picture is unknown, a frame per step."""
    grey = np.repeat(picture.transpose(0, 3, 1, 2).astype(np.float32) / 255, request.num_samples, axis=0)
    uniforms = noise.uniform(request.seed, range(request.num_samples), "damage", grey.shape[1:])
    start = np.where(unknown, uniforms.astype(np.float32), grey)
    kind = repair_request(model.Request)  # type: ignore[arg-type]  # a class is hashable
    usual = next(k.default for k in knobs(kind) if k.name == "num_steps")
    steps = max(2, round(request.effort * min(usual, _LONGEST)))
    asked = {
        "seed": request.seed,
        "num_samples": request.num_samples,
        "num_steps": steps,
        "damage": "hole",
    }
    yield from run(model, make_request(kind, asked), None, start, ~unknown)
