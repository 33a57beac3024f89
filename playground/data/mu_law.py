"""Sound as 8-bit numbers: the mu-law of ITU-T G.711's formula, in which quiet sounds have finer steps than loud ones.

A recording is a picture of one line here, uint8 (N,1,T,1), as a text is; silence is :data:`SILENCE`.  No torch.
"""

from __future__ import annotations

import numpy as np

RATE = 8000  # samples a second
MU = 255
SILENCE = 128


def encode(sound: np.ndarray) -> np.ndarray:
    """Pressure in [-1, 1] -> codes uint8, of the same shape; louder than that is cut."""
    clipped = np.clip(np.asarray(sound, np.float64), -1, 1)
    bent = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    return np.clip(np.rint(bent * MU / 2 + SILENCE), 0, MU).astype(np.uint8)


def decode(codes: np.ndarray) -> np.ndarray:
    """Codes uint8 -> pressure in [-1, 1], float32 of the same shape; :data:`SILENCE` is 0."""
    bent = (codes.astype(np.float64) - SILENCE) / (MU / 2)
    return np.clip(np.sign(bent) * np.expm1(np.abs(bent) * np.log1p(MU)) / MU, -1, 1).astype(np.float32)
