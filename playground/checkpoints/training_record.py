"""Training records: what a run wrote down while it trained, its curves and the pictures of about twelve moments.

A record is two files, ``<name>.film.json`` and ``<name>.film.png`` (one row of pictures per moment).  Those of the
program's own checkpoints lie in ``assets/training``; beside a file of the user's own lies its own record, if it has one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from playground import paths
from playground.contract import Frame, Model, Request, knob

_MOST_POINTS = 20_000
_MOST_PIXELS = 2**24  # of the sheet of pictures


@dataclass(frozen=True)
class TrainingRecordRequest(Request):
    """How the record is shown."""

    show: str = knob(
        "moment",
        label="show",
        choices=(("moment", "one moment"), ("all", "all moments")),
        help="One moment: the pictures that the model drew at that step. All moments: a row per snapshot, the first at the top; a column is the same noise all along.",
    )
    num_samples: int = 1
    seed: int = 0


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """A record as arrays.

    Attributes:
        curves: name -> (steps, values), float64, both (P,); a figure that was measured seldom has few points.
        snapshot_steps: (S,), rising.
        pictures: uint8 (S,n,H,W,C): the same n seeds at every snapshot.
        last_step: where the run ended.
    """

    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    snapshot_steps: list[int]
    pictures: np.ndarray
    last_step: int


def path_for(model: Model) -> Path | None:
    """Where the record of a loaded model is, or None if there is none."""
    file: Path = model.file
    own = file.parent != paths.folder("pretrained")
    name = f"{file.stem}.film.json"
    path = file.with_name(name) if own else paths.folder("assets") / "training" / name
    return path if path.is_file() and _sheet(path).is_file() else None


def _sheet(path: Path) -> Path:
    return path.with_suffix(".png")


def read(path: Path) -> TrainingRecord:
    """Read a record, trusting nothing in it.

    Raises:
        ValueError: one sentence, if it is not a record.
    """
    try:
        table = json.loads(path.read_bytes())
        points = [{str(k): float(v) for k, v in p.items()} for p in table["curves"]]
        steps = [int(s) for s in table["snapshot_steps"]]
        pictures = _read_pictures(_sheet(path), len(steps), int(table["pictures_per_snapshot"]))
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError, OverflowError) as error:
        raise ValueError(f"{path.name} is not a training record ({type(error).__name__}: {error}).") from None
    rising = [p.get("step", -1.0) for p in points]
    if not points or len(points) > _MOST_POINTS or any(a >= b for a, b in itertools.pairwise(rising)):
        raise ValueError(f"The curves in {path.name} are empty or out of order.")
    if any(a >= b for a, b in itertools.pairwise(steps)):
        raise ValueError(f"The snapshots in {path.name} are out of order.")
    names = list(dict.fromkeys(name for p in points for name in p if name != "step"))
    curves = {}
    for name in names[:32]:
        pairs = np.array([(p["step"], p[name]) for p in points if np.isfinite(p.get(name, np.nan))])
        if len(pairs):
            curves[name] = (pairs[:, 0], pairs[:, 1])
    return TrainingRecord(curves, steps, pictures, int(max(rising[-1], steps[-1])))


def _read_pictures(path: Path, rows: int, columns: int) -> np.ndarray:
    from PIL import Image

    if not (0 < rows <= 256 and 0 < columns <= 256):
        raise ValueError(f"{rows} moments of {columns} pictures")
    with Image.open(path, formats=("PNG",)) as sheet:
        width, height = sheet.size
        if (
            width * height > _MOST_PIXELS
            or width % columns
            or height % rows
            or sheet.mode not in ("L", "RGB")
        ):
            raise ValueError(f"a sheet of {width} x {height} for {rows} x {columns} pictures")
        pixels = np.asarray(sheet)
    pixels = pixels.reshape(rows, height // rows, columns, width // columns, -1)
    return np.ascontiguousarray(pixels.transpose(0, 2, 1, 3, 4))


def frames(record: TrainingRecord) -> Iterator[Frame]:
    """A frame per point of the curves and per snapshot; ``images`` are those of the latest snapshot.

    ``step`` is the training step; extras hold ``snapshot`` (its index), ``figures`` (name -> latest value) and ``record``.
    """
    moments = {int(step) for steps, _ in record.curves.values() for step in steps} | set(
        record.snapshot_steps
    )
    for step in sorted(moments):
        snapshot = max(int(np.searchsorted(record.snapshot_steps, step, side="right")) - 1, 0)
        figures = {}
        for name, (steps, values) in record.curves.items():
            at = int(np.searchsorted(steps, step, side="right")) - 1
            if at >= 0:
                figures[name] = float(values[at])
        extras = {"snapshot": snapshot, "figures": figures, "record": record}
        yield Frame(step, record.last_step, 0, record.pictures[snapshot], extras)
