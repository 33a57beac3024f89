"""Walks through a latent space, for any model that decodes: straight and spherical interpolation.

White 2016, "Sampling Generative Networks" (arXiv:1609.04468): in many dimensions nearly all of a Gaussian lies near a
sphere, so the straight line between two samples leaves it and the great circle does not.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from playground import data
from playground.capabilities import ClassConditional, DecodesFrames, Encodes, Reconstructs
from playground.contract import Frame, Message, Model, Request, State, knob
from playground.experiments.tile_passes import stand_ins, tile_passes
from playground.models import noise

_STEP = 3  # of the first pass over the plane: its tiles stand in for all their neighbours
_ENCODED: weakref.WeakKeyDictionary[Any, np.ndarray] = weakref.WeakKeyDictionary()  # model -> test codes


@dataclass(frozen=True)
class InterpolateRequest(Request):
    """Two ends, and the way between them."""

    ends: str = knob(
        "images",
        label="ends",
        choices=(("images", "test images"), ("samples", "samples")),
        help="Where the two ends come from: test images, encoded; or samples of the prior.",
    )
    path: str = knob(
        "straight",
        label="path",
        choices=(("straight", "straight"), ("spherical", "spherical")),
        help="Straight: the shortest line. Spherical: along the great circle, which keeps the length of z. In two dimensions they differ little, in thirty-two a lot.",
    )
    first: int = knob(
        0,
        label="first end",
        low=0,
        high=9999,
        counts="test images",
        help="Which test image (or which sample of the seed) the walk starts from.",
    )
    second: int = knob(
        1,
        label="second end",
        low=0,
        high=9999,
        counts="test images",
        help="Which test image (or which sample of the seed) the walk ends at.",
    )
    num_steps: int = knob(
        16, label="num_steps", low=2, high=64, help="How many pictures the walk has, both ends included."
    )
    num_samples: int = 1


def class_label_knob(own: str = "its class") -> Any:
    """Whether a model that knows classes is told that of a test image (or those of two)."""
    return knob(
        "own",
        label="class label",
        choices=(("own", own), ("none", "no class")),
        help="This model was trained with and without being told what a picture shows. Told its class, the picture is likelier, and z need not say it; on a walk between two classes, the model is told a mixture of both.",
    )


@dataclass(frozen=True)
class ClassInterpolateRequest(InterpolateRequest):
    """The same, for a model that is told classes."""

    class_label: str = class_label_knob("both classes")


@dataclass(frozen=True)
class PlaneRequest(Request):
    """What the latent plane shows."""

    show: str = knob(
        "manifold",
        label="show",
        choices=(("manifold", "decoded"), ("both", "both"), ("scatter", "encoded")),
        help="Decoded: what each place of the plane turns into. Encoded: where the encoder puts the test images, coloured by class (the model was never told the classes).",
    )
    output: str = knob(
        "mean",
        label="output",
        choices=(("mean", "decoder's mean"), ("sample", "a draw")),
        help="The decoder gives every pixel a distribution. Its mean is what is usually shown; a draw from p(x given z) also draws every pixel, and is grainy.",
    )
    extent: float = knob(
        3.0,
        label="extent",
        low=0.5,
        high=6.0,
        step=0.1,
        help="How far the plane reaches from the origin, in standard deviations of the prior.",
    )
    tiles: int = 15
    num_samples: int = 1


@torch.no_grad()
def manifold(model: DecodesFrames, request: PlaneRequest, resume: State | None = None) -> Iterator[Frame]:
    """Decode a grid over the latent plane in two passes, of draws in three, a frame each (``tile_passes.py``).

    ``images`` is uint8 (tiles*tiles,H,W,C), the first row being the largest z_2.  Tiles to come are stood in for by the
    nearest one that is there, so that a plane under a turning knob changes as a whole, after a ninth of the work.
    """
    n, draws = request.tiles, request.output != "mean"
    line = (((np.arange(n) + 0.5) / n * 2 - 1) * request.extent).astype(np.float32)  # middles of the tiles
    z = np.stack([np.tile(line, n), np.repeat(line[::-1], n)], axis=1)
    passes = tile_passes(n, _STEP, draws)
    shape = data.DATASETS[model.card.dataset].image_shape
    tiles = np.zeros((n * n, *shape), np.uint8) if resume is None else resume["tiles"].copy()
    for i in range(0 if resume is None else int(resume["passes"]), len(passes)):
        for part in (
            passes[i].reshape(-1, n) if draws else [passes[i]]
        ):  # each tile of a draw has its own noise
            (frame,) = model.decode_frames(z[part], request.output, request.seed, int(part[0]))
            tiles[part] = frame.images
        images = tiles[stand_ins(n, _STEP, i + 1, draws)]
        yield Frame(i + 1, len(passes), i + 1, images, {}, {"passes": i + 1, "tiles": tiles.copy()})


@dataclass(frozen=True)
class BesideRequest(PlaneRequest):
    """Two planes at once, of fewer and so larger tiles."""

    tiles: int = 9


@torch.no_grad()
def beside(model: DecodesFrames, partner: DecodesFrames, request: BesideRequest) -> Iterator[Frame]:
    """The planes of two models, pass by pass: ``images`` uint8 (2*tiles*tiles,H,W,C), the partner's after the model's."""
    for one, other in zip(manifold(model, request), manifold(partner, request), strict=True):
        images = np.concatenate([one.images, other.images])
        yield Frame(one.step, one.total, one.passes + other.passes, images)


@torch.no_grad()
def decode_both(
    model: DecodesFrames, partner: DecodesFrames, z: np.ndarray, output: str, seed: int
) -> Iterator[Frame]:
    """One point of the plane, float32 (1,2), decoded by two models: ``images`` uint8 (2,H,W,C)."""
    (one,), (other,) = model.decode_frames(z, output, seed), partner.decode_frames(z, output, seed)
    yield Frame(1, 1, 2, np.concatenate([one.images, other.images]), one.extras)


class Encodings(NamedTuple):
    """Codes of the first test images, as many as are encoded so far."""

    points: np.ndarray  # float32 (n,D)
    labels: np.ndarray  # int64 (n,)


@torch.no_grad()
def encodings(model: Encodes, batch_size: int = 500) -> Iterator[Message[Encodings]]:
    """Encode the whole test set, a message per batch.

    Done once for each loaded model: afterwards there is one message with all of them.
    """
    images, labels = data.load(model.card.dataset, "test")
    if model in _ENCODED:
        yield Message(Encodings(_ENCODED[model], labels))
        return
    points: list[np.ndarray] = []
    device = next(model.parameters()).device
    total = -(-len(images) // batch_size)
    for i in range(total):
        batch = images[i * batch_size : (i + 1) * batch_size].transpose(0, 3, 1, 2).copy()
        points.append(model.encode(torch.from_numpy(batch).to(device))[0].float().cpu().numpy())
        done = np.concatenate(points)
        if len(done) == len(images):
            _ENCODED[model] = done
        yield Message(Encodings(done, labels[: len(done)]), i + 1, total)


@torch.no_grad()
def interpolate(
    model: Reconstructs, request: InterpolateRequest, resume: State | None = None
) -> Iterator[Frame]:
    """Walk from one latent to another, a frame per step.

    Frames carry ``latent`` float32 (1,D), ``amount`` in 0..1, and ``ends`` uint8 (2,H,W,C): the test images
    themselves, or the decoded samples.  A model that is told classes is told those of both ends in the same proportion.
    """
    classes = _classes(model, request)
    z_0, z_1, ends = _ends(model, request, classes)
    start = 0 if resume is None else int(resume["i"])
    amounts = np.arange(request.num_steps) / (request.num_steps - 1)
    walk = np.stack([mix(z_0, z_1, amount, request.path) for amount in amounts.tolist()])
    together = model.decoded_together
    for first in range(start // together * together, request.num_steps, together):
        now = amounts[first : first + together, None]
        labels = {} if classes is None else _labels_for(model, (1 - now) * classes[0] + now * classes[1])
        (frame,) = model.decode_frames(walk[first : first + together], **labels)
        for i in range(max(first, start), min(first + together, request.num_steps)):
            z, images = walk[i : i + 1], frame.images[i - first : i - first + 1]
            extras = {"latent": z, "amount": float(amounts[i]), "ends": ends}
            extras["length"] = float(np.linalg.norm(z))
            yield Frame(i + 1, request.num_steps, i + 1, images, extras, {"i": i + 1})


def mix(z_0: np.ndarray, z_1: np.ndarray, amount: float, path: str) -> np.ndarray:
    """The point at ``amount`` of the way, float32, the shape of the ends."""
    if path == "spherical":
        length_0, length_1 = np.linalg.norm(z_0), np.linalg.norm(z_1)
        cosine = float(np.sum(z_0 * z_1) / max(length_0 * length_1, 1e-12))
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        if 1e-4 < angle < np.pi - 1e-4:
            a, b = np.sin((1 - amount) * angle) / np.sin(angle), np.sin(amount * angle) / np.sin(angle)
            return (a * z_0 + b * z_1).astype(np.float32)
    return ((1 - amount) * z_0 + amount * z_1).astype(np.float32)


def _classes(model: Reconstructs, request: InterpolateRequest) -> np.ndarray | None:
    """How much of each class the two ends are, float64 (2, num_classes + 1), if the model is to be told; samples are dealt theirs."""
    given = isinstance(request, ClassInterpolateRequest) and request.class_label != "none"
    if not given or not isinstance(model, ClassConditional):
        return None
    chosen = np.array([request.first, request.second])
    of_images = request.ends == "images"
    labels = data.load(model.card.dataset, "test")[1][chosen] if of_images else chosen % model.num_classes
    return np.eye(model.num_classes + 1)[labels]


def _labels_for(model: Model, shares: np.ndarray) -> dict[str, Any]:
    device = next(model.parameters()).device
    return {"labels": torch.from_numpy(shares.astype(np.float32)).to(device)}


def _ends(
    model: Reconstructs, request: InterpolateRequest, classes: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chosen = [request.first, request.second]
    labels = {} if classes is None else _labels_for(model, classes)
    if request.ends == "images":
        images = data.load(model.card.dataset, "test")[0][chosen]
        (frame,) = model.reconstruct_frames(images, **labels)
        return frame.extras["latent"][0], frame.extras["latent"][1], images
    z = noise.normal(request.seed, chosen, "z", model.latent_shape)
    (frame,) = model.decode_frames(z, **labels)
    return z[0], z[1], frame.images
