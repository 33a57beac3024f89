"""The figures beside the reasons of the Guide, in words.  They come from the rows of the measured table, never from a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground import labels
from playground.evaluation.results import COLUMNS, Row
from playground.tabs.guide.links import LinkTargets

_TEXTS: Mapping[str, Callable[[Any], str]] = {column.key: column.text for column in COLUMNS}
_WORDS: Mapping[str, str] = {
    "bits": "bits/dim {}",
    "likelihood": "{}",
    "milliseconds": "{} ms an image",
    "quality": "FID {} (zero is real and one is blurred)",
    "recall": "recall {}",
    "training": "trained in {}",
}


@dataclass(frozen=True)
class Figure:
    """Which figures of which checkpoint a reason prints.

    Attributes:
        networks: ``"family/file"``, the first that has a checkpoint is taken.
        show: columns of the measured table, in the order in which they are said.
        where: what must stand in the checkpoint's config.
    """

    networks: tuple[str, ...]
    show: tuple[str, ...]
    where: Mapping[str, Any] = field(default_factory=dict)


def figure(raw: Mapping[str, Any] | None) -> Figure | None:
    """A figure as the data files write it (``network`` is short for one of ``networks``)."""
    if raw is None:
        return None
    return Figure(tuple(raw.get("networks", [raw.get("network")])), tuple(raw["show"]), raw.get("where", {}))


def say(wanted: Figure | None, places: LinkTargets, rows: Sequence[Row]) -> str:
    """``"DDPM: 24 passes, 180.2 ms an image"``; what was not measured is left out, "" if nothing was."""
    card = places.card(wanted.networks, wanted.where) if wanted is not None else None
    row = next((row for row in rows if card is not None and row.key == card.id), None)
    if wanted is None or row is None:
        return ""
    said = [_word(name, row.values[name]) for name in wanted.show if name in row.values]
    return f"{labels.short(row.key, str(row.values['system']))}: {', '.join(said)}" if said else ""


def _word(name: str, value: Any) -> str:
    text = _TEXTS[name](value)
    if name == "passes":
        return f"{text} pass" if value == 1 else f"{text} passes"
    return _WORDS[name].format(text)
