"""The GAN tab: pictures in one pass, each with what the discriminator says of it."""

from __future__ import annotations

import numpy as np

from playground.capabilities import Adversarial, HasStyles
from playground.contract import Frame, Model
from playground.tabs import so_what
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

DISCRIMINATOR_OUTPUT = "D(x): how probably real, says the discriminator"


class Generate(View):
    """Samples, each with the discriminator's output."""

    name = "Generate"
    capability = Adversarial
    plot: BarPlot
    words = (
        "Each picture is one random <i>z</i>, sent <b>once</b> through the generator. It learned from a second network, "
        "the <b>discriminator</b>, which learned to tell its pictures from real ones; the bars show what that network "
        "thinks.<br><br>How probable a picture is, a GAN cannot say: it has <b>no likelihood</b>."
    )
    formula = r"\min_G \max_D \; \E_x [\log D(x)] + \E_z [\log (1 - D(G(z)))]"

    def explanation(self, model: Model) -> tuple[str, str]:
        """What only StyleGAN has."""
        if not isinstance(model, HasStyles):
            return self.words, self.formula
        more = (
            "<br><br><b>Truncation</b> (psi) pulls every style <i>w</i> to the mean of its class: safer, less varied. For "
            "variety, the generator was also trained to make its pictures <b>as a set</b> as varied as real ones are to the "
            "discriminator."
        )
        return self.words + more, self.formula

    def build(self) -> None:
        """The grid, and the discriminator's outputs as bars."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.grid.selection_changed.connect(lambda _: self._draw_bars())
        self.plot = BarPlot(DISCRIMINATOR_OUTPUT, "picture", "D(x)")

    def draw(self, frame: Frame) -> None:
        """The pictures, each with the discriminator's output or its class."""
        found, names = frame.extras["discriminator_output"], self.class_names()
        if names is None:
            names = [f"{v:.0%}".replace("%", " % real") for v in found]
        self.grid.set_images(frame.images, captions=names)

    def draw_plot(self, frame: Frame) -> None:
        """The discriminator's outputs."""
        self._draw_bars()

    def so_what(self, frame: Frame) -> str:
        """How many the discriminator takes for real."""
        return so_what.believed(frame.extras["discriminator_output"].tolist())

    def _draw_bars(self) -> None:
        frame, chosen = self.player.frame, self.grid.selected()
        if frame is not None:
            found = frame.extras["discriminator_output"]
            highlight = chosen if 0 <= chosen < len(found) else None
            x = np.arange(1, len(found) + 1)
            self.plot.set_values(found, x=x, highlight=highlight)
