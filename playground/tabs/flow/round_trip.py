"""A test image, its z, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from playground.capabilities import ClassConditional
from playground.contract import Frame, Model, Request
from playground.families import FROM_PICTURE
from playground.tabs import so_what
from playground.tabs.flow.figures_line import figures_line
from playground.tabs.flow.histogram import draw_numbers, number_plot
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

if TYPE_CHECKING:
    from playground.models.flow.base import Flow


class RoundTrip(View["Flow"]):
    """A test image, its z, what comes back, and the difference."""

    name = "Round trip"
    group = FROM_PICTURE
    plot: LinePlot
    words = (
        "A test image goes through all layers to <i>z</i>, and <i>z</i> goes back. A flow loses only what rounding takes: "
        "the <b>error</b> is a small part of one grey level.<br><br>If the model were perfect, <i>z</i> could not be told "
        "from Gaussian noise: look for the garment's outline in it. The curve compares its 784 numbers with the "
        "standard normal.<br><br>A grey level is a bin; where <b>within the bin</b> the continuous number lies must be "
        "chosen first (<i>dequantisation</i>)."
    )
    noisy_words = (
        "A test image goes through all blocks to <i>z</i>, and <i>z</i> goes back. A flow loses only what rounding takes: "
        "the <b>error</b> is a small part of one grey level.<br><br>If the model were perfect, <i>z</i> could not be told "
        "from Gaussian noise: look for the garment's outline in it. The curve compares its 784 numbers with the "
        "standard normal.<br><br>This flow knows pictures with <b>noise</b> of 10 grey levels, so the image is given its "
        "own first, and keeps it. With <b>none</b>, <i>z</i> is far too short: the model has never seen a picture so clean."
    )
    formula = r"z = f(x + u) \to f^{-1}(z) = x + u"
    hidden_knobs = frozenset({"num_samples"})

    def explanation(self, model: Model) -> tuple[str, str]:
        """Noise that leaves its bin is another matter."""
        return (self.noisy_words if isinstance(model, ClassConditional) else self.words), self.formula

    def request_type(self, model: Model) -> type[Request]:
        from playground.experiments.flow import layer_traces

        conditional = isinstance(model, ClassConditional)
        return layer_traces.ClassRoundTripRequest if conditional else layer_traces.RoundTripRequest

    def sampler(self, model: Flow, request: Request) -> Iterator[Frame]:
        """There and back."""
        from playground.experiments.flow import layer_traces

        return layer_traces.round_trip(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """The centre needs no seed."""
        return {"seed": getattr(request, "within", "") == "draw"}

    def build(self) -> None:
        """Four pictures and a line of figures."""
        self.grid, self.figures = ImageGrid(), figures_line()
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.figures)
        self.plot = number_plot()

    def draw(self, frame: Frame) -> None:
        """See :meth:`build`."""
        names = ["test image x", "z", "back again", "error (white: 1 grey level)"]
        self.grid.set_images(frame.images, captions=names)
        error, changed = frame.extras["error"], frame.extras["changed"]
        pixels = "no pixel" if changed == 0 else f"{changed} of {frame.images[0].size} pixels"
        self.figures.setText(f"largest error {error:.5f} grey levels, {pixels} changed")
        draw_numbers(self.plot, frame.extras["latent"], False)

    def so_what(self, frame: Frame) -> str:
        """What was lost, and whether z is noise."""
        return so_what.round_trip(frame.extras["changed"], float(frame.extras["latent"].std()))
