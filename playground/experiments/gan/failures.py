"""Games that went wrong beside one that went well: their training records, side by side at the same share of each run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from playground import paths
from playground.checkpoints import training_record
from playground.checkpoints.training_record import TrainingRecord
from playground.contract import Frame, Request

# checkpoint -> what it shows; the game that went well comes first
RUNS = {
    "gan-fashion": "good game",
    "gan-collapsed-fashion": "collapse",
    "gan-overpowered-fashion": "strong discriminator",
    "gan-toofast-fashion": "large steps",
}
SHOWN = 5  # pictures of each run
MOMENTS = 60


@dataclass(frozen=True)
class FailuresRequest(Request):
    """There is nothing to turn: the records are what they are."""

    seed: int = 0
    num_samples: int = 1


def records() -> dict[str, TrainingRecord]:
    """The training records that came with the program, by checkpoint.

    Raises:
        ValueError: one sentence, if one of them is damaged.
    """
    folder = paths.folder("assets") / "training"
    return {name: training_record.read(folder / f"{name}.film.json") for name in RUNS}


def side_by_side(runs: Mapping[str, TrainingRecord]) -> Iterator[Frame]:
    """From the beginning to the end of all runs at once.

    Yields:
        frames whose ``images`` are a row of pictures for each run, the same noise in each column; extras: ``steps``, the
        training step of each run, and ``records``.
    """
    for moment in range(MOMENTS + 1):
        steps = {name: round(run.last_step * moment / MOMENTS) for name, run in runs.items()}
        rows = [_pictures_at(run, steps[name]) for name, run in runs.items()]
        images = np.concatenate(rows)
        yield Frame(moment, MOMENTS, 0, images, {"steps": steps, "records": dict(runs)})


def _pictures_at(run: TrainingRecord, step: int) -> np.ndarray:
    """What the run drew last before a step, uint8 (SHOWN,H,W,C)."""
    at = int(np.searchsorted(run.snapshot_steps, step, side="right")) - 1
    return run.pictures[max(at, 0)][:SHOWN]
