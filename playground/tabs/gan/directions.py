"""Sliders along the principal directions of w (Härkönen et al. 2020, arXiv:2004.02546)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit

from playground.capabilities import HasStyles
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot
from playground.ui.widgets.controls import ComboBox

if TYPE_CHECKING:
    from playground.models.gan.stylegan import StyleGAN


class Directions(View["StyleGAN"]):
    """Sliders along the principal directions of w; each can be given a name."""

    name = "Directions"
    group = LOOK_INSIDE
    capability = HasStyles
    plot: BarPlot
    words = (
        "The mapping network sends random <i>z</i> to styles <i>w</i>, and the cloud of styles is longer in some "
        "directions than in others. These sliders move one picture along the eight longest, in <b>standard "
        "deviations</b>.<br><br>Many directions mean something: width, sleeves, brightness. Find out which, and "
        "<b>give it a name</b> under the pictures: it is kept for the next time."
    )
    formula = r"w' = w + \sum_i a_i \sigma_i u_i"

    def request_type(self, model: StyleGAN) -> type[Request]:
        from playground.experiments.gan import directions

        return directions.DirectionRequest

    def sampler(self, model: StyleGAN, request: Request) -> Iterator[Frame]:
        """One picture, before and after."""
        from playground.experiments.gan import directions

        return directions.move(model, request)

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "directions.move(model, request)",
            ("from playground.experiments.gan import directions",),
            "directions.DirectionRequest",
        )

    def build(self) -> None:
        """Two pictures, and a line for names."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        line = QHBoxLayout()
        self.which, self.title = ComboBox(), QLineEdit()
        self.which.setAccessibleName("Direction to name")
        self.title.setAccessibleName("Name of the direction")
        self.title.setPlaceholderText("what does this direction change?")
        self.title.setMaxLength(40)
        self.which.currentIndexChanged.connect(lambda i: self.title.setText(self._name(i)))
        self.title.editingFinished.connect(self._rename)
        line.addWidget(QLabel("Name"))
        line.addWidget(self.which)
        line.addWidget(self.title, 1)
        self.column.addLayout(line)
        self.plot = BarPlot("Spread of w along its principal directions", "direction", "σ")
        self.finger = self.new_lane("spread")
        self.finger.frames_arrived.connect(lambda frames: self._show_spread(frames[-1].payload))

    def opened(self) -> None:
        """Another model has other directions."""
        from playground.experiments.gan import directions

        self.which.clear()
        self.which.addItems([self._entry(i) for i in range(directions.NUM_DIRECTIONS)])
        self.finger.play(self.source(directions.spread))

    def _entry(self, index: int) -> str:
        name = self._name(index)
        return f"direction {index + 1}" + (f": {name}" if name else "")

    def _key(self, index: int) -> str:
        return f"directions/{self.model.card.id}/{index}"

    def _name(self, index: int) -> str:
        return str(QSettings().value(self._key(index), "")) if index >= 0 else ""

    def _rename(self) -> None:
        index = self.which.currentIndex()
        if index >= 0:
            QSettings().setValue(self._key(index), self.title.text().strip())
            self.which.setItemText(index, self._entry(index))

    def draw(self, frame: Frame) -> None:
        """Before and after."""
        self.grid.set_images(frame.images, columns=2, captions=["as drawn", "moved"])

    def _show_spread(self, deviations: np.ndarray) -> None:
        self.plot.set_values(deviations, x=np.arange(1, len(deviations) + 1))
