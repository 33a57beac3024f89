"""Drawings turned into another style and back, by a model that never saw a pair, against the pairs that there are.

The names that two styles share are a truth nobody showed it: the error against them stands beside that of the unchanged picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from playground.capabilities import Translates
from playground.data import emoji
from playground.data.emoji import pairs as emoji_pairs
from playground.evaluation import emoji_classifier, emoji_features, feature_distances
from playground.evaluation.translation.paired import errors


def measure(model: Translates, styles: tuple[str, str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Both ways, of all shared names and of those that were held out: error, error if unchanged, how far it moved, how far from home it
    comes back, and the shares in which the style and the thing are recognised."""
    figures: dict[str, Any] = {}
    for back in (False, True):
        before, after = styles[::-1] if back else styles
        for split in (None, "test"):
            pairs = emoji_pairs.two_styles(before, after, split)
            way = ("back" if back else "there") + ("_held_out" if split else "")
            tell(f"{before} to {after}: {len(pairs)} drawings")
            figures |= {
                f"{way}_{name}": figure for name, figure in _one_way(model, pairs, back, after).items()
            }
    return figures


def _one_way(model: Translates, pairs: emoji_pairs.Pairs, back: bool, style: str) -> dict[str, Any]:
    turned = model.translate(pairs.before, back)
    again = model.translate(turned, not back)
    found = {
        "l1": errors(turned, pairs.after),
        "l1_unchanged": errors(pairs.before, pairs.after),
        "moved": errors(turned, pairs.before),
        "round_trip": errors(again, pairs.before),
    }
    figures = {name: _figure(values, "grey levels", "L1") for name, values in found.items()}
    for name, images in (("style", turned), ("style_unchanged", pairs.before), ("style_real", pairs.after)):
        figures[name] = _share(emoji_features.styles_right(images, [style] * len(images)))
    known = _known(pairs.names)
    if known.any():
        names = pairs.names[known].tolist()
        for name, images in (("thing", turned), ("thing_unchanged", pairs.before)):
            figures[name] = _share(emoji_features.concepts_right(images[known], names))
    return figures


def _known(names: np.ndarray) -> np.ndarray:
    """Which concepts the classifier has a class for, bool (N,)."""
    return np.isin([emoji.family(n) for n in names.tolist()], emoji_classifier.known_concepts())


def _share(right: np.ndarray) -> dict[str, Any]:
    return _figure(right.astype(np.float64), "", "share")


def _figure(values: np.ndarray, unit: str, kind: str) -> dict[str, Any]:
    return {**feature_distances.mean_of(values), "unit": unit, "kind": kind, "num_images": len(values)}
