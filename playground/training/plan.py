"""What a run trains, on what: the recipe of a checkpoint on its data set, or one on the user's own pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from playground import data, models
from playground.contract import Recipe
from playground.data import Dataset, Split

Load = Callable[[Split], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Plan:
    """A recipe and its data.

    Attributes:
        network: ``family/file`` of the model.
        load: the pictures of a split, uint8 (N,H,W,C), and their labels, int64 (N,); None for those of its data set.
        save_every: seconds between two saved states; None for the usual.
    """

    network: str
    recipe: Recipe
    dataset: Dataset
    load: Load | None = None
    save_every: float | None = None


def plan_of(recipe_id: str) -> Plan:
    """The plan of a checkpoint.

    Raises:
        ValueError: one sentence, if there is no such recipe.
    """
    known = {**models.recipes(), **models.feature_network_recipes()}
    if recipe_id not in known:
        raise ValueError(f"There is no recipe called {recipe_id!r}; there are {', '.join(sorted(known))}.")
    network, recipe = known[recipe_id]
    return Plan(network, recipe, data.DATASETS[recipe.dataset])
