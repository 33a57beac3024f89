"""What a row of "One image" says, and where its columns stand: the arithmetic under ``score_row.py``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from playground.ui.theme import theme

_MOST_BINS, _LEAST_BINS = 40, 16


@dataclass(frozen=True, eq=False)
class Histograms:
    """Two sets of scores on one axis, and a marker.

    Attributes:
        low, high: ends of the axis; what lies beyond is counted in the last bin.
        first, second: height of each set in each bin, float (bins,), the highest of each 1.
    """

    low: float
    high: float
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray) -> Histograms:
        """An axis over both, but never so long that the first set becomes a line; scores may be infinite."""
        a, b = (np.quantile(first, q) for q in (0.01, 0.99))
        span = max(float(b - a), 1e-6)
        ends = second[np.isfinite(second)]
        low = min(float(a), float(np.quantile(ends, 0.01)) if len(ends) else float(a))
        high = max(float(b), float(np.quantile(ends, 0.99)) if len(ends) else float(b))
        low, high = max(low, float(a) - 3 * span), min(high, float(b) + 3 * span)
        bins = min(max(len(first) // 4, _LEAST_BINS), _MOST_BINS)
        edges = np.linspace(low - 0.02 * (high - low), high + 0.02 * (high - low), bins + 1)
        shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / len(v) for v in (first, second)]
        heights = [s / s.max() for s in shares]  # a set in one bin would flatten the other
        return cls(float(edges[0]), float(edges[-1]), heights[0], heights[1])

    def place(self, value: float) -> float:
        """Where a score stands, 0..1; what lies beyond an end stands at it."""
        return float(np.clip((value - self.low) / (self.high - self.low), 0, 1))

    def holds(self, value: float) -> bool:
        """Whether the axis reaches so far."""
        return self.low <= value <= self.high


@dataclass(frozen=True, eq=False)
class RowContent:
    """Everything that a row says; "" and None leave a place empty."""

    title: str
    under_title: str = ""
    number: str = ""
    unit: str = ""
    word: str = ""  # under the number
    note: str = ""  # across number, histogram and areas, in place of all three
    histograms: Histograms | None = None
    no_histograms: str = ""  # why there are none
    marker: float | None = None
    under_marker: str = ""
    areas: tuple[float, ...] = ()  # one for each column of the header
    size: int | None = None  # bytes
    size_text: str = ""  # in place of the size
    stale: bool = False  # of the picture before this one
    link: str = ""  # where a click leads, "" for nowhere
    tip: str = ""  # everything, in full
    slim: bool = False  # one line high


@dataclass(frozen=True)
class Columns:
    """Where the columns stand: (left, width) in device-independent pixels."""

    title: tuple[float, float]
    number: tuple[float, float]
    histogram: tuple[float, float]
    areas: tuple[tuple[float, float], ...]
    size: tuple[float, float]

    @classmethod
    def of(cls, width: float, num_areas: int, chosen: int) -> Columns:
        """All areas if there is room for them, else the chosen one only (the others have no width)."""
        em = theme.em()
        gap, size = em * 0.8, em * 4.6
        title = min(max(em * 9.4, width * 0.14), em * 15)
        number = em * 10.7
        rest = width - em * 1.1 - title - number - size - 4 * gap
        each = em * 4.0
        wide = rest - num_areas * each >= em * 11
        widths = [each if wide or i == chosen else 0.0 for i in range(num_areas)]
        histogram = max(rest - sum(widths), em * 5)
        left = em * 0.8
        places = []
        for w in (title, number, histogram):
            places.append((left, w))
            left += w + gap
        areas = []
        for w in widths:
            areas.append((left, w))
            left += w
        return cls(places[0], places[1], places[2], tuple(areas), (left + gap, size))
