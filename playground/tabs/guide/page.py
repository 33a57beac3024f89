"""Guide: the map of the field, what each family is good for, which model to use, and lessons."""

from __future__ import annotations

from playground.tabs.frame.page import Page
from playground.tabs.guide.choose import Choose
from playground.tabs.guide.families import Families
from playground.tabs.guide.lessons import Lessons
from playground.tabs.guide.map import Map


class Guide(Page):
    """Map, families, a conversation that ends in a recommendation, and lessons."""

    key = "guide"
    scenes = (Map, Families, Choose, Lessons)
