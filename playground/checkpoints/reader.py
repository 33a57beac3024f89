"""Rebuilding a model from its file: every check runs before a network is touched.

Nothing is ever unpickled.  Every refusal is one sentence (:class:`CheckpointError`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from playground import models, paths
from playground.capabilities import BuildsOn, FollowsGuide
from playground.checkpoints.card import ID, Card, CheckpointError
from playground.checkpoints.files import read_metrics, resolve, weights_hash
from playground.checkpoints.header import read_arrays, read_header


def load(id_or_path: str | Path) -> Any:
    """Rebuild a model from its file, in eval mode on the CPU; it knows its ``card``, ``file`` and ``weights_hash``.

    Raises:
        CheckpointError: one sentence, if anything about the file is wrong.
    """
    path = resolve(id_or_path)
    header = read_header(path)
    arrays = read_arrays(path, header)
    model = _build(header.card, path.name, sum(array.size for array in arrays.values()))
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    _compare_shapes(path, expected, {name: array.shape for name, array in arrays.items()})
    import torch

    dtypes = {name: value.dtype for name, value in model.state_dict().items()}
    state = {name: torch.from_numpy(np.array(array)).to(dtypes[name]) for name, array in arrays.items()}
    model.load_state_dict(state, assign=True)
    _give_foundation(model, path, header.card)
    _give_guide(model, path, header.card)
    model.card = dataclasses.replace(header.card, metrics=read_metrics(path))
    model.file, model.weights_hash = path, weights_hash(path)
    return model.eval().requires_grad_(False)


def _build(card: Card, where: str, num_weights: int) -> Any:
    """The network of a card, to be filled; what it computes while it is built may take room beside its weights."""
    from playground.checkpoints import blank

    network = models.network_class(card.network)
    config = _make_config(network.Config, card.config, where)
    try:
        return blank.build(network, config, 4 * num_weights + 2**22)
    except (RuntimeError, ValueError, TypeError, ZeroDivisionError, IndexError, OverflowError) as error:
        raise CheckpointError(f"The configuration in {where} does not make a network ({error}).") from None


def _give_foundation(model: Any, path: Path, card: Card) -> None:
    """Load what a model is built on, from beside its file or from what is shipped, and hand it over."""
    if bool(card.built_on) != isinstance(model, BuildsOn) or len(card.built_on) > 1:
        raise CheckpointError(f"The card in {path.name} does not name the one model that it is built on.")
    for name in card.built_on:
        file = _find(path, name, "is built on")
        if read_header(file).card.built_on:
            raise CheckpointError(f"{path.name} is built on {file.stem}, which itself is built on another.")
        _hand_over(path, file, model.build_on)


def _give_guide(model: Any, path: Path, card: Card) -> None:
    """Load the weaker model that guides a model, and hand it over."""
    if card.guided_by and (not isinstance(model, FollowsGuide) or len(card.guided_by) > 1):
        raise CheckpointError(f"The card in {path.name} names a guide that its network cannot follow.")
    for name in card.guided_by:
        file = _find(path, name, "is guided by")
        if read_header(file).card.guided_by:
            raise CheckpointError(f"{path.name} is guided by {file.stem}, which itself is guided by another.")
        _hand_over(path, file, model.be_guided_by)


def _find(path: Path, name: str, needs: str) -> Path:
    """The file of the model ``id@hash`` that the one at ``path`` needs, from beside it or from what is shipped."""
    wanted, _, weights = name.partition("@")
    if not re.fullmatch(ID, wanted):
        raise CheckpointError(f"The card in {path.name} {needs} something that has no id.")
    folders = dict.fromkeys((path.parent, *paths.checkpoint_folders()))
    there = [f for f in (folder / f"{wanted}.safetensors" for folder in folders) if f.is_file()]
    if not there:
        raise CheckpointError(f"{path.name} {needs} {wanted}, which is neither beside it nor shipped.")
    for file in there:
        read_header(file)  # refuses what is not a checkpoint
        if weights_hash(file) == weights:
            return file
    raise CheckpointError(f"{path.name} {needs} other weights of {wanted} than the ones that are here.")


def _hand_over(path: Path, file: Path, take: Callable[[Any], None]) -> None:
    try:
        take(load(file))
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{path.name} does not fit {file.stem}: {error}.") from None


def _make_config(config: type, values: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(config)}
    for name, value in values.items():
        if name not in known:
            raise CheckpointError(f"The configuration in {where} has an unknown field {name[:60]!r}.")
        default = known[name].default
        kind: Any = (int, float) if isinstance(default, float) else type(default)
        if isinstance(value, list):
            value = values[name] = tuple(value)
        numbers = value if isinstance(value, tuple) else (value,)
        bounded = (
            all(not isinstance(n, (int, float)) or abs(n) <= 4096 for n in numbers) and len(numbers) <= 64
        )
        if not isinstance(value, kind) or not bounded:
            raise CheckpointError(f"The configuration in {where} has an impossible value for {name!r}.")
    return config(**values)


def _compare_shapes(path: Path, expected: Mapping[str, tuple], found: Mapping[str, tuple]) -> None:
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or extra:
        which = f"lacks {missing[0]!r}" if missing else f"has {extra[0][:60]!r} too much"
        raise CheckpointError(f"{path.name} does not fit its network: it {which}.")
    for name, shape in expected.items():
        if found[name] != shape:
            raise CheckpointError(
                f"{path.name} does not fit its network: {name!r} is {list(found[name])}, not {list(shape)}."
            )


def check(path: str | Path) -> Card:
    """Everything that can be checked of a file short of sampling from it.

    Raises:
        CheckpointError: one sentence.
    """
    return load(path).card
