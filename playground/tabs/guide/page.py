"""Guide: the map of the field, what each family is good for, and which model to use."""

from __future__ import annotations

from playground.tabs.frame.page import Page
from playground.tabs.guide.choose import Choose
from playground.tabs.guide.families import Families
from playground.tabs.guide.map import Map


class Guide(Page):
    """Map, families, and a conversation that ends in a recommendation."""

    key = "guide"
    scenes = (Map, Families, Choose)
