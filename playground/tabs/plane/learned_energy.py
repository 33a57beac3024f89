"""An energy that a model learns just before chains wander over it: a short training on the worker, once for each target."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground.data import plane
from playground.models.plane import PlaneModel
from playground.models.plane_catalogue import plane_models
from playground.training.plane import Training

NUM_STEPS = 800
_SEED = 7  # of the training: another seed of the chains wanders over the same energy
_SHOWN_EVERY = 40  # steps
_KEPT = 8  # energies, the oldest goes first

LogProb = Callable[[np.ndarray], np.ndarray]  # (N,2) -> (N,), up to a constant


@dataclass(frozen=True)
class Learning:
    """How far it is: ``log_prob`` as it is known by now."""

    step: int
    log_prob: LogProb


_known: dict[tuple[str, str], Learning] = {}


def is_energy(kind: type[PlaneModel]) -> bool:
    """Whether a class of models says an energy, which is all that a chain asks for."""
    return hasattr(kind, "energy")


def learned(key: str, target: plane.Target) -> Iterator[Learning]:
    """The training of a model (its id) as it goes on, and last what it knows in the end; at once if it was done before."""
    asked = key, target.name
    if asked not in _known:
        training = Training(plane_models()[key], target, seed=_SEED, steps=NUM_STEPS)
        yield Learning(0, _log_prob(training))
        for progress in training.run():
            if progress.step % _SHOWN_EVERY == 0 and progress.step < NUM_STEPS:
                yield Learning(progress.step, _log_prob(training))
        _known[asked] = Learning(NUM_STEPS, _log_prob(training))
        if len(_known) > _KEPT:
            del _known[next(iter(_known))]
    yield _known[asked]


def _log_prob(training: Training) -> LogProb:
    """-E of the averaged weights in float64, since chains take differences; points in the target's own coordinates."""
    model = copy.deepcopy(training.average).double()
    mean, scale = training.mean, training.scale

    def log_prob(points: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            energy: np.ndarray = model.energy(torch.from_numpy((points - mean) / scale)).numpy()  # type: ignore[operator]
        return -energy

    return log_prob
