"""The models, found by looking: one folder per family, one file per model.  Importing this does not import torch.

Beside the program's own, those in ``PLAYGROUND_MODELS=FOLDER``, as ``FOLDER/<family>/<file>.py``: whoever sets it asks for that
folder's code to be run.  Nothing else leads to code outside the package: a checkpoint only names a file that was found so.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground import paths

# networks that generate nothing but are trained and stored like the rest: what ``evaluate`` measures with
FEATURE_NETWORKS = {
    "judge/classifier": "playground.evaluation.classifier",
    "judge/masked": "playground.evaluation.masked_autoencoder",
    "judge/emoji": "playground.evaluation.emoji_classifier",
    "judge/clip": "playground.evaluation.clip",
    "judge/recogniser": "playground.evaluation.sequences.recogniser",
}

_MODEL = re.compile(r"^MODEL\b", re.MULTILINE)

if TYPE_CHECKING:
    from playground.contract import Recipe


def networks() -> tuple[str, ...]:
    """Every model file as ``"family/file"`` or ``"family/room/file"``, sorted: those that say ``MODEL = ...``."""
    return tuple(sorted(_files()))


def _files() -> dict[str, Path]:
    own = paths.own_models()
    shipped = _files_in(paths.PACKAGE / "models")
    families = {network.partition("/")[0] for network in shipped}
    new = {n: f for n, f in _files_in(own).items() if n.partition("/")[0] in families} if own else {}
    return {**new, **shipped}


def _is_network(name: str) -> bool:
    """Whether a file of this name may hold a network; those of the plane are found by their own catalogue."""
    parts = name.split("/")
    return all(part.isidentifier() for part in parts) and "plane" not in parts[1:-1]


@lru_cache
def _files_in(folder: Path) -> dict[str, Path]:
    files = (f for depth in ("*/*.py", "*/*/*.py") for f in folder.glob(depth))
    named = {f.relative_to(folder).with_suffix("").as_posix(): f for f in files}
    return {
        name: f
        for name, f in named.items()
        if _is_network(name) and _MODEL.search(f.read_text("utf-8", "replace"))
    }


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
    file = _files().get(network)
    if file is not None and not file.is_relative_to(paths.PACKAGE):
        return _run(network, file)
    return importlib.import_module(
        FEATURE_NETWORKS.get(network) or "playground.models." + network.replace("/", ".")
    )


def _run(network: str, file: Path) -> Any:
    """The module of a file outside the package, run once.

    Raises:
        ValueError: one sentence, if it raises anything.
    """
    name = "playground_models." + network.replace("/", ".")
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(file):
        return known
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"{file} cannot be used as a model ({type(error).__name__}: {error}).") from error
    return module
