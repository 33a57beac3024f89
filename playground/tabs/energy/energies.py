"""Histograms of energies: what an energy can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from playground.capabilities import HasEnergy, HasNoiseLevels
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs import so_what
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot, LinePlot
from playground.ui.plots.plot_column import PlotColumn


class Energies(View[HasEnergy]):
    """Histograms of energies: garments, other images, samples, and one picture of the user's choice."""

    name = "Energy"
    group = LOOK_INSIDE
    capability = HasEnergy
    plot: PlotColumn
    words = (
        "What energy does the model give to garments it has never seen, and what to images that are no garments? If "
        "the histograms lie apart, the energy can tell them apart: <b>AUC</b> is the probability that a random other "
        "image has a higher energy than a random garment (50 % is blind).<br><br>Watch for kinds of image that get "
        "<i>lower</i> energies than garments: simple pictures often do.<br><br>Energies are in nats "
        "<b>up to an unknown constant</b>: they rank pictures of one model, and say nothing between models."
    )
    formula = r"\log p(x) = -E(x) - \log Z"

    def explanation(self, model: HasEnergy) -> tuple[str, str]:
        """Where every level of noise has its own energy, one has been chosen."""
        if not isinstance(model, HasNoiseLevels):
            return super().explanation(model)
        *shared, _ = self.words.split("<br><br>")
        chosen = (
            "Energies are in nats <b>up to an unknown constant</b>. This model has one for every level of noise; here it "
            "is that which told garments apart best."
        )
        return "<br><br>".join([*shared, chosen]), self.formula

    def request_type(self, model: HasEnergy) -> type[Request]:
        from playground.experiments.energy import energies

        return energies.census_request(model.Request)  # type: ignore[arg-type]

    def sampler(self, model: HasEnergy, request: Request) -> Iterator[Frame]:
        """A kind at a time."""
        from playground.experiments.energy import energies

        return energies.census(model, request)

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "energies.census(model, request)",
            ("from playground.experiments.energy import energies",),
            "energies.census_request(model.Request)",
        )

    def class_names(self) -> list[str] | None:
        """None: the pictures are of many kinds."""
        return None

    def build(self) -> None:
        """Examples; the histograms and their AUC in the panel."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.histograms = LinePlot("Energies", "energy, nats up to a constant", "share of images")
        self.areas = BarPlot("AUC against test images", "", "")
        self.plot = PlotColumn(self.histograms, self.areas)

    def draw(self, frame: Frame) -> None:
        """An example of each kind."""
        energies = frame.extras["energies"]
        yours = f"yours: {frame.extras['chosen']:.3g}".replace("-", "−")
        self.grid.set_images(frame.images, captions=[*energies, yours])

    def draw_plot(self, frame: Frame) -> None:
        """What has been measured so far."""
        energies, areas = frame.extras["energies"], frame.extras["auc"]
        every = np.concatenate(list(energies.values()))
        low, high = np.quantile(every, [0.002, 0.998])
        edges = np.linspace(low, high, 41)
        middles = (edges[:-1] + edges[1:]) / 2
        shares = {}
        for name, values in energies.items():
            counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
            shares[name] = counts / len(values)
        self.histograms.set_curves(shares, middles)
        self.histograms.set_marker(float(np.clip(frame.extras["chosen"], edges[0], edges[-1])))
        others = _others(areas)
        if others:
            values = np.array(list(others.values()))
            self.areas.set_values(values, high=1.0, names=[k.split()[-1] for k in others])

    def so_what(self, frame: Frame) -> str:
        """When all kinds are measured: what fools it."""
        return so_what.separation(_others(frame.extras["auc"])) if frame.step == frame.total else ""


def _others(areas: Mapping[str, float]) -> dict[str, float]:
    """Kinds of image that are no garments of the test set."""
    return {kind: area for kind, area in areas.items() if kind != "test images"}
