"""One picture put into a model that translates: a drawing painted several times, or a picture turned into another style and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.capabilities import Translates
from playground.contract import Frame, Request, knob
from playground.data.emoji import pairs as emoji_pairs

_STRONGEST = 0.995  # the quantile of a level that is shown white


def _drawing_knob() -> Any:
    return knob(
        51,  # a face: what it paints best is what a person tries first
        label="drawing",
        low=0,
        high=60,
        help="Which of the held-out drawings is begun with.",
    )


@dataclass(frozen=True)
class PaintRequest(Request):
    """Which drawing, and how much chance there is in its colours."""

    index: int = _drawing_knob()
    noise: float = knob(
        0.0,
        label="noise",
        low=0.0,
        high=0.9,
        step=0.05,
        help="Share of the coarse channels that is left out at random (dropout), its only source of chance. At 0 a drawing has one colouring.",
    )
    num_samples: int = knob(
        4, label="num_samples", low=1, high=9, help="How many colourings, if there is noise."
    )


@dataclass(frozen=True)
class TurnRequest(Request):
    """Which drawing, and from which style."""

    index: int = _drawing_knob()
    back: bool = knob(False, label="other_direction", help="From the second style to the first, and back.")
    num_samples: int = 1


def paint(
    model: Any, request: PaintRequest, drawing: np.ndarray | None = None, dabs: np.ndarray | None = None
) -> Iterator[Frame]:
    """Colourings of a drawing, uint8 (B,H,W,3), in one frame; one if there is no noise.

    Extras: ``drawing`` uint8 (1,H,W,3), ``dabs`` uint8 (1,H,W,4), and ``levels`` uint8 (L,H,W,1), how strongly each level of the U-Net
    answers at each place; ``sides``, how many places each level has in a row; ``truth`` uint8 (1,H,W,3) of a test drawing.

    Args:
        drawing: uint8 (H,W,3); left out: the test drawing that the request names.
        dabs: uint8 (H,W,4), the last channel 0 where there is none.
    """
    extras: dict[str, Any] = {}
    own = drawing
    if own is None:
        pairs = emoji_pairs.lines_and_colours("test")
        own, extras["truth"] = pairs.before[request.index], pairs.after[request.index][None]
    hints = np.zeros((*own.shape[:2], 4), np.uint8) if dabs is None else dabs
    images, found = model.painted_with_levels(own[None], hints[None])
    if request.noise:
        many, given = (np.repeat(x[None], request.num_samples, axis=0) for x in (own, hints))
        how = {"noise": request.noise, "seed": request.seed, "first_index": request.first_index}
        images = model.translate(many, dabs=given, **how)
    extras["levels"], extras["sides"] = _shown(found, own.shape[0]), [level.shape[-1] for level in found]
    yield Frame(
        1, 1, 2 if request.noise else 1, images, {**extras, "drawing": own[None], "dabs": hints[None]}
    )


def turn(model: Translates, request: TurnRequest, picture: np.ndarray | None = None) -> Iterator[Frame]:
    """The picture in the other style, and then as it comes back: ``images`` uint8 (2,H,W,3), the second not known before step 2.

    Extras: ``drawing`` uint8 (1,H,W,3), the picture that went in, ``known`` bool (2,), and ``truth`` uint8 (1,H,W,3) where a test
    drawing went in, the same thing as the other style has it.
    """
    extras: dict[str, Any] = {}
    if picture is None:
        pairs = emoji_pairs.two_styles(model.config.styles[0], model.config.styles[1], "test")
        sides = (pairs.after, pairs.before) if request.back else (pairs.before, pairs.after)
        picture, extras["truth"] = sides[0][request.index], sides[1][request.index][None]
    extras["drawing"] = picture[None]
    there = model.translate(picture[None], request.back)
    blank = np.zeros_like(there)
    yield Frame(1, 2, 1, np.concatenate([there, blank]), {**extras, "known": np.array([True, False])})
    again = model.translate(there, not request.back)
    yield Frame(2, 2, 2, np.concatenate([there, again]), {**extras, "known": np.array([True, True])})


def _shown(levels: list[np.ndarray], side: int) -> np.ndarray:
    """The mean size of what the channels of each level hold, from black to white, all of one size: uint8 (L,side,side,1)."""
    found = []
    for level in levels:
        size = np.abs(level[0]).mean(0)
        size = size / max(float(np.quantile(size, _STRONGEST)), 1e-9)
        zoom = side // len(size)
        found.append(np.rint(255 * size.clip(0, 1)).astype(np.uint8).repeat(zoom, 0).repeat(zoom, 1))
    return np.stack(found)[..., None]
