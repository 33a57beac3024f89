"""Chains in the plane: five ways to wander over a density that is known, with what is proposed, what is refused, and what it is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from playground.contract import Frame, Model, Request, knob
from playground.data import plane
from playground.experiments.plane import chains
from playground.families import TRAINING
from playground.models import noise
from playground.models.plane_catalogue import TrainedLive
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.tabs.plane import learned_energy
from playground.ui.pictures.density_plane import DensityPlane, PlanePicture, render
from playground.ui.playback.transport_parts import Figures
from playground.ui.plots.line_plot import LinePlot
from playground.ui.plots.plot_column import PlotColumn
from playground.ui.theme import theme

NUM_STEPS = 1000
_SIDE = 160  # cells of the heat map
_SEEN = 12  # chains whose way is drawn, and for so many moves
_TRACES = 3
_LONGEST = 60  # lag
_COUNTED_EVERY = 20  # moves between two looks at how long the chains remember
_SQUARE = (-plane.HALF, plane.HALF, -plane.HALF, plane.HALF)  # of the built-in targets
_NO_PICTURES = np.zeros((1, 1, 1, 1), np.uint8)

_WORDS = (
    "A chain draws from a density by <b>wandering</b>: no step needs to know where the other modes are. White lines are the last "
    "ways of some chains, red ones lead to what was <b>refused</b>.<br><br><b>Langevin</b> takes every step and is a little wrong; "
    "<b>MALA</b> refuses some and is right; <b>HMC</b> rolls along a path, so that it goes far and is seldom refused; <b>Gibbs</b> moves "
    "along one axis at a time; <b>parallel tempering</b> has warmer chains beside it (grey) that cross the valleys, and in every second move "
    "offers a chain the place of a warmer one: red lines lead to where an <b>exchange</b> was refused.<br><br>Below: where three chains "
    "were, and how long a chain remembers. The <b>effective sample size</b> says how many independent draws all moves are worth. A chain "
    "that never leaves its mode looks perfect in every plot: count the modes."
)


@dataclass(frozen=True)
class ChainsRequest(Request):
    """Which chain, on which density."""

    target: str = knob(
        "eight-gaussians",
        label="target",
        choices=tuple((name, plane.make(name).title) for name in plane.TARGETS),
        help="The density that is drawn from; all of it is known.",
    )
    density: str = knob(
        "target",
        label="density",
        choices=(("target", "the target's own"), ("learned", "what this model learns of it")),
        help="A target's density is known. What an energy model knows of it is learned first, for some seconds; then the chains wander over what it has learned, its faults included.",
    )
    sampler: str = knob(
        "mala",
        label="chain",
        choices=(
            ("langevin", "Langevin"),
            ("mala", "MALA"),
            ("hmc", "HMC"),
            ("gibbs", "Gibbs"),
            ("tempering", "Parallel tempering"),
        ),
        help="How the next point is proposed, and whether it may be refused.",
    )
    step_size: float = knob(
        0.02,
        label="step_size",
        low=0.001,
        high=0.5,
        step=0.001,
        log=True,
        help="Of Langevin and MALA; a leapfrog step is the root of twice this. Small steps are seldom refused and get nowhere, large ones are refused.",
    )
    leaps: int = knob(
        10, label="leapfrog steps", low=1, high=50, help="Of HMC: how far it rolls before it is tested."
    )
    num_samples: int = knob(100, label="chains", low=1, high=500, help="How many wander at once.")
    starts: str = knob(
        "middle",
        label="start",
        choices=(("middle", "one mode in the middle"), ("wide", "all over the square")),
        help="From one place it is seen who crosses the valleys; spread out, every mode has chains from the start.",
        fold=True,
    )


@dataclass(frozen=True, eq=False)
class Traces:
    """The first coordinates of a whole run, (moves + 1, chains), filled as it goes: one array, which all its frames show."""

    values: np.ndarray


class ChainsInThePlane(View[Any]):
    """The plane with the ways of some chains; traces and autocorrelation at the side."""

    name = "Chains in the plane"
    group = TRAINING  # beside In the plane, which opens first
    trains_live = True
    words = _WORDS
    formula = r"\alpha = \min \left(1, \frac{p(x') q(x \mid x')}{p(x) q(x' \mid x)}\right)"
    plot: PlotColumn

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whatever is trained live in this tab; the density that is drawn from is the target's own."""
        return isinstance(model, TrainedLive)

    def request_type(self, model: TrainedLive) -> type[Request]:
        return ChainsRequest

    def build(self) -> None:
        """The plane and a line of figures; two plots."""
        self.plane = DensityPlane()
        self.figures = Figures()
        self.figures.setAccessibleName("Figures of the chains")
        self.column.addWidget(self.plane, 1)
        self.column.addWidget(self.figures)
        self.traces = LinePlot("Where three chains are", "move", "x")
        self.memory = LinePlot("How long they remember", "moves apart", "autocorrelation of x")
        self.plot = PlotColumn(self.traces, self.memory)
        self.player.speed = 30.0

    def start(self, request: Request, patient: bool = False) -> None:
        """From the beginning."""
        assert isinstance(request, ChainsRequest)
        self.adopt(request)
        key = self.model.card.id
        self.player.start(lambda: frames(request, key), patient=patient)

    def relevant(self, request: Request) -> dict[str, bool]:
        """Gibbs has no step, only HMC leaps, and only what has an energy can be wandered over."""
        sampler = getattr(request, "sampler", "")
        return {
            "step_size": sampler != "gibbs",
            "leaps": sampler == "hmc",
            "density": learned_energy.is_energy(self.model.kind),
        }

    def draw(self, frame: Frame) -> None:
        """The plane, and what is known of the chains."""
        count, learning = len(frame.extras["points"]), frame.extras.get("learning")
        said = f"{count} chains after {frame.step:,} moves"
        if learning is not None:
            said = f"learning: step {learning:,} of {learned_energy.NUM_STEPS:,}"
        self.plane.set_picture(_picture(frame), said)
        self.figures.set_parts(parts_of(frame))

    def draw_plot(self, frame: Frame) -> None:
        """Traces so far, and their autocorrelation."""
        traces = frame.extras["traces"].values[: frame.step + 1]
        shown = range(min(_TRACES, traces.shape[1]))
        self.traces.set_curves({f"chain {i + 1}": traces[:, i] for i in shown})
        self.traces.set_range(x=(0, frame.total))
        if "memory" in frame.extras:
            self.memory.set_curves({"autocorrelation": frame.extras["memory"]})

    def code(self) -> Code | None:
        """No line of Python makes it."""
        return None

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The plane of each moment."""
        return [("", render(_picture(frame), theme.accent("energy", on_canvas=True))[None])]


def frames(request: ChainsRequest, key: str = "") -> Iterator[Frame]:
    """A frame per move; extras ``points``, ``ways``, ``refused``, ``traces`` (the whole run's, filled as it goes) and figures.

    Args:
        key: id of the model whose energy is learned first, where the request wants that; each frame until then says in
            ``learning`` how many steps it is, and its heat map is what is known by then.
    """
    target = plane.make(request.target)
    assert target.log_prob is not None, "the built-in ones are known"
    log_prob, density = target.log_prob, _heat_map(request.target)
    if request.density == "learned" and key:
        for learning in learned_energy.learned(key, target):
            log_prob = learning.log_prob
            density = _map_of(log_prob, target)
            if learning.step < learned_energy.NUM_STEPS:
                yield Frame(0, NUM_STEPS, 0, _NO_PICTURES, _before(density, learning.step))
    for frame in _wander(request, target, log_prob):
        yield dataclasses.replace(frame, extras={**frame.extras, "density": density})


def _before(density: np.ndarray, step: int) -> dict[str, Any]:
    nothing = np.zeros((0, 2), np.float32)
    traces = Traces(np.full((NUM_STEPS + 1, 1), np.nan))
    return {
        "points": nothing,
        "traces": traces,
        "ways": (),
        "refused": None,
        "density": density,
        "learning": step,
    }


def _wander(request: ChainsRequest, target: plane.Target, log_prob: chains.LogProb) -> Iterator[Frame]:
    count = request.num_samples
    normal = noise.normal(request.seed, np.arange(count), "chains", (2,)).astype(np.float64)
    x = 0.25 * normal if request.starts == "middle" else 1.6 * normal
    rng = np.random.default_rng([request.seed, 1])
    run = chains.moves(request.sampler, log_prob, x, rng, target.square, request.step_size, request.leaps)
    traces = np.full((NUM_STEPS + 1, count), np.nan)
    traces[0] = x[:, 0]
    ways: list[np.ndarray] = []
    known: dict[str, Any] = {}
    taken, passes, visited = 0.0, 0, np.zeros(len(target.modes), bool)
    yield Frame(0, NUM_STEPS, 0, _NO_PICTURES, {**_extras(request, x, traces), "ways": (), "refused": None})
    for step, move in zip(range(1, NUM_STEPS + 1), run, strict=False):
        traces[step] = move.x[:, 0]
        taken, passes = taken + float(move.accepted.mean()), passes + move.passes
        stays = ~move.accepted[:_SEEN]
        ways = [*ways, np.where(stays[:, None, None], move.x[:_SEEN, None], move.way[:_SEEN])][-_SEEN:]
        if len(target.modes):
            distance = np.linalg.norm(move.x[:, None] - target.modes[None], axis=2)
            visited |= (distance < 3 * target.mode_sigma).any(0)
        if step % _COUNTED_EVERY == 0:
            settled = traces[step // 5 : step + 1]  # before, the chains came from where they began
            known = {
                "memory": chains.autocorrelation(settled, min(_LONGEST, step // 2)),
                "worth": chains.effective_sample_size(settled),
                "moves": settled.size,
            }
        extras = {
            **known,
            **_extras(request, move.x, traces),
            "ways": tuple(ways),
            "refused": move.way[:_SEEN][stays],
            "warmer": move.warmer.astype(np.float32),
            "acceptance": taken / step,
            "visited": (int(visited.sum()), len(visited)),
        }
        yield Frame(step, NUM_STEPS, passes, _NO_PICTURES, extras)


def _extras(request: ChainsRequest, x: np.ndarray, traces: np.ndarray) -> dict[str, Any]:
    return {"target": request.target, "points": x.astype(np.float32), "traces": Traces(traces)}


def parts_of(frame: Frame) -> list[str]:
    """The figures of a frame, in words, the most telling first."""
    said = frame.extras
    if "acceptance" not in said:
        return []
    found = [f"{said['acceptance']:.0%} accepted"]
    if said["visited"][1]:
        found.append(f"{said['visited'][0]} of {said['visited'][1]} modes visited")
    if "worth" in said:
        found.append(f"{said['moves']:,} moves are worth {said['worth']:,.0f} draws")
    found.append(f"{frame.passes:,} densities each")
    return found


def _picture(frame: Frame) -> PlanePicture:
    said = frame.extras
    ways = np.concatenate(said["ways"], axis=0) if said["ways"] else None
    return PlanePicture(
        square=_SQUARE,
        points=said["points"],
        target=said.get("warmer"),
        density=said["density"],
        lines=ways,
        refused=said["refused"],
    )


@lru_cache(maxsize=16)
def _heat_map(name: str) -> np.ndarray:
    target = plane.make(name)
    assert target.log_prob is not None
    return _map_of(target.log_prob, target)


def _map_of(log_prob: chains.LogProb, target: plane.Target) -> np.ndarray:
    log_p = log_prob(plane.grid(target, _SIDE)).reshape(_SIDE, _SIDE)
    return np.exp(log_p - log_p.max()).astype(np.float32)
