"""The tabs: one line each.  A family is shown as soon as it has a checkpoint; Guide and Compare stand around them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Family:
    """A tab of the window."""

    key: str  # folder under models/, accent colour, --tab
    title: str
    sentence: str
    tab: str  # module under tabs/, which holds VIEWS
    opens: str = ""  # the checkpoint that stands first in the menu

    def views(self) -> tuple[type[Any], ...]:
        """The view classes of this family, in the order of the switch; the grid and the training film are everyone's."""
        own = importlib.import_module(f"playground.tabs.{self.tab}").VIEWS
        grid = importlib.import_module("playground.tabs.knob_grid").KnobGrid
        return (*own, grid, importlib.import_module("playground.tabs.training_film").Training)


FAMILIES = (
    Family(
        "autoregressive",
        "Autoregressive",
        "Draws one pixel, or writes one letter, at a time: each from an exact distribution given all the earlier ones.",
        "autoregressive",
        opens="pixelcnn-fashion",
    ),
    Family(
        "flow",
        "Flow",
        "Turns a picture into pure noise step by step without losing anything, so every step can be undone.",
        "flow",
        opens="tarflow-fashion",
    ),
    Family(
        "vae",
        "VAE",
        "Squeezes a picture into a few numbers and back, so that nearby numbers mean similar pictures.",
        "vae",
        opens="vae2d-fashion",
    ),
    Family(
        "gan",
        "GAN",
        "Two networks compete: one draws, the other learns to tell its pictures from real ones.",
        "gan",
        opens="stylegan-fashion",
    ),
    Family(
        "diffusion",
        "Diffusion",
        "Starts from pure noise and takes a little of it away at every step.",
        "diffusion",
        opens="ddpm-fashion",
    ),
    Family(
        "energy",
        "Energy",
        "Gives every picture an energy, and draws by wandering to where it is low.",
        "energy",
        opens="ebm-fashion",
    ),
)


@dataclass(frozen=True)
class PageEntry:
    """A tab that belongs to no family."""

    key: str
    title: str
    tab: str  # module under tabs/, which holds PAGE

    def page(self) -> type[Any]:
        """The page's class."""
        return importlib.import_module(f"playground.tabs.{self.tab}").PAGE  # type: ignore[no-any-return]


BEFORE: tuple[PageEntry, ...] = (PageEntry("guide", "Guide", "guide"),)
AFTER: tuple[PageEntry, ...] = (PageEntry("compare", "Compare", "compare"),)


def row(present: set[str]) -> tuple[Family | PageEntry, ...]:
    """All tabs from left to right; ``present``: keys of the families that have checkpoints."""
    return (*BEFORE, *(f for f in FAMILIES if f.key in present), *AFTER)


def entry(key: str) -> Family | PageEntry:
    """The tab called ``key`` (or its title, in any case).

    Raises:
        ValueError: one sentence.
    """
    every = (*BEFORE, *FAMILIES, *AFTER)
    for one in every:
        if key.lower() in (one.key, one.title.lower()):
            return one
    raise ValueError(f"There is no tab called {key!r}; there are {', '.join(e.key for e in every)}.")
