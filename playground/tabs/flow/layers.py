"""One picture on its way through the layers, with every stop of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from playground.capabilities import ClassConditional
from playground.contract import Frame, Model, Request
from playground.families import LOOK_INSIDE
from playground.tabs.flow.histogram import draw_numbers, number_plot
from playground.tabs.frame.view import View
from playground.tabs.pictures.way_strip import WayStrip
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

if TYPE_CHECKING:
    from playground.models.flow.base import Flow


class Layers(View["Flow"]):
    """One picture on its way through the layers, with every stop of it in a strip."""

    name = "Layer by layer"
    group = LOOK_INSIDE
    plot: LinePlot
    words = (
        "Each stop of the strip is the <b>whole</b> state: 784 numbers between a picture and noise, laid out where "
        "their pixels are. A <b>coupling</b> changes half of them, as a network says that reads only the other half; so "
        "the same network, asked the same question, can undo it.<br><br><b>A test image</b> travels to <i>z</i> and back: "
        "the second row is the first in reverse. Multiscale flows <i>split off</i> half of the numbers on the way; those "
        "stand still while the rest goes on.<br><br>Click a stop, or drag the timeline."
    )
    formula = r"z = f_K(\ldots f_2(f_1(x)))"
    patch_words = (
        "Each stop of the strip is the <b>whole</b> state: 784 numbers between a picture and noise, laid out where "
        "their pixels are. A <b>block</b> shifts and scales every patch as a transformer says that has read only the "
        "patches before it; so the same transformer, asked patch by patch, can undo it.<br><br><b>A test image</b> travels "
        "to <i>z</i> and back: the second row is the first in reverse. It gets its noise first, and keeps it; the "
        "model is told its class both ways.<br><br>Click a stop, or drag the timeline."
    )
    hidden_knobs = frozenset({"num_samples"})

    def explanation(self, model: Model) -> tuple[str, str]:
        """Couplings, or patches."""
        return (self.patch_words if model.card.network == "flow/tarflow" else self.words), self.formula

    def request_type(self, model: Model) -> type[Request]:
        from playground.experiments.flow import layer_traces

        conditional = isinstance(model, ClassConditional)
        return layer_traces.ClassLayersRequest if conditional else layer_traces.LayersRequest

    def sampler(self, model: Flow, request: Request) -> Iterator[Frame]:
        """The layers one after another, to z and back."""
        from playground.experiments.flow import layer_traces

        return layer_traces.layers(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """A sample has a seed, a test image a number."""
        drawn = getattr(request, "start", "") == "sample"
        return {"image": not drawn} | dict.fromkeys(("label", "seed", "temperature"), drawn)

    def build(self) -> None:
        """The state now, and all stops so far."""
        self.now, self.strip = ImageGrid(), WayStrip()
        self.column.addWidget(self.now, 5)
        self.column.addWidget(self.strip, 3)
        self.strip.went.connect(self.player.seek)
        self.player.loop = True
        self.player.speed = 4.0
        self.plot = number_plot()

    def draw(self, frame: Frame) -> None:
        """See :meth:`build`."""
        at, direction = frame.extras["at"], frame.extras["direction"]
        name = frame.extras["layer"]
        is_x = at == 0
        words = "x" if is_x else f"{name}, {'done' if direction == 'to z' else 'undone'}"
        if name == "z":
            words = "z"
        self.now.set_images(frame.images, captions=[words])
        stops = np.concatenate([f.images for f in self.player.timeline])
        every = np.zeros((max(frame.total + 1, len(stops)), *stops.shape[1:]), np.uint8)
        every[: len(stops)] = stops  # all have their places at once
        back = getattr(self.request, "start", "") == "image"  # a way back is the second row
        columns = (frame.total // 2 if back else frame.total) + 1
        self.strip.show_way(every, len(stops), self.player.index, columns)

    def draw_plot(self, frame: Frame) -> None:
        """How its numbers lie."""
        is_x = frame.extras["at"] == 0
        draw_numbers(self.plot, frame.extras["values"], is_x)
