"""The knob grid that every tab has: one noise, two knobs, a picture for every pair of their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from playground import data
from playground.contract import Frame, Model, Request
from playground.experiments import knob_grid
from playground.experiments.knob_grid import NONE
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot
from playground.ui.theme import theme

ROWS_IN_HALL = 4  # of those that nobody has written: more would be too small to see


class KnobGrid(View):
    """A grid over two knobs; a preset of it is a subclass that names them."""

    name = "Grid"
    group = LOOK_INSIDE
    why_small = (
        "every value of one knob stands against every value of another; a double click enlarges a cell"
    )
    plot: BarPlot
    words = (
        "The same noise in every cell, and <b>two knobs turned</b>: one from row to row, one from column to column. "
        "Whatever changes from cell to cell, the knobs did it.<br><br>Choose them at the left, and write the values "
        "that you want, parted by semicolons. The knobs that are left stand the same in all cells.<br><br>The bars say "
        "what each picture of the chosen row cost in passes through the network."
    )
    preset: ClassVar[Mapping[str, str]] = {}  # the four axis fields to begin with
    hidden_knobs = frozenset({"num_samples"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Two knobs, and those that a preset names."""
        if not data.modality(model.card.dataset).has_pixels:
            return False  # its cells are pictures
        known = knob_grid.turnable(model.Request)
        wanted = {cls.preset[axis] for axis in ("rows", "columns") if axis in cls.preset} - {NONE}
        return len(known) > 1 and wanted <= set(known)

    def request_type(self, model: Model) -> type[Request]:
        """The model's own, with the axes."""
        return knob_grid.grid_request(model.Request, **self.preset)  # type: ignore[arg-type]

    def sampler(self, model: Model, request: Request) -> Iterator[Frame]:
        """One cell after another."""
        return knob_grid.fill(model, request)

    def code(self) -> Code | None:
        """The request's type is made on the fly."""
        kind = f"knob_grid.grid_request(model.Request, **{dict(self.preset)})"
        return Code("knob_grid.fill(model, request)", ("from playground.experiments import knob_grid",), kind)

    def build(self) -> None:
        """The grid, and what its cells cost."""
        self.grid = ImageGrid()
        self.grid.setAccessibleName("Grid over two knobs; the arrow keys choose a cell")
        self.grid.selection_changed.connect(lambda _: self._draw_cost())
        self.column.addWidget(self.grid, 1)
        self.plot = BarPlot("Network passes per picture", "", "passes")
        theme.signals.changed.connect(self._fit)

    def _fit(self) -> None:
        if self.player.frame is not None and self.isVisible():
            self.draw(self.player.frame)

    def _rows_on_show(self, frame: Frame) -> list[int]:
        """All, except in a hall: there some of those that the program chose, both ends among them."""
        count = len(frame.extras["rows"])
        both = all(frame.extras["titles"])
        written = getattr(self.request, "row_values", "")
        if not theme.lecture() or not both or written or count <= ROWS_IN_HALL:
            return list(range(count))
        return [round(i) for i in np.linspace(0, count - 1, ROWS_IN_HALL)]

    def opened(self) -> None:
        """Another model has other knobs: values written for the old ones are dropped."""
        if not self.preset:
            self.tab.knobs.set_silently({"row_values": "", "column_values": ""})

    def turn(self, request: Request) -> None:
        """One knob cannot lie along both sides, and values of the knob before are not those of the next."""
        before = self.request
        if before is not None and request.rows == request.columns != NONE:  # type: ignore[attr-defined]
            changed, other = (
                ("rows", "columns") if request.rows != before.rows else ("columns", "rows")  # type: ignore[attr-defined]
            )
            self.tab.knobs.set_silently({other: getattr(before, changed)})
        known = knob_grid.turnable(self.model.Request)
        for axis, text in (("rows", "row_values"), ("columns", "column_values")):
            request = self.tab.knobs.request()
            one = known.get(getattr(request, axis))
            if before is None or getattr(request, axis) == getattr(before, axis):
                continue  # what is wrong with values that were typed is said, not swept away
            if one is None or not _fits(one, getattr(request, text), self.model.card.classes):
                self.tab.knobs.set_silently({text: ""})
        super().turn(self.tab.knobs.request())

    def relevant(self, request: Request) -> dict[str, bool]:
        """A knob along a side has its values there; hints say which they are if none are written."""
        known = knob_grid.turnable(self.model.Request)
        axes = {"rows": "row_values", "columns": "column_values"}
        for axis, text in axes.items():
            one = known.get(getattr(request, axis))
            classes = self.model.card.classes
            values = knob_grid.suggested(one, classes) if one else []
            self.tab.knobs.set_hint(text, "; ".join(knob_grid.caption(one, v, classes) for v in values))
        used = {getattr(request, axis) for axis in axes}
        shown = {name: name not in used for name in known}
        return shown | {text: getattr(request, axis) != NONE for axis, text in axes.items()}

    def draw(self, frame: Frame) -> None:
        """The cells as far as they are filled."""
        extras = frame.extras
        down, across = map(self._called, extras["titles"])
        title = "   ".join(filter(None, (f"{across} →" if across else "", f"{down} ↓" if down else "")))
        on_show, columns = self._rows_on_show(frame), extras["columns"]
        rows = [extras["rows"][i] for i in on_show]
        cells = np.concatenate([np.arange(len(columns)) + i * len(columns) for i in on_show])
        self.grid.set_images(
            frame.images[cells],
            columns=len(columns) if down and across else None,  # one knob alone goes on in the next row
            captions=columns if not down else rows if not across else None,
            column_captions=columns if across and down else None,
            row_captions=rows if down and across else None,
            title=title,
        )
        size = frame.images.shape[1:3]
        begun = extras["begun"][cells]
        self.grid.set_known(
            None if begun.all() else np.broadcast_to(begun[:, None, None], (len(begun), *size))
        )
        if frame.step == frame.total or self.grid.selected() < 0:
            self._draw_cost()

    def _draw_cost(self) -> None:
        frame = self.player.frame
        if frame is None:
            return
        columns = frame.extras["columns"]
        cost = frame.extras["cost"].reshape(-1, len(columns))
        chosen = self.grid.selected()
        newest = max(int(np.count_nonzero(frame.extras["begun"])) - 1, 0)
        row = self._rows_on_show(frame)[chosen // len(columns)] if chosen >= 0 else newest // len(columns)
        names = columns if len(columns) <= 6 and frame.extras["titles"][1] else None
        where = f", {self._called(frame.extras['titles'][0])} {frame.extras['rows'][row]}"
        where = where if len(cost) > 1 else ""
        self.plot.set_title(f"Network passes per picture{where}")
        self.plot.set_values(cost[row], highlight=chosen % len(columns) if chosen >= 0 else None, names=names)

    def _called(self, name: str) -> str:
        """What a knob of the model is called on screen."""
        known = knob_grid.turnable(self.model.Request)
        return known[name].label if name in known else name


def _fits(one: Any, text: str, classes: Any) -> bool:
    try:
        knob_grid.values_of(one, text, classes)
    except ValueError:
        return False
    return True
