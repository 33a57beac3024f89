"""Which models of the plane there are: the files ``models/<family>/plane/*.py`` that say ``MODEL = ...``.

They have no checkpoint, since they are trained before the user's eyes; their cards are read off their files, so that menus
and ``playground list`` need no torch.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from playground import paths
from playground.contract import Card
from playground.families import FAMILIES

if TYPE_CHECKING:
    from playground.models.plane import PlaneModel

DATASET = "plane"  # as in ``data/plane.py``, which needs numpy: menus are shown before that is imported
VIEW = "In the plane"  # the one view that shows them
_SAID = re.compile(r'^    (key|system|paper): ClassVar\[str\] = "(.+)"$', re.MULTILINE)
_MODEL = re.compile(r"^MODEL\b", re.MULTILINE)
FIRST = {  # of a family: what stands first in its menu and opens when only the view is asked for
    "autoregressive": "made-plane",
    "flow": "realnvp-plane",
    "vae": "vae-plane",
    "gan": "gan-plane",
    "diffusion": "ddpm-plane",
    "energy": "contrastive-divergence-plane",
}


@dataclass(frozen=True)
class TrainedLive:
    """A model of the plane as the window knows it: what it is and how it learns, and no weights yet."""

    card: Card
    kind: type[PlaneModel]
    differs: str = ""
    weights_hash: str = ""


def plane_models() -> dict[str, type[PlaneModel]]:
    """Id -> class, in the order of the tabs."""
    found: dict[str, type[PlaneModel]] = {}
    for family, file in _files():
        module = importlib.import_module(f"playground.models.{family}.plane.{file.stem}")
        found[module.MODEL.key] = module.MODEL
    return found


@lru_cache(maxsize=1)
def plane_cards() -> tuple[Card, ...]:
    """The card of each, the first of every family first.  No torch."""
    cards = [_card(family, file) for family, file in _files()]
    return tuple(sorted(cards, key=lambda card: card.id != FIRST[card.family]))


def trained_live(model_id: str) -> TrainedLive:
    """What the window opens under an id.

    Raises:
        KeyError: if there is none.
    """
    card = next(card for card in plane_cards() if card.id == model_id)
    return TrainedLive(card, plane_models()[model_id])


def is_plane(model_id: str) -> bool:
    """Whether an id names a model of the plane."""
    return any(card.id == model_id for card in plane_cards())


def how_to_see(model_id: str) -> str:
    """Why nothing can be drawn from it without a window, and what can be done, in a sentence."""
    return (
        f"{model_id} has no checkpoint, since it is trained live: see it with playground --model {model_id}, "
        f"or train and measure it with playground plane --models {model_id}."
    )


def _files() -> list[tuple[str, Path]]:
    folders = [(family.key, paths.PACKAGE / "models" / family.key / "plane") for family in FAMILIES]
    files = [(family, file) for family, folder in folders for file in sorted(folder.glob("*.py"))]
    return [(family, file) for family, file in files if _MODEL.search(file.read_text("utf-8"))]


def _card(family: str, file: Path) -> Card:
    said = dict(_SAID.findall(file.read_text("utf-8")))
    return Card(
        id=said["key"],
        family=family,
        system=said["system"],
        paper=said["paper"],
        network=f"{family}/plane/{file.stem}",
        likelihood="none",
        config={},
        dataset=DATASET,
        dataset_title="Densities in the plane",
        licence="",
        classes=[],
        recipe={},
        seed=7,
        images_seen=0,
        training_seconds=0.0,
        machine="",
        date="",
        parameters=0,
    )
