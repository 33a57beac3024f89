"""Compare, In the plane: one model of every family learns the same target, side by side, and a table of exact figures fills."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from playground.contract import Frame, Request, settings_of
from playground.data import image_import
from playground.export import csv_table, picture_metadata
from playground.export.contact_sheet import Content
from playground.export.picture_metadata import PictureMetadata
from playground.families import FAMILIES, TRAINING
from playground.tabs.frame.exporter import Keeper
from playground.tabs.frame.page import Scene
from playground.tabs.frame.view_state import Animation, ViewState, copy_picture, copy_settings, photograph
from playground.tabs.plane import rounds, target_spec
from playground.tabs.plane.asked import OWN
from playground.tabs.plane.changes import read_changes, written
from playground.tabs.plane.lines_of_figures import line_of, shown_columns, system_of
from playground.tabs.plane.own_target import OwnTarget
from playground.tabs.plane.rounds import EQUAL_TIME, Wanted, models_of, of_model
from playground.tabs.plane.view import picture_of
from playground.ui.knobs.panel import KnobPanel
from playground.ui.pictures.density_plane import DensityPlane, render
from playground.ui.playback.player import Player
from playground.ui.playback.transport import Transport
from playground.ui.plots.figure_table import FigureTable
from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton

_LIVE = frozenset({"target", "learning_rate"})
_TABLE_EVERY = 400  # ms: the table is laid out anew each time


class Together(Scene):
    """Six planes, a table below them, one transport for all."""

    name = "In the plane"
    group = TRAINING
    sentence = (
        "One model of every family learns the same density from the same seed. The density is known, so the figures are exact. "
        "Change the target while they train."
    )
    why_small = "six planes stand side by side"

    def build(self) -> None:
        """Knobs at the left, planes and table at the right, the transport below."""
        self.own: target_spec.Spec | None = None
        self._wanted: Wanted | None = None
        self._asked: Request | None = None  # what the run on the board was started with
        self._drawn: dict[
            int, tuple[Any, ...]
        ] = {}  # of each plane: the points, the target and the failure it shows
        self.player = Player(self.new_lane("rounds"), self)
        self.player.lane.works_elsewhere = True
        self.player.shown.connect(self._show)
        self._table_soon = QTimer(self, singleShot=True, interval=_TABLE_EVERY)
        self._table_soon.timeout.connect(lambda: self._fill_table(self.player.frame))
        self.player.failed.connect(lambda sentence: self.page.banner.show_error(sentence, self.start))
        self.player.finished.connect(lambda: self._fill_table(self.player.frame))
        self.knobs = KnobPanel()
        self.knobs.set_request(rounds.rules(), (), {"num_samples"})
        self.knobs.changed.connect(self._turned)
        self.planes = [DensityPlane() for _ in FAMILIES]
        for family, plane in zip(FAMILIES, self.planes, strict=True):
            plane.setProperty("family", family.key)
        self.pad = OwnTarget()
        self.pad.changed.connect(self._set_own)
        self.pad.refused.connect(self.page.banner.show_error)
        self.pad.hide()
        self.table = FigureTable()
        self.transport = Transport(self.player)
        self.export = IconButton("export", "Export the picture, the training or the leaderboard (Ctrl+S)")
        self.keeper = Keeper(self, self.export, self.page.banner, self._view_state)
        self.export.clicked.connect(self.keeper.open)
        self._lay_out()
        self._begun = self._rested = False

    def _lay_out(self) -> None:
        self.board = QWidget()
        grid = QGridLayout()
        grid.setSpacing(round(theme.em() * 0.5))
        for i, plane in enumerate(self.planes):
            grid.addWidget(plane, i // 3, i % 3)
        self._halves = QBoxLayout(QBoxLayout.Direction.TopToBottom, self.board)
        self._halves.setContentsMargins(0, 0, 0, 0)
        self._halves.addLayout(grid, 1)
        self._halves.addWidget(self.table)
        body = QHBoxLayout()
        body.setSpacing(round(theme.em() * 0.9))
        self._side = QWidget()
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.addWidget(self.knobs, 3)
        side.addWidget(self.pad, 2)
        body.addWidget(self._side)
        body.addWidget(self.board, 1)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self.transport, 1)
        below.addWidget(self.export)
        self.column.addLayout(body, 1)
        self.column.addLayout(below)
        theme.signals.changed.connect(self._measure)
        self._measure()

    def _measure(self) -> None:
        width = max(self.knobs.minimumSizeHint().width(), round(theme.em() * 16))
        self.knobs.setFixedWidth(width)
        self.pad.setFixedWidth(width)
        beside = theme.lecture()  # in a hall the planes are what the back row sees
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._halves.setDirection(way)
        self.table.setMaximumSize(
            *(round(theme.em() * size) for size in ((28, 1000) if beside else (1000, 15.2)))
        )
        self.table.setMinimumSize(*(round(theme.em() * size) for size in ((28, 8) if beside else (20, 15.2))))
        if self._asked is not None:
            self._fill_table(self.player.frame)
        self._side.setVisible(not beside)

    # --- running

    def start(self) -> None:
        """All of them begin again."""
        self._run(self.knobs.request(), ())

    def _run(self, request: Request, script: tuple[Any, ...]) -> None:
        self.page.banner.clear()
        self._begun, self._asked = True, request
        wanted = self._wanted = Wanted(request, self.own, script)
        processes = self.page.model_cache.processes
        self.player.start(lambda: rounds.rounds(processes, request, wanted))
        self._fit_knobs(request)
        if self.player.frame is None:
            self._show_waiting(request)

    def _turned(self, request: Request) -> None:
        self._fit_knobs(request)
        before, now = settings_of(self._asked or request), settings_of(request)
        same = all(before[name] == now[name] for name in now if name not in _LIVE)
        if self._wanted is not None and same and self.player.is_open:
            self._wanted.request = request
        else:
            self.player.lane.touch()
            self.start()

    def _set_own(self, spec: target_spec.Spec | None) -> None:
        """Another drawing, learned from the next round on."""
        self.own = spec
        if self._wanted is not None and self.player.is_open:
            self._wanted.own = spec
        elif self._begun:
            self.start()

    def take_file(self, path: Path) -> bool:
        """Points of a CSV file, or the outline of a picture, are a target of the user's own."""
        if _is_export(path) or not self.pad.take_file(path):
            return False
        if self.own is not None:
            self.knobs.set_settings({"target": OWN})
        return True

    def _fit_knobs(self, request: Any) -> None:
        self.pad.setVisible(request.target == OWN)
        self.knobs.set_shown("seconds", request.rule == EQUAL_TIME)
        self.knobs.set_shown("steps", request.rule != EQUAL_TIME)

    # --- what is shown

    def _show_waiting(self, request: Any) -> None:
        spec = Wanted(request, self.own).at(0).target
        for key, plane in zip(models_of(request), self.planes, strict=True):
            plane.set_picture(picture_of({}, spec, None, (0.0, 0.0)), _title(key, {"drawn_at": 0}))
        self._fill_table(None)

    def _show(self, frame: Frame) -> None:
        keys = models_of(self._asked)
        for i, (key, plane) in enumerate(zip(keys, self.planes, strict=True)):
            found = of_model(frame, i)
            if found.get("points") is None:
                continue
            fresh = found["points"], frame.extras["target"], found.get("failed")
            before = self._drawn.get(i)
            if before is not None and before[0] is fresh[0] and before[1:] == fresh[1:]:
                continue  # nothing new of this one
            self._drawn[i] = fresh
            plane.set_picture(picture_of(found, frame.extras["target"], None, (0.0, 0.0)), _title(key, found))
        if not self._table_soon.isActive():  # never in the turn that paints the planes
            self._table_soon.start()

    def _fill_table(self, frame: Frame | None) -> None:
        """With a line for each from the start, which its figures fill."""
        self._table_soon.stop()
        found = enumerate(models_of(self._asked))
        lines = [line_of(key, of_model(frame, i) if frame is not None else {}) for i, key in found]
        self.table.fill(*shown_columns(lines, theme.lecture()))

    # --- what the page calls

    def wake(self) -> None:
        """Something trains as soon as the scene is seen."""
        if not self._begun:
            self.start()
        elif self.player.is_open and self._rested:
            self.player.play()
        self._rested = False

    def rest(self) -> None:
        """Nobody watches: the training pauses."""
        if self.player.is_playing:
            self._rested = True
            self.player.pause()

    def leave(self) -> None:
        """Give up what is being written."""
        self.keeper.close()

    @property
    def is_settled(self) -> bool:
        """Nothing trains."""
        return not (self.player.is_playing or self.player.is_show_due or self._table_soon.isActive())

    def state(self) -> dict[str, Any]:
        """The user's own target, and what was turned under way."""
        changes = self._wanted.changes if self._wanted is not None else []
        return written(self.own, changes)

    def metadata(self) -> PictureMetadata | None:
        """Everything that trains them so again."""
        frame, last = self.player.frame, self.player.timeline.last
        return PictureMetadata(
            self.page.key,
            "",
            "",
            self.name,
            settings_of(self.knobs.request()),
            step=frame.step if frame is not None else None,
            head=last.step if last is not None else None,
            state=self.state(),
        )

    def restore(self, kept: PictureMetadata) -> None:
        """Train them as they were trained then, up to the round that was kept."""
        try:
            own, script = read_changes(kept.state)
            self.knobs.set_silently(kept.settings)
        except ValueError as error:
            self.page.banner.show_error(f"The picture cannot be opened: {error}")
            return
        self.own = own
        self.pad.show_spec(own)
        self._run(self.knobs.request(), script)
        if kept.step is not None:
            self.player.halt_at(kept.step, kept.head)

    def handle_key(self, event: QKeyEvent) -> bool:
        """Keys of the transport; R begins again with a new seed; E folds the settings; Ctrl+S exports."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.key() == Qt.Key.Key_E and plain:
            self._side.setVisible(self._side.isHidden())
            return True
        if event.matches(QKeySequence.StandardKey.Save):
            self.keeper.open()
            return True
        if event.matches(QKeySequence.StandardKey.Copy):
            self.keeper.copy(copy_picture)
            return True
        if event.keyCombination() == QKeySequence("Ctrl+Shift+C")[0]:  # type: ignore[index]
            self.keeper.copy(copy_settings)
            return True
        if event.key() == Qt.Key.Key_R and plain:
            self.knobs.reseed()
            return True
        return self.transport.handle_key(event)

    # --- export

    def _view_state(self) -> ViewState | None:
        kept, frame = self.metadata(), self.player.frame
        if kept is None or frame is None:
            return None
        keys, frames = models_of(self._asked), list(self.player.timeline)
        target = frame.extras["target"]["name"]
        animation = Animation(
            len(frames),
            lambda index: [_sheet(keys, frames[index])],
            lambda index: f"round {frames[index].step}/{frames[index].total}",
        )
        return ViewState(
            name=f"plane-{target}-{kept.settings['seed']}-{frame.step}",
            title=f"Six families learn {target}, seed {kept.settings['seed']}",
            kept=kept,
            contents=animation.contents(self.player.index),
            canvas=photograph(self.board),
            animation=animation,
            tables=[leaderboard(keys, frame)],
            snippet="",
            zoom=1,
        )


def _is_export(path: Path) -> bool:
    """Whether a picture carries settings: it is to be opened, and nothing learned from it."""
    if path.suffix.lower().removeprefix(".") not in image_import.ENDINGS:
        return False
    try:
        picture_metadata.read(path)
    except picture_metadata.PictureMetadataError:
        return False
    return True


def _title(key: str, found: Mapping[str, Any]) -> str:
    if "failed" in found:
        return f"{system_of(key)}: {found['failed']}"
    if theme.lecture():
        return system_of(key)  # there is no room for more
    steps = found["drawn_at"]
    return f"{system_of(key)}, {steps:,} step{'s' * (steps != 1)}"


def leaderboard(keys: list[str], frame: Frame) -> csv_table.Table:
    """A row for each model, the nearest to the target by energy distance first."""
    names = [
        "nll_minus_entropy",
        "energy_distance",
        "modes_found",
        "modes",
        "mass_outside",
        "steps",
        "seconds",
    ]
    found = [(key, of_model(frame, i)) for i, key in enumerate(keys)]
    found.sort(key=lambda one: one[1].get("energy_distance", math.inf))
    target = frame.extras["target"]["name"]
    rows = [
        [place, key, target, *(said.get(name, "") for name in names)]
        for place, (key, said) in enumerate(found, 1)
    ]
    return csv_table.Table("the leaderboard", ["place", "model", "target", *names], rows)


def _sheet(keys: list[str], frame: Frame) -> Content:
    """The six planes of a round, as pictures."""
    panels = []
    for i, key in enumerate(keys):
        found = of_model(frame, i)
        shown = picture_of(found if "points" in found else {}, frame.extras["target"], None, (0.0, 0.0))
        accent = theme.accent(FAMILIES[i].key, on_canvas=True)
        panels.append(
            (f"{system_of(key)} · {found.get('steps', 0):,} steps", render(shown, accent, 240)[None])
        )
    rows: list[tuple[str, np.ndarray]] = panels
    return Content("In the plane", rows, 1)
