"""The process that trains: it does what it is told, one command after the other, and ends when nobody is there to tell it.

Commands and answers are messages (``messages.py``); each command but ``end`` has exactly one answer.  ``begin`` makes a
training, ``advance`` takes it some steps on (or to so many seconds) and answers with the moment reached, ``look`` shows a moment
from kept weights.  No Qt.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.data import plane
from playground.data.plane import Target
from playground.tabs.plane import target_spec
from playground.tabs.plane.messages import Arrays, Header, pack, unpack

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

NICE = 2  # the window goes first on a machine whose every core trains
_DATA = 600  # fresh points of the target, for pictures
_MEASURED = 1000  # points drawn for a figure
_OF_POINTS = ("count", "seed", "side", "drawing")  # what of a picture's wishes is about its points


def serve(connection: Connection) -> None:
    """Answer until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the window's, which ends us
    with contextlib.suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(NICE)
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    running: dict[int, Course] = {}
    while True:
        try:
            header, arrays = unpack(connection.recv_bytes())
            answer = _answer(running, header, arrays)
            if answer is not None:
                connection.send_bytes(answer)
        except (EOFError, OSError):
            return


def _answer(running: dict[int, Course], header: Header, arrays: Arrays) -> bytes | None:
    number, kind = int(header["id"]), header["kind"]
    try:
        if kind == "end":
            running.pop(number, None)
            return None
        if kind == "begin":
            running[number] = Course(header)
            return pack({"kind": "begun", "id": number})
        said, found = running[number].advance(header) if kind == "advance" else look(header, arrays)
        return pack({"kind": kind, "id": number, **said}, found)
    except Exception as error:  # whatever a model raises is told, and the others train on
        name = type(error).__name__
        sentence = str(error) if isinstance(error, ValueError) else f"{name}: {' '.join(str(error).split())}"
        return pack({"kind": "failed", "id": number, "sentence": sentence or name})


class Course:
    """One training and what is to be seen of it."""

    def __init__(self, header: Header) -> None:
        from playground.models.plane_catalogue import plane_models
        from playground.training.plane import Training

        kind = plane_models()[header["model"]]
        config = dataclasses.replace(kind.Config(), **header["config"])
        self.spec: Any = None
        self._aim(header["target"])
        self.seed = int(header["seed"])
        plan = {name: header[name] for name in ("steps", "seconds") if name in header}
        self.training = Training(kind, self.target, self.seed, config=config, **plan)
        # seconds that one takes: points alone, a picture with its maps, figures
        self._costs = {"points": 0.0, "picture": 0.0, "measure": 0.0}
        # seconds of training at the last one; figures wait for the first
        self._done_at = {"points": -np.inf, "picture": -np.inf, "measure": 2.0}

    def advance(self, header: Header) -> tuple[Header, Arrays]:
        """Some steps on, or to so many seconds; the losses of each step, the weights, and a picture if one is wanted."""
        training = self.training
        self._aim(header["target"])
        training.rate = float(header["rate"])
        losses: list[dict[str, float]] = []
        until, enough = training.step + int(header.get("steps", 0)), float(header.get("until_seconds", 0.0))
        while training.progress < 1 and (training.step < until or training.spent < enough):
            losses.append(training.advance().figures)
        curves = {
            f"loss/{name}": np.array([at.get(name, np.nan) for at in losses], np.float32)
            for name in _names(losses)
        }
        found: Arrays = {**curves, **{f"weights/{n}": v for n, v in training.weights().items()}}
        said: Header = {"step": training.step, "seconds": training.spent, "scale": training.scale}
        found["mean"] = training.mean
        if header.get("picture"):
            found |= self._due_picture(header)
        if header.get("measure") and self._is_time("measure", header):
            with self._timed("measure"):
                said["figures"] = self._figures()
        return said, found

    def _due_picture(self, header: Header) -> Arrays:
        """All that is wanted, or points alone where they are quick and the maps are not, or nothing yet."""
        wanted = header["picture"]
        if self._is_time("picture", header):
            self._done_at["points"] = self.training.spent
            with self._timed("picture"):
                return self._picture(self.training.average, wanted)
        if self._is_time("points", header):
            with self._timed("points"):
                points = {name: wanted[name] for name in _OF_POINTS if name in wanted}
                return self._picture(self.training.average, points)
        return {}

    def _is_time(self, what: str, header: Header) -> bool:
        """Whether something is worth its time: always, unless the command asks to save it for the training."""
        thrift = float(header.get("thrift", 0.0)) * (8.0 if what == "measure" else 1.0)
        done = self.training.progress >= 1
        return not thrift or done or self.training.spent - self._done_at[what] >= thrift * self._costs[what]

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took, known = time.perf_counter() - began, self._costs[what]
        # one that waited for a busy machine does not cost more for that
        self._costs[what] = min(took, 1.5 * known) if known else took
        self._done_at[what] = self.training.spent

    def _aim(self, spec: Mapping[str, Any]) -> None:
        if spec != self.spec:
            self.spec = spec
            self.target, self._of_target = _known(json.dumps(spec))
        if hasattr(self, "training") and self.training.target is not self.target:
            self.training.learn_from(self.target)

    def _picture(self, model: Any, wanted: Header) -> Arrays:
        from playground.experiments.plane.axes import Axes
        from playground.experiments.plane.pictures import picture

        axes = Axes(self.training.mean, self.training.scale, self.target.square)
        return _named(picture(model, axes, wanted, _data_of(self.target)))

    def _figures(self) -> dict[str, float | None]:
        """Exact where the density is known; what is not finite is left open."""
        from playground.evaluation.plane import measure

        training = self.training
        samples = training.points(_MEASURED, self.seed + 1)
        model = training.average  # an ODE for each point takes seconds
        cheap = model.family != "diffusion" and model.is_density_quick
        training.average.num_importance = 200
        log_prob = training.log_prob if cheap else lambda points: None
        quality = measure(self.target, self._of_target, samples, log_prob, self.seed)
        return {
            n: v if v is not None and np.isfinite(v) else None for n, v in dataclasses.asdict(quality).items()
        }


def look(header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
    """A picture of kept weights: nothing is trained."""
    import torch

    from playground.experiments.plane.axes import Axes
    from playground.experiments.plane.pictures import picture
    from playground.models.plane_catalogue import plane_models

    kind = plane_models()[header["model"]]
    model = kind(dataclasses.replace(kind.Config(), **header["config"])).requires_grad_(False)
    weights = {n.removeprefix("weights/"): v for n, v in arrays.items() if n.startswith("weights/")}
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    target, _ = _known(json.dumps(header["target"]))
    axes = Axes(arrays["mean"], float(header["scale"]), target.square)
    return {"step": header["step"]}, _named(picture(model, axes, header["picture"], _data_of(target)))


@lru_cache(maxsize=16)
def _known(spec: str) -> tuple[Target, plane.Figures | None]:
    """A target and its integrals, which take a while."""
    target = target_spec.target_of(json.loads(spec))
    return target, plane.figures(target)


def _data_of(target: Target) -> np.ndarray:
    return target.sample(_DATA, np.random.default_rng(3))


def _named(found: Mapping[str, np.ndarray]) -> Arrays:
    return {f"picture/{name}": value for name, value in found.items()}


def _names(losses: list[dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for at in losses for name in at))
