"""How near colour pictures are to the drawings, by the features of a classifier (``emoji_features.py``).

The reference is 2,000 training drawings, taken at random.  A model is asked for the concepts and styles of 2,000 others, and
what those others themselves reach stands beside it; so do drawings that were held out, blurred ones and noisy ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from playground import checkpoints
from playground.capabilities import ReadsPrompts
from playground.data import emoji
from playground.data.emoji import Drawings
from playground.data.emoji import captions as emoji_captions
from playground.evaluation import (
    baselines,
    emoji_features,
    emoji_report,
    feature_distances,
    neighbours,
    prompts,
    reconstruction,
    sample_quality,
)

COUNT = 2_000
Tell = Callable[[str], None]


def halves() -> tuple[Drawings, Drawings]:
    """The reference, and as many other training drawings."""
    known = emoji.load("train")
    order = np.random.default_rng(0).permutation(len(known))
    return known[order[:COUNT]], known[order[COUNT : 2 * COUNT]]


def measure(model: Any, settings: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The figures of 2,000 pictures of a model: of what it draws for the other half's words, or makes of its drawings."""
    other = halves()[1]
    if not isinstance(model, ReadsPrompts):
        images = reconstruction.reconstructed(model, other.images)
    else:
        said = [emoji_captions.named(n) for n in other.names.tolist()]
        images = prompts.draw(model, list(zip(other.styles.tolist(), said, strict=True)), settings, tell)
    found = figures_of(images, made_of_training=not isinstance(model, ReadsPrompts))
    blur = emoji_report.marks()["blur"]
    found["quality"] = sample_quality.as_fraction(found["fid"], blur["fid"])
    return {**found, "classifier": emoji_features.weights_hash(), "pictures": baselines.fingerprint(images)}


def figures_of(images: np.ndarray, made_of_training: bool) -> dict[str, Any]:
    """FID, precision, recall, density, coverage, and the shares that are suspiciously near to a training drawing.

    Pictures that were ``made_of_training`` drawings are near to them by their nature, and are not asked the last.
    """
    found = feature_distances.compare(_reference_features(), emoji_features.features_of(images))
    for by in () if made_of_training else ("pixels", "features"):
        near = neighbours.share_suspicious(images, emoji.EMOJI.name, by)
        found[f"near_by_{by}"] = feature_distances.mean_of(near.astype(np.float64))
    return {"num_images": len(images), **found}


@lru_cache(maxsize=1)
def _reference_features() -> np.ndarray:
    return emoji_features.features_of(halves()[0].images)


# --- drawings, and drawings that were spoiled


def measure_marks(tell: Tell, save: bool) -> dict[str, Any]:
    """Measure them, and write them down if they are to be kept."""
    other = halves()[1].images
    white = 255  # what lies outside of a drawing; the blur takes it for 0
    pictures = {
        "other_half": other,
        "held_out": neighbours.held_out(emoji.EMOJI.name),
        "noise": baselines.noisy(other),
        "blur": white - baselines.blurred(white - other),
    }
    found = {}
    for name, images in pictures.items():
        tell(f"mark: {emoji_report.MARKS[name]}")
        found[name] = figures_of(images, made_of_training=name != "held_out")
    for figures in found.values():
        figures["quality"] = sample_quality.as_fraction(figures["fid"], found["blur"]["fid"])
    text = json.dumps({"classifier": emoji_features.weights_hash(), "marks": found}, indent=1)
    if save:
        checkpoints.write_atomically(emoji_report.marks_file(), text.encode() + b"\n")
    return found
