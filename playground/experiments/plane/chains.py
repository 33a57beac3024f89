"""Markov chains on a density of the plane that is known exactly: what each proposes, what it refuses, and how fast it forgets.

Langevin dynamics without a test (Roberts and Tweedie 1996); MALA, the same with one (ibid.; Besag 1994); Hamiltonian Monte Carlo
(Duane et al. 1987; Neal 2011, arXiv:1206.1901, sections 2 and 5.2); Gibbs sampling (Geman and Geman 1984), each coordinate drawn
from its conditional on a grid; parallel tempering (Swendsen and Wang 1986; Geyer 1991).  Slopes are central differences of log p.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

LogProb = Callable[[np.ndarray], np.ndarray]  # (N,2) -> (N,), up to a constant
BETAS = (1.0, 0.5, 0.25, 0.12, 0.05)  # inverse temperatures: the last sees hills, and no mountains
_DELTA = 1e-4  # of a difference
_CELLS = 128  # of a conditional


@dataclass(frozen=True, eq=False)
class Move:
    """One step of N chains.

    Attributes:
        x: where they are now, float64 (N,2).
        proposed: where they were to go, (N,2); ``accepted``: whether they went, bool (N,).
        way: how they would have got there, (N,P,2): a straight line, or the leapfrog's path.
        passes: densities that each chain has asked for in this step.
        warmer: where chains at higher temperatures are now, (M,2).
    """

    x: np.ndarray
    proposed: np.ndarray
    accepted: np.ndarray
    way: np.ndarray
    passes: int
    warmer: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))


def slope(log_prob: LogProb, x: np.ndarray) -> np.ndarray:
    """grad log p, (N,2): four densities in one call."""
    steps = _DELTA * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    right, left, up, down = log_prob((x + steps[:, None]).reshape(-1, 2)).reshape(4, len(x))
    return np.stack([right - left, up - down], axis=1) / (2 * _DELTA)


def langevin(log_prob: LogProb, x: np.ndarray, rng: np.random.Generator, step: float) -> Move:
    """x + step grad log p + sqrt(2 step) noise, always taken: right only in the limit of small steps."""
    y = x + step * slope(log_prob, x) + math.sqrt(2 * step) * rng.standard_normal(x.shape)
    return Move(y, y, np.ones(len(x), bool), np.stack([x, y], 1), 4)


def mala(log_prob: LogProb, x: np.ndarray, rng: np.random.Generator, step: float) -> Move:
    """The same proposal, taken with the probability that makes the density stationary."""
    y = x + step * slope(log_prob, x) + math.sqrt(2 * step) * rng.standard_normal(x.shape)
    return _tested(x, y, mala_log_acceptance(log_prob, x, y, step), rng, np.stack([x, y], 1), 9)


def mala_log_acceptance(log_prob: LogProb, x: np.ndarray, y: np.ndarray, step: float) -> np.ndarray:
    """log p(y) q(x | y) / (p(x) q(y | x)), (N,)."""
    there = ((y - x - step * slope(log_prob, x)) ** 2).sum(1)
    back = ((x - y - step * slope(log_prob, y)) ** 2).sum(1)
    return log_prob(y) - log_prob(x) + (there - back) / (4 * step)


def hmc(log_prob: LogProb, x: np.ndarray, rng: np.random.Generator, step: float, leaps: int) -> Move:
    """A fresh momentum, ``leaps`` leapfrog steps, and a test of how much energy they lost."""
    momentum = rng.standard_normal(x.shape)
    way, end = leapfrog(log_prob, x, momentum, step, leaps)
    return _tested(
        x, way[:, -1], hmc_log_acceptance(log_prob, x, momentum, way[:, -1], end), rng, way, 4 * leaps + 6
    )


def leapfrog(
    log_prob: LogProb, x: np.ndarray, momentum: np.ndarray, step: float, leaps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (N, leaps + 1, 2) and the last momentum (N,2)."""
    way, p = [x], momentum + step / 2 * slope(log_prob, x)
    for leap in range(leaps):
        way.append(way[-1] + step * p)
        p = p + (step if leap < leaps - 1 else step / 2) * slope(log_prob, way[-1])
    return np.stack(way, 1), p


