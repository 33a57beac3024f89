"""Links of the Guide, and where they lead with the checkpoints that are here.  No torch, no widgets.

The data files under ``assets/guide`` never name a checkpoint: a link names networks (files under ``models/``), and the
cards say which checkpoint has one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playground import families, paths
from playground.checkpoints import Card
from playground.models.plane_catalogue import plane_cards
from playground.tabs.frame.page import LinkTarget, ViewNames


@dataclass(frozen=True)
class Link:
    """A place that may or may not be here.

    Attributes:
        networks: ``"family/file"``, the first that has a checkpoint is taken; () for a page.
        where: what must stand in the checkpoint's config (``{"latent_dim": 2}``).
    """

    tab: str
    networks: tuple[str, ...] = ()
    view: str = ""
    text: str = "show me"
    where: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def link(raw: Mapping[str, Any] | None) -> Link | None:
    """A link as the data files write it (``network`` is short for one of ``networks``)."""
    if raw is None:
        return None
    rest = {name: value for name, value in raw.items() if name not in ("network", "networks")}
    return Link(networks=tuple(raw.get("networks", [raw["network"]] if "network" in raw else [])), **rest)


class LinkTargets:
    """What is here: the checkpoints, what is trained live in their tabs, and the tabs that they bring about."""

    def __init__(self, cards: Iterable[Card], view_names: ViewNames) -> None:
        self._view_names = view_names
        found = list(cards)
        here = {card.family for card in found}
        self._cards = [*found, *(card for card in plane_cards() if card.family in here)]
        self._tabs = {entry.key: entry for entry in families.row(here)}

    def card(self, networks: Iterable[str], where: Mapping[str, Any] | None = None) -> Card | None:
        """The checkpoint of the first network that has one; of several, that with most parameters."""
        for network in networks:
            found = [c for c in self._cards if c.network == network and _fits(c, where or {})]
            if found:
                return max(found, key=lambda c: c.parameters)
        return None

    def find(self, wanted: Link | None) -> LinkTarget | None:
        """Where a link leads; None if that is not here."""
        entry = self._tabs.get(wanted.tab) if wanted is not None else None
        if wanted is None or entry is None:
            return None
        if isinstance(entry, families.PageEntry):
            known = self._view_names(entry)
            return LinkTarget(wanted.tab, view=wanted.view) if wanted.view in known else None
        card = self.card(wanted.networks, wanted.where)
        if card is None or wanted.view not in self._view_names(entry):
            return None
        if wanted.view == "Training" and not has_training_record(card):
            return None
        return LinkTarget(wanted.tab, card.id, wanted.view, wanted.settings)


def has_training_record(card: Card) -> bool:
    """Whether a shipped checkpoint has its training record."""
    return (paths.folder("assets") / "training" / f"{card.id}.film.json").is_file()


def _fits(card: Card, where: Mapping[str, Any]) -> bool:
    return all(card.config.get(name) == value for name, value in where.items())


def read(name: str) -> dict[str, Any]:
    """One of the Guide's data files."""
    return tomllib.loads((paths.folder("assets") / "guide" / f"{name}.toml").read_text(encoding="utf-8"))
