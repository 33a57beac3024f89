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
from playground.checkpoints import judges
from playground.checkpoints.arrays import read_arrays, refuse_infinite
from playground.checkpoints.card import ID, Card, CheckpointError
from playground.checkpoints.files import read_metrics, resolve, weights_hash
from playground.checkpoints.header import read_header
from playground.trainable import ChecksWeights


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
    model.load_state_dict(_as_state(path, model.state_dict(), arrays), assign=True)
    _check_weights(model, path)
    _give_foundation(model, path, header.card)
    _give_guide(model, path, header.card)
    model.card = dataclasses.replace(header.card, metrics=read_metrics(path))
    model.file, model.weights_hash = path, weights_hash(path)
    return model.eval().requires_grad_(False)


def _as_state(path: Path, wanted: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The tensors in the types of the network: fractions stay fractions, and what is finite stays so."""
    import torch

    state = {}
    for name, array in arrays.items():
        if wanted[name].is_floating_point() != (array.dtype.kind == "f"):
            raise CheckpointError(f"{path.name} does not fit its network: {name!r} holds {array.dtype}.")
        with np.errstate(over="ignore"):
            state[name] = torch.from_numpy(np.array(array)).to(wanted[name].dtype)
        if wanted[name].is_floating_point() and array.dtype.itemsize > wanted[name].element_size():
            refuse_infinite(path, name, state[name].numpy())
    return state


def _check_weights(model: Any, path: Path) -> None:
    """What only a network can know of its numbers, such as whether counts make a tree."""
    if isinstance(model, ChecksWeights):
        try:
            model.check_weights()
        except ValueError as error:
            raise CheckpointError(f"{path.name} is not sound: {error}") from None


def _build(card: Card, where: str, num_weights: int) -> Any:
    """The network of a card, to be filled; what it computes while it is built may take room beside its weights."""
    from playground.checkpoints import blank

    network = models.network_class(card.network)
    config = _make_config(network.Config, card.config, where)
    try:
        return blank.build(network, config, 4 * num_weights + 2**22)
    except Exception as error:  # a network that is built of hostile numbers may raise anything
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise CheckpointError(f"The configuration in {where} does not make a network ({said}).") from None


def _give_foundation(model: Any, path: Path, card: Card) -> None:
    """Load what a model is built on, from beside its file or from what is shipped, and hand it over."""
    wanted = model.num_foundations if isinstance(model, BuildsOn) else 0
    if len(card.built_on) != wanted:
        which = "the one model" if wanted < 2 else f"the {wanted} models"
        raise CheckpointError(f"The card in {path.name} does not name {which} that it is built on.")
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
    folders = dict.fromkeys((path.parent, *paths.checkpoint_folders(), judges.folder()))
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
        if isinstance(value, list):
            value = values[name] = tuple(value)
        if not _resembles(value, known[name].default):
            raise CheckpointError(f"The configuration in {where} has an impossible value for {name!r}.")
    return config(**values)


def _resembles(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of a configuration's default, and of a size that a network may have."""
    if isinstance(default, tuple):
        kinds = default or (0,)
        return isinstance(value, tuple) and len(value) <= 64 and all(_resembles(v, kinds[0]) for v in value)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    fits = type(value) is type(default)
    return fits and (not isinstance(value, int | float) or abs(value) <= 4096)


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
