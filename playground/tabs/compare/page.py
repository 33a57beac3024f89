"""Compare: every family on the same task, with the same seed, the same clock and the same ruler."""

from __future__ import annotations

from typing import Any

from playground import data
from playground.checkpoints import Card, judges
from playground.tabs.compare.complete import Complete
from playground.tabs.compare.one_image import OneImage
from playground.tabs.compare.race import Race
from playground.tabs.compare.search import Search
from playground.tabs.compare.table import Table
from playground.tabs.frame.page import Page
from playground.tabs.pictures.arithmetic import Arithmetic
from playground.tabs.pictures.real_or_made import RealOrMade
from playground.tabs.pictures.round_trip import RoundTrip
from playground.tabs.plane.together import Together


class Compare(Page):
    """A race of samplers, six trainings, one picture filled in by all, one before every model, everything measured, and a search."""

    key = "compare"
    # what searches is a network of its own, which may not be here
    scenes = (
        Race,
        RealOrMade,
        Table,
        OneImage,
        Complete,
        RoundTrip,
        Arithmetic,
        *((Search,) if judges.is_there() else ()),
        Together,
    )

    def __init__(self, cards: list[Card], *rest: Any) -> None:
        pictures = [card for card in cards if data.modality(card.dataset).has_pixels]  # no text beside them
        super().__init__(pictures, *rest)
