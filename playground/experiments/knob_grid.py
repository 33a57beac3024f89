"""A small labelled grid over any two knobs of any model: rows and columns of values, one picture in each cell.

Everything is read off the knobs of the model's own request, so a new model has its grid without another line.  All
cells share the seed and therefore the noise: what differs between two pictures is the knob and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from playground import data, numerals
from playground.contract import EACH_CLASS, Frame, Knob, Model, Request, knob, knobs, make_request

NONE = "none"  # the knob of an axis that turns nothing
MOST = 10  # values along an axis
FEW = 5  # values along an axis if none are named
PARTS = 12  # frames that are shown of a slow cell
AXES = ("rows", "row_values", "columns", "column_values")
_HELP = "Which knob {} turn. Every cell has the same seed, so the same noise."
_VALUES_HELP = "The values, parted by semicolons (numbers by spaces, too); class names will do. Left empty, they spread over the knob's range."


@dataclass(frozen=True)
class Axes(Request):
    """What the two directions of the grid turn; the knobs of the model follow in the classes built from it."""

    rows: str = knob(NONE, label="rows", help=_HELP.format("rows"))
    row_values: str = knob("", label="row values", help=_VALUES_HELP)
    columns: str = knob(NONE, label="columns", help=_HELP.format("columns"))
    column_values: str = knob("", label="column values", help=_VALUES_HELP)


def turnable(request: type[Request]) -> dict[str, Knob]:
    """The knobs that can lie along an axis, the telling ones first: numbers, choices, what is off unless asked for."""
    found = [k for k in knobs(request) if k.name not in ("num_samples", *AXES) and _has_values(k)]
    found.sort(key=lambda k: (k.name == "seed", _is_off(k), k.choices is not None or k.type is bool))
    return {k.name: k for k in found}


@lru_cache(maxsize=64)
def grid_request(
    model_request: type[Request],
    rows: str = "",
    row_values: str = "",
    columns: str = "",
    column_values: str = "",
) -> type[Request]:
    """The model's request with four more fields, which say what rows and columns turn.

    Args:
        rows, columns: names of knobs to begin with; left empty, the model's first two.
        row_values, column_values: their values to begin with; left empty, spread over the knob's range.
    """
    names = list(turnable(model_request))
    choices = ((NONE, "none"), *((name, one.label) for name, one in turnable(model_request).items()))
    preset_rows, preset_columns = rows, columns
    first, second = names[0], (*names[1:], NONE)[0]
    known = turnable(model_request)
    if second != NONE and _count(known[first]) > _count(known[second]):
        first, second = second, first  # the longer side lies along the window's
    rows, columns = rows or first, columns or second
    named = {
        "rows": preset_rows,
        "columns": preset_columns,
    }  # a value stays from view to view under one label
    fields: list[tuple[str, type, Any]] = []
    for axis, values, name, text in (
        ("rows", "row_values", rows, row_values),
        ("columns", "column_values", columns, column_values),
    ):
        fields.append((axis, str, knob(name, label=axis, help=_HELP.format(axis), choices=choices)))
        about = known.get(named[axis])
        label = f"{about.label if about is not None else named[axis] or axis[:-1]} values"
        fields.append((values, str, knob(text, label=label, help=_VALUES_HELP)))
    made = dataclasses.make_dataclass(
        f"{model_request.__name__}Grid", fields, bases=(model_request, Axes), frozen=True
    )
    made.__doc__ = "A grid over two of the model's knobs."
    return made


def values_of(one: Knob, text: str, classes: Sequence[str] = ()) -> list[Any]:
    """The values named in ``text``, or a few over the knob's range if it names none.

    Raises:
        ValueError: one sentence, if a value is none of this knob's or there are too many.
    """
    words = numerals.split(text, str if one.choices else one.type)
    if len(words) > MOST:
        raise ValueError(f"A grid has at most {MOST} values along a side, not {len(words)}.")
    return [_parse(one, word, classes) for word in words] or suggested(one, classes)


def suggested(one: Knob, classes: Sequence[str] = ()) -> list[Any]:
    """The values that the knob itself calls telling, else at most ``FEW`` spread over its range (all of its choices)."""
    if one.telling:
        return list(one.telling)
    if one.choices == "classes":
        return sorted({round(i) for i in np.linspace(0, len(classes) - 1, FEW)})
    if isinstance(one.choices, tuple):
        return [value for value, _ in one.choices][:MOST]
    if one.type is bool:
        return [False, True]
    low, high = float(one.low or 0), float(one.high or 0)
    if one.name == "seed":
        return list(range(1, FEW + 1))
    if one.log and low > 0:
        spread = np.geomspace(low, min(high, 4 * float(one.default)), FEW)
    else:
        share = (float(one.default) - low) / max(high - low, 1e-12)
        ends = (low + float(one.default)) / 2, (high + float(one.default)) / 2
        # around a default in the middle, so that the extremes do not fill half of the grid
        spread = np.linspace(*(ends if 0.25 <= share <= 0.75 else (low, high)), FEW)
    step = one.step or (1 if one.type is int else 0)
    steps = (min(low + round((v - low) / step) * step, high) if step and not one.log else v for v in spread)
    rounded = (round(v) if one.type is int else float(f"{v:.3g}") for v in steps)
    return list(dict.fromkeys(rounded))


def _count(one: Knob) -> int:
    """How many values are suggested; of a class some, whatever classes there are."""
    return FEW if one.choices == "classes" else len(suggested(one))


def caption(one: Knob | None, value: Any, classes: Sequence[str] = ()) -> str:
    """A value as it stands beside its row or above its column."""
    if one is None:
        return ""
    if one.choices == "classes" and 0 <= value < len(classes):
        return classes[value]
    if isinstance(one.choices, tuple):
        return dict(one.choices)[value]
    if one.type is bool:
        return "on" if value else "off"
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Plan:
    """Every cell's request, row by row, and the words at the edges."""

    cells: list[Request]
    titles: tuple[str, str]  # names of the knobs of rows and columns, "" for none
    rows: list[str]
    columns: list[str]


