"""Sound as pictures: its waveform, and what it is made of, its spectrogram.  No torch, no Qt."""

from __future__ import annotations

import numpy as np

from playground.data import mu_law

_WINDOW = 256  # samples of a spectrum: 32 ms, of which each frequency is 31 Hz wide
_FLOOR = -70.0  # decibels under the loudest that a sound of full scale can be
PAPER, INK = 20, 230  # grey levels of a picture


def outline(codes: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest pressure in each of ``columns`` equal parts of a sound uint8 (T,): float32 (columns,) both."""
    sound = mu_law.decode(codes)
    if len(sound) < columns:
        sound = sound[np.arange(columns) * len(sound) // columns]
    starts = np.arange(columns) * len(sound) // columns
    return np.minimum.reduceat(sound, starts), np.maximum.reduceat(sound, starts)


def pictures(codes: np.ndarray, height: int = 72, width: int = 280) -> np.ndarray:
    """Sounds uint8 (n,1,T,1) as waveforms, louder is further from the middle: uint8 (n,height,width,1)."""
    rows = np.arange(height)[:, None]
    found = np.full((len(codes), height, width, 1), PAPER, np.uint8)
    for picture, one in zip(found, codes[:, 0, :, 0], strict=True):
        low, high = outline(one, width)
        top, bottom = ((0.5 - 0.5 * edge) * (height - 1) for edge in (high, low))
        picture[(rows >= np.floor(top)) & (rows <= np.ceil(bottom)), 0] = INK
    return found


def spectrogram(codes: np.ndarray, hop: int = 40) -> np.ndarray:
    """How loud each frequency is, every ``hop`` samples of a sound uint8 (T,): float32 (129, T/hop), 0 for nothing, 1 for the most.

    Rows are frequencies from 4 kHz at the top to 0; a pressure of full scale at one frequency is 1, and 70 decibels less is 0.
    """
    sound = np.pad(mu_law.decode(codes), (_WINDOW // 2, _WINDOW // 2))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[: len(codes) : hop]
    size = np.abs(np.fft.rfft(pieces * np.hanning(_WINDOW), axis=1)) / (_WINDOW / 4)
    decibels = 20 * np.log10(np.maximum(size, 1e-6))
    return np.clip(1 - decibels / _FLOOR, 0, 1).T[::-1].astype(np.float32)
