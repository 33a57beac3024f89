"""Layer traces: one picture on its way through a flow: layer by layer, to z and back, and what it costs.  For the window; one frame per step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.contract import Frame, Request, State, knob
from playground.experiments.interpolation import class_label_knob
from playground.models import noise
from playground.models.flow.base import Flow
from playground.models.flow.layers import Squeeze

_IMAGE: dict[str, Any] = {
    "label": "test image",
    "low": 0,
    "high": 9999,
    "counts": "test images",
    "help": "Which of the 10,000 test images.",
}


@dataclass(frozen=True)
class LayersRequest(Request):
    """Whose way is traced, and how it starts."""

    start: str = knob(
        "sample",
        label="start",
        choices=(("sample", "a sample's z"), ("image", "a test image")),
        help="A sample travels once, from z to x. A test image travels from x to z and then back to x.",
    )
    image: int = knob(0, **_IMAGE)
    temperature: float = knob(
        0.7,
        label="temperature",
        low=0.0,
        high=1.5,
        step=0.05,
        help="Multiplies the standard deviation of z. 1 is the model as trained.",
    )
    num_samples: int = 1


@dataclass(frozen=True)
class ClassLayersRequest(LayersRequest):
    """The same, for a model that is told classes; a test image's is known."""

    label: int = knob(8, label="class", low=0, choices="classes", help="Which garment the sample is.")


@dataclass(frozen=True)
class RoundTripRequest(Request):
    """Which picture goes to z and back."""

    image: int = knob(0, **_IMAGE)
    within: str = knob(
        "draw",
        label="within the bin",
        choices=(("draw", "a draw"), ("centre", "its centre")),
        help="A grey level is a bin of continuous numbers. A draw takes a random place in it, as training did; then z looks like normal noise. The centre is always the same, and a little too regular.",
    )
    num_samples: int = 1


@dataclass(frozen=True)
class ClassRoundTripRequest(RoundTripRequest):
    """The same, for a model that is told classes, of pictures with noise."""

    within: str = knob(
        "draw",
        label="noise",
        choices=(("draw", "a draw"), ("centre", "none")),
        help="The flow knows noisy pictures. A draw is noise as in training; without it, the picture is cleaner than any that the flow has seen.",
    )
    class_label: str = class_label_knob()


@dataclass(frozen=True)
class ScoreRequest(Request):
    """Whose bits are counted."""

    image: int = knob(0, **_IMAGE)
    change: str = knob(
        "none",
        label="change",
        choices=(
            ("none", "as it is"),
            ("mirrored", "mirrored"),
            ("turned", "upside down"),
            ("negative", "negative"),
            ("shuffled", "pixels shuffled"),
        ),
        help="What is done to the picture first. A garment upside down is a rarer picture than one the right way up, and the model says by how many bits.",
    )
    draws: int = knob(
        16,
        label="draws",
        low=1,
        high=64,
        help="How many dequantisations the bound is averaged over. More draws, a smaller standard error.",
    )
    num_samples: int = 1


@dataclass(frozen=True)
class ClassScoreRequest(ScoreRequest):
    """The same, for a model that is told classes."""

    class_label: str = class_label_knob()


@torch.no_grad()
def layers(model: Flow, request: LayersRequest, resume: State | None = None) -> Iterator[Frame]:
    """A sample from z to x, or a test image from x to z and back.

    Extras: ``values`` float32 (1,D) the state's numbers (grey levels for x), ``layer``, ``direction`` "to z" or "to x", ``at`` (layers between here and x).
    """
    if request.start == "sample":
        total = None
        for frame in model.decode_steps(_prior(model, request), labels=_labels_of(model, request)):
            total = frame.total
            yield _as_stop(frame, frame.step, total)
        return
    x, labels = _image(model, request.image), _labels_of(model, request)
    away = list(_to_z(model, model.as_continuous(x), labels))
    total = 2 * (len(away) - 1)
    for i, frame in enumerate(away):
        yield replace(frame, step=i, total=total)
    for frame in model.decode_steps(away[-1].extras["latent"], labels=labels):
        if frame.step:
            stop = _as_stop(frame, len(away) - 1 + frame.step, total)
            yield replace(stop, passes=away[-1].passes + frame.passes)


def _prior(model: Flow, request: LayersRequest) -> np.ndarray:
    indices = range(request.first_index, request.first_index + 1)
    return np.float32(request.temperature) * noise.normal(request.seed, indices, "z", model.latent_shape)


def _as_stop(frame: Frame, step: int, total: int) -> Frame:
    extras = {"direction": "to x", "at": frame.total - frame.step}
    return replace(frame, step=step, total=total, extras={**frame.extras, **extras}, state=None)


