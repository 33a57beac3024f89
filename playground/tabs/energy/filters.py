"""The filters of a Boltzmann machine, lit by its hidden units, a grid for each layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import HasHiddenUnits
from playground.contract import Frame
from playground.families import LOOK_INSIDE
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

NUM_FILTERS = 64
NUM_OF_EACH = 40  # where two layers share the room


class Filters(View[HasHiddenUnits]):
    """A Boltzmann machine's receptive fields, lit by the hidden units that are on."""

    name = "Filters"
    group = LOOK_INSIDE
    capability = HasHiddenUnits
    plot: BarPlot
    words = (
        "Each hidden unit looks at the picture through its own <b>filter</b>: the weights between it and every pixel. "
        "Bright weights want white there, dark ones want black.<br><br>As the chain runs, the filters of the units "
        "that are <b>on</b> light up: the picture is made of what they have in common. Click another chain to see "
        "its units."
    )
    formula = r"P(h_j = 1 \mid v) = \sigma(c_j + \sum_i W_{ij} v_i)"

    def explanation(self, model: HasHiddenUnits) -> tuple[str, str]:
        """A deep machine has a second layer, whose filters are made of those of the first."""
        if model.card.network != "energy/dbm":
            return super().explanation(model)
        *shared, last = self.words.split("<br><br>")
        second = (
            "On the right is the <b>second layer</b>. Its units see no pixel, only the first layer; what each looks for is "
            "the sum of the first's filters, weighted by what it makes of them."
        )
        formula = r"P(h^1_j = 1 \mid v, h^2) = \sigma(c_j + \sum_i W^1_{ij} v_i + \sum_k W^2_{jk} h^2_k)"
        return "<br><br>".join([*shared, second, last]), formula

    def build(self) -> None:
        """Chains, and the filters of each layer."""
        self.chains, self.grid, self.second = ImageGrid(), ImageGrid(), ImageGrid()
        for grid in (self.chains, self.grid, self.second):
            grid.may_show_fewer = True  # the strongest filters come first
        self.chains.setAccessibleName("Chains; choose one to see its hidden units")
        self.grid.setAccessibleName("Filters of the first layer")
        self.second.setAccessibleName("Filters of the second layer")
        self.chains.selection_changed.connect(lambda _: self._light())
        row = QHBoxLayout()
        for grid, share in ((self.chains, 2), (self.grid, 5), (self.second, 5)):
            row.addWidget(grid, share)
        self.column.addLayout(row, 1)
        self.player.speed = 15.0
        self.fetch = self.new_lane("filters")
        self.fetch.frames_arrived.connect(lambda frames: self._take(frames[-1].payload))
        self.fetch.failed.connect(self.tab.show_failure)
        self.layers: list[Layer] = []
        self.plot = BarPlot("Hidden units by how probably they are on", "P(h = 1)", "units")

    def opened(self) -> None:
        """Another machine has other filters."""
        from playground.experiments.energy import filters

        self.layers = []
        self.second.setVisible(self.model.card.network == "energy/dbm")
        self.fetch.play(self.source(filters.filters))

    def _take(self, layers: list[np.ndarray]) -> None:
        count = NUM_FILTERS if len(layers) == 1 else NUM_OF_EACH
        self.layers = [Layer.of(weights, count) for weights in layers]
        self._light()

    def draw(self, frame: Frame) -> None:
        """The chains, and the lit filters of the chosen one."""
        self.chains.set_images(frame.images)
        if self.chains.selected() < 0:
            self.chains.select(0)
        self._light()

    def _light(self) -> None:
        frame = self.player.frame
        chosen = max(self.chains.selected(), 0)
        if frame is None or chosen >= len(frame.images):
            return
        names = ("hidden", "hidden_2")
        titles = ("first layer", "second layer") if len(self.layers) > 1 else ("",)
        grids = (self.grid, self.second)
        for layer, grid, name, title in zip(self.layers, grids, names, titles, strict=False):
            grid.set_panels([(title, layer.lit(frame.extras[name][chosen]))])
        on = np.concatenate([frame.extras[name][chosen] for name in names[: max(len(self.layers), 1)]])
        counts, edges = np.histogram(on, bins=20, range=(0, 1))
        self.plot.set_values(counts, x=(edges[:-1] + edges[1:]) / 2)


@dataclass(frozen=True)
class Layer:
    """The strongest filters of a layer, float32 (n,H,W) in [-1, 1], and whose they are."""

    filters: np.ndarray
    units: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, count: int) -> Layer:
        """The strongest of all, float32 (units,H,W)."""
        strongest = np.argsort(-np.abs(weights).mean((1, 2)))[:count]
        chosen = weights[strongest]
        scale = np.quantile(np.abs(chosen), 0.98, axis=(1, 2), keepdims=True)
        return cls(np.clip(chosen / np.maximum(scale, 1e-12), -1, 1), strongest)

    def lit(self, on: np.ndarray) -> np.ndarray:
        """As pictures uint8 (n,H,W,1), brighter where a unit is on; ``on`` (units,) are probabilities."""
        light = (0.4 + 0.6 * on[self.units])[:, None, None]
        return (((self.filters + 1) / 2 * light)[..., None] * 255).astype(np.uint8)
