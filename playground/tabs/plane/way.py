"""The way between what has a checkpoint and what is trained live: one switch shows the views of both, and leads across."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from playground.contract import Model
from playground.families import GROUPS
from playground.models.plane_catalogue import DATASET, TrainedLive
from playground.tabs.frame.model_menu import ModelMenu

if TYPE_CHECKING:  # a view needs numpy: not before the window is on the screen
    from playground.tabs.frame.view import View


class Ways:
    """The views of a tab's switch.

    Args:
        kinds: all views of the family, in the order of the switch within their groups.
        models: the family's models.
    """

    def __init__(self, kinds: Callable[[], tuple[type[View], ...]], models: ModelMenu) -> None:
        self._kinds, self._models = kinds, models
        self._known: dict[bool, tuple[str, list[type[View]]]] = {}  # trained live or not -> its id and views

    def views(self, model: Model, model_id: str) -> list[type[View]]:
        """Those that suit a model, and beside them those of the other sort: what was open last, or the first that is trained live."""
        from playground.tabs.frame.view import suiting

        live, every = isinstance(model, TrainedLive), self._kinds()
        self._known[live] = model_id, suiting(every, model)
        first = self._models.first_of(DATASET)
        if first and True not in self._known:
            self._known[True] = first, [kind for kind in every if kind.trains_live]
        shown = [*self._known[live][1], *self._known.get(not live, ("", []))[1]]
        return sorted(shown, key=lambda kind: (GROUPS.index(kind.group), every.index(kind)))

    def other(self, model: Model) -> str:
        """The id of the model that the views of the other sort open."""
        return self._known[not isinstance(model, TrainedLive)][0]
