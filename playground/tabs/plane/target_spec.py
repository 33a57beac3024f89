"""A target as plain JSON, as it travels to the process that trains, and as it stands in an exported picture."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

import numpy as np

from playground.data import plane
from playground.data.plane import Target

DRAWN, POINTS = "drawn", "points"  # the keys of targets that are not built in
SIGMA, WEIGHT = "sigma", "weight"  # and those of built-in ones that are turned
SIDE = 48  # cells of a drawn shape, either way
MOST_POINTS = 4000  # of a file that are kept
Spec = dict[str, Any]


def built_in(name: str, sigma: float = 0.0, weight: float = 0.0) -> Spec:
    """One of ``plane.TARGETS``; with another width of its parts, or share of its first part, where these are not 0."""
    turned = {key: round(value, 4) for key, value in ((SIGMA, sigma), (WEIGHT, weight)) if value}
    return {"name": name, **turned}


def drawn(heights: np.ndarray) -> Spec:
    """A drawn shape: uint8 (SIDE, SIDE), row 0 at the top."""
    packed = zlib.compress(heights.astype(np.uint8).tobytes(), 9)
    return {"name": "drawing", DRAWN: base64.b64encode(packed).decode()}


def of_points(target: Target) -> Spec:
    """A target that is known by its points; of many, so many that are spread evenly over the file."""
    assert target.points is not None, "it was read from a file"
    points = target.points
    chosen = np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int)
    return {"name": target.name, POINTS: [[round(float(v), 6) for v in p] for p in points[chosen]]}


def heights_of(spec: Spec) -> np.ndarray:
    """A drawn shape again, uint8 (SIDE, SIDE).

    Raises:
        ValueError: one sentence.
    """
    try:
        packed = base64.b64decode(spec[DRAWN], validate=True)
        found = zlib.decompressobj().decompress(packed, SIDE * SIDE + 1)
        return np.frombuffer(found, np.uint8).reshape(SIDE, SIDE).copy()
    except (TypeError, ValueError, zlib.error):
        raise ValueError("The drawn shape in it is not one of this program.") from None


def target_of(spec: Any) -> Target:
    """The target.

    Raises:
        ValueError: one sentence, if it comes from a file that says something else.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str) or len(spec["name"]) > 200:
        raise ValueError("Its target is not one of this program.")
    if DRAWN in spec:
        return plane.from_density(spec["name"], "Your drawing", heights_of(spec))
    if POINTS in spec:
        return plane.from_points(spec["name"], _points(spec[POINTS]))
    return plane.make(spec["name"], _number(spec.get(SIGMA)), _number(spec.get(WEIGHT)))


def _number(found: Any) -> float | None:
    if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
        raise ValueError("The width or weight of its target is not a number.")
    return found


def _points(found: Any) -> np.ndarray:
    if not isinstance(found, list) or len(found) > MOST_POINTS:
        raise ValueError("Its points are not a list that this program wrote.")
    for point in found:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError("One of its points is not two numbers.")
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in point):
            raise ValueError("One of its points is not two finite numbers.")
    return np.array(found, np.float64).reshape(-1, 2)


def as_text(spec: Spec) -> str:
    """A spec as a key."""
    return json.dumps(spec, sort_keys=True)


def from_text(text: str) -> Spec:
    """And back."""
    found: Spec = json.loads(text)
    return found
