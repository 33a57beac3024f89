"""What views of a model of drawings compute: one drawing, the beginning of a test drawing, the way between two."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.capabilities import DrawsStrokes
from playground.contract import Frame, Request, State, knob, make_request
from playground.data import icons
from playground.experiments.interpolation import mix
from playground.export import strokes_svg
from playground.models.vae.sketchrnn import StrokesRequest


@dataclass(frozen=True)
class OneDrawingRequest(StrokesRequest):
    """One drawing, looked at closely."""

    temperature: float = knob(
        0.6,
        label="temperature",
        low=0.05,
        high=1.5,
        step=0.05,
        telling=(0.1, 0.4, 0.8, 1.2),
        help="Widens or narrows every ellipse, and makes the heavy ones heavier or lighter. The random numbers stay the same.",
    )
    num_samples: int = 1


@dataclass(frozen=True)
class FinishRequest(StrokesRequest):
    """Ten ways to go on."""

    num_samples: int = knob(10, label="num_samples", low=1, high=30, help="How many ways to go on.")


@dataclass(frozen=True)
class WayRequest(Request):
    """Two test drawings, and the way between their codes."""

    first: int = knob(
        0, label="from", low=0, high=9999, counts="test images", help="The test drawing where the way begins."
    )
    second: int = knob(
        1, label="to", low=0, high=9999, counts="test images", help="The test drawing where the way ends."
    )
    num_steps: int = knob(
        8, label="num_steps", low=2, high=16, help="How many drawings the way has, both ends included."
    )
    path: str = knob(
        "spherical",
        label="path",
        choices=(("straight", "straight"), ("spherical", "spherical")),
        help="Spherical: along the great circle, which keeps the length of z. Straight: the shortest line, through codes that are shorter than any the decoder was trained with.",
    )
    temperature: float = knob(
        0.1,
        label="temperature",
        low=0.05,
        high=1.5,
        step=0.05,
        telling=(0.05, 0.1, 0.4, 0.8),
        help="Low: each drawing is nearly what its code says, and nothing else. Higher: chance speaks too.",
    )
    num_samples: int = 1


@torch.no_grad()
def way(model: DrawsStrokes, request: WayRequest, resume: State | None = None) -> Iterator[Frame]:
    """Draw all stops of the way at once, point by point; frames as of the model, and ``ends`` float32 (2,T,3), the test drawings.

    The decoder is told what the drawings are of only where both are of the same.
    """
    drawings, labels = data.load(model.card.dataset, "test")
    ends = [request.first, request.second]
    x = torch.from_numpy(np.ascontiguousarray(drawings[ends].transpose(0, 3, 1, 2)))
    z = model.code_of(x.to(next(model.parameters()).device)).float().cpu().numpy()
    amounts = (np.arange(request.num_steps) / (request.num_steps - 1)).tolist()
    codes = np.stack([mix(z[0], z[1], amount, request.path) for amount in amounts])
    same = labels[request.first] == labels[request.second]
    asked = make_request(
        StrokesRequest,
        {
            "word": int(labels[request.first]) if same else 0,
            "temperature": request.temperature,
            "seed": request.seed,
            "num_samples": request.num_steps,
        },
    )
    shown = np.stack([padded(icons.strokes_of(codes[0])) for codes in drawings[ends]])
    for frame in model.draw(codes, asked, resume):
        yield dataclasses.replace(frame, extras={**frame.extras, "ends": shown})


def padded(strokes: np.ndarray) -> np.ndarray:
    """A drawing float32 (n,3) with what is not a number after its end, (MOST_POINTS,3)."""
    found = np.full((icons.MOST_POINTS, 3), np.nan, np.float32)
    found[: len(strokes)] = strokes
    return found


def held_out(dataset: str, index: int) -> tuple[list[np.ndarray], int]:
    """The lines of a test drawing, (n,2) each in a box of side 1, and what it is of: a place in the classes."""
    drawings, labels = data.load(dataset, "test")
    steps = icons.strokes_of(drawings[index][0])
    return [line + 0.5 for line in strokes_svg.polylines(steps)], int(labels[index])
