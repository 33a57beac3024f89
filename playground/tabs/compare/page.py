"""Compare: every family on the same task, with the same seed, the same clock and the same ruler."""

from __future__ import annotations

from playground import data
from playground.checkpoints import Card
from playground.tabs.compare_lens import Lens
from playground.tabs.compare_race import Race
from playground.tabs.compare_table import Table
from playground.tabs.page import Page
from playground.tabs.shelf import Shelf
from playground.ui.stream import Stream


class Compare(Page):
    """A race of samplers, one picture before every model, and the table of everything measured."""

    scenes = (Race, Lens, Table)

    def __init__(self, cards: list[Card], stream: Stream, shelf: Shelf, scene_name: str = "") -> None:
        pictures = [card for card in cards if data.modality(card.dataset) == "images"]  # no text beside them
        super().__init__(pictures, stream, shelf, scene_name)


PAGE = Compare
