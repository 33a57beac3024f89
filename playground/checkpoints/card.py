"""The card: what a checkpoint says about itself, as JSON in its header.  No torch."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from playground import earlier_names, models
from playground.contract import Card

ID = r"[a-z0-9]+(-[a-z0-9]+)+"  # system-dataset


class CheckpointError(ValueError):
    """A file that is not a checkpoint of ours, said in one sentence."""


def parse_card(path: Path, metadata: Any) -> Card:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("card"), str):
        raise CheckpointError(f"{path.name} carries no card, so it is not a checkpoint of this program.")
    try:
        values = json.loads(metadata["card"])
    except (ValueError, RecursionError):
        raise CheckpointError(f"The card in {path.name} is not JSON.") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"The card in {path.name} is not a table.")
    kinds = {"str": str, "int": int, "float": (int, float), "dict": dict, "list": list}
    for f in dataclasses.fields(Card):
        optional = f.default_factory is not dataclasses.MISSING
        if f.name not in values and not optional:
            raise CheckpointError(f"The card in {path.name} has no field {f.name!r}.")
        kind = kinds[str(f.type).partition("[")[0]]
        if f.name in values and (not isinstance(values[f.name], kind) or isinstance(values[f.name], bool)):  # type: ignore[arg-type]
            raise CheckpointError(f"The card in {path.name} has a field {f.name!r} of the wrong kind.")
    card = Card(**{f.name: values[f.name] for f in dataclasses.fields(Card) if f.name in values})
    if not re.fullmatch(ID, card.id):
        raise CheckpointError(f"The card in {path.name} has an id that is not of the form system-dataset.")
    card = dataclasses.replace(card, network=earlier_names.network(card.network))
    if not models.exists(card.network):
        raise CheckpointError(
            f"{path.name} wants the network {card.network[:60]!r}, which this version does not have."
        )
    if card.family != card.network.partition("/")[0]:
        raise CheckpointError(f"The card in {path.name} names a family that is not that of its network.")
    return dataclasses.replace(card, metrics={})
