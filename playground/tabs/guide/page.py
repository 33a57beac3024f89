"""Guide: the map of the field, what each family is good for, which model to use, lessons, and a model of one's own."""

from __future__ import annotations

from playground.tabs.frame.page import Page
from playground.tabs.guide.choose import Choose
from playground.tabs.guide.families import Families
from playground.tabs.guide.lessons import Lessons
from playground.tabs.guide.map import Map
from playground.tabs.train_here.scene import TrainHere


class Guide(Page):
    """Map, families, a conversation that ends in a recommendation, lessons, and a place to train a model of one's own."""

    key = "guide"
    scenes = (Map, Families, Choose, Lessons, TrainHere)
