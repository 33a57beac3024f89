"""Drives of a car seen from above as the dataset ``car``: Gymnasium's CarRacing with a picture of our own, whole tracks held out.

A drive is frames 64x64 in colour, and for each what was done to come to it (wheel -1..1, gas 0..1, brake 0..1), how far along the
road it led (in units of the world; a road is 13 wide) and whether the car is on the road.  A frame is four steps of the
physics, 0.08 s.  Six test drives travel with the program; the others are recorded by ``assets/car/record.py``.  No torch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from playground.data.dataset import Dataset, Split, find
from playground.data.modality import Modality

SIDE = 64
UNITS = 48.0  # of the world, which a frame shows in each direction
CAR = Dataset(
    "car",
    "Drives of CarRacing, seen from above",
    "MIT (Gymnasium)",
    (SIDE, SIDE, 3),
    (),
    num_test=600,
    modality=Modality.CONTROL,
)
_NOWHERE = Path("/nonexistent")


@dataclass(frozen=True, eq=False)
class Drives:
    """Several drives of one length.

    Attributes:
        frames: uint8 (N,T,64,64,3).
        actions: float32 (N,T,3), what led to each frame.
        progress: float32 (N,T), units of the world along the road; 0 on the grass.
        on_road: bool (N,T).
    """

    frames: np.ndarray
    actions: np.ndarray
    progress: np.ndarray
    on_road: np.ndarray


@lru_cache(maxsize=3)
def drives(split: Split) -> Drives:
    """The drives of a split.

    Raises:
        FileNotFoundError: one sentence, if they are not on this machine.
        ValueError: one sentence, if a file is something else.
    """
    name = "car/test-drives.npz" if split == "test" else f"car-{split}.npz"
    found = find(name, _NOWHERE)
    if found is None:
        raise FileNotFoundError(
            f"The drives of the car are not on this machine ({name}): record them with assets/car/record.py, which needs "
            "gymnasium[box2d], into the folder that PLAYGROUND_DATA names."
        )
    try:
        with np.load(io.BytesIO(found[1]), allow_pickle=False) as kept:
            return Drives(kept["frames"], kept["actions"], kept["progress"], kept["on_road"])
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{found[0]} does not hold drives of the car.") from None


def frames(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """All frames of a split, uint8 (N,64,64,3), and labels, which are all 0."""
    every = drives(split).frames.reshape(-1, SIDE, SIDE, 3)
    every.setflags(write=False)
    return every, np.zeros(len(every), np.int64)
