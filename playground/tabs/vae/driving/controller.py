"""Controller: one linear layer, found by evolution in the dream, drives in several dreams at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import Dreams
from playground.contract import Frame, Model, Request
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.plots.plot_column import PlotColumn


class Controller(View[Dreams]):
    """Dreams side by side, what each has come along the road, and what the controller is worth in the world."""

    name = "Controller"
    capability = Dreams
    plot: PlotColumn
    words = (
        "<b>C</b> is a single linear layer from what V sees and M remembers to wheel, gas and brake: fewer than nine hundred "
        "numbers. No gradient found them: controllers were varied at random, each drove in M's dream, and the better "
        "ones were followed (an evolution strategy). <b>It has never been in the world</b>, only in dreams like these.<br><br>"
        "Turn <b>temperature</b>: in a cold dream a controller can learn to cheat M; who learned in a warm one is robust. "
        "What it is worth was measured, in the dream and on real tracks."
    )
    formula = r"a_t = W [z_t, h_t] + b"
    hidden_knobs = frozenset({"steering"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        return isinstance(model, Dreams)

    def request_type(self, model: Dreams) -> type[Request]:
        from playground.experiments.vae import driving

        return driving.ControllerRequest

    def build(self) -> None:
        """The dreams, and two plots."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.grid.setAccessibleName("Dreams in which the controller drives")
        self.column.addWidget(self.grid, 1)
        self.player.speed = 20.0
        self.way = LinePlot("Along the road", "frame", "units")
        self.worth = LinePlot("What it is worth, by temperature", "temperature of the dream", "units a frame")
        self.plot = PlotColumn(self.worth, self.way)

    def opened(self) -> None:
        """What was measured."""
        self.worth.clear()
        found = self.model.card.metrics.get("controller", {})
        if "temperatures" in found:
            heats = found["temperatures"]
            self.worth.set_curve("in the dream", found["dream"], heats)
            if "world" in found:
                self.worth.set_curve("in the world", [found["world"]] * len(heats), heats)

    def sampler(self, model: Dreams, request: Request) -> Iterator[Frame]:
        return model.sample(request)

    def draw(self, frame: Frame) -> None:
        """The dreams; a car that M believes on the grass is said to be."""
        said = ["on the road" if on > 0.5 else "on the grass" for on in frame.extras["on_road"]]
        self.grid.set_images(frame.images, captions=said)

    def draw_plot(self, frame: Frame) -> None:
        """How far each has come."""
        frames = [f for f in self.player.timeline if f.step <= frame.step]
        steps = np.array([f.step for f in frames])
        far = np.cumsum(
            [f.extras["progress"] * (f.extras["on_road"] > 0.5) * (f.step > 0) for f in frames], axis=0
        )
        self.way.set_curves({f"dream {i + 1}": far[:, i] for i in range(min(far.shape[1], 6))}, steps)
