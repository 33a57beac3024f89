"""The filters of an RBM, lit by its hidden units."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import HasHiddenUnits
from playground.contract import Frame
from playground.families import LOOK_INSIDE
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

NUM_FILTERS = 64


class Filters(View[HasHiddenUnits]):
    """An RBM's receptive fields, lit by the hidden units that are on."""

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

    def build(self) -> None:
        """Chains, filters."""
        self.chains, self.grid = ImageGrid(), ImageGrid()
        self.chains.may_show_fewer = self.grid.may_show_fewer = True  # the strongest filters come first
        self.chains.setAccessibleName("Chains; choose one to see its hidden units")
        self.chains.selection_changed.connect(lambda _: self._light())
        row = QHBoxLayout()
        row.addWidget(self.chains, 2)
        row.addWidget(self.grid, 5)
        self.column.addLayout(row, 1)
        self.player.speed = 15.0
        self.fetch = self.new_lane("filters")
        self.fetch.frames_arrived.connect(lambda frames: self._take(frames[-1].payload))
        self.fetch.failed.connect(self.tab.show_failure)
        self.filters: np.ndarray | None = None
        self.plot = BarPlot("Hidden units by how probably they are on", "P(h = 1)", "units")

    def opened(self) -> None:
        """Another machine has other filters."""
        from playground.experiments.energy import filters

        self.filters = None
        self.fetch.play(self.source(filters.filters))

    def _take(self, weights: np.ndarray) -> None:
        strongest = np.argsort(-np.abs(weights).mean((1, 2)))[:NUM_FILTERS]
        chosen = weights[strongest]
        scale = np.quantile(np.abs(chosen), 0.98, axis=(1, 2), keepdims=True)
        self.filters, self.units = np.clip(chosen / scale, -1, 1), strongest
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
        if frame is None or self.filters is None or chosen >= len(frame.images):
            return
        on = frame.extras["hidden"][chosen]
        light = (0.4 + 0.6 * on[self.units])[:, None, None]
        grey = (self.filters + 1) / 2 * light
        self.grid.set_images((grey[..., None] * 255).astype(np.uint8))
        counts, edges = np.histogram(on, bins=20, range=(0, 1))
        self.plot.set_values(counts, x=(edges[:-1] + edges[1:]) / 2)
