"""Densities in the plane, each with its exact log p, its entropy and its samples, so that a model's quality is a number.

The built-in targets are mixtures: of Gaussians, of Gaussians strung along a curve closely enough that no gap is seen
(half their width apart), or of squares.  Their ids and figures are fixed, since figures of record are measured on
them; :func:`make` turns their widths and weights.  ``checkerboard`` and ``swiss-roll`` are those of FFJORD (Grathwohl et
al. 2019, arXiv:1810.01367, figure 2), ``pinwheel`` is that of Johnson et al. 2016 (arXiv:1603.06277), with a rotation
that depends on the radius alone, so that its density is known.  No torch.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from playground.numerals import as_plain

DATASET = "plane"  # what cards of models of the plane name
HALF = 4.0  # the built-in targets lie in the square from -HALF to HALF
LEAST_POINTS = 2  # of a file
_GRID = 240  # cells a side for integrals over the square: a midpoint rule on Gaussians errs by exp(-2 (pi sigma / cell)^2)


@dataclass(frozen=True)
class Target:
    """A distribution of points (x, y).

    Attributes:
        name: id on the command line.
        title: on the screen.
        sample: (count, generator) -> float64 (count, 2).
        log_prob: float64 (N, 2) -> (N,) in nats; None where only samples are known.
        square: x_min, x_max, y_min, y_max: what is drawn, and where grids lie.
        modes: float64 (M, 2), centres of separate heaps; (0, 2) if it has none.
        mode_weights: float64 (M,), their shares; mode_sigma: their standard deviation.
        points: float64 (N, 2), what there is of a target that is given by points.
        classify: float64 (N, 2) -> bool (N,), which points are of the second class; None: those right of the middle.
    """

    name: str
    title: str
    sample: Callable[[int, np.random.Generator], np.ndarray]
    log_prob: Callable[[np.ndarray], np.ndarray] | None
    square: tuple[float, float, float, float] = (-HALF, HALF, -HALF, HALF)
    modes: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    mode_weights: np.ndarray = field(default_factory=lambda: np.zeros(0))
    mode_sigma: float = 0.0
    points: np.ndarray | None = None
    classify: Callable[[np.ndarray], np.ndarray] | None = None

    def classes_of(self, points: np.ndarray) -> np.ndarray:
        """Two classes, for models that are told one: float64 (N, 2) -> int64 (N,), 0 or 1."""
        x_min, x_max, *_ = self.square
        second = self.classify(points) if self.classify else points[:, 0] > (x_min + x_max) / 2
        return np.asarray(second, np.int64)


# --- building blocks


@dataclass(frozen=True)
class Mixture:
    """Gaussians of one width: ``centres`` (K, 2), ``weights`` (K,) that sum to 1, ``sigma``."""

    centres: np.ndarray
    weights: np.ndarray
    sigma: float

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """float64 (count, 2)."""
        chosen = rng.choice(len(self.centres), size=count, p=self.weights)
        return self.centres[chosen] + self.sigma * rng.standard_normal((count, 2))

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """float64 (N, 2) -> (N,), by parts so that a grid of a million points takes little memory."""
        constant = np.log(self.weights) - math.log(2 * math.pi * self.sigma**2)
        found = np.empty(len(x))
        for at in range(0, len(x), 4096):
            part = x[at : at + 4096]
            squares = (part**2).sum(1)[:, None] + (self.centres**2).sum(1) - 2 * part @ self.centres.T
            exponents = constant - squares / (2 * self.sigma**2)
            highest = exponents.max(1, keepdims=True)
            found[at : at + 4096] = highest[:, 0] + np.log(np.exp(exponents - highest).sum(1))
        return found

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """Which centre lies next to each point: (N, 2) -> int64 (N,)."""
        parts = [x[at : at + 4096] for at in range(0, len(x), 4096)]
        lengths = (self.centres**2).sum(1)
        found = [np.argmin(lengths - 2 * part @ self.centres.T, axis=1) for part in parts]
        return np.concatenate(found) if found else np.zeros(0, np.int64)


def _along(curve: np.ndarray, sigma: float, shares: np.ndarray | None = None) -> Mixture:
    """A ribbon: Gaussians at the points ``curve`` (K, 2), evenly unless told their shares."""
    weights = np.ones(len(curve)) if shares is None else shares
    return Mixture(curve, weights / weights.sum(), sigma)


def _count(length: float, sigma: float) -> int:
    """So many Gaussians along a curve lie half their width apart: their sum then differs from a ribbon by 1e-30 inside."""
    return math.ceil(2 * length / sigma)


def _circle(radius: float, count: int, begin: float = 0.0, turns: float = 1.0) -> np.ndarray:
    """``count`` points on an arc, each in the middle of its part: (count, 2)."""
    angles = 2 * np.pi * (begin + turns * (np.arange(count) + 0.5) / count)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


# --- the targets


def _moons(sigma: float = 0.12, weight: float = 0.5) -> Target:
    count = _count(np.pi * 1.6, sigma)
    upper = _circle(1.6, count, 0.0, 0.5) + np.array([-0.8, -0.4])
    lower = _circle(1.6, count, 0.5, 0.5) + np.array([0.8, 0.4])
    shares = np.repeat([weight, 1 - weight], count)
    return _of_mixture("moons", "Two moons", _along(np.concatenate([upper, lower]), sigma, shares), count)


def _rings(sigma: float = 0.1, weight: float = 0.5) -> Target:
    curves = [_circle(radius, _count(2 * np.pi * radius, sigma)) for radius in (1.2, 2.6)]
    shares = [np.full(len(c), w / len(c)) for c, w in zip(curves, (weight, 1 - weight), strict=True)]
    ribbons = _along(np.concatenate(curves), sigma, np.concatenate(shares))
    return _of_mixture("rings", "Two rings", ribbons, len(curves[0]))


def _spiral(sigma: float = 0.1, weight: float = 0.5) -> Target:
    count = _count(15.0, sigma)  # an arm is 14.9 long
    t = np.sqrt((np.arange(count) + 0.5) / count)  # evenly along the arms, nearly
    angles = 3 * np.pi * t
    arm = 3.0 * t[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shares = np.repeat([weight, 1 - weight], count)
    return _of_mixture("spiral", "Two spirals", _along(np.concatenate([arm, -arm]), sigma, shares), count)


def _swiss_roll(sigma: float = 0.12, weight: float = 0.5) -> Target:
    half = _count(11.0, sigma)
    t = 1.5 * np.pi * (1 + (np.arange(2 * half) + 0.5) / half)
    curve = 0.23 * t[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    shares = np.repeat([weight, 1 - weight], half)
    return _of_mixture("swiss-roll", "Swiss roll", _along(curve, sigma, shares), half)


def _eight_gaussians(sigma: float = 0.15, weight: float = 0.125) -> Target:
    return _of_heaps("eight-gaussians", "Eight Gaussians", _circle(2.0, 8, -1 / 16), sigma, weight)


def _twentyfive_gaussians(sigma: float = 0.1, weight: float = 0.04) -> Target:
    steps = np.arange(-2, 3) * 1.2
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    return _of_heaps("twentyfive-gaussians", "25 Gaussians", grid, sigma, weight)


def _checkerboard(sigma: float = 0.0, weight: float = 0.5) -> Target:
    """Squares of side 1.5, every second one of a board of 4 x 4; ``sigma`` has nothing to widen here."""
    side = 1.5
    corners = np.array([(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0], dtype=np.float64)
    shares = np.where(corners[:, 0] < 2, weight, 1 - weight) / 4  # the left half against the right one

    def sample(count: int, rng: np.random.Generator) -> np.ndarray:
        chosen = corners[rng.choice(len(corners), size=count, p=shares)]
        return side * (chosen + rng.random((count, 2)) - 2)

    def log_prob(x: np.ndarray) -> np.ndarray:
        cell = np.floor(x / side + 2).astype(np.int64)
        inside = ((cell >= 0) & (cell < 4)).all(1) & (cell.sum(1) % 2 == 0)
        share = np.where(cell[:, 0] < 2, weight, 1 - weight) / 4
        with np.errstate(divide="ignore"):
            return np.where(inside, np.log(share / side**2), -np.inf)

    return Target("checkerboard", "Checkerboard", sample, log_prob)


def _pinwheel(sigma: float = 0.1, weight: float = 0.2) -> Target:
    """Five arms: a Gaussian (radial width 0.5, tangential 2 sigma) turned the further the farther it lies from the centre."""
    arms = 2 * np.pi * np.arange(5) / 5
    shares = np.array([weight, *[(1 - weight) / 4] * 4])
    widths = np.array([0.5, 2 * sigma])

    def turned(x: np.ndarray, sign: float, arm: np.ndarray | float) -> np.ndarray:
        angle = sign * (arm + 0.6 * np.linalg.norm(x, axis=1))  # depends on the radius alone: no area changes
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], axis=1)

    def sample(count: int, rng: np.random.Generator) -> np.ndarray:
        chosen = arms[rng.choice(5, size=count, p=shares)]
        return turned(np.array([1.8, 0.0]) + widths * rng.standard_normal((count, 2)), 1.0, chosen)

    def log_prob(x: np.ndarray) -> np.ndarray:
        parts = []
        for arm, share in zip(arms.tolist(), shares.tolist(), strict=True):
            z = (turned(x, -1.0, arm) - [1.8, 0.0]) / widths
            parts.append(math.log(share) - 0.5 * (z**2).sum(1) - math.log(2 * math.pi * widths.prod()))
        return np.logaddexp.reduce(parts, axis=0)

    return Target("pinwheel", "Pinwheel", sample, log_prob)


def _of_mixture(name: str, title: str, mixture: Mixture, first: int) -> Target:
    """Its ``first`` Gaussians are one class, the others the second."""
    return Target(
        name,
        title,
        mixture.sample,
        mixture.log_prob,
        classify=lambda x: mixture.nearest(x) >= first,
    )


def _of_heaps(name: str, title: str, centres: np.ndarray, sigma: float, weight: float) -> Target:
    """Separate Gaussians; ``weight`` is the first one's, the others share the rest.  Every second one is of the second class."""
    rest = (1 - weight) / (len(centres) - 1)
    shares = np.array([weight, *[rest] * (len(centres) - 1)])
    mixture = Mixture(centres, shares, sigma)
    return Target(
        name,
        title,
        mixture.sample,
        mixture.log_prob,
        modes=centres,
        mode_weights=shares,
        mode_sigma=sigma,
        classify=lambda x: mixture.nearest(x) % 2 == 1,
    )


