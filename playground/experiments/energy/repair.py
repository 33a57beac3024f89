"""A test image is damaged, and chains fill in what is missing or walk to a clean picture near by."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch

from playground import data
from playground.contract import Frame, Model, Request, State, knob
from playground.models import noise
from playground.models.energy.chains import Chain, run

_DAMAGES = (
    ("lower", "lower half lost"),
    ("right", "right half lost"),
    ("hole", "hole in the middle"),
    ("noise", "noise over everything"),
)


class ChainModel(Chain, Model, Protocol):
    """A model whose sampler is a chain."""


@functools.cache
def repair_request(base: type[Request]) -> type[Request]:
    """A model's own knobs, a test image, and what happened to it."""
    fields = [
        (
            "index",
            int,
            knob(
                0,
                label="test image",
                low=0,
                high=9999,
                counts="test images",
                help="Which test image is damaged.",
            ),
        ),
        (
            "damage",
            str,
            knob(
                "lower",
                label="damage",
                choices=_DAMAGES,
                help="A lost part is filled by the chain while the rest is held; under noise nothing is held.",
            ),
        ),
        (
            "amount",
            float,
            knob(
                0.5, label="noise level", low=0.0, high=1.0, step=0.05, help="How much noise is laid over it."
            ),
        ),
        ("num_samples", int, knob(8, label="num_samples", low=1, high=36, help="How many chains try it.")),
    ]
    return dataclasses.make_dataclass("RepairRequest", fields, bases=(base,), frozen=True)


def known_part(damage: str, size: int) -> np.ndarray | None:
    """Bool (size,size), True where the image is held; None if nothing is."""
    known = np.ones((size, size), bool)
    if damage == "lower":
        known[size // 2 :] = False
    elif damage == "right":
        known[:, size // 2 :] = False
    elif damage == "hole":
        known[size // 4 : -size // 4, size // 4 : -size // 4] = False
    else:
        return None
    return known


@torch.no_grad()
def repair(model: ChainModel, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """Chains from a damaged test image, a frame per step; extras as the model's own, and ``original`` uint8 (1,H,W,C)."""
    original = data.load(model.card.dataset, "test")[0][request.index : request.index + 1]
    grey = original.transpose(0, 3, 1, 2).astype(np.float32) / 255
    grey = np.repeat(grey, request.num_samples, axis=0)
    indices = range(request.first_index, request.first_index + request.num_samples)
    uniforms = noise.uniform(request.seed, indices, "damage", model.shape).astype(np.float32)
    known = known_part(request.damage, grey.shape[-1])
    if known is None:
        start = (1 - request.amount) * grey + request.amount * uniforms
    else:
        start = np.where(known, grey, uniforms)
    for frame in run(model, request, resume, start.astype(np.float32), known):
        yield dataclasses.replace(frame, extras={**frame.extras, "original": original})
