"""One slider per latent dimension, most informative first, for any model with a flat latent that encodes and decodes.

How much a dimension says is KL(q(z_d given x) || p(z_d)), averaged over the test set: a dimension that the encoder
ignores costs nothing and changes nothing ("collapsed": Bowman et al. 2016, arXiv:1511.06349).
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from playground import data, numerals
from playground.capabilities import MeasuresInformation, Reconstructs
from playground.contract import Frame, Message, Request, State, knob
from playground.models import noise

COLLAPSED = 0.1  # nats: a dimension that says less than this is as good as unused
REACH = 4.0  # how far a slider goes, in standard deviations of the prior
_BATCH = 500
_STARTS: weakref.WeakKeyDictionary[Any, tuple[Any, np.ndarray, np.ndarray]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class SlidersRequest(Request):
    """Where to start in latent space, and which dimensions were moved from there."""

    start: str = knob(
        "image",
        label="start",
        choices=(("image", "test image"), ("sample", "sample"), ("origin", "z = 0")),
        help="Where the sliders stand at first: at the encoding of a test image, at a sample of the prior, or at its middle.",
    )
    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images the sliders start from.",
    )
    output: str = knob(
        "mean",
        label="output",
        choices=(("mean", "decoder's mean"), ("sample", "a draw")),
        help="The mean of p(x given z), or an honest draw from it, in which every pixel is drawn too.",
    )
    moved: str = knob(
        "",
        label="moved",
        help="The dimensions that were moved, as dimension=value, parted by semicolons; the first is 1.",
    )
    num_samples: int = 1


def read_moves(text: str, num_dims: int) -> dict[int, float]:
    """``"3=1.2; 7=-0.5"`` -> dimension (from 0) -> value.

    Raises:
        ValueError: one sentence, for anything else, a dimension that is not there or a value out of reach.
    """
    moves: dict[int, float] = {}
    for part in filter(None, re.split(r"[,;\s]+(?=\d+\s*=)", text.strip(" ,;"))):
        name, _, value = part.partition("=")
        try:
            dimension, number = numerals.parse(int, name), numerals.parse(float, value)
        except ValueError:
            raise ValueError(f"A moved dimension is written like 3=1.25, not {part[:40]!r}.") from None
        if not 1 <= dimension <= num_dims:
            raise ValueError(f"There is no dimension {dimension}; there are 1 to {num_dims}.")
        if not abs(number) <= REACH:
            raise ValueError(f"A latent may be moved to ±{REACH:g} at most, not to {number:g}.")
        moves[dimension - 1] = number
    return moves


def write_moves(moves: Mapping[int, float]) -> str:
    """The inverse of :func:`read_moves`, the dimensions in order."""
    return "; ".join(f"{d + 1}={moves[d]:.6g}" for d in sorted(moves))


@torch.no_grad()
def slide(model: Reconstructs, request: SlidersRequest, resume: State | None = None) -> Iterator[Frame]:
    """One frame: the picture of the latent with its dimensions moved.

    Extras: ``latent`` and ``start``, float32 (1,D), and ``origin`` uint8 (1,H,W,C), the picture that was started from
    (the test image itself, or the decoded start).
    """
    start, origin = _start_kept(model, request)
    z = start.copy()
    for dimension, value in read_moves(request.moved, z.shape[1]).items():
        z[0, dimension] = value
    (frame,) = model.decode_frames(z, request.output, request.seed)
    extras = {**frame.extras, "start": start, "origin": origin}
    yield Frame(1, 1, 1, frame.images, extras, frame.state)


@torch.no_grad()
def information(model: MeasuresInformation) -> Iterator[Message[np.ndarray]]:
    """How much each dimension says over the test set, a message per batch: KL so far, float64 (D,) in nats."""
    images = data.load(model.card.dataset, "test")[0]
    total = -(-len(images) // _BATCH)
    device = next(model.parameters()).device
    summed = np.zeros(model.latent_shape)
    for i in range(total):
        batch = images[i * _BATCH : (i + 1) * _BATCH]
        x = torch.from_numpy(batch.transpose(0, 3, 1, 2).copy()).to(device)
        summed = summed + model.kl_per_dimension(x).cpu().double().sum(0).numpy()
        seen = min((i + 1) * _BATCH, len(images))
        yield Message(summed / seen, i + 1, total)


def _start_kept(model: Reconstructs, request: SlidersRequest) -> tuple[np.ndarray, np.ndarray]:
    """Where the sliders start, and its picture; found once, since a finger on a slider asks for it many times."""
    key = (request.start, request.index, request.seed, request.output)
    if model not in _STARTS or _STARTS[model][0] != key:
        _STARTS[model] = key, *_start(model, request)
    return _STARTS[model][1:]


def _start(model: Reconstructs, request: SlidersRequest) -> tuple[np.ndarray, np.ndarray]:
    if request.start == "image":
        image = data.load(model.card.dataset, "test")[0][request.index : request.index + 1]
        x = torch.from_numpy(image.transpose(0, 3, 1, 2).copy()).to(next(model.parameters()).device)
        return model.encode(x)[0].float().cpu().numpy(), image
    if request.start == "sample":
        z = noise.normal(request.seed, [request.first_index], "z", model.latent_shape)
    else:
        z = np.zeros((1, *model.latent_shape), np.float32)
    (first,) = model.decode_frames(z, request.output, request.seed)
    return z, first.images
