"""A plot that several views of the Flow tab share: how the numbers of a state lie."""

from __future__ import annotations

import numpy as np

from playground.ui.plots.line_plot import LinePlot

_EDGES = np.linspace(-5, 5, 51)
_MIDDLES = 0.5 * (_EDGES[1:] + _EDGES[:-1])
_NORMAL = np.exp(-0.5 * _MIDDLES**2) / np.sqrt(2 * np.pi)


def number_plot() -> LinePlot:
    """A plot for :func:`draw_numbers`."""
    return LinePlot("How the numbers lie", "value", "density")


def draw_numbers(plot: LinePlot, values: np.ndarray, are_grey_levels: bool) -> None:
    """The histogram of a state over the standard normal; grey levels are laid over -3..3 as the pictures are."""
    values = values.ravel() * (6 / 256) - 3 if are_grey_levels else values.ravel()
    counts, _ = np.histogram(np.clip(values, _EDGES[0], _EDGES[-1]), bins=_EDGES)
    density = counts / max(len(values), 1) / (_EDGES[1] - _EDGES[0])
    plot.set_curves({"these numbers": density, "standard normal": _NORMAL}, _MIDDLES)
    plot.set_range(x=(-5, 5), y=(0, 1))  # black is a peak far above it; the rest is what there is to see
