"""The table: everything that was measured of every checkpoint, the trilemma it draws, and what others published."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from playground import checkpoints, families, labels
from playground.contract import Message
from playground.evaluation import results
from playground.evaluation.results import COLUMNS, OF_REAL, PUBLISHED_COLUMNS, STAR_RULE, Column, Row
from playground.export import csv_table
from playground.export.picture_metadata import PictureMetadata
from playground.families import LOOK_INSIDE
from playground.tabs.compare.trilemma import Mark, Point, Trilemma
from playground.tabs.frame.page import LinkTarget, Scene
from playground.ui.plots.figure_table import Cell, FigureTable, Heading, Line
from playground.ui.widgets.controls import IconButton, Segmented
from playground.ui.widgets.file_dialogs import ask_to_save

MEASURED, TRILEMMA, PUBLISHED = range(3)
SIZES = ("coverage", "recall")  # what the size of a point can stand for
KEYS = "Click a heading to sort, or press S on a cell; Return or a double click opens a model in its tab."
OTHERS = (
    "<b>Published by others</b>, on CIFAR-10 and ImageNet, with other networks and other judges: nothing here was "
    "measured by this program, and none of it compares with our figures. Copied as printed."
)


class Table(Scene):
    """Measured here, drawn as a trilemma, or published elsewhere."""

    name = "Table"
    group = LOOK_INSIDE
    sentence = (
        "Every checkpoint on one ruler. No model is best at everything: quality, speed and variety trade off."
    )

    def build(self) -> None:
        """The three sheets; figures are read on the worker, for they are checked against the weights."""
        self.rows: list[Row] = []
        self.titles = {family.key: family.title for family in families.FAMILIES}
        self.sheet = Segmented(("Measured here", "Trilemma", "Published by others"))
        self.sheet.chosen.connect(self._turn)
        self.sheet.setAccessibleName("Which table")
        self.marked = Segmented(("figures", "stars"))
        self.marked.chosen.connect(lambda _: self._fill())
        self.marked.setAccessibleName("Figures or stars")
        self.sized = Segmented([f"size: {name}" for name in SIZES])
        self.sized.chosen.connect(lambda _: self._resize_points())
        self.sized.setAccessibleName("What the size of a point stands for")
        self.save = IconButton("export", "Save this table as CSV")
        self.save.clicked.connect(self.ask_where)
        self.measured, self.trilemma, self.published = FigureTable(), Trilemma(), FigureTable()
        self.measured.setAccessibleName("Measured figures")
        self.published.setAccessibleName("Figures published by others")
        self.measured.opened.connect(self.open_model)
        self.trilemma.opened.connect(self.open_model)
        self.note = QLabel()
        self.note.setProperty("role", "caption")
        self.note.setWordWrap(True)
        self._lay_out()
        self._fill_published()
        self._reader = self.new_lane("figures")
        self._reader.frames_arrived.connect(lambda frames: self._read(frames[-1].payload))
        self._reader.failed.connect(self.page.banner.show_error)
        self.is_read = False
        self.rows = results.rows(self.page.cards, self.titles)  # what stands on the cards alone
        self._fill()
        self._turn(MEASURED)

    def _resize_points(self) -> None:
        self._draw()
        self._turn(TRILEMMA)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        for widget in (self.sheet, self.marked, self.sized):
            top.addWidget(widget)
        top.addStretch(1)
        top.addWidget(self.save)
        self.sheets = QStackedWidget()
        for sheet in (self.measured, self.trilemma, self.published):
            self.sheets.addWidget(sheet)
        box = QWidget()
        inside = QVBoxLayout(box)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(top)
        inside.addWidget(self.sheets, 1)
        inside.addWidget(self.note)
        self.column.addWidget(box)

    # --- reading

    def wake(self) -> None:
        """Read the figures, which may have been measured since."""

        def read() -> Iterator[Message[list[Row]]]:
            rows = results.rows(checkpoints.cards(), self.titles)
            yield Message(rows)

        self._reader.play(read)

    def rest(self) -> None:
        """Nothing runs here for long."""
        self._reader.stop()

    @property
    def is_settled(self) -> bool:
        """What was measured has been read."""
        return self.is_read

    def state(self) -> dict[str, Any]:
        """Which table."""
        return {"sheet": self.sheet.index()}

    def restore(self, kept: PictureMetadata) -> None:
        """Turn to that table."""
        wanted = kept.state.get("sheet")
        if wanted in (MEASURED, TRILEMMA, PUBLISHED):
            self.sheet.set_index(wanted)
            self._turn(wanted)
        else:
            self.page.banner.show_error(f"There is no table number {str(wanted)[:40]!r}.")

    def _read(self, rows: list[Row]) -> None:
        if rows != self.rows or not self.is_read:
            self.rows, self.is_read = rows, True
            self._fill()
            self._draw()

    # --- the sheets

    def _turn(self, index: int) -> None:
        self.sheets.setCurrentIndex(index)
        self.marked.setVisible(index == MEASURED)
        self.sized.setVisible(index == TRILEMMA)
        self.save.setVisible(index != TRILEMMA)
        said = (self._measured_note, self._trilemma_note, self._published_note)[index]
        reading = not self.is_read and index != PUBLISHED
        self.note.setText("Reading what was measured …" if reading else said())

    def _fill(self) -> None:
        stars = results.stars(self.rows) if self.marked.index() == 1 else None
        lines = [_line(row, COLUMNS, stars) for row in results.in_order(self.rows, "quality")]
        self.measured.fill([_heading(c) for c in COLUMNS], lines)
        self._turn(self.sheet.index())

    def _fill_published(self) -> None:
        rows: list[Row] = []
        self._sources: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError, KeyError):
            rows, self._sources = results.published(self.titles)
        self._others = rows
        lines = [_line(row, PUBLISHED_COLUMNS, None) for row in rows]
        self.published.fill([_heading(c) for c in PUBLISHED_COLUMNS], lines)

    def _draw(self) -> None:
        variety = OF_REAL[SIZES[self.sized.index()]]
        models = [row for row in self.rows if row.key and not _missing(row, variety)]
        self.trilemma.set_points([self._point(row, variety) for row in models], self._lines(), self._word())

    def _point(self, row: Row, variety: str) -> Point:
        values = {name: float(v) for name, v in row.values.items() if not isinstance(v, str)}
        said = (
            f"{_name(row)} ({row.key}): {values['quality']:.2f} of the blur's FID, {results.cost(values['milliseconds'])} ms, "
            f"{values['passes']:,.0f} pass{'es' * (values['passes'] != 1)}, {self._word()} {values[variety]:.2f} of real "
            f"(N = {values['count']:,.0f})"
        )
        return Point(
            row.key,
            _name(row),
            row.family,
            values["milliseconds"],
            values["quality"],
            max(values[variety], 0.0),
            said,
        )

    def _word(self) -> str:
        return SIZES[self.sized.index()]

    def _lines(self) -> list[Mark]:
        """The baselines, each at the largest number of pictures that it was measured with."""
        found: dict[str, Mark] = {}
        for row in self.rows:
            title = str(row.values["system"])
            if not row.key and "quality" in row.values and title not in found:
                found[title] = Mark(title, float(row.values["quality"]))
        return list(found.values())

    # --- words

    def _measured_note(self) -> str:
        return f"{STAR_RULE if self.marked.index() == 1 else ''} A blank was not measured. {KEYS}".strip()

    def _trilemma_note(self) -> str:
        variety = OF_REAL[self._word()]
        absent = [_name(row) for row in self.rows if row.key and _missing(row, variety)]
        said = (
            f"The area of a point is its {self._word()}, as a fraction of what as many real pictures reach. "
            "Arrows go from model to model, Return or a click opens one."
        )
        return said + (f" Not measured, and so not drawn: {', '.join(absent)}." if absent else "")

    def _published_note(self) -> str:
        sources = "; ".join(f"<b>{short}</b>: {text}" for short, text in self._sources.items())
        return f"{OTHERS} Sources: {sources}."

    # --- out of here

    def open_model(self, key: str) -> None:
        """Follow a row or a point into its tab."""
        family = next((row.family for row in self.rows if row.key == key), "")
        self.page.go(LinkTarget(family, key))

    def table(self) -> csv_table.Table:
        """The sheet on show, as numbers."""
        if self.sheet.index() == PUBLISHED:
            return results.as_table("published", self._others, PUBLISHED_COLUMNS)
        return results.as_table("measured", results.in_order(self.rows, "quality"), COLUMNS)

    def ask_where(self) -> None:
        """Save the sheet through the system's dialog."""
        table = self.table()
        ask_to_save(
            self, "Save the table", f"{table.name}.csv", "Tables (*.csv)", lambda p: self.write_csv(p, table)
        )

    def write_csv(self, path: Path, table: csv_table.Table) -> None:
        """Write a table as CSV, and say how it went in the banner."""
        try:
            csv_table.save(path, table)
        except OSError as error:
            self.page.banner.show_error(f"{path.name} could not be saved: {error.strerror or error}.")
        else:
            self.page.banner.show_notice(f"{path.name} is saved.")


