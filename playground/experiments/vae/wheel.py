"""The hands of whoever drives in a dream, shared by the window, which writes, and the dream, which reads; no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from playground.contract import Frame

TURN = 0.3  # of the wheel's way in a frame, from the middle to an end
Row = tuple[float, float, float, float]  # wheel, gas, brake, and the temperature of the frame
Edit = tuple[int, int, float]  # frame, which number of the code, its value


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
