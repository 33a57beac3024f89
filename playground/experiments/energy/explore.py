"""What chains and energies are good for: filling in what is missing, telling garments from other images, looking at filters."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch

from playground import data
from playground.capabilities import HasEnergy, Scores
from playground.contract import Frame, Message, Model, Request, State, knob
from playground.models import noise
from playground.models.energy.chains import Chain, run
from playground.models.energy.rbm import RBM
from playground.ranking import auc

_DAMAGES = (
    ("lower", "lower half lost"),
    ("right", "right half lost"),
    ("hole", "hole in the middle"),
    ("noise", "noise over everything"),
)
NUM_COMPARED = 500  # images of each kind in the histograms


# --- denoise and complete


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


# --- energies of many images

_PAUSE = 5  # chain steps from frame to frame


@functools.cache
def census_request(base: type[Request]) -> type[Request]:
    """A model's own knobs, and one picture of the user's choice."""
    index = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="The picture marked in the histograms.",
    )
    fields = [("index", int, index), ("num_samples", int, 1)]
    return dataclasses.make_dataclass("CensusRequest", fields, bases=(base,), frozen=True)


def kinds(dataset: str, seed: int = 0, count: int = NUM_COMPARED) -> dict[str, np.ndarray]:
    """Test images and images that are no garments, each uint8 (count,H,W,C)."""
    real = data.load(dataset, "test")[0][:count]
    generator = np.random.Generator(np.random.Philox(key=[seed, 0]))
    shuffled = generator.permuted(real.reshape(len(real), -1), axis=1).reshape(real.shape)
    return {
        "test images": real,
        "inverted": 255 - real,
        "shuffled": shuffled,
        "upside down": np.ascontiguousarray(real[:, ::-1]),
        "even grey": np.broadcast_to(
            generator.integers(0, 256, (len(real), 1, 1, 1), dtype=np.uint8), real.shape
        ).copy(),
        "noise": generator.integers(0, 256, real.shape, dtype=np.uint8),
    }


@torch.no_grad()
def census(model: HasEnergy, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """Energies of garments and of other images, a frame per kind, the model's own samples last.

    ``images`` holds an example of each kind so far, and last the chosen test image.  Extras: ``energies`` (kind -> float32
    (n,)), ``auc`` (kind -> area under the curve for telling it from test images by energy), ``chosen`` (energy).
    """
    count = model.num_compared
    sets = kinds(model.card.dataset, request.seed, count)
    pauses = request.num_steps // _PAUSE  # a chain is long: it may be stopped on its way
    total = len(sets) + pauses + 1
    one = data.load(model.card.dataset, "test")[0][request.index : request.index + 1]
    chosen = float(_energies(model, one)[0])
    done: dict[str, np.ndarray] = {}
    examples: list[np.ndarray] = []
    first = 0 if resume is None else int(resume["i"])

    def frame(step: int) -> Frame:
        extras = {
            "energies": dict(done),
            "auc": {k: auc(done["test images"], v) for k, v in done.items()},
            "chosen": chosen,
        }
        return Frame(step, total, step, np.stack([*examples, one[0]]), extras, {"i": step})

    step = 0
    for name, pictures in sets.items():
        done[name] = _energies(model, pictures)
        examples.append(pictures[0])
        step += 1
        if step > first:
            yield frame(step)
    own = {f.name: getattr(request, f.name) for f in dataclasses.fields(model.Request)}
    pictures = np.zeros(0, np.uint8)
    for i, drawn in enumerate(model.sample(model.Request(**{**own, "num_samples": min(64, count // 4)}))):
        pictures = drawn.extras.get("binary", drawn.images)
        if i and i % _PAUSE == 0 and step < total - 1:
            step += 1
            if step > first:
                yield frame(step)
    done["own samples"] = _energies(model, pictures)
    examples.append(pictures[0])
    yield frame(total)


def _energies(model: Scores, pictures: np.ndarray) -> np.ndarray:
    device = next(model.parameters()).device
    x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).to(device)
    return np.array([s.value for s in model.score(x)], np.float32)


# --- filters


def filters(model: RBM) -> Iterator[Message[np.ndarray]]:
    """One message: the weights into each hidden unit, float32 (num_hidden,H,W)."""
    channels, height, width = model.shape
    weights = model.weight.detach().cpu().numpy().T.reshape(-1, channels, height, width)[:, 0]
    yield Message(weights)
