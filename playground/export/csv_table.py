"""Numbers behind a picture as tables: what a frame says of each picture, what a run says of each step.  No Qt, no torch."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from playground import paths
from playground.contract import Frame


@dataclass(frozen=True)
class Table:
    """A name for the menu, column titles, and rows of numbers and words."""

    name: str
    header: list[str]
    rows: list[list[Any]]

    def start(self, rows: int, columns: int) -> list[list[str]]:
        """The first rows and columns as words, for a preview."""
        return [[str(_plain(v)) for v in row[:columns]] for row in [self.header, *self.rows[:rows]]]

    def text(self) -> str:
        """As CSV."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows([[_plain(v) for v in row] for row in self.rows])
        return out.getvalue()


def save(path: Path, table: Table) -> None:
    """Write a table as CSV in one atomic step.

    Raises:
        OSError: if there is no space or no right to write there.
    """
    with paths.replacing(path) as partial:
        partial.write_bytes(table.text().encode())


def of_frame(frame: Frame, names: Sequence[str] | None = None) -> Table | None:
    """A row per picture: its class and every extra that has one number or one vector for each; None without any."""
    count = len(frame.images)
    header: list[str] = ["picture"]
    columns: list[list[Any]] = [list(range(1, count + 1))]
    if names and len(names) == count:
        header.append("class")
        columns.append(list(names))
    words = len(header)
    for name, value in frame.extras.items():
        if not _is_numeric(value) or not 1 <= value.ndim <= 2 or len(value) != count or not count:
            continue
        vectors = value.reshape(count, -1)
        header += [name] if vectors.shape[1] == 1 else [f"{name}_{i}" for i in range(vectors.shape[1])]
        columns += [vectors[:, i].tolist() for i in range(vectors.shape[1])]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Table("a row per picture", header, rows) if len(header) > words else None


def of_run(frames: Sequence[Frame]) -> Table | None:
    """A row per step: network passes, and every extra that is one number; None for a single frame."""
    if len(frames) < 2:
        return None
    said = [n for n, v in frames[-1].extras.items() if _is_number(v)]
    rows = [
        [f.step, f.passes, *(v if _is_number(v := f.extras.get(n)) else "" for n in said)] for f in frames
    ]
    return Table("a row per step", ["step", "passes", *said], rows)


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) or (_is_numeric(value) and value.ndim == 0)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.number):
        value = value.item()
    return f"{value:.7g}" if isinstance(value, float) else value


def as_html(rows: Sequence[Sequence[str]]) -> str:
    """The first of them is the head; long cells are cut."""
    lines = []
    for number, row in enumerate(rows):
        cells = [html.escape(cell if len(cell) <= 14 else cell[:13] + "…") for cell in row]
        tag = "td" if number else "th"
        lines.append(
            "".join(f"<{tag} style='padding:2px 10px' align='right'>{cell}</{tag}>" for cell in cells)
        )
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
