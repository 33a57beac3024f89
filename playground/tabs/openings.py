"""What a view opens with where the defaults of its model would show a chosen exception: settings, and why they were chosen.

A knob that somebody has turned stays where it is, and nothing here changes what Python or the command line draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Opening:
    """How a view of a model opens.

    Attributes:
        model: id of the checkpoint.
        view: its name on the switch.
        why: the reason, in a sentence; each was checked by looking.
        settings: knobs.
        state: what the view keeps beside its knobs (``View.settings``).
    """

    model: str
    view: str
    why: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


_GARMENT = (
    "in the middle of the plane several classes blur into one grey block; this point is a clear T-shirt"
)
OPENINGS = (
    Opening(
        "sketchrnn-icons",
        "Finish my drawing",
        "the pad opens with the outline of a face, and the model is told so",
        {"word": 15},
    ),
    Opening(
        "sketchrnn-icons",
        "Interpolate",
        "a face and a cloud: both ends are known at a glance",
        {"first": 15, "second": 94},
    ),
    Opening(
        "sketchrnn-icons",
        "Draw",
        "of anything, thousands of kinds of icons share one pen; clouds are soon recognised",
        {"word": 24},
    ),
    Opening(
        "sketchrnn-icons",
        "Between the lines",
        "a cloud has corners at which several ways go on",
        {"word": 24},
    ),
    Opening(
        "stylegan-fashion",
        "Directions",
        "the boot of this seed is sharp, and the first direction raises its shaft and its heel",
        {"label": 9, "direction_1": 2.5},
    ),
    *(
        Opening(model, view, why, {"seed": seed})
        for model, view, seed, why in (
            ("ddpm-fashion", "Generate", 3, "each of its first six is a plain garment of its class"),
            (
                "consistency-fashion",
                "Generate",
                3,
                "it begins with the noises of DDPM, so the two can be compared",
            ),
            ("dcgan-fashion", "Generate", 5, "nothing among its first sixteen is two garments in one"),
            ("vae-fashion", "Generate", 3, "soft, as its pictures are, and every one of them a garment"),
            (
                "vqprior-fashion",
                "Generate",
                1,
                "of the first seed the bag is a mere pattern; here all ten are clear",
            ),
            (
                "nice-fashion",
                "Generate",
                11,
                "noisy, as its pictures are, but bright enough for their outlines",
            ),
            (
                "pixelcnn-fashion",
                "Generate",
                1,
                "of the first seed shirt and bag are torn; here all ten are whole",
            ),
            (
                "rbm-fashion",
                "Chains",
                3,
                "shirts, trousers and shoes; of other seeds many are outlines alone",
            ),
            (
                "ebm-fashion",
                "Chains",
                1,
                "rough, as its pictures are; of the first seed half are nearly black",
            ),
        )
    ),
    *(
        Opening(
            model, view, "Python does not begin with the words of Genesis", {"prompt": "import os\n\n\ndef "}
        )
        for model in ("gpt-python", "lstm-python", "ngram-python")
        for view in ("Write", "Generations")
    ),
    Opening("vae2d-fashion", "Latent plane", _GARMENT, state={"pointer": [1.0, -0.5]}),
    Opening("vae2d-fashion", "Side by side", _GARMENT, state={"pointer": [1.0, -0.5]}),
    Opening(
        "score-ebm-fashion",
        "Chains",
        "with the settings it was measured with its garments are clear; eight, because each takes over a second",
        {"num_samples": 8, "num_steps": 30, "guidance_scale": 1.3},
    ),
    Opening(
        "ldm-emoji",
        "Generate",
        "things with one outline and one colour are what it draws best; three prompts show what a semicolon does",
        {"prompt": "red heart; grinning face; cat face"},
    ),
    *(
        Opening(
            model,
            view,
            "of an octopus that nobody drew it makes a blot; things of one outline and one colour it knows",
            {"prompt": prompt},
        )
        for model, view, prompt in (
            ("unclip-emoji", "Generate", "red heart; grinning face; cat face"),
            ("maskgit-emoji", "Generate", "red heart; grinning face; green apple"),
            ("maskgit-emoji", "Two orders", "red heart; green apple"),
            ("vqtransformer-emoji", "Generate", "red heart; grinning face; green apple"),
            ("vqtransformer-emoji", "Two orders", "red heart; green apple"),
        )
    ),
)


def opening_of(model: str, view: str) -> Opening | None:
    """How a view of a model opens, None where its defaults are good."""
    return next((one for one in OPENINGS if (one.model, one.view) == (model, view)), None)
