"""The table below the planes of Compare: a line for each model, and which of its figures a hall sees."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from playground import labels
from playground.models.plane_catalogue import plane_cards
from playground.ui.plots.figure_table import Cell, Heading, Line

HEADINGS = (
    Heading("model"),
    Heading(
        "NLL − entropy", "Nats above the best possible; of a VAE a bound, of a GAN unknown", numeric=True
    ),
    Heading("energy distance", "How far drawn points are from true ones; 0 is no difference", numeric=True),
    Heading("modes", "Found, of those there are", numeric=True, rising_first=False),
    Heading("outside", "Drawn points where the target has less than 1 % of its mass", numeric=True),
    Heading("steps", "Training steps so far", numeric=True, rising_first=False),
    Heading("seconds", "Of its own training", numeric=True),
)
IN_HALL = (0, 2, 3)  # the columns that every family fills


def system_of(key: str) -> str:
    """What a model is called where six stand side by side."""
    card = next(card for card in plane_cards() if card.id == key)
    return labels.short(key, card.system).removesuffix(labels.IN_THE_PLANE)


def line_of(key: str, found: Mapping[str, Any]) -> Line:
    """A model's figures; a dash for each that is not there yet."""
    card = next(card for card in plane_cards() if card.id == key)
    modes = f"{found['modes_found']} of {found['modes']}" if "modes_found" in found else "–"
    cells = (
        Cell(card.system, system_of(key), found.get("failed", card.system)),
        _cell(found.get("nll_minus_entropy"), "{:.3f}"),
        _cell(found.get("energy_distance"), "{:.4f}"),
        Cell(found.get("modes_found"), modes),
        _cell(found.get("mass_outside"), "{:.1%}"),
        _cell(found.get("steps"), "{:,}"),
        _cell(found.get("seconds"), "{:.1f}"),
    )
    return Line("", card.family, cells)


def shown_columns(lines: Sequence[Line], in_hall: bool) -> tuple[list[Heading], list[Line]]:
    """Headings and lines with all columns, or with those that are read from the back row."""
    columns = IN_HALL if in_hall else tuple(range(len(HEADINGS)))
    shown = [dataclasses.replace(line, cells=tuple(line.cells[c] for c in columns)) for line in lines]
    headings = [HEADINGS[c] for c in columns]
    if in_hall:  # short, so that names are whole
        headings = [dataclasses.replace(h, title=h.title.removeprefix("energy ")) for h in headings]
    return headings, shown


def _cell(value: float | None, form: str) -> Cell:
    known = value is not None and math.isfinite(value)
    return Cell(value if known else None, form.format(value) if known else "–")
