"""Guide: the map of the field, what each family is good for, and which model to use."""

from __future__ import annotations

from playground.tabs.guide_choose import Choose
from playground.tabs.guide_families import Families
from playground.tabs.guide_map import Map
from playground.tabs.page import Page


class Guide(Page):
    """Map, families, and a conversation that ends in a recommendation."""

    scenes = (Map, Families, Choose)


PAGE = Guide
