"""Mel spectrograms of mu-law sound (Davis and Mermelstein 1980): the energy in bands whose width grows as the ear's does.  No torch."""

from __future__ import annotations

import math

import numpy as np

from playground.data import mu_law

WINDOW, HOP = 256, 80  # samples: 32 ms, every 10 ms
GAIN = 1e3  # of the energies before 1 is added: silence is 0, and speech up to about 8


def bands(count: int) -> np.ndarray:
    """Triangles that overlap by half, evenly spaced in mel (2595 log10(1 + f/700)), float32 (count, WINDOW/2 + 1)."""
    top = 2595 * math.log10(1 + mu_law.RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(60, top, count + 2) / 2595) - 1)
    at = np.linspace(0, mu_law.RATE / 2, WINDOW // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (at - low) / (middle - low), (high - at) / (high - middle)
    found: np.ndarray = np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
    return found


def spectrogram(codes: np.ndarray, count: int) -> np.ndarray:
    """Logarithm of the energy in each band every 10 ms, of clips uint8 (N,T): float32 (N, count, T/80)."""
    sound = np.pad(mu_law.decode(codes), ((0, 0), (WINDOW // 2, WINDOW // 2)))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, WINDOW, axis=1)[:, : codes.shape[1] : HOP]
    power = np.abs(np.fft.rfft(pieces * np.hanning(WINDOW), axis=2)) ** 2  # (N, T/80, WINDOW/2 + 1)
    found: np.ndarray = np.log1p(GAIN * power @ bands(count).T).transpose(0, 2, 1).astype(np.float32)
    return found