def hmc_log_acceptance(
    log_prob: LogProb, x: np.ndarray, momentum: np.ndarray, y: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """How much energy was lost on the way, (N,)."""
    kinetic = 0.5 * ((momentum**2).sum(1) - (end**2).sum(1))
    return log_prob(y) - log_prob(x) + kinetic


def gibbs(
    log_prob: LogProb, x: np.ndarray, rng: np.random.Generator, square: tuple[float, float, float, float]
) -> Move:
    """First x given y, then y given x, each drawn from its density on a grid; nothing is refused."""
    way = [x]
    for axis in (0, 1):
        low, high = square[2 * axis : 2 * axis + 2]
        side = (high - low) / _CELLS
        places = low + side * (np.arange(_CELLS) + 0.5)
        line = np.repeat(way[-1][:, None], _CELLS, axis=1)
        line[:, :, axis] = places
        log_p = log_prob(line.reshape(-1, 2)).reshape(len(x), _CELLS)
        shares = np.exp(log_p - log_p.max(1, keepdims=True)).cumsum(1)
        cell = (rng.random((len(x), 1)) * shares[:, -1:] > shares).sum(1)
        after = way[-1].copy()
        after[:, axis] = places[np.minimum(cell, _CELLS - 1)] + side * (rng.random(len(x)) - 0.5)
        way.append(after)
    return Move(way[-1], way[-1], np.ones(len(x), bool), np.stack(way, 1), 2 * _CELLS)


def swap_log_acceptance(beta: float, other: float, log_p: np.ndarray, log_p_other: np.ndarray) -> np.ndarray:
    """Of two chains of p^beta and p^other that change places: (beta - other)(log p of the other - log p of the one)."""
    return (beta - other) * (log_p_other - log_p)


class Tempering:
    """Chains at several temperatures, each by MALA, whose neighbours may change places; the coldest is the one that counts."""

    def __init__(self, x: np.ndarray, rng: np.random.Generator) -> None:
        self._levels = [x.copy() for _ in BETAS]
        self._rng, self._count = rng, 0

    def move(self, log_prob: LogProb, step: float) -> Move:
        """A step at every temperature, then a try to exchange places, even and odd pairs in turn.

        In every second move the coldest chains try: what is proposed then is the place of the chain beside them.
        """
        before = self._levels[0]
        steps = [
            mala(_powered(log_prob, beta), x, self._rng, min(step / beta, 0.5))
            for beta, x in zip(BETAS, self._levels, strict=True)
        ]
        self._levels = [made.x for made in steps]
        proposed, taken = steps[0].proposed, steps[0].accepted
        for i in range(self._count % 2, len(BETAS) - 1, 2):
            offered = self._levels[i + 1]
            exchanged = self._exchange(log_prob, i)
            if i == 0:
                proposed, taken = offered, exchanged
        self._count += 1
        way = np.stack([before, steps[0].x, proposed], 1)
        warmer = np.concatenate(self._levels[1:])
        return Move(self._levels[0], proposed, taken, way, 11 * len(BETAS), warmer)

    def _exchange(self, log_prob: LogProb, i: int) -> np.ndarray:
        """Whether each chain of a temperature changed places with the one that is warmer by a step: bool (N,)."""
        one, other = self._levels[i], self._levels[i + 1]
        log_ratio = swap_log_acceptance(BETAS[i], BETAS[i + 1], log_prob(one), log_prob(other))
        swapped = np.log(self._rng.random(len(one))) < log_ratio
        self._levels[i] = np.where(swapped[:, None], other, one)
        self._levels[i + 1] = np.where(swapped[:, None], one, other)
        return swapped


def _powered(log_prob: LogProb, beta: float) -> LogProb:
    return lambda x: beta * log_prob(x)


def _tested(
    x: np.ndarray,
    y: np.ndarray,
    log_ratio: np.ndarray,
    rng: np.random.Generator,
    way: np.ndarray,
    passes: int,
) -> Move:
    """Metropolis and Hastings."""
    taken = np.log(rng.random(len(x))) < np.nan_to_num(log_ratio, nan=-np.inf)
    return Move(np.where(taken[:, None], y, x), y, taken, way, passes)


def moves(
    sampler: str,
    log_prob: LogProb,
    x: np.ndarray,
    rng: np.random.Generator,
    square: tuple[float, float, float, float],
    step: float,
    leaps: int,
) -> Iterator[Move]:
    """Without end: ``sampler`` is langevin, mala, hmc, gibbs or tempering; ``x`` (N,2) is where the chains begin."""
    tempering = Tempering(x, rng)
    while True:
        if sampler == "tempering":
            move = tempering.move(log_prob, step)
        elif sampler == "gibbs":
            move = gibbs(log_prob, x, rng, square)
        elif sampler == "hmc":
            move = hmc(log_prob, x, rng, math.sqrt(2 * step), leaps)
        else:
            move = (mala if sampler == "mala" else langevin)(log_prob, x, rng, step)
        x = move.x
        yield move


# --- how fast they forget


def autocorrelation(traces: np.ndarray, longest: int) -> np.ndarray:
    """Of a coordinate (T,N) over N chains around their common mean: (longest + 1,), from 1 at lag 0."""
    centred = traces - traces.mean()
    count = len(traces)
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(centred, size, axis=0)
    products = np.fft.irfft(np.abs(spectrum) ** 2, size, axis=0)[: longest + 1].mean(1)
    products = products / (count - np.arange(len(products)))
    return np.asarray(products / products[0]) if products[0] > 0 else np.ones(len(products))


def effective_sample_size(traces: np.ndarray) -> float:
    """How many independent draws N chains (T,N) are worth: Geyer 1992, the initial positive sequence of pairs."""
    count, chains = traces.shape
    if count < 4:
        return float(chains)
    rho = autocorrelation(traces, count // 2)
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2).sum(1)
    ends = np.flatnonzero(pairs <= 0)
    time = 2 * pairs[: ends[0] if len(ends) else len(pairs)].sum() - 1
    return float(count * chains / max(time, 1.0))
