"""The models, found by looking: one folder per family, one file per model.  Importing this does not import torch."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from playground import paths

# networks that generate nothing but are trained and stored like the rest: what ``evaluate`` measures with
FEATURE_NETWORKS = {
    "judge/classifier": "playground.evaluation.classifier",
    "judge/masked": "playground.evaluation.masked_autoencoder",
}

_MODEL = re.compile(r"^MODEL\b", re.MULTILINE)

if TYPE_CHECKING:
    from playground.contract import Recipe


@lru_cache
def networks() -> tuple[str, ...]:
    """Every model file as ``"family/file"``, sorted: the files of a family's folder that say ``MODEL = ...``."""
    files = (paths.PACKAGE / "models").glob("*/*.py")
    found = [f"{f.parent.name}/{f.stem}" for f in files if _MODEL.search(f.read_text(encoding="utf-8"))]
    return tuple(sorted(found))


def network_class(network: str) -> Any:
    """The class of ``"family/file"``, a model or a judge.

    Raises:
        ValueError: one sentence, if there is no such file.
    """
    if not exists(network):
        raise ValueError(f"There is no network called {network!r}.")
    return _module(network).MODEL


def exists(network: str) -> bool:
    """Is there a model or a judge of this name?"""
    return network in FEATURE_NETWORKS or network in networks()


def recipes() -> dict[str, tuple[str, Recipe]]:
    """Checkpoint id -> (network, recipe), over all model files."""
    return _recipes_of(networks())


def feature_network_recipes() -> dict[str, tuple[str, Recipe]]:
    """The same of the judges."""
    return _recipes_of(tuple(FEATURE_NETWORKS))


def _recipes_of(names: tuple[str, ...]) -> dict[str, tuple[str, Recipe]]:
    return {recipe.id: (name, recipe) for name in names for recipe in _module(name).RECIPES}


def _module(network: str) -> Any:
    return importlib.import_module(
        FEATURE_NETWORKS.get(network) or "playground.models." + network.replace("/", ".")
    )
