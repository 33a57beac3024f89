"""Looking into models that give every pixel a distribution given the earlier ones: completion, surprise, receptive field.

They need of a model what an autoregressive one has: ``complete``, and a call ``model(x, labels)`` that returns mixture
parameters (B,H,W,3K) for every pixel at once (``discretized_logistic.py``).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground import data
from playground.capabilities import Completes, DrawsInGroups, PredictsPixels
from playground.contract import EACH_CLASS, Frame, Model, Request, State, knob, make_request, settings_of
from playground.models import discretized_logistic, noise
from playground.models.autoregressive.pixel_sampling import PixelRequest

NUM_TEST_IMAGES = 10_000


def _same(name: str) -> Any:
    """A knob as the sampler has it."""
    theirs = next(f for f in dataclasses.fields(PixelRequest) if f.name == name)
    return field(default=theirs.default, metadata=theirs.metadata)


def _image_knob() -> Any:
    return knob(
        0,
        label="test image",
        low=0,
        high=NUM_TEST_IMAGES - 1,
        counts="test images",
        help="Which of the 10,000 test pictures.",
    )


def _place_knob(label: str) -> Any:
    words = "The pixel that is looked at, counted from 1: point at it, or turn this."
    return knob(15, label=label, low=1, high=28, counts=f"{label}s", help=words)


@dataclass(frozen=True)
class CompleteRequest(Request):
    """What is given, and how the rest is drawn."""

    image: int = _image_knob()
    known_rows: int = knob(
        14,
        label="known rows",
        low=0,
        high=27,
        counts="rows",
        help="How many rows from the top are given. Drag over the pictures, or turn this.",
    )
    given: str = knob(
        "own",
        label="the model is told",
        choices=(("own", "its class"), ("chosen", "another class")),
        help="Its class: what the test picture really is. Another class: see how the model makes the best of a wrong word.",
    )
    label: int = _same("label")
    temperature: float = _same("temperature")
    top_k: int = _same("top_k")
    num_samples: int = knob(15, label="num_samples", low=1, high=99, help="How many ways to go on are drawn.")


VARIANTS = (
    ("plain", "as it is"),
    ("flipped", "upside down"),
    ("inverted", "inverted"),
    ("shuffled", "its pixels shuffled"),
    ("noise", "uniform noise"),
    ("black", "all black"),
)


@dataclass(frozen=True)
class SurpriseRequest(Request):
    """Which picture is read, and what the model is told about it."""

    image: int = _image_knob()
    variant: str = knob(
        "plain",
        label="picture",
        choices=VARIANTS,
        help="The test picture itself, or something odd: does the model find it improbable? Not everything odd is.",
    )
    given: str = knob(
        "own",
        label="the model is told",
        choices=(("own", "its class"), ("chosen", "another class"), ("nothing", "nothing")),
        help="Nothing: the model must find out while it reads; its guess of the class is the average over all ten, weighted by how well each explained the pixels so far.",
    )
    label: int = knob(0, label="class", choices="classes", help="Which garment the model is told this is.")
    row: int = _place_knob("row")
    column: int = _place_knob("column")
    num_samples: int = 1


@dataclass(frozen=True)
class FieldRequest(Request):
    """Which pixel, in which picture."""

    image: int = _image_knob()
    row: int = _place_knob("row")
    column: int = _place_knob("column")
    seed: int = 0
    num_samples: int = 1


# --- completion


@torch.no_grad()
def complete(model: Completes, request: CompleteRequest) -> Iterator[Frame]:
    """Keep the top rows of a test picture and draw the rest, several times.

    Frames carry ``original`` uint8 (1,H,W,C) and ``known_rows`` beside what the sampler gives.
    """
    original, own = _test_image(model, request.image)
    x = _as_tensor(original, model)
    known = torch.zeros(x.shape[2:], dtype=torch.bool, device="cpu")
    known[: request.known_rows] = True
    asked = settings_of(request)
    asked["label"] = own if request.given == "own" else request.label
    asked["guidance_scale"] = 1.0  # the ways to go on are those of the density
    names = settings_of(model.Request())
    inner = make_request(model.Request, {name: asked[name] for name in names if name in asked})
    inner = dataclasses.replace(inner, first_index=request.first_index)
    more = {"original": original, "known_rows": request.known_rows}
    for frame in model.complete(x, known, inner):
        yield dataclasses.replace(frame, extras={**frame.extras, **more})


# --- surprise


@torch.no_grad()
def surprise(model: PredictsPixels, request: SurpriseRequest, resume: State | None = None) -> Iterator[Frame]:
    """Read a picture row by row: what does each pixel cost, given the earlier ones?

    Frames carry ``bits`` float64 (H,W), NaN where not read yet: -log2 p of each pixel; ``log_probs`` float32 (W,256) of
    the row just read; and ``belief`` float64 (classes,), p(class | rows so far), if the model is told nothing.  The
    bits of all pixels add up to -log2 p of the picture, given the class or not.
    """
    picture, labels = odd_picture(model, request), _labels(model, request)
    height, width = picture.shape[1:3]
    values = torch.from_numpy(picture[0, ..., 0].astype(np.int64)).to(labels.device)
    raw = model(_as_tensor(picture, model).expand(len(labels), -1, -1, -1), labels)  # (classes, H, W, 3K)
    # on the CPU: not every device has it
    evidence = torch.full((len(labels),), -math.log(len(labels)), dtype=torch.float64)
    bits = np.full((height, width), np.nan)
    for row in range(height):
        cost = discretized_logistic.log_prob(raw[:, row], values[row].expand(len(labels), -1)).cpu().double()
        belief, log_probs = believe(cost, evidence)
        bits[row] = -log_probs.numpy() / math.log(2)
        evidence = evidence + cost.sum(1)
        if resume is not None and row < resume["row"]:
            continue
        each = discretized_logistic.all_log_probs_to_draw(raw[:, row]).cpu()  # (classes, W, 256)
        log_probs = (belief[..., None] + each).logsumexp(0)
        extras = {"bits": bits.copy(), "log_probs": log_probs.float().numpy()}
        if len(labels) > 1:
            extras["belief"] = evidence.softmax(0).numpy()
        yield Frame(row + 1, height, len(labels), picture, extras, {"row": row + 1})


def believe(cost: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor]:
    """Bayes' rule along a row, in nats.

    Args:
        cost: log p(x_i | earlier pixels, class) of the pixels that stand there, float64 (classes, W).
        evidence: log p(class, all rows above), float64 (classes,).

    Returns:
        log p(class | earlier pixels) as the model believes it before each pixel, (classes,W), and
        log p(x_i | earlier pixels), (W,).
    """
    before = evidence[:, None] + F.pad(cost, (1, 0))[:, :-1].cumsum(1)
    belief = before.log_softmax(0)
    return belief, (belief + cost).logsumexp(0)


def odd_picture(model: PredictsPixels, request: SurpriseRequest) -> np.ndarray:
    """The test picture as the request wants it, uint8 (1,H,W,C)."""
    picture, _ = _test_image(model, request.image)
    uniforms = noise.uniform(request.seed, [request.image], "odd", picture.shape[1:])  # float64 (1,H,W,C)
    made = {
        "plain": lambda: picture,
        "flipped": lambda: picture[:, ::-1],
        "inverted": lambda: 255 - picture,
        "shuffled": lambda: picture.reshape(-1)[uniforms.reshape(-1).argsort()].reshape(picture.shape),
        "noise": lambda: (uniforms * 256).astype(np.uint8),
        "black": lambda: np.zeros_like(picture),
    }
    return np.ascontiguousarray(made[request.variant]())


def _labels(model: PredictsPixels, request: SurpriseRequest) -> Tensor:
    device = next(model.parameters()).device
    if request.given == "nothing" or (request.given == "chosen" and request.label == EACH_CLASS):
        return torch.arange(model.num_classes, device=device)
    own = _test_image(model, request.image)[1]
    return torch.tensor([own if request.given == "own" else request.label], device=device)


# --- receptive field


def receptive_fields(models: Sequence[PredictsPixels], request: FieldRequest) -> Iterator[Frame]:
    """One frame: the picture, and for each model ``fields`` float32 (models,H,W), how strongly a pixel depends on each other.

    ``earlier`` int (models,) is how many pixels each model draws before it.
    """
    picture, label = _test_image(models[0], request.image)
    row, column = request.row - 1, request.column - 1
    fields = [gradient_field(m, picture, label, row, column) for m in models]
    place = row * picture.shape[2] + column
    earlier = [
        int(np.flatnonzero(m.order == place)[0]) if isinstance(m, DrawsInGroups) else place for m in models
    ]
    extras = {"fields": np.stack(fields), "row": row, "column": column, "earlier": np.array(earlier)}
    yield Frame(1, 1, len(models), picture, extras, {})


def gradient_field(
    model: PredictsPixels, picture: np.ndarray, label: int, row: int, column: int
) -> np.ndarray:
    """|d centre / d input| at every pixel, float32 (H,W), in grey levels per grey level.

    The centre of a pixel's distribution is the weighted mean of its logistics before anything is cut off at black and
    white, so that the gradient does not vanish where the model is certain.  ``picture`` is uint8 (1,H,W,C).
    """
    # in reading order, what lies below cannot matter; some models want rows in pairs
    rows = picture.shape[1] if isinstance(model, DrawsInGroups) else min(row + 2 - row % 2, picture.shape[1])
    x = _as_tensor(picture, model)[:, :, :rows]
    labels = torch.tensor([label], device=x.device)
    with torch.enable_grad():
        x = x.float().requires_grad_()
        weights, means, _ = model(x, labels)[0, row, column].float().chunk(3)
        centre = (weights.softmax(0) * means).sum() * 127.5
        (gradient,) = torch.autograd.grad(centre, x)
    out = np.zeros(picture.shape[1:3], np.float32)
    out[:rows] = gradient.abs().sum((0, 1)).cpu().numpy()
    return out


# --- shared


def _test_image(model: Model, index: int) -> tuple[np.ndarray, int]:
    images, labels = data.load(model.card.dataset, "test")
    return images[index : index + 1], int(labels[index])


def _as_tensor(picture: np.ndarray, model: Model) -> Tensor:
    x = torch.from_numpy(picture.transpose(0, 3, 1, 2).copy())
    return x.to(next(model.parameters()).device)
