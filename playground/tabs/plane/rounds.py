"""Several models learn the same target at once: in every round each trains for the same time, or the same number of steps.

The processes hold the models between them; a clock counts only a model's own training.  A frame is the end of a round, with
what is newest of each model; a model that fails says so and the others train on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from playground.contract import Frame, Request, knob
from playground.data import plane
from playground.families import FAMILIES
from playground.models.plane_catalogue import plane_cards
from playground.tabs.plane import target_spec
from playground.tabs.plane.asked import OWN, PlaneTraining
from playground.tabs.plane.moments import FIGURES, Change
from playground.tabs.plane.processes import Course, Processes

EQUAL_TIME, EQUAL_STEPS = "time", "steps"
SLICE = 0.009  # seconds of a model's own training in a round of equal time
STEPS = 5  # of each model in a round of equal steps
_AHEAD = 2  # rounds on their way
_POINTS, _SIDE = 300, 40  # drawn of each, and cells of its map
_THRIFT = 1.2  # seconds of training since the last picture for each second that one takes
_WORD = {
    "autoregressive": "Autoregressive",
    "flow": "Flow",
    "vae": "VAE",
    "gan": "GAN",
    "diffusion": "Diffusion",
    "energy": "Energy",
}


@dataclass(frozen=True)
class Rules(Request):
    """What six models are asked to learn, and by which rule they share the time."""

    target: str = knob(
        "moons",
        label="target",
        choices=(*((name, plane.make(name).title) for name in plane.TARGETS), (OWN, "Your own")),
        help="What all of them learn. Changed under way, they learn on from where they are.",
    )
    learning_rate: float = dataclasses.field(
        default=1.0, metadata=dict(PlaneTraining.__dataclass_fields__["learning_rate"].metadata)
    )
    rule: str = knob(
        EQUAL_TIME,
        label="equal",
        choices=((EQUAL_TIME, "time"), (EQUAL_STEPS, "steps")),
        help="What each model gets of every round: the same time of its own, or the same number of steps.",
    )
    seconds: float = knob(
        20.0,
        label="plan",
        low=2.0,
        high=120.0,
        step=1.0,
        unit="s",
        help="Seconds of its own that each model has in all.",
    )
    steps: int = knob(
        1000, label="plan", low=10, high=5000, step=10, help="Steps that each model has in all."
    )


def _first(family: str) -> str:
    return next(card.id for card in plane_cards() if card.family == family)


def rules() -> type[Rules]:
    """The request with a choice of model for each family."""
    own = [(family.key, str, _choice(family.key)) for family in FAMILIES]
    made = dataclasses.make_dataclass("Together", own, bases=(Rules,), frozen=True)
    made.__module__, made.__doc__ = __name__, Rules.__doc__
    return made


def _choice(family: str) -> Any:
    cards = [card for card in plane_cards() if card.family == family]
    choices = tuple((card.id, card.system) for card in cards)
    return knob(
        _first(family),
        label=_WORD[family],
        choices=choices,
        fold=True,
        help="Which model stands for its family.",
    )


def models_of(request: Any) -> list[str]:
    """The ids, in the order of the tabs."""
    return [getattr(request, family.key) for family in FAMILIES]


@dataclass
class Wanted:
    """What the window wants now; the worker reads it before every round, and notes what was changed."""

    request: Any
    own: target_spec.Spec | None = None
    script: tuple[Change, ...] = ()
    changes: list[Change] = field(default_factory=list)

    def at(self, number: int) -> Change:
        """What is to be learned in a round, and how quickly; it is noted if it is new."""
        due = [change for change in self.script if change.moment <= number]
        if due and number <= self.script[-1].moment:
            change = dataclasses.replace(due[-1], moment=number)
        else:
            own = self.own or target_spec.built_in(plane.TARGETS[0])
            spec = own if self.request.target == OWN else target_spec.built_in(self.request.target)
            change = Change(number, self.request.learning_rate, spec)
        last = self.changes[-1] if self.changes else None
        if last is None or (last.rate, last.target) != (change.rate, change.target):
            self.changes.append(change)
        return change


class _Entrant:
    """One model: its course, and what is newest of it."""

    def __init__(self, course: Course) -> None:
        self.course: Course | None = course
        self.newest: dict[str, Any] = {}

    def ask(self, command: Mapping[str, Any]) -> None:
        if self.course is not None:
            try:
                self.course.ask(dict(command))
            except ValueError as error:
                self.fail(error)

    def hear(self) -> None:
        if self.course is None:
            return
        try:
            said, found = self.course.answer()
        except ValueError as error:
            return self.fail(error)
        self.newest |= {
            n.removeprefix("picture/"): v.copy() for n, v in found.items() if n.startswith("picture/")
        }
        self.newest |= {"steps": int(said["step"]), "seconds": float(said["seconds"])}
        if "picture/points" in found:
            self.newest["drawn_at"] = int(said["step"])
        self.newest |= {n: v for n, v in said.get("figures", {}).items() if n in FIGURES and v is not None}

    def fail(self, error: ValueError) -> None:
        self.newest["failed"] = str(error)
        self.end()

    def end(self) -> None:
        if self.course is not None:
            self.course.end()
            self.course = None


def rounds(processes: Processes, request: Any, wanted: Wanted) -> Iterator[Frame]:
    """A frame for every round, until the plan of all is done.  Runs on the worker.

    Raises:
        ValueError: one sentence, if not a single model can be trained.
    """
    by_time = request.rule == EQUAL_TIME
    total = round(request.seconds / SLICE) if by_time else -(-request.steps // STEPS)
    plan = {"seconds": request.seconds} if by_time else {"steps": request.steps}
    first = wanted.at(0)
    entrants: list[_Entrant] = []
    asked: list[Change] = []
    try:
        for model in models_of(request):
            course = processes.begin(model=model, target=first.target, seed=request.seed, config={}, **plan)
            entrants.append(_Entrant(course))
        for number in range(1, total + 1):
            while len(asked) < _AHEAD and number + len(asked) <= total:
                asked.append(_ask(entrants, wanted.at(number + len(asked) - 1), by_time, request.seed))
            for entrant in entrants:
                entrant.hear()
            if all(entrant.course is None for entrant in entrants):
                raise ValueError(entrants[0].newest["failed"])
            yield _frame(number, total, asked.pop(0), entrants)
    finally:
        for entrant in entrants:
            entrant.end()


def _ask(entrants: Sequence[_Entrant], change: Change, by_time: bool, seed: int) -> Change:
    picture = {"count": _POINTS, "seed": seed, "side": _SIDE, "density": True, "discriminator": True}
    command = {
        "kind": "advance",
        "rate": change.rate,
        "target": change.target,
        "picture": picture,
        "measure": True,
        "thrift": _THRIFT,
        **({"until_seconds": SLICE * (change.moment + 1)} if by_time else {"steps": STEPS}),
    }
    for entrant in entrants:
        entrant.ask(command)
    return change


def _frame(number: int, total: int, change: Change, entrants: Sequence[_Entrant]) -> Frame:
    extras = {f"{i}/{name}": value for i, e in enumerate(entrants) for name, value in e.newest.items()}
    return Frame(number, total, 0, np.zeros((1, 1, 1, 1), np.uint8), {**extras, "target": change.target})


def of_model(frame: Frame, index: int) -> dict[str, Any]:
    """What a frame says of one model."""
    prefix = f"{index}/"
    return {n.removeprefix(prefix): v for n, v in frame.extras.items() if n.startswith(prefix)}
