"""Driving inside a world model's dream: by somebody's hand, by the controller, or as a recorded drive was driven."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from playground.capabilities import Dreams
from playground.contract import Frame, State, knob
from playground.data import car
from playground.experiments.vae.wheel import Edit, Row, Wheel
from playground.models.vae.dream import BEGINNING
from playground.models.vae.worldmodel import DreamRequest


@dataclass(frozen=True)
class DriveRequest(DreamRequest):
    """A dream to drive in: long, and alone."""

    num_frames: int = knob(
        600, label="num_frames", low=1, high=1000, help="How long the dream lasts; 20 frames a second."
    )


@dataclass(frozen=True)
class ControllerRequest(DreamRequest):
    """Several dreams that the controller drives in."""

    num_samples: int = knob(4, label="num_samples", low=1, high=16, help="How many dreams, side by side.")


@dataclass(frozen=True)
class BesideRequest(DreamRequest):
    """A recorded drive beside the dream."""

    temperature: float = knob(
        0.3,
        label="temperature",
        low=0.05,
        high=2.0,
        step=0.05,
        help="Of the dream. Low, it keeps to what is likeliest, and stays with the world for longest.",
    )


def live(
    model: Dreams, request: DriveRequest, wheel: Wheel, resume: State | None = None, shown: int = -1
) -> Iterator[Frame]:
    """The one dream as it is driven; frames up to ``shown`` were seen before and are not given again."""
    for frame in model.dream(dataclasses.replace(request, num_samples=1), wheel.steer, resume):
        wheel.remember(frame)
        if frame.step > shown:
            yield frame


def driven(
    model: Dreams, request: DriveRequest, past: Sequence[Sequence[float]], edits: Sequence[Sequence[float]]
) -> Iterator[Frame]:
    """A dream driven as before: rows of wheel, gas, brake and temperature, and what was put into the code; then the controller drives."""
    rows: list[Row] = [(float(a), float(b), float(c), float(d)) for a, b, c, d in past]
    changes: list[Edit] = [(int(a), int(b), float(c)) for a, b, c in edits]
    return live(model, request, Wheel(None, request.temperature, None, rows, changes))


def beside(model: Dreams, request: BesideRequest) -> Iterator[Frame]:
    """A recorded drive and a dream that is steered in the same way; ``images`` (2,64,64,3): the world, the dream.

    Frames carry ``errors`` float64 (3,): the mean squared difference from the world, in grey levels, of the dream, of the last
    frame that both share, and of what V makes of the world's own frame; and ``parted``, the first frame at which the dream was
    farther than the second, and than twice the third, which no dream can be much below (0: not yet).
    """
    recorded = car.drives("test")
    drive = request.drive % len(recorded.frames)
    world, actions = recorded.frames[drive, BEGINNING - 1 :], recorded.actions[drive, BEGINNING - 1 :]
    one = DriveRequest(
        seed=request.seed,
        temperature=request.temperature,
        drive=request.drive,
        num_frames=len(world) - 1,
        num_samples=1,
    )
    parted = 0
    for frame in model.dream(one, lambda dream: actions[dream.step + 1]):
        seen, own = world[frame.step], model.reconstructed(world[frame.step][None])[0]
        errors = np.array([_difference(seen, other) for other in (frame.images[0], world[0], own)])
        if frame.step and not parted and errors[0] > max(errors[1], 2 * errors[2]):
            parted = frame.step
        extras = {**frame.extras, "errors": errors, "parted": parted}
        yield Frame(
            frame.step, frame.total, frame.passes, np.stack([seen, frame.images[0]]), extras, frame.state
        )


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean squared difference of frames uint8, in grey levels."""
    return float(np.square(a.astype(float) - b.astype(float)).mean())