def plan(request: Request, model_request: type[Request], classes: Sequence[str] = ()) -> Plan:
    """What a grid request asks of the model.

    Raises:
        ValueError: one sentence, for values that their knob refuses or one knob along both sides.
    """
    known = turnable(model_request)
    axes = []
    for axis, text in (("rows", "row_values"), ("columns", "column_values")):
        one = known.get(getattr(request, axis))
        values = values_of(one, getattr(request, text), classes) if one else [None]
        axes.append((one, values))
    (row_knob, row_values), (column_knob, column_values) = axes
    if row_knob is not None and row_knob == column_knob:
        raise ValueError(f"Rows and columns both turn {row_knob.name}: choose another knob for one of them.")
    shared = {k.name: getattr(request, k.name) for k in knobs(model_request)} | {"num_samples": 1}
    cells = []
    for row in row_values:
        for column in column_values:
            own = {k.name: v for k, v in ((row_knob, row), (column_knob, column)) if k is not None}
            cells.append(make_request(model_request, {**shared, **own}))
    return Plan(
        cells,
        (row_knob.name if row_knob else "", column_knob.name if column_knob else ""),
        [caption(row_knob, value, classes) for value in row_values],
        [caption(column_knob, value, classes) for value in column_values],
    )


def fill(model: Model, request: Request) -> Iterator[Frame]:
    """One cell after another, each as it forms.

    ``images`` is uint8 (rows * columns,H,W,C).  Extras: ``begun`` bool and ``cost`` int (network passes) per cell, and
    ``titles``, ``rows`` and ``columns``, the words of :class:`Plan`.
    """
    grid = plan(request, model.Request, model.card.classes)
    count, total = len(grid.cells), len(grid.cells) * PARTS
    images = np.zeros((count, *data.DATASETS[model.card.dataset].image_shape), np.uint8)
    begun, cost = np.zeros(count, bool), np.zeros(count, np.int64)
    words = {"titles": grid.titles, "rows": grid.rows, "columns": grid.columns}
    for i, cell in enumerate(grid.cells):
        shown = 0
        for frame in model.sample(cell):
            part = PARTS * frame.step // max(frame.total, 1)
            if part == shown:
                continue
            shown, images[i], begun[i], cost[i] = part, frame.images[0], True, frame.passes
            extras = {**words, "begun": begun.copy(), "cost": cost.copy()}
            yield Frame(i * PARTS + part, total, int(cost.sum()), images.copy(), extras)


def _has_values(one: Knob) -> bool:
    ranged = one.type in (int, float) and one.low is not None and one.high is not None
    return bool(one.choices) or one.type is bool or ranged


def _is_off(one: Knob) -> bool:
    """Whether a number stands at an end of its range by default: top_k at all of them, eta at none."""
    return one.choices is None and one.type is not bool and one.default in (one.low, one.high)


def _parse(one: Knob, word: str, classes: Sequence[str]) -> Any:
    named: dict[str, Any] = {}
    if one.choices == "classes":
        named = {name.lower(): i for i, name in enumerate(classes)}
    elif isinstance(one.choices, tuple):
        named = {text.lower(): value for value, text in one.choices}
    value = one.check(named.get(word.lower(), word.replace("−", "-")))
    if one.choices == "classes" and not EACH_CLASS <= value < len(classes):
        raise ValueError(f"There is no class {value}; there are 0 to {len(classes) - 1}.")
    return value