_MAKERS: dict[str, Callable[..., Target]] = {
    "moons": _moons,
    "rings": _rings,
    "spiral": _spiral,
    "checkerboard": _checkerboard,
    "eight-gaussians": _eight_gaussians,
    "twentyfive-gaussians": _twentyfive_gaussians,
    "pinwheel": _pinwheel,
    "swiss-roll": _swiss_roll,
}
TARGETS = tuple(_MAKERS)


def make(name: str, sigma: float | None = None, weight: float | None = None) -> Target:
    """A built-in target; unless told, with the width and weights of the figures of record.

    Args:
        sigma: standard deviation of its parts (a checkerboard has none).
        weight: share of the first part (of the first heap, arm, ring, half).

    Raises:
        ValueError: one sentence, for an unknown name or an impossible value.
    """
    if name not in _MAKERS:
        raise ValueError(f"There is no target called {name!r}; there are {', '.join(TARGETS)}.")
    if sigma is not None and not 0.02 <= sigma <= 1:
        raise ValueError(f"sigma must lie between 0.02 and 1, not {sigma}.")
    if weight is not None and not 0.01 <= weight <= 0.99:
        raise ValueError(f"weight must lie between 0.01 and 0.99, not {weight}.")
    changed = {k: v for k, v in (("sigma", sigma), ("weight", weight)) if v is not None}
    return _MAKERS[name](**changed)


