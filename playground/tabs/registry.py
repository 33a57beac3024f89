"""Which views a family's tab has, and which page is the Guide or Compare: each folder here names its own, imported when first asked."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from playground.families import Family, PageEntry

if TYPE_CHECKING:  # a view needs numpy: not before the window is on the screen
    from playground.tabs.frame.page import Page
    from playground.tabs.frame.view import View


def views_of(family: Family) -> tuple[type[View], ...]:
    """The views of a family, in the order of the switch; the grid, the neighbours, the training record and the plane are everyone's."""
    from playground.tabs.frame.knob_grid import (
        KnobGrid,  # they draw plots: not before the window is on the screen
    )
    from playground.tabs.frame.training import Training
    from playground.tabs.pictures.neighbours import Neighbours
    from playground.tabs.plane.view import InThePlane

    own: tuple[type[View], ...] = importlib.import_module(f"playground.tabs.{family.key}").VIEWS
    live = tuple(kind for kind in own if kind.trains_live)  # after In the plane, which opens first
    others = tuple(kind for kind in own if not kind.trains_live)
    return (*others, KnobGrid, Neighbours, Training, InThePlane, *live)


def page_of(entry: PageEntry) -> type[Page]:
    """The page behind a tab that belongs to no family."""
    page: type[Page] = importlib.import_module(f"playground.tabs.{entry.key}").PAGE
    return page


def view_names(entry: Family | PageEntry) -> list[str]:
    """What can be opened in a tab, by the names on its switch."""
    shown = views_of(entry) if isinstance(entry, Family) else page_of(entry).scenes
    return [one.name for one in shown]
