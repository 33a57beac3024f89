"""Which models of the plane there are: the files ``models/<family>/plane/*.py`` that say ``MODEL = ...``."""

from __future__ import annotations

import importlib

from playground import paths
from playground.families import FAMILIES
from playground.models.plane import PlaneModel


def plane_models() -> dict[str, type[PlaneModel]]:
    """Id -> class, in the order of the tabs; they have no checkpoint, so that no menu of checkpoints names them."""
    found: dict[str, type[PlaneModel]] = {}
    for family in FAMILIES:
        for file in sorted((paths.PACKAGE / "models" / family.key / "plane").glob("*.py")):
            module = importlib.import_module(f"playground.models.{family.key}.plane.{file.stem}")
            if hasattr(module, "MODEL"):
                found[module.MODEL.key] = module.MODEL
    return found