# --- what users bring


def from_density(name: str, title: str, density: np.ndarray, half: float = HALF) -> Target:
    """A drawn shape: each cell of ``density`` float (rows, columns), row 0 at the top, is as probable as it is high.

    Within a cell all points are equally probable, so that samples and log p are exact.

    Raises:
        ValueError: one sentence, if nothing was drawn.
    """
    heights = np.maximum(np.asarray(density, dtype=np.float64), 0)
    if heights.ndim != 2 or not np.isfinite(heights).all() or heights.sum() <= 0:
        raise ValueError("Nothing is drawn yet: a shape needs at least one stroke.")
    shares = (heights / heights.sum())[::-1]  # rows from below, as y grows
    rows, columns = shares.shape
    cell = np.array([2 * half / columns, 2 * half / rows])

    def sample(count: int, rng: np.random.Generator) -> np.ndarray:
        chosen = rng.choice(rows * columns, size=count, p=shares.reshape(-1))
        at = np.stack([chosen % columns, chosen // columns], axis=1)
        return (at + rng.random((count, 2))) * cell - half

    def log_prob(x: np.ndarray) -> np.ndarray:
        at = np.floor((x + half) / cell).astype(np.int64)
        inside = ((at >= 0) & (at < [columns, rows])).all(1)
        at = np.clip(at, 0, [columns - 1, rows - 1])
        with np.errstate(divide="ignore"):
            return np.log(np.where(inside, shares[at[:, 1], at[:, 0]] / cell.prod(), 0.0))

    return Target(name, title, sample, log_prob, (-half, half, -half, half))


def from_points(name: str, points: np.ndarray) -> Target:
    """A target that is known by its points (N, 2) only: draws are draws from them, and no density is claimed.

    Raises:
        ValueError: one sentence.
    """
    points = np.asarray(points, dtype=np.float64)
    if len(points) < LEAST_POINTS:
        raise ValueError(
            f"{name} holds {len(points) or 'no'} point{'s' * (len(points) != 1)}: at least {LEAST_POINTS} are needed."
        )
    low, high = points.min(0), points.max(0)
    if not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise ValueError(f"{name} holds numbers that are not finite, or larger than a million.")
    if (high - low).max() <= 0:
        raise ValueError(f"{name} holds one point again and again: there is nothing to learn.")
    middle, reach = (low + high) / 2, 0.6 * (high - low).max()
    square = (middle[0] - reach, middle[0] + reach, middle[1] - reach, middle[1] + reach)

    def sample(count: int, rng: np.random.Generator) -> np.ndarray:
        return points[rng.integers(len(points), size=count)]

    return Target(name, name, sample, None, tuple(float(v) for v in square), points=points)  # type: ignore[arg-type]


def read_csv(path: Path) -> Target:
    """Points from a file of two columns; a first line of names is allowed; the id is the file's stem.

    Raises:
        ValueError, OSError: one sentence.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        marks = ";\t"  # as spreadsheets write in countries of a decimal comma
        mark = next((mark for mark in marks if lines and mark in lines[0]), ",")
        rows = [(i, row) for i, row in enumerate(csv.reader(lines, delimiter=mark), 1) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(f"{path.name} is not a text file of points.") from None
    body = rows[1:] if rows and _numbers(rows[0][1]) is None else rows
    points = [_numbers(row) for _, row in body]
    if None in points:
        raise ValueError(f"{path.name} holds no two numbers in line {body[points.index(None)][0]}.")
    return from_points(path.stem, np.array(points, dtype=np.float64).reshape(-1, 2))


def _numbers(row: Sequence[str]) -> tuple[float, float] | None:
    try:
        return (float(as_plain(row[0])), float(as_plain(row[1]))) if len(row) >= 2 else None
    except ValueError:
        return None


# --- figures of a target


def grid(target: Target, cells: int) -> np.ndarray:
    """Centres of ``cells`` x ``cells`` cells over its square, row by row from below: float64 (cells**2, 2)."""
    x_min, x_max, y_min, y_max = target.square
    x = x_min + (x_max - x_min) * (np.arange(cells) + 0.5) / cells
    y = y_min + (y_max - y_min) * (np.arange(cells) + 0.5) / cells
    return np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class Figures:
    """Integrals of a density over the square, by the midpoint rule.

    Attributes:
        mass: what lies in the square: 1 but for rounding.
        entropy: -E log p, in nats.
        log_prob_of_99: 99 % of the mass lie where log p is above this.
    """

    mass: float
    entropy: float
    log_prob_of_99: float


def figures(target: Target) -> Figures | None:
    """None where no density is known."""
    if target.log_prob is None:
        return None
    x_min, x_max, y_min, y_max = target.square
    log_p = target.log_prob(grid(target, _GRID))
    weights = np.exp(log_p) * (x_max - x_min) * (y_max - y_min) / _GRID**2
    some = weights > 0
    order = np.argsort(-log_p)
    inside = int(np.searchsorted(np.cumsum(weights[order]) / weights.sum(), 0.99))
    return Figures(
        mass=float(weights.sum()),
        entropy=-float((weights[some] * log_p[some]).sum()),
        log_prob_of_99=float(log_p[order[min(inside, len(order) - 1)]]),
    )
