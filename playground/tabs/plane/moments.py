"""The moments of a training as frames: what one process tells, in order, until the plan is done.

A frame holds the picture, and as its state the weights: from them any other picture of that moment can be made later,
without a training step (``look``).
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from playground.contract import Frame, Message
from playground.models.plane_catalogue import TrainedLive
from playground.tabs.plane import asked, target_spec
from playground.tabs.plane.asked import PlaneTraining
from playground.tabs.plane.messages import Arrays
from playground.tabs.plane.processes import Processes

AHEAD = 2  # commands on their way, so that the process never waits for the window
SIDE = 56  # cells of a map, either way
MEASURED_EVERY = 8  # moments between two measurements of the figures
FIGURES = ("nll_minus_entropy", "energy_distance", "modes_found", "modes", "mass_outside")


@dataclass(frozen=True)
class Change:
    """What was turned under way: at which moment, and what to."""

    moment: int
    rate: float
    target: target_spec.Spec


@dataclass
class Wishes:
    """What the window wants of a training that is under way; the worker reads it before every moment.

    Attributes:
        script: changes of a kept run, which come first.
    """

    request: PlaneTraining
    own: target_spec.Spec | None = None
    pointer: tuple[float, float] | None = None
    script: tuple[Change, ...] = ()

    def at(self, moment: int) -> Change:
        """What the training is to do from this moment on."""
        due = [change for change in self.script if change.moment <= moment]
        if self.script and moment <= self.script[-1].moment and due:
            return dataclasses.replace(due[-1], moment=moment)
        return Change(moment, self.request.learning_rate, asked.spec_of(self.request, self.own))

    def picture(self) -> dict[str, Any]:
        """What is to be shown."""
        return asked.wanted(self.request, self.pointer, SIDE)


@dataclass(eq=False)
class History:
    """What a training has told so far: curves by name, and what was turned.  Written by the worker, read by the window."""

    steps: list[int] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def note(self, step: int, found: Mapping[str, np.ndarray]) -> None:
        """The mean of each loss over the steps since the last moment."""
        before = len(self.steps)
        for name, values in found.items():
            known = values[np.isfinite(values)]
            column = self.losses.setdefault(name, [float("nan")] * before)
            column.append(float(known.mean()) if len(known) else float("nan"))
        self.steps.append(step)

    def follow(self, change: Change) -> None:
        """Note a change if it is one."""
        last = self.changes[-1] if self.changes else None
        if last is None or (last.rate, last.target) != (change.rate, change.target):
            self.changes.append(change)


def moments(
    processes: Processes, model: TrainedLive, request: PlaneTraining, wishes: Wishes
) -> Iterator[Frame]:
    """A frame every so many steps, until the plan is done.  Runs on the worker.

    Raises:
        ValueError: one sentence, if the process ends or the model cannot be trained like this.
    """
    every, _ = asked.pace(model.kind)
    config, first = asked.config_of(request), wishes.at(0)
    history = History()
    course = processes.begin(
        model=model.card.id, target=first.target, seed=request.seed, steps=request.steps, config=config
    )
    asking: deque[tuple[Change, dict[str, Any]]] = deque()
    figures: dict[str, Any] = {}
    sent = 0
    try:
        while True:
            while len(asking) < AHEAD:
                number = sent + len(asking)
                change, picture = wishes.at(number), wishes.picture()
                measure = number % MEASURED_EVERY == MEASURED_EVERY - 1
                course.ask(
                    {
                        "kind": "advance",
                        "steps": every,
                        "rate": change.rate,
                        "target": change.target,
                        "picture": picture,
                        "measure": measure,
                    }
                )
                asking.append((change, picture))
            said, found = course.answer()
            change, picture = asking.popleft()
            history.follow(change)
            history.note(said["step"], _part(found, "loss/"))
            figures = said.get("figures", figures)
            yield _frame(request.steps, said, found, figures, history, change, picture, config)
            sent += 1
            if said["step"] >= request.steps:
                return
    finally:
        course.end()


def _frame(
    total: int,
    said: Mapping[str, Any],
    found: Arrays,
    figures: Mapping[str, Any],
    history: History,
    change: Change,
    picture: Mapping[str, Any],
    config: Mapping[str, Any],
) -> Frame:
    shown = {n: v.copy() for n, v in found.items() if n.startswith("picture/")}  # let go of the message
    points = shown.pop("picture/points")
    extras = {
        "points": points,
        **shown,
        "wanted": picture,
        "target": change.target,
        "seconds": float(said["seconds"]),
        "history": history,
        "config": config,
        "scale": float(said["scale"]),
        **{name: figures[name] for name in FIGURES if figures.get(name) is not None},
    }
    state = {name: value.copy() for name, value in found.items() if name.startswith("weights/")}
    state["mean"] = found["mean"].copy()
    pixels = np.zeros((len(points), 1, 1, 1), np.uint8)  # there are none: it is points that are drawn
    return Frame(int(said["step"]), total, 0, pixels, extras, state)


def look(
    processes: Processes, model: TrainedLive, frame: Frame, picture: Mapping[str, Any]
) -> Iterator[Message[tuple[int, dict[str, Any], Arrays]]]:
    """Another picture of a moment that was kept: its step, what was wanted, and what is to be seen.  Runs on the worker."""
    assert frame.state is not None, "a moment that kept its weights"
    what = {
        "model": model.card.id,
        "config": dict(frame.extras["config"]),
        "target": frame.extras["target"],
        "scale": frame.extras["scale"],
        "step": frame.step,
        "picture": dict(picture),
    }
    found = processes.look(what, frame.state)
    yield Message((frame.step, dict(picture), _part(found, "picture/")))


def shown(frame: Frame) -> Arrays:
    """The arrays of a frame's picture, by the names that ``experiments.plane.pictures`` gives them."""
    return {"points": frame.extras["points"], **_part(frame.extras, "picture/")}


def _part(found: Mapping[str, Any], prefix: str) -> Arrays:
    return {n.removeprefix(prefix): v for n, v in found.items() if n.startswith(prefix)}
