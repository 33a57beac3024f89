"""Energies of garments and of other images: what an energy can tell apart."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from playground import data
from playground.capabilities import HasEnergy, Scores
from playground.contract import Frame, Request, State, knob
from playground.data.auc import auc

NUM_COMPARED = 500  # images of each kind in the histograms
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
