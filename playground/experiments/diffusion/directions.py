"""What a decoder of CLIP's directions is good for beside prompts: variations, interpolation, and arithmetic with words.

Ramesh et al. 2022 ("unCLIP", arXiv:2204.06125), section 3: the direction of a picture is drawn again with other noise; two pictures'
directions are interpolated on the sphere; and a picture's direction is turned towards the difference of two texts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground import data
from playground.contract import Frame, Request, State, knob
from playground.data.emoji import words as emoji_words
from playground.models.diffusion.latents import PromptRequest
from playground.models.directions import DrawsDirections
from playground.models.words import ANY_STYLE


def _drawing_knob(default: int, label: str) -> int:
    found: int = knob(
        default,
        label=label,
        low=0,
        high=9999,
        counts="test images",
        help="Which of the drawings that training never saw, unless a picture was opened or pasted.",
    )
    return found


@dataclass(frozen=True)
class _Beginning(Request):
    """What stands first among the knobs."""

    index: int = _drawing_knob(6, "drawing")


@dataclass(frozen=True)
class VariationsRequest(PromptRequest, _Beginning):
    """How many other pictures of the same; nothing is said in words."""

    prompt: str = ""
    negative_prompt: str = ""
    style: str = ANY_STYLE
    num_samples: int = knob(9, label="num_samples", low=1, high=36, help="How many variations.")


@dataclass(frozen=True)
class BetweenRequest(VariationsRequest):
    """From one picture to another."""

    second_index: int = _drawing_knob(37, "second drawing")
    num_samples: int = knob(
        9, label="num_pictures", low=2, high=32, help="Pictures on the way, both ends included."
    )


@dataclass(frozen=True)
class _Texts(Request):
    """The two texts, and how far to go."""

    index: int = _drawing_knob(6, "drawing")
    minus: str = knob(
        "green apple", label="minus", longest=300, live=True, help="What the picture is, in words."
    )
    plus: str = knob(
        "red apple", label="plus", longest=300, live=True, help="What it should become, in words."
    )
    turn: float = knob(
        0.5,
        label="turn",
        low=0.05,
        high=1.0,
        step=0.05,
        help="How far the last picture is turned towards the difference of the two texts: 1 is all of the way.",
    )


@dataclass(frozen=True)
class ArithmeticRequest(VariationsRequest, _Texts):
    """A picture, minus some words, plus others."""

    num_samples: int = knob(
        9, label="num_pictures", low=2, high=32, help="Pictures on the way, the first not turned at all."
    )


def drawing(model: DrawsDirections, index: int, picture: np.ndarray | None = None) -> np.ndarray:
    """``picture``, or a test drawing: uint8 (H,W,3)."""
    found: np.ndarray = data.load(model.card.dataset, "test")[0][index] if picture is None else picture
    return found


@torch.no_grad()
def variations(
    model: DrawsDirections,
    request: VariationsRequest,
    picture: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """Other pictures that point where a picture points; extras as of the model, and ``origin`` uint8 (1,H,W,3)."""
    origin = drawing(model, request.index, picture)
    directions = model.directions_of(origin[None]).repeat(request.num_samples, 1)
    for frame in model.draw_directions(directions, request):
        yield dataclasses.replace(frame, extras={**frame.extras, "origin": origin[None]})


@torch.no_grad()
def between(
    model: DrawsDirections,
    request: BetweenRequest,
    picture: np.ndarray | None = None,
    other: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """From one picture's direction to another's, all on one noise; extras: ``origin``, ``other`` and ``amounts`` (B,)."""
    ends = [drawing(model, request.index, picture), drawing(model, request.second_index, other)]
    one, two = model.directions_of(np.stack(ends))
    amounts = np.linspace(0, 1, request.num_samples)
    directions = torch.stack([slerp(one, two, float(a)) for a in amounts])
    more = {"origin": ends[0][None], "other": ends[1][None], "amounts": amounts}
    for frame in model.draw_directions(directions, request, one_noise=True):
        yield dataclasses.replace(frame, extras={**frame.extras, **more})


@torch.no_grad()
def arithmetic(
    model: DrawsDirections,
    request: ArithmeticRequest,
    picture: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """A picture's direction turned towards "plus" minus "minus", step by step and on one noise (section 3.3).

    Extras: ``origin``, ``amounts`` (B,), and in the first frame ``readings`` of both texts.
    """
    origin = drawing(model, request.index, picture)
    (start,) = model.directions_of(origin[None])
    plus, minus = model.directions_of_words([request.plus, request.minus])
    towards = F.normalize(plus - minus, dim=0) if not torch.equal(plus, minus) else start
    amounts = np.linspace(0, request.turn, request.num_samples)
    directions = torch.stack([slerp(start, towards, float(a)) for a in amounts])
    more: dict[str, object] = {"origin": origin[None], "amounts": amounts}
    readings = {name: emoji_words.readings(getattr(request, name)) for name in ("plus", "minus")}
    for frame in model.draw_directions(directions, request, one_noise=True):
        first = {"readings": readings} if not frame.step else {}
        yield dataclasses.replace(frame, extras={**frame.extras, **more, **first})


def slerp(one: Tensor, other: Tensor, amount: float) -> Tensor:
    """A share of the way on the great circle from one direction (E,) to another, both of length 1."""
    angle = torch.arccos((one @ other).clamp(-1, 1))
    if float(angle) < 1e-4:
        return one
    parts = torch.sin((1 - amount) * angle) * one + torch.sin(amount * angle) * other
    return F.normalize(parts / torch.sin(angle).clamp_min(1e-6), dim=0)
