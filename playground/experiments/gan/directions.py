"""One picture moved along the principal directions of w (Härkönen et al. 2020, arXiv:2004.02546)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from playground.contract import Frame, Message, State, knob
from playground.experiments.gan.style_layers import LAYERS, RANGES
from playground.models import noise
from playground.models.gan.stylegan import StyleGAN, StyleRequest

NUM_DIRECTIONS = 8


def _direction_knobs() -> list[tuple[str, type, Any]]:
    help = "How far along this principal direction of w, in standard deviations of what the mapping network gives."
    return [
        (
            f"direction_{i + 1}",
            float,
            knob(0.0, label=f"direction {i + 1}", low=-4.0, high=4.0, step=0.1, help=help),
        )
        for i in range(NUM_DIRECTIONS)
    ]


@dataclass(frozen=True)
class _DirectionBase(StyleRequest):
    label: int = knob(8, label="class", low=0, choices="classes", help="Which garment is changed.")
    layers: str = knob("all", label="layers", choices=LAYERS, help="Which layers feel the change.", fold=True)
    index: int = knob(0, label="picture", low=0, high=9999, help="Which sample of the seed is changed.")
    num_samples: int = 1


DirectionRequest: Any = dataclasses.make_dataclass(
    "DirectionRequest", _direction_knobs(), bases=(_DirectionBase,), frozen=True
)


@torch.no_grad()
def move(model: StyleGAN, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """One picture moved along principal directions of w: ``images`` holds it as it was and as it is now, (2,H,W,C)."""
    one = dataclasses.replace(request, num_samples=1, first_index=request.index)
    labels = model.labels(one)
    z = noise.normal(request.seed, [request.index], "z", model.prior_shape)
    w = model.w_of(torch.from_numpy(z).to(labels.device), labels, request.truncation_psi)
    axes, deviations = model.directions
    amounts = torch.tensor([getattr(request, f"direction_{i + 1}") for i in range(NUM_DIRECTIONS)]).to(w)
    shift = (amounts * deviations[:NUM_DIRECTIONS]) @ axes[:NUM_DIRECTIONS]
    styles = w[:, None].expand(2, model.num_layers, -1).clone()
    begin, end = RANGES[request.layers]
    styles[1, begin:end] += shift
    noises = [n.expand(2, -1, -1, -1) for n in model.noises(one)]
    frame = model.frame_of(styles, labels.expand(2), noises)
    yield Frame(1, 1, 1, frame.images, frame.extras, {"done": 1})


def spread(model: StyleGAN) -> Iterator[Message[np.ndarray]]:
    """One message: the standard deviation along the widest directions of w, float32 (32,)."""
    _, deviations = model.directions
    yield Message(deviations[:32].cpu().numpy())
