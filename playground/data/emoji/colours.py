"""Colour words and pixels: what hue a picture has, how it is turned to another, and whether a word was obeyed.  No torch.

Hues are degrees of HSV, chroma is max - min of the three channels in 0..1.  Pictures are uint8 (..., 32, 32, 3).
"""

from __future__ import annotations

import numpy as np

HUES = {"red": 0, "orange": 33, "yellow": 45, "green": 105, "blue": 212, "purple": 278, "pink": 330}
SHADES = ("brown", "black", "white", "grey")  # told by lightness and saturation
COLOUR_WORDS = (*HUES, *SHADES)
GROUNDS = {  # what stands behind a drawing, 8-bit values
    "red": (214, 72, 72),
    "orange": (245, 160, 70),
    "yellow": (250, 222, 95),
    "green": (104, 184, 92),
    "blue": (92, 148, 226),
    "purple": (160, 104, 212),
    "pink": (244, 150, 196),
    "brown": (140, 98, 66),
    "black": (36, 36, 40),
    "grey": (150, 152, 156),
}
CHROMATIC = 0.15  # from this chroma on, the hue of a pixel counts
ONE_HUE, SOME_COLOUR = 0.7, 0.08  # how much hues must agree, and how much colour there must be, to be turned
NEAR = 30.0  # degrees from the word's hue that still obey it


