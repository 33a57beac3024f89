"""The rows that ``playground plane --json`` prints, as a Markdown table: a line for each model, a group of columns for each target.  No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground import families

_NEEDED: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "family": (str,),
    "target": (str,),
    "seconds": (int, float),
    "steps": (int,),
    "energy_distance": (int, float, type(None)),
    "nll_minus_entropy": (int, float, type(None)),
    "modes_found": (int, type(None)),
    "modes": (int, type(None)),
}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file.

    Raises:
        ValueError: one sentence, if it holds anything else.
        OSError: if it cannot be read.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        sound = isinstance(rows, list) and rows and all(_is_row(row) for row in rows)
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise ValueError(f"{path} does not hold the rows that playground plane --json prints.")
    return list(rows)


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and all(
        name in row and isinstance(row[name], kind) and not isinstance(row[name], bool)
        for name, kind in _NEEDED.items()
    )


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: nats above the entropy, energy distance and modes found of each target, by family."""
    targets = list(dict.fromkeys(row["target"] for row in rows))
    cells = {(row["model"], row["target"]): row for row in rows}
    heading = ["model", "steps"]
    for target in targets:
        heading += [f"{target}: NLL − entropy", "energy distance"]
        if any(row["modes"] for row in rows if row["target"] == target):
            heading.append("modes")
    order = {family.key: place for place, family in enumerate(families.FAMILIES)}
    models = dict.fromkeys(
        row["model"] for row in sorted(rows, key=lambda row: order.get(row["family"], len(order)))
    )
    lines = [heading, ["---", *["--:"] * (len(heading) - 1)]]
    for model in models:
        found = [cells.get((model, target)) for target in targets]
        line = [f"`{model}`", " / ".join(f"{row['steps']:,}" for row in found if row is not None)]
        for target, row in zip(targets, found, strict=True):
            line += [_number(row, "nll_minus_entropy", 3), _number(row, "energy_distance", 4)]
            if any(one["modes"] for one in rows if one["target"] == target):
                line.append(
                    f"{row['modes_found']} of {row['modes']}" if row is not None and row["modes"] else ""
                )
        lines.append(line)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(row: Mapping[str, Any] | None, name: str, digits: int) -> str:
    value = None if row is None else row[name]
    return "" if value is None else f"{value:.{digits}f}"
