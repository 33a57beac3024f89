"""A test image is damaged, and chains repair it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.contract import Frame, Request
from playground.families import FROM_PICTURE
from playground.tabs.energy.chain_panels import panels_of
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

if TYPE_CHECKING:
    from playground.experiments.energy.repair import ChainModel


class Repair(View["ChainModel"]):
    """A part of a test image is lost; chains fill it in while the rest is held."""

    name = "Denoise and complete"
    group = FROM_PICTURE
    plot: LinePlot
    words = (
        "A chain need not start from nothing. Here it starts from a <b>damaged test image</b>: what is known is put "
        "back after every step, and the chain fills in the rest so that the whole has low energy.<br><br>Several "
        "chains try it at once: where they differ, the model is unsure. Under <i>noise over everything</i> nothing is "
        "held, and the chain walks to a clean picture near by."
    )
    formula = r"p(x_{\text{lost}} \mid x_{\text{known}}) \propto \exp(-E(x))"

    def request_type(self, model: ChainModel) -> type[Request]:
        from playground.experiments.energy import repair

        return repair.repair_request(model.Request)  # type: ignore[arg-type]

    hidden_knobs = frozenset({"start", "label", "guidance_scale"})  # a repair is not told the class

    def sampler(self, model: ChainModel, request: Request) -> Iterator[Frame]:
        """The chains."""
        from playground.experiments.energy import repair

        return repair.repair(model, request)

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "repair.repair(model, request)",
            ("from playground.experiments.energy import repair",),
            "repair.repair_request(model.Request)",
        )

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The chains."""
        return panels_of(frame) if "denoised" in frame.extras else super().panels(frame)

    def class_names(self) -> list[str] | None:
        """None: no chain is told a class here."""
        return None

    def relevant(self, request: Request) -> dict[str, bool]:
        """The level belongs to noise."""
        return {"amount": getattr(request, "damage", "") == "noise"}

    def build(self) -> None:
        """The original, the chains, and how far they are from it."""
        self.original, self.grid = ImageGrid(), ImageGrid()
        self.original.setAccessibleName("The test image before it was damaged")
        row = QHBoxLayout()
        row.addWidget(self.original, 1)
        row.addWidget(self.grid, 3)
        self.column.addLayout(row, 1)
        self.player.speed = 30.0
        self.plot = LinePlot("Difference from the original", "step", "grey levels")

    def draw(self, frame: Frame) -> None:
        """Pictures."""
        original = frame.extras["original"]
        self.original.set_images(original, captions=["original"])
        self.grid.set_panels(self.panels(frame))

    def draw_plot(self, frame: Frame) -> None:
        """The mean difference so far."""
        original, frames = frame.extras["original"], list(self.player.timeline)
        apart = [float(np.abs(f.images.astype(int) - original).mean()) for f in frames[-400:]]
        self.plot.set_curve("difference", np.array(apart), np.array([f.step for f in frames[-400:]], float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)