def _name(row: Row) -> str:
    """What a model is called on screen; its id stands in the tool tip."""
    return labels.short(row.key, str(row.values["system"]))


def _missing(row: Row, variety: str) -> bool:
    """Whether a point could not be put in its place."""
    return any(not float(row.values.get(n, 0) or 0) > 0 for n in ("quality", "milliseconds")) or (
        variety not in row.values or "passes" not in row.values
    )


def _heading(column: Column) -> Heading:
    return Heading(column.title, column.tip, column.text is not str, column.better <= 0)


def _line(row: Row, columns: Sequence[Column], stars: dict[tuple[str, str], int] | None) -> Line:
    cells = tuple(_cell(row, column, stars) for column in columns)
    return Line(row.key, row.family, cells, quiet=row.values["family"] == "reference")


def _cell(row: Row, column: Column, stars: dict[tuple[str, str], int] | None) -> Cell:
    if column.key not in row.values:
        return Cell()
    if row.key and column.key == "name":
        return Cell(_name(row), _name(row), ". ".join(filter(None, (row.key, row.tips.get("name", "")))))
    value = row.values[column.key]
    text, tip = row.signs.get(column.key, "") + column.text(value), row.tips.get(column.key, "")
    if stars is not None and (row.key, column.key) in stars:
        count = stars[row.key, column.key]
        return Cell(value, "★" * count + "☆" * (results.STARS - count), f"{text}. {tip}" if tip else text)
    return Cell(value, text, tip)
