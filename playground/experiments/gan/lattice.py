"""A plane through the latent space of a GAN, spanned between samples."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from playground import data
from playground.capabilities import Adversarial
from playground.contract import Frame, Request, State, knob
from playground.experiments.tile_passes import stand_ins, tile_passes
from playground.models import noise

LATTICE = 2  # the lattice of samples reaches from -2 to 2 in both directions
LATTICE_TILES = 13
_STEP = 6  # of the first pass: three rows of thirteen


@functools.cache
def lattice_request(base: type[Request]) -> type[Request]:
    """A model's own knobs, and where on the lattice the pointer stands."""
    help = "Where the large picture is taken from, in steps of the lattice: at whole numbers it is a seed's own picture."
    fields: list[tuple[str, type, Any]] = [
        (name, float, knob(0.0, label=label, low=-LATTICE, high=LATTICE, step=0.02, help=help))
        for name, label in (("u", "to the right"), ("v", "upwards"))
    ]
    if "label" in base.__dataclass_fields__:  # z says what the class leaves open: a sheet shows one class
        garment = knob(8, label="class", low=0, choices="classes", help="Which garment the plane shows.")
        fields.append(("label", int, garment))
    fields.append(("num_samples", int, 1))
    return dataclasses.make_dataclass("LatticeRequest", fields, bases=(base,), frozen=True)


@torch.no_grad()
def lattice(model: Adversarial, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """A plane spanned between samples: every whole-numbered place is a sample, and between them z is mixed.

    ``images`` is uint8 (LATTICE_TILES**2,H,W,C), the first row being the largest v; a frame for each of three passes, and
    rows to come are stood in for by the nearest one that is there.
    """
    n, passes = LATTICE_TILES, tile_passes(LATTICE_TILES, _STEP, whole_rows=True)
    line = ((np.arange(n) + 0.5) / n * 2 - 1) * LATTICE
    height, width, channels = data.DATASETS[model.card.dataset].image_shape
    tiles = np.zeros((n * n, height, width, channels), np.uint8) if resume is None else resume["tiles"].copy()
    one = dataclasses.replace(request, num_samples=n)
    done = 0 if resume is None else int(resume["passes"])
    for i in range(done, len(passes)):
        for row in passes[i].reshape(-1, n):
            z = np.stack([lattice_z(model, request.seed, u, line[n - 1 - row[0] // n]) for u in line])
            tiles[row] = model.picture_of(z, one).images
        images = tiles[stand_ins(n, _STEP, i + 1, whole_rows=True)]
        yield Frame(i + 1, len(passes), i + 1, images, {}, {"passes": i + 1, "tiles": tiles.copy()})


@torch.no_grad()
def lattice_point(model: Adversarial, request: Any) -> Iterator[Frame]:
    """The picture under the pointer; extras as the model's own."""
    z = lattice_z(model, request.seed, request.u, request.v)[None]
    yield model.picture_of(z, request)


def lattice_z(model: Adversarial, seed: int, u: float, v: float) -> np.ndarray:
    """z at a place of the lattice: the four samples around it, mixed so that the variance stays 1, float32."""
    left, below = math.floor(u), math.floor(v)
    a, b = u - left, v - below
    weights = np.outer([1 - b, b], [1 - a, a]).ravel()
    side = 2 * LATTICE + 2
    corners = [(below + j + LATTICE) * side + left + i + LATTICE for j in (0, 1) for i in (0, 1)]
    z = noise.normal(seed, corners, "z", model.prior_shape)
    mixed = np.tensordot(weights, z, 1) / np.linalg.norm(weights)
    return mixed.astype(np.float32)
