"""Compare: every family on the same task, with the same seed, the same clock and the same ruler."""

from __future__ import annotations

from playground.tabs.compare_lens import Lens
from playground.tabs.compare_race import Race
from playground.tabs.compare_table import Table
from playground.tabs.page import Page


class Compare(Page):
    """A race of samplers, one picture before every model, and the table of everything measured."""

    scenes = (Race, Lens, Table)


PAGE = Compare