def hue_and_chroma(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue in degrees, chroma and value (both 0..1) of each pixel: float32 (..., 32, 32) each."""
    x = images.astype(np.float32) / 255
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    value, low = x.max(-1), x.min(-1)
    chroma = value - low
    safe = np.where(chroma > 0, chroma, 1)
    hue = np.where(
        value == red,
        ((green - blue) / safe) % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return 60 * hue, chroma, value


def from_hue(hue: np.ndarray, chroma: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The way back: uint8 (..., 3)."""
    k = (np.array([5, 3, 1], np.float32) + hue[..., None] / 60) % 6
    x = value[..., None] - chroma[..., None] * np.clip(np.minimum(k, 4 - k), 0, 1)
    return np.clip(np.rint(255 * x), 0, 255).astype(np.uint8)


def main_hue(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean direction of the hues, weighted by chroma, of the pixels with some: degrees (N,), and how much they agree (N,)."""
    hue, chroma, _ = hue_and_chroma(images)
    weight = np.where(chroma > CHROMATIC, chroma, 0)
    total = (weight * np.exp(1j * np.deg2rad(hue))).sum((-1, -2))
    return np.rad2deg(np.angle(total)) % 360, np.abs(total) / np.maximum(weight.sum((-1, -2)), 1e-6)


def has_one_hue(images: np.ndarray) -> np.ndarray:
    """Whether a drawing has one main hue, so that turning all hues gives it another colour: bool (N,)."""
    _, agreement = main_hue(images)
    return (agreement > ONE_HUE) & (hue_and_chroma(images)[1].mean((-1, -2)) > SOME_COLOUR)


def recoloured(images: np.ndarray, word: str) -> np.ndarray:
    """Drawings (N,32,32,3) of one main hue in the colour of a word: all hues turned, or greyed and darkened for shades."""
    main, _ = main_hue(images)
    hue, chroma, value = hue_and_chroma(images)
    how_coloured = np.clip(chroma / 0.25, 0, 1)  # what has no colour keeps what it is
    saturation = chroma / np.maximum(value, 1e-6)
    target = float(HUES.get(word, 25))
    turned = (hue + (target - main)[:, None, None]) % 360
    if word in ("orange", "yellow", "pink"):  # light by nature: a dark yellow is olive
        value = 1 - (1 - value) * (1 - 0.5 * how_coloured)
    if word == "pink":
        saturation = saturation * 0.7
    if word == "brown":
        saturation, value = saturation * 0.75, value * (1 - 0.42 * how_coloured)
    shades = {"black": (0.08, 0.0, 0.28), "white": (0.06, 0.8, 0.2), "grey": (0.05, 0.28, 0.4)}
    if word in shades:
        left, low, span = shades[word]
        saturation = saturation * (1 - how_coloured * (1 - left))
        value = value * (1 - how_coloured) + (low + span * value) * how_coloured
    return from_hue(turned, saturation * value, value)


def ground_of(images: np.ndarray, colour: np.ndarray | None = None, tolerance: int = 7) -> np.ndarray:
    """Where the ground is, white or of the colours (N,3) given: pixels near it that hang together with the edge, bool (N,32,32)."""
    away = 255 - images if colour is None else np.abs(images.astype(np.int16) - colour[:, None, None])
    near = away.max(-1) <= tolerance
    found = np.zeros_like(near)
    found[:, [0, -1]], found[:, :, [0, -1]] = near[:, [0, -1]], near[:, :, [0, -1]]
    while True:
        grown = widened(found) & near
        if (grown == found).all():
            return found
        found = grown


def edge_colour(images: np.ndarray) -> np.ndarray:
    """The median colour of the outermost pixels, int16 (N,3)."""
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    return np.median(edge, axis=1).astype(np.int16)


def widened(mask: np.ndarray) -> np.ndarray:
    """A mask (N,H,W) and the pixels beside it."""
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    wide[:, :, 1:] |= mask[:, :, :-1]
    wide[:, :, :-1] |= mask[:, :, 1:]
    return wide


def on_ground(images: np.ndarray, word: str) -> np.ndarray:
    """Drawings (N,32,32,3) on a ground of another colour; edges, which have white mixed in, are tinted with it."""
    tint = np.array(GROUNDS[word], np.float32) / 255
    where = widened(ground_of(images))[..., None]
    return np.where(where, np.rint(images * tint), images).astype(np.uint8)


# --- was it obeyed?


def colour_obeyed(images: np.ndarray, word: str) -> np.ndarray:
    """Whether pictures have the colour of a word, by their pixels: bool (N,).

    Of hues: the main one lies within 30 degrees of the word's and is nearest to it; orange and yellow count as one.
    """
    if word not in HUES:
        return _shade_obeyed(images, word)
    hue, _ = main_hue(images)
    away = {w: np.abs((hue - h + 180) % 360 - 180) for w, h in HUES.items()}
    same = ("orange", "yellow") if word in ("orange", "yellow") else (word,)
    nearest = np.array(list(away))[np.argmin(np.stack(list(away.values())), axis=0)]
    return (np.min([away[w] for w in same], axis=0) <= NEAR) & np.isin(nearest, same)


def _shade_obeyed(images: np.ndarray, word: str) -> np.ndarray:
    """Of shades: the mean saturation and lightness of what is not ground."""
    _, chroma, value = hue_and_chroma(images)
    there = ~ground_of(images, edge_colour(images), 24)
    count = np.maximum(there.sum((-1, -2)), 1)
    chroma, value = ((there * part).sum((-1, -2)) / count for part in (chroma, value))
    if word == "brown":
        main, _ = main_hue(images)
        return (np.abs((main - 25 + 180) % 360 - 180) <= NEAR) & (value < 0.75)
    low, high = {"black": (0.0, 0.45), "grey": (0.3, 0.8), "white": (0.7, 1.0)}[word]
    return (chroma < 0.2) & (value >= low) & (value <= high)


def ground_obeyed(images: np.ndarray, word: str) -> np.ndarray:
    """Whether the edge of the pictures has the colour of a ground: nearest to it of all grounds and white, bool (N,)."""
    median = edge_colour(images)
    names = [*GROUNDS, "white"]
    distance = [((median - np.array(GROUNDS.get(n, (255, 255, 255)))) ** 2).sum(1) for n in names]
    return np.array(names)[np.argmin(distance, axis=0)] == word


def extent(images: np.ndarray) -> np.ndarray:
    """The larger side of the box around what is not ground, in pixels: int (N,)."""
    there = ~ground_of(images, edge_colour(images), 24)
    rows, columns = (_span(np.any(there, axis=axis)) for axis in (2, 1))
    return np.maximum(rows, columns)


def _span(line: np.ndarray) -> np.ndarray:
    last = line.shape[1] - line[:, ::-1].argmax(1)
    return np.where(line.any(1), last - line.argmax(1), 0)
