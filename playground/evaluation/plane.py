"""How near a model's points are to a target in the plane: exact where densities are known.

NLL minus entropy is KL(target || model) in nats, estimated on fresh points of the target.  The energy distance is that
of Szekely and Rizzo 2013, 2 E|X - Y| - E|X - X'| - E|Y - Y'| without a root, in the target's own coordinates.  No torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from playground.data.plane import Figures, Target

NUM_POINTS = 2000  # on either side of an energy distance
_NEAR = 3.0  # standard deviations: a sample within belongs to a mode
_FOUND = 0.25  # share of a mode's weight that must be near it


@dataclass(frozen=True)
class Quality:
    """Figures of a model's samples; None where one does not apply."""

    nll_minus_entropy: float | None
    energy_distance: float
    modes_found: int | None
    modes: int | None
    mass_outside: float | None


def measure(
    target: Target,
    figures: Figures | None,
    samples: np.ndarray,
    log_prob: Callable[[np.ndarray], np.ndarray | None],
    seed: int = 0,
) -> Quality:
    """Every figure that applies.

    Args:
        figures: the target's own (``plane.figures``), so that they are computed once.
        samples: the model's, float (N, 2); the first ``NUM_POINTS`` enter the energy distance.
        log_prob: the model's log density at points (M,2), (M,) in nats; answers None if it has none.
        seed: of the fresh points of the target that the model's are compared with.
    """
    data = target.sample(NUM_POINTS, np.random.default_rng([seed, 2]))  # no training drew these
    excess = None
    if target.log_prob is not None and (log_q := log_prob(data)) is not None:
        excess = float(
            np.mean(target.log_prob(data) - log_q)
        )  # -E log p is the entropy: the difference varies less
    return Quality(
        nll_minus_entropy=excess,
        energy_distance=energy_distance(samples[:NUM_POINTS], data),
        modes_found=modes_found(target, samples) if len(target.modes) else None,
        modes=len(target.modes) or None,
        mass_outside=mass_outside(target, figures, samples),
    )


def energy_distance(x: np.ndarray, y: np.ndarray) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of two sets (N, 2) and (M, 2); pairs of a point with itself are left out."""
    return 2 * _mean_distance(x, y) - _mean_distance(x, None) - _mean_distance(y, None)


def _mean_distance(x: np.ndarray, y: np.ndarray | None) -> float:
    other = x if y is None else y
    total = 0.0
    for part in np.array_split(x, max(1, len(x) // 256)):
        squares = np.square(part[:, 0, None] - other[:, 0])
        squares += np.square(part[:, 1, None] - other[:, 1])
        total += float(np.sqrt(squares, out=squares).sum())
    pairs = len(x) * (len(x) - 1) if y is None else len(x) * len(other)
    return total / max(pairs, 1)


def modes_found(target: Target, samples: np.ndarray) -> int:
    """How many modes have at least a quarter of their weight within three sigma."""
    distances = np.linalg.norm(samples[:, None] - target.modes[None], axis=2)  # (N, M)
    near = (distances < _NEAR * target.mode_sigma).mean(0)
    return int((near >= _FOUND * target.mode_weights).sum())


def mass_outside(target: Target, figures: Figures | None, samples: np.ndarray) -> float | None:
    """Share of samples where the target's density is below that which holds 99 % of the data; None without a density."""
    if target.log_prob is None or figures is None:
        return None
    return float((target.log_prob(samples) < figures.log_prob_of_99).mean())
