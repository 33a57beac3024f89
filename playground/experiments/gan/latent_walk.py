"""A closed, smooth walk through the prior of a GAN."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from playground.capabilities import Adversarial
from playground.contract import Frame, Request, State, knob
from playground.models import noise


@functools.cache
def walk_request(base: type[Request]) -> type[Request]:
    """A model's own knobs and how long its walk is."""
    steps = knob(
        96,
        label="num_steps",
        low=2,
        high=400,
        log=True,
        help="How many pictures one round has: more are slower and smoother.",
    )
    count = knob(6, label="num_samples", low=1, high=36, help="How many walks go on side by side.")
    fields = [("num_steps", int, steps), ("num_samples", int, count)]
    return dataclasses.make_dataclass("WalkRequest", fields, bases=(base,), frozen=True)


@torch.no_grad()
def walk(model: Adversarial, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """A closed, smooth walk through the prior, a frame per step: the last picture leads on to the first.

    z(a) = sqrt(0.7) (z_0 cos a + z_1 sin a) + sqrt(0.3) (z_2 cos 2a + z_3 sin 2a): at every angle a draw from N(0, 1).
    """
    indices = range(request.first_index, request.first_index + request.num_samples)
    corners = [noise.normal(request.seed, indices, "walk", model.prior_shape, step=k) for k in range(4)]
    for i in range(0 if resume is None else int(resume["i"]), request.num_steps):
        angle = 2 * math.pi * i / request.num_steps
        slow = math.cos(angle) * corners[0] + math.sin(angle) * corners[1]
        quick = math.cos(2 * angle) * corners[2] + math.sin(2 * angle) * corners[3]
        z = (math.sqrt(0.7) * slow + math.sqrt(0.3) * quick).astype(np.float32)
        frame = model.picture_of(z, request)
        yield Frame(i + 1, request.num_steps, i + 1, frame.images, frame.extras, {"i": i + 1})
