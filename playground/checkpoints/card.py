"""The card: what a checkpoint says about itself, as JSON in its header.  No torch."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any, get_args

from playground import earlier_names, models
from playground.contract import Card, LikelihoodKind

_LONGEST = 500  # characters of a text on the card
_MOST = 1000  # entries of a list or table
ID = r"[a-z0-9]+(-[a-z0-9]+)+"  # system-dataset


class CheckpointError(ValueError):
    """A file that is not a checkpoint of ours, said in one sentence."""


def _refuse(word: str) -> None:
    raise ValueError(word)


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):  # 1e999
        raise ValueError(text)
    return float(text)


def _fits(value: Any, kind: str) -> bool:
    """Whether a value is of the kind that a field of :class:`Card` names, and of a size that can be shown."""
    if kind == "str":
        return isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()
    if kind == "list[str]":
        return isinstance(value, list) and len(value) <= _MOST and all(_fits(v, "str") for v in value)
    if kind == "int":
        return type(value) is int and 0 <= value <= 10**15
    if kind == "float":
        return type(value) in (int, float) and 0 <= value <= 10**15
    return isinstance(value, dict) and len(value) <= _MOST


def parse_card(path: Path, metadata: Any) -> Card:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("card"), str):
        raise CheckpointError(f"{path.name} carries no card, so it is not a checkpoint of this program.")
    try:
        values = json.loads(metadata["card"], parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise CheckpointError(f"The card in {path.name} is not JSON.") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"The card in {path.name} is not a table.")
    for f in dataclasses.fields(Card):
        optional = f.default_factory is not dataclasses.MISSING
        if f.name not in values and not optional:
            raise CheckpointError(f"The card in {path.name} has no field {f.name!r}.")
        if f.name in values and not _fits(values[f.name], str(f.type)):
            raise CheckpointError(f"The card in {path.name} has a field {f.name!r} of the wrong kind.")
    card = Card(**{f.name: values[f.name] for f in dataclasses.fields(Card) if f.name in values})
    if not re.fullmatch(ID, card.id):
        raise CheckpointError(f"The card in {path.name} has an id that is not of the form system-dataset.")
    card = dataclasses.replace(card, network=earlier_names.network(card.network))
    if not models.exists(card.network):
        raise CheckpointError(
            f"{path.name} wants the network {card.network[:60]!r}, which this version does not have."
        )
    if card.likelihood not in get_args(LikelihoodKind):
        raise CheckpointError(f"The card in {path.name} has a field 'likelihood' of the wrong kind.")
    if card.family != card.network.partition("/")[0]:
        raise CheckpointError(f"The card in {path.name} names a family that is not that of its network.")
    return dataclasses.replace(card, metrics={})
