"""In the plane: a model learns a density before the user's eyes; training is what the transport bar plays.

Stepping back and scrubbing show what was kept.  Whatever else is wanted of a kept moment (another overlay, the slice under
the pointer) is made from its weights, without a training step.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout

from playground.contract import Frame, Message, Model, Request
from playground.data.plane import Target
from playground.models.plane_catalogue import VIEW, TrainedLive
from playground.tabs import so_what
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import TRAINING, View
from playground.tabs.plane import asked, target_spec, words
from playground.tabs.plane.asked import PlaneTraining
from playground.tabs.plane.changes import read_changes, written
from playground.tabs.plane.figures_line import FiguresLine
from playground.tabs.plane.messages import Arrays
from playground.tabs.plane.moments import Change, Wishes, look, moments, shown
from playground.tabs.plane.own_target import OwnTarget
from playground.ui.pictures.density_plane import DensityPlane, PlanePicture, render
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme

NUM_TARGET = 600  # fresh points of the target on the screen
_LOOK_AFTER = 30  # ms that a pointer or a knob rests before a kept moment is looked at anew


class InThePlane(View[Any]):
    """One model large, its overlays as switches, its losses, and exact figures."""

    name = VIEW
    group = TRAINING
    trains_live = True
    plot: LinePlot
    passing = frozenset({"pointer", "changes"})
    formula = r"\theta_{t+1} = \theta_t - \eta \, \nabla L(\theta_t)"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """What is trained live."""
        return isinstance(model, TrainedLive)

    def request_type(self, model: TrainedLive) -> type[Request]:
        return asked.request_type(model.kind)

    def explanation(self, model: TrainedLive) -> tuple[str, str]:
        """The model's own words and its objective."""
        return words.of(model.card)

    def build(self) -> None:
        """The plane, the figures below it, the losses at the side."""
        self.plane = DensityPlane()
        self.plane.pointed.connect(self._point)
        self.figures = FiguresLine()
        self.pad = OwnTarget()
        self.pad.changed.connect(self.set_own)
        self.pad.refused.connect(self.tab.banner.show_error)
        self.pad.hide()
        row = QHBoxLayout()
        row.addWidget(self.pad, 2)
        row.addWidget(self.plane, 3)
        self.column.addLayout(row, 1)
        self.column.addWidget(self.figures)
        self.plot = LinePlot("Loss", "training step", "loss")
        self.own: target_spec.Spec | None = None  # the target that the user has brought
        self.pointer: tuple[float, float] | None = None
        self._wishes: Wishes | None = None
        self._looked: tuple[int, dict[str, Any], Arrays] | None = (
            None  # at which step, for what, what was seen
        )
        self.player.lane.works_elsewhere = True
        self._looking = self.new_lane("look")
        self._looking.frames_arrived.connect(lambda messages: self._take_look(messages[-1]))
        self._looking.failed.connect(self.tab.show_failure)
        self._look_soon = QTimer(self, singleShot=True, interval=_LOOK_AFTER)
        self._look_soon.timeout.connect(self._look)
        self.player.changed.connect(self._look_if_still)

    # --- running

    def start(self, request: Request, patient: bool = False) -> None:
        """Train from the beginning."""
        self._train(request, ())

    def _train(self, request: Request, script: tuple[Change, ...]) -> None:
        assert isinstance(request, PlaneTraining)
        self.adopt(request)
        wishes = self._wishes = Wishes(request, self.own, self.pointer, script)
        processes, model = self.tab.model_cache.processes, self.model
        self.player.start(lambda: moments(processes, model, request, wishes))
        if self.player.frame is None:  # the target at once; the process that trains needs a moment to start
            waiting = picture_of({}, asked.spec_of(request, self.own), request, (0.0, 0.0))
            self.plane.set_picture(waiting, f"{model.card.system} is about to learn this")

    def turn(self, request: Request) -> None:
        """What is live goes on with the training that is under way; anything else begins it again."""
        before = self.request
        assert isinstance(request, PlaneTraining) and (before is None or isinstance(before, PlaneTraining))
        over = not self.player.is_open
        if (
            before is None
            or not asked.is_same_training(before, request)
            or (over and _retrains(before, request))
        ):
            self.player.lane.touch()
            self.start(request)
            return
        self.adopt(request)
        self._tell()
        self._redraw()
        self._look_if_still()

    def relevant(self, request: Request) -> dict[str, bool]:
        """The level of a field that is not shown does nothing, nor do widths of what has none."""
        target = getattr(request, "target", "")
        return {
            "target_sigma": target not in (asked.OWN, "checkerboard"),
            "target_weight": target != asked.OWN,
            "level": bool(getattr(request, "score_field", False) or getattr(request, "x_0_pred", False)),
            "guidance_scale": getattr(request, "label", "none") != "none",
            "layers": bool(getattr(request, "latent_grid", False)),
        }

    def set_own(self, spec: target_spec.Spec | None) -> None:
        """The user has drawn or brought another target; it is learned from the next moment on."""
        self.own = spec
        if self.request is not None and not self.player.is_open:  # its plan is done: begin again
            self.start(self.request)
            return
        self._tell()
        self._redraw()

    def take_file(self, path: Path) -> bool:
        """Points of a CSV file, or the outline of a picture, are a target of the user's own."""
        if not self.pad.take_file(path):
            return False
        if self.own is not None:
            self.tab.knobs.set_settings({"target": asked.OWN})
        return True

    def adopt(self, request: Request) -> None:
        """The field to draw on stands beside the plane while the target is the user's own."""
        super().adopt(request)
        self.pad.setVisible(getattr(request, "target", "") == asked.OWN)

    def _tell(self) -> None:
        """The training that is under way hears of what is wanted now."""
        if self._wishes is not None and isinstance(self.request, PlaneTraining):
            self._wishes.request, self._wishes.own = self.request, self.own
            self._wishes.pointer = self.pointer

    def _point(self, x: float, y: float) -> None:
        self.pointer = (round(x, 3), round(y, 3))
        if getattr(self.request, "conditional", False):
            self._tell()
            self._look_if_still()

    # --- what is on the screen

    def draw(self, frame: Frame) -> None:
        """The picture, and what is exactly known of it."""
        self.plane.set_picture(self._picture(frame), *self._titles(frame))
        self.figures.show_frame(frame)

    def _redraw(self) -> None:
        if self.player.frame is not None:
            self.draw(self.player.frame)

    def draw_plot(self, frame: Frame) -> None:
        """The losses of the whole run, and where the frame stands in it."""
        history = frame.extras["history"]
        count = len(history.steps)
        curves = {words.of_loss(n): np.array(v[:count]) for n, v in history.losses.items() if len(v) >= count}
        self.plot.set_curves(curves, np.array(history.steps[:count]))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)

    def so_what(self, frame: Frame) -> str:
        """How well it has learned so far, by the exact figures."""
        return so_what.plane(frame.extras, self.model.card.family == "vae")

    def _picture(self, frame: Frame) -> PlanePicture:
        """A frame's own picture, or the one that was made later from its weights."""
        seen = shown(frame)
        if self._looked is not None and self._looked[0] == frame.step and self._looked[1] == self._wanted():
            seen = self._looked[2]
        pointer = self.pointer or (0.0, 0.0)
        return picture_of(seen, frame.extras["target"], self.request, pointer)

    def _titles(self, frame: Frame) -> tuple[str, str]:
        system, points = self.model.card.system, len(frame.extras["points"])
        beside = "latent plane, each point in the colour of where it comes from"
        return f"{system}: {points} points drawn after {frame.step:,} training steps", beside

    def _wanted(self) -> dict[str, Any]:
        return self._wishes.picture() if self._wishes is not None else {}

    # --- looking at what was kept

    def _look_if_still(self) -> None:
        """A moment that stands on the screen shows what is wanted now, not what was wanted then."""
        frame = self.player.frame
        if frame is None or self.player.is_playing or frame.extras["wanted"] == self._wanted():
            return
        if self._looked is None or self._looked[:2] != (frame.step, self._wanted()):
            self._look_soon.start()

    def _look(self) -> None:
        frame = self.player.frame
        if frame is None or self.player.is_playing:
            return
        if frame.state is None:  # thinned away: the nearest that has its weights
            frame = self.player.timeline.state_before(self.player.index)
        if frame is not None:
            kept, processes, model, picture = (
                frame,
                self.tab.model_cache.processes,
                self.model,
                self._wanted(),
            )
            self._looking.play(lambda: look(processes, model, kept, picture), patient=True)

    def _take_look(self, message: Message[tuple[int, dict[str, Any], Arrays]]) -> None:
        step, picture, seen = message.payload
        frame = self.player.frame
        if frame is not None:
            self._looked = (frame.step if frame.state is None else step), picture, seen
            self._redraw()

    # --- keeping

    def settings(self) -> dict[str, Any]:
        """What was turned on the way, the user's own target, the pointer."""
        frame = self.player.frame
        found = written(self.own, frame.extras["history"].changes if frame is not None else [])
        if self.pointer is not None:
            found["pointer"] = list(self.pointer)
        return found

    def checked(self, settings: Mapping[str, Any], request: Request, model: TrainedLive) -> dict[str, Any]:
        """A script of changes whose targets can be made, a target, a point."""
        own, script = read_changes(settings)
        pointer = settings.get("pointer")
        if pointer is not None:
            pointer = target_spec.target_of(
                {"name": "pointer", target_spec.POINTS: [pointer, [9e5, 9e5]]}
            ).points[0]  # type: ignore[index]
        return {"own": own, "script": script, "pointer": pointer}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """Train as it was trained then: the same seed, the same changes at the same moments."""
        self.own = settings["own"]
        self.pad.show_spec(self.own)
        pointer = settings["pointer"]
        self.pointer = None if pointer is None else (float(pointer[0]), float(pointer[1]))
        self._train(request, settings["script"])

    def code(self) -> Code | None:
        """No line of Python makes it: the training runs in another process."""
        return None

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The plane of each moment."""
        seen = picture_of(shown(frame), frame.extras["target"], self.request, self.pointer or (0.0, 0.0))
        return [("", render(seen, theme.accent(self.model.card.family, on_canvas=True))[None])]


def picture_of(
    seen: Arrays, spec: target_spec.Spec, request: Any, pointer: tuple[float, float]
) -> PlanePicture:
    """What is to be painted: a model's arrays, and the target's points if they are wanted."""
    target, points, brightest = target_on_screen(_key(spec))
    axis = int(seen["slice_axis"]) if "slice_axis" in seen else 1
    return PlanePicture(
        square=target.square,
        points=seen.get("points"),
        target=points if getattr(request, "show_target", True) else None,
        density=seen.get("density"),
        brightest=brightest,
        map=seen.get("map"),
        cells=seen.get("cells"),
        lines=seen.get("lines"),
        arrows=seen.get("arrows"),
        slice=seen.get("slice"),
        slice_axis=axis,
        slice_at=pointer[1 - axis],
        latents=seen.get("latents"),
        origins=seen.get("origins"),
    )


def _key(spec: target_spec.Spec) -> str:
    return target_spec.as_text(spec)


@lru_cache(maxsize=32)
def target_on_screen(text: str) -> tuple[Target, np.ndarray, float]:
    """The target of a spec's text, points of it, and its highest density where one is known."""
    target = target_spec.target_of(target_spec.from_text(text))
    points = target.sample(NUM_TARGET, np.random.default_rng(3))
    brightest = float(np.exp(target.log_prob(points).max())) if target.log_prob is not None else 0.0
    return target, points, brightest


def _retrains(before: PlaneTraining, now: PlaneTraining) -> bool:
    """Whether what was turned changes the training, and not only what is shown of it."""
    names = ("target", "target_sigma", "target_weight", "learning_rate")
    return any(getattr(before, name) != getattr(now, name) for name in names)
