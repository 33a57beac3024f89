"""The models, found by looking: one folder per family, one file per model.  Importing this does not import torch."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from playground import paths

if TYPE_CHECKING:
    from playground.models.base import Recipe


def networks() -> tuple[str, ...]:
    """Every model file as ``"family/file"``, sorted."""
    families = [p for p in (paths.PACKAGE / "models").iterdir() if (p / "__init__.py").is_file()]
    found = [
        f"{p.name}/{m.name}" for p in families for m in pkgutil.iter_modules([str(p)]) if m.name[0] != "_"
    ]
    return tuple(sorted(found))


def network_class(network: str) -> Any:
    """The model class of ``"family/file"``.

    Raises:
        ValueError: one sentence, if there is no such file.
    """
    if network not in networks():
        raise ValueError(f"There is no network called {network!r}.")
    return importlib.import_module("playground.models." + network.replace("/", ".")).MODEL


def recipes() -> dict[str, tuple[str, Recipe]]:
    """Checkpoint id -> (network, recipe), over all model files."""
    found: dict[str, tuple[str, Recipe]] = {}
    for network in networks():
        module = importlib.import_module("playground.models." + network.replace("/", "."))
        found.update({recipe.id: (network, recipe) for recipe in module.RECIPES})
    return found
