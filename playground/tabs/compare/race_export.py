"""A race as something to keep: where everybody stands as a picture, the whole of it as an animation, its clocks as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from playground.contract import settings_of
from playground.export import csv_table
from playground.export.contact_sheet import Content
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.compare.race_bar import PACES
from playground.tabs.compare.race_entrants import RaceRequest
from playground.tabs.compare.race_panel import RaceBoard, figures, ordinal, seconds_text
from playground.tabs.compare.race_player import RacePlayer
from playground.tabs.compare.race_record import FINISHED, Record, Stand
from playground.tabs.frame.view_state import Animation, ViewState, photograph

TICK = 0.01  # seconds of the race from one picture of the animation to the next
NAME = "Race"  # of the scene
MODELS = "models"  # what the state of a kept race is called


def view_state_of(
    race: RacePlayer, board: RaceBoard, ids: Sequence[str], asked: RaceRequest
) -> ViewState | None:
    """The race up to now; None before its first picture.

    Args:
        race, board: what is played, and where it is shown.
        ids: of the models, as the panels stand.
        asked: what the race was started with.
    """
    shapes = [t.last.images.shape for t in race.record.timelines if t.last is not None]
    if not shapes:
        return None
    record, names, seed = race.record.copy(), list(ids[: race.count]), asked.seed
    shape = np.max(shapes, axis=0)
    moving = _animation_of(record, names, board, (int(shape[0]), int(shape[1]), int(shape[2]), int(shape[3])))
    settings = settings_of(asked)
    return ViewState(
        name=f"race-{len(names)}-{seed}",
        title=f"{len(names)} models, {asked.num_samples} pictures each, seed {seed}",
        kept=PictureMetadata("compare", names[0], "", NAME, settings, state={MODELS: list(names)}),
        contents=moving.contents(round(race.position / TICK)),
        canvas=photograph(board),
        animation=moving,
        tables=[_table(record, names, race.position)],
        snippet="",
        zoom=max(int(min((panel.grid.zoom for panel in board.panels), default=1)), 1),
    )


def _animation_of(
    record: Record, names: Sequence[str], board: RaceBoard, shape: tuple[int, int, int, int]
) -> Animation:
    """Lanes as they lie on the board, with the clocks of each moment; ``shape`` is that of the fullest lane."""
    duration, across = record.duration, board.columns
    wide = max((panel.grid.columns for panel in board.panels), default=1)

    def contents(index: int) -> list[Content]:
        stands = [record.stand(i, index * TICK) for i in range(len(names))]
        rows = []
        for first in range(0, len(names), across):
            row = list(zip(names, stands, strict=True))[first : first + across]
            panels = [(_title(name, stand), _pictures(stand, shape)) for name, stand in row]
            rows.append(Content("The race", panels, wide, feet=[_foot(stand) for _, stand in row]))
        return rows

    def said(index: int) -> str:
        return f"{seconds_text(min(index * TICK, duration))} of {seconds_text(duration)}"

    return Animation(int(np.ceil(duration / TICK)) + 1, contents, said, "race clock", PACES, TICK)


def _title(name: str, stand: Stand) -> str:
    word = ordinal(stand.place) if stand.place else stand.outcome if stand.outcome != FINISHED else ""
    return f"{name} · {word}" if word else name


def _foot(stand: Stand) -> str:
    """The clock and the passes: what there is room for under a few small pictures."""
    clock, parts, _ = figures(stand)
    return " · ".join([clock, *parts[:1]])


def _pictures(stand: Stand, shape: tuple[int, int, int, int]) -> np.ndarray:
    """uint8 of that shape: black where a lane has nothing yet, or has fewer pictures than others."""
    field = np.zeros(shape, np.uint8)
    if stand.frame is not None:
        images = stand.frame.images
        field[: len(images), : images.shape[1], : images.shape[2]] = images
    return field


def _table(record: Record, names: Sequence[str], seconds: float) -> csv_table.Table:
    """A row for each lane, at a moment of the race."""
    header = ["model", "place", "outcome", "own seconds", "passes", "step", "of steps", "ms per image"]
    rows = []
    for i, name in enumerate(names):
        stand = record.stand(i, seconds)
        frame = stand.frame
        steps = (frame.step, frame.total) if frame is not None else ("", "")
        cost = "" if stand.milliseconds is None else stand.milliseconds
        place = stand.place or ""
        rows.append([name, place, stand.outcome or "under way", stand.seconds, stand.passes, *steps, cost])
    return csv_table.Table("the race", header, rows)
