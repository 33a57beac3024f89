"""The tabs: one line each, pure data.  A family is shown as soon as it has a checkpoint; Guide and Compare stand around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# what one asks of a model: the same groups of views in every tab, in this order
GENERATE, LOOK_INSIDE, FROM_PICTURE, TRAINING = "Generate", "Look inside", "Give it a picture", "Training"
GROUPS = (GENERATE, LOOK_INSIDE, FROM_PICTURE, TRAINING)


@dataclass(frozen=True)
class Family:
    """A tab of the window."""

    key: str  # folder under models/ and under tabs/, accent colour, --tab
    title: str
    sentence: str  # of the family
    opens: str = ""  # the checkpoint that stands first in the menu
    races: str = ""  # the one that races unless told others, if that would take too long
    # by what a model makes (a ``data.Modality``; not imported here, this file loads nothing), where the family's would not fit
    sentences: Mapping[str, str] = field(default_factory=dict)

    def about(self, modality: str) -> str:
        """The sentence that fits a model that makes this."""
        return self.sentences.get(modality, self.sentence)


FAMILIES = (
    Family(
        "autoregressive",
        "Autoregressive",
        "Draws one pixel, or writes one letter, at a time: each from an exact distribution given all the earlier ones.",
        opens="pixelcnn-fashion",
        sentences={
            "images": "Draws one pixel, or one small piece, at a time: each from an exact distribution given all the earlier ones.",
            "text": "Writes one letter at a time: each from an exact distribution given all the earlier ones.",
            "sound": "Makes one sample of sound at a time: each from an exact distribution given all the earlier ones.",
            "points": "Draws a point one coordinate at a time: each from an exact distribution given the earlier one.",
        },
    ),
    Family(
        "flow",
        "Flow",
        "Turns a picture into pure noise step by step without losing anything, so every step can be undone.",
        opens="tarflow-fashion",
        sentences={
            "points": "Turns a point into pure noise step by step without losing anything, so every step can be undone.",
        },
    ),
    Family(
        "vae",
        "VAE",
        "Squeezes a picture into a few numbers and back, so that nearby numbers mean similar pictures.",
        opens="vae2d-fashion",
        sentences={
            "strokes": "Squeezes a drawing into a few numbers and back, stroke by stroke, so that nearby numbers mean similar drawings.",
            "control": "Squeezes what the driver sees into a few numbers, and dreams of those that come next, given the steering.",
            "points": "Squeezes a point into a few numbers and back, so that nearby numbers mean nearby points.",
        },
    ),
    Family(
        "gan",
        "GAN",
        "Two networks compete: one draws, the other learns to tell its pictures from real ones.",
        opens="stylegan-fashion",
        sentences={
            "points": "Two networks compete: one makes points, the other learns to tell them from real ones.",
        },
    ),
    Family(
        "diffusion",
        "Diffusion",
        "Starts from pure noise and takes a little of it away at every step.",
        opens="ddpm-fashion",
    ),
    Family(
        "energy",
        "Energy",
        "Gives every picture an energy, and draws by wandering to where it is low.",
        opens="score-ebm-fashion",
        races="ebm-fashion",
        sentences={
            "points": "Gives every point an energy, and draws by wandering to where it is low.",
        },
    ),
)


@dataclass(frozen=True)
class PageEntry:
    """A tab that belongs to no family."""

    key: str  # folder under tabs/, --tab
    title: str


BEFORE: tuple[PageEntry, ...] = (PageEntry("guide", "Guide"),)
AFTER: tuple[PageEntry, ...] = (PageEntry("compare", "Compare"),)


def row(present: set[str]) -> tuple[Family | PageEntry, ...]:
    """All tabs from left to right; ``present``: keys of the families that have checkpoints."""
    return (*BEFORE, *(f for f in FAMILIES if f.key in present), *AFTER)


def has_tab(key: str) -> bool:
    """Whether models of a family are shown in a tab; those that make the pictures of others larger are not."""
    return any(key == family.key for family in FAMILIES)


def entry(key: str) -> Family | PageEntry:
    """The tab called ``key`` (or its title, in any case).

    Raises:
        ValueError: one sentence.
    """
    every: tuple[Family | PageEntry, ...] = (*BEFORE, *FAMILIES, *AFTER)
    for one in every:
        if key.lower() in (one.key, one.title.lower()):
            return one
    raise ValueError(f"There is no tab called {key!r}; there are {', '.join(e.key for e in every)}.")