def _labels_of(model: Flow, request: LayersRequest) -> Tensor | None:
    """The class that the model is told, int64 (1,); None if it knows none."""
    if not isinstance(request, ClassLayersRequest):
        return None
    drawn = request.start == "sample"
    label = request.label if drawn else data.load(model.card.dataset, "test")[1][request.image]
    return torch.tensor([int(label)], device=model.initialised.device)


def _its_class(model: Flow, request: RoundTripRequest | ScoreRequest) -> Tensor | None:
    """The test image's class, int64 (1,), if the model is to be told it."""
    if not isinstance(request, ClassRoundTripRequest | ClassScoreRequest) or request.class_label == "none":
        return None
    labels = data.load(model.card.dataset, "test")[1][[request.image]]
    return torch.from_numpy(labels.astype(np.int64)).to(model.initialised.device)


def _to_z(model: Flow, y: Tensor, labels: Tensor | None = None) -> Iterator[Frame]:
    """Frames from grey levels ``y`` (1,C,H,W) to z; the last one's ``latent`` is z."""
    h, passes, at = y, 0, 0
    for layer in [None, *model.layers]:
        if layer is not None:
            h, _ = model.apply_layer(layer, h, labels)
            passes += layer.passes
        if isinstance(layer, Squeeze):
            continue
        extras = {
            "latent": model.as_picture(h).flatten(1).cpu().numpy(),
            "values": h.flatten(1).cpu().numpy().copy(),
            "layer": layer.title if layer is not None else "x",
            "direction": "to z",
            "at": at,
        }
        yield Frame(at, 0, passes, model.show(h, is_picture=at == 0), extras)
        at += 1


@torch.no_grad()
def round_trip(model: Flow, request: RoundTripRequest, resume: State | None = None) -> Iterator[Frame]:
    """A test image to z and back, in one frame.

    ``images`` uint8 (4,H,W,C): the image, z, what came back, and the error, one grey level being white.  Extras:
    ``latent`` float32 (1,D), ``error`` (the largest difference, in grey levels), ``changed`` (pixels whose grey level changed).
    """
    x, labels = _image(model, request.image), _its_class(model, request)
    if request.within == "draw":
        epsilon = noise.normal(request.seed, noise.identities(x), "dequantise", tuple(x.shape[1:]))
        u, _ = model.dequantizer(x, torch.from_numpy(epsilon).to(x.device))
    else:
        u = torch.full(x.shape, 0.5, device=x.device)
    h, _ = model.to_z(x + u, labels)
    z = model.as_picture(h).flatten(1)
    y = model.from_z(z, labels)
    difference = (y - (x + u)).abs()
    changed = int((y.clamp(0, 255.9).floor() != (x + u).clamp(0, 255.9).floor()).sum())
    shown = [model.show(x + 0.5, True), model.show(h, False), model.show(y, True)]
    error = (difference.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    passes = 2 * model.num_passes
    extras = {"latent": z.cpu().numpy(), "error": float(difference.max()), "changed": changed}
    yield Frame(1, 1, passes, np.concatenate([*shown, error]), extras)


@torch.no_grad()
def count_bits(model: Flow, request: ScoreRequest, resume: State | None = None) -> Iterator[Frame]:
    """The bound of one test image, draw after draw.

    Extras: ``bits`` float64 (draws so far,), and ``parts``: name -> the mean so far, as :meth:`Flow.bits_by_part` splits it.
    """
    x = _changed(_image(model, request.image), request.change)
    picture = x.permute(0, 2, 3, 1).cpu().numpy()
    labels, passes = _its_class(model, request), model.num_passes
    found: list[dict[str, float]] = []
    for draw in range(request.draws):
        epsilon = noise.normal(request.seed, noise.identities(x), "dequantise", tuple(x.shape[1:]), draw)
        parts = model.bits_by_part(x, torch.from_numpy(epsilon).to(x.device), labels)
        found.append({name: float(bits[0]) for name, bits in parts.items()})
        means = {name: math.fsum(f[name] for f in found) / len(found) for name in found[0]}
        bits = np.array([math.fsum(f.values()) for f in found])
        yield Frame(draw + 1, request.draws, passes * (draw + 1), picture, {"bits": bits, "parts": means})


def _image(model: Flow, index: int) -> Tensor:
    """uint8 (1,C,H,W) on the model's device."""
    pictures, _ = data.load(model.card.dataset, "test")
    x = torch.from_numpy(pictures[index : index + 1].transpose(0, 3, 1, 2).copy())
    return x.to(model.initialised.device)


def _changed(x: Tensor, how: str) -> Tensor:
    if how == "mirrored":
        return x.flip(3)
    if how == "turned":
        return x.flip(2, 3)
    if how == "negative":
        return 255 - x
    if how == "shuffled":
        order = np.argsort(noise.uniform(0, [0], "shuffle", (x[0].numel(),))[0])
        return x.flatten(1)[:, torch.from_numpy(order).to(x.device)].view_as(x)
    return x
