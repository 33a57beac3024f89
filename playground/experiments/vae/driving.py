"""Driving inside a world model's dream: by somebody's hand, by the controller, or as a recorded drive was driven."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from playground.capabilities import Dreams
from playground.contract import Frame, State, knob
from playground.data import car
from playground.models.vae.dream import BEGINNING
from playground.models.vae.worldmodel import DreamRequest

TURN = 0.3  # of the wheel's way in a frame, from the middle to an end
Row = tuple[float, float, float, float]  # wheel, gas, brake, and the temperature of the frame
Edit = tuple[int, int, float]  # frame, which number of the code, its value


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


@dataclass
class Wheel:
    """What the driver holds, written by the window and read at each frame by the dream.

    Attributes:
        held: wheel, gas and brake that are wanted; None: the controller drives.
        temperature: of the dream.
        put: a number of the code and the value it is to have from now on, once.
        past: what was done at each frame so far.
        edits: what was put into the code, and when.
    """

    held: tuple[float, float, float] | None = None
    temperature: float = 1.0
    put: tuple[int, float] | None = None
    past: list[Row] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    angle: float = 0.0

    def copy_until(self, step: int) -> Wheel:
        """The same hands, with what was done before a frame."""
        past, edits = self.past[:step], [edit for edit in self.edits if edit[0] < step]
        return Wheel(self.held, self.temperature, None, past, edits, past[-1][0] if past else 0.0)

    def steer(self, dream: Any) -> np.ndarray | None:
        """What is done at the dream's next frame; what was done there before is done again."""
        if dream.step < len(self.past):
            row = self.past[dream.step]
            for _, number, value in (edit for edit in self.edits if edit[0] == dream.step):
                _put(dream, number, value)
            dream.temperature = row[3]
            return np.array(row[:3], np.float32)
        if self.put is not None:
            number, value = self.put
            self.put = None
            self.edits.append((dream.step, number, value))
            _put(dream, number, value)
        dream.temperature = self.temperature
        if self.held is None:
            return None
        self.angle += float(np.clip(self.held[0] - self.angle, -TURN, TURN))
        return np.array([self.angle, *self.held[1:]], np.float32)

    def remember(self, frame: Frame) -> None:
        """Keep what was done to come to a frame."""
        if frame.step == len(self.past) + 1:
            wheel, gas, brake = frame.extras["action"][0].tolist()
            self.past.append((wheel, gas, brake, float(frame.extras["temperature"])))


def _put(dream: Any, number: int, value: float) -> None:
    z = dream.z[0].cpu().numpy().copy()
    z[number] = value
    dream.put_code(z)


def live(
    model: Dreams, request: DriveRequest, wheel: Wheel, resume: State | None = None, shown: int = -1
) -> Iterator[Frame]:
    """The dream as it is driven; frames up to ``shown`` were seen before and are not given again."""
    for frame in model.dream(request, wheel.steer, resume):
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
