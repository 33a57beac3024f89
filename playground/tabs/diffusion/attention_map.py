"""Small maps of numbers as pictures: laid over another as a smooth heat map, or a latent's maps side by side."""

from __future__ import annotations

import math

import numpy as np

from playground.ui.theme import theme

_SIDE = 64  # pixels of a picture with its map: few enough for a whole zoom
_DIM, _STRONG = (
    0.62,
    0.85,
)  # of the picture's light that is left; how much of the colour covers it where there is most
_DARKEST = 0.3  # of the colour map: below, it would be lost on a dim picture


def smooth(values: np.ndarray, side: int) -> np.ndarray:
    """Numbers (h,w) at ``side`` x ``side`` places, along straight lines between the middles of theirs."""
    rows, columns = (_weights(side, n) for n in values.shape)
    found: np.ndarray = rows @ values @ columns.T
    return found


def laid_over(
    picture: np.ndarray, values: np.ndarray, low: float, high: float, large: bool = True
) -> np.ndarray:
    """A picture uint8 (H,W,3), dimmed, under a heat map of numbers (h,w) from ``low`` to ``high``: uint8 (S,S,3).

    ``large``: with more pixels than the picture, so that the map is smoother.
    """
    picture = enlarged(picture) if large else picture
    share = np.clip((smooth(values, picture.shape[0]) - low) / max(high - low, 1e-9), 0, 1)
    colours = theme.colour_map("magma")[np.round((_DARKEST + (1 - _DARKEST) * share) * 255).astype(np.uint8)]
    cover = _STRONG * share[..., None]
    pale = _DIM * (
        0.6 * picture.mean(-1, keepdims=True) + 0.4 * picture
    )  # the map's colours are not the picture's
    return np.round(pale * (1 - cover) + colours * cover).astype(np.uint8)


def enlarged(picture: np.ndarray) -> np.ndarray:
    """A picture uint8 (H,W,3) with as many pixels as a large one with a map."""
    times = max(round(_SIDE / picture.shape[0]), 1)
    return picture.repeat(times, 0).repeat(times, 1)


def latent_maps(latents: np.ndarray, side: int) -> np.ndarray:
    """Latents float (B,C,h,w) as their maps in a square of rows and columns, uint8 (B,side,side,3); grey is 0."""
    count, channels, high, wide = latents.shape
    per_row = math.ceil(math.sqrt(channels))
    sheet = np.zeros((count, side, side), np.uint8)
    tops = np.linspace(0, side - high, per_row).round().astype(int)
    lefts = np.linspace(0, side - wide, per_row).round().astype(int)
    grey = np.clip(np.rint(128 + 42 * latents), 0, 255).astype(np.uint8)  # three deviations to either side
    for i in range(channels):
        top, left = tops[i // per_row], lefts[i % per_row]
        sheet[:, top : top + high, left : left + wide] = grey[:, i]
    return sheet[..., None].repeat(3, -1)


def _weights(side: int, count: int) -> np.ndarray:
    """(side, count): what each of ``side`` places takes from each of ``count``."""
    at = np.clip((np.arange(side) + 0.5) / side * count - 0.5, 0, count - 1)
    return np.clip(1 - np.abs(at[:, None] - np.arange(count)), 0, 1)
