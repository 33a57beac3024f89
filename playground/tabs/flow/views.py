"""The Flow tab: noise and pictures turned into each other, layer by layer, with nothing lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from playground.capabilities import ClassConditional
from playground.contract import Frame, Model, Request
from playground.tabs.flow.histogram import draw_numbers, number_plot
from playground.tabs.frame.interpolate import Interpolate
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot, LinePlot
from playground.ui.theme import theme

if TYPE_CHECKING:
    from playground.models.flow.base import Flow


class Generate(View):
    """Samples of the prior, carried back through every layer."""

    name = "Generate"
    plot: LinePlot
    words = (
        "A flow can be read in both directions. Towards <i>z</i> it turns a picture into noise; <b>here it runs "
        "backwards</b>: noise comes in, every layer is undone in turn, and the last one leaves grey levels. Drag the "
        "timeline to see the layers.<br><br><b>temperature</b> shrinks the noise. At 1 the model draws honestly, "
        "mistakes included; lower, it stays near what it thinks likeliest.<br><br>Nothing is lost on the way, so the "
        "density of a picture is that of its noise, times how much the layers stretch space there."
    )
    formula = r"\log p(x) = \log \N(z; 0, I) + \log |\det \partial z / \partial x|"
    patch_words = (
        "Every block of this flow is a <b>transformer</b> over 49 patches. From the patches before, it says how to "
        "scale and shift the next one. Towards <i>z</i> all go at once; <b>here it runs backwards</b>, and each waits for "
        "the one before: watch the rows come, downwards and upwards in turn.<br><br>It learned the density of slightly "
        "<b>noisy</b> pictures. The last frame takes the noise away, one step along the gradient of log p: drag back "
        "one frame to see it.<br><br><b>guidance_scale</b> pushes every patch towards its class."
    )
    patch_formula = r"x_t = z_t \exp(\alpha_t) + \mu_t, \; (\mu_t, \alpha_t) = f(x_1 \ldots x_{t-1})"

    def explanation(self, model: Model) -> tuple[str, str]:
        """A flow of transformers needs words of its own."""
        if model.card.network == "flow/tarflow":
            return self.patch_words, self.patch_formula
        return self.words, self.formula

    def build(self) -> None:
        """A grid, and how the numbers lie."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.plot = number_plot()

    def draw(self, frame: Frame) -> None:
        """The pictures as far as they are."""
        self.grid.set_images(frame.images)

    def draw_plot(self, frame: Frame) -> None:
        """How its numbers lie."""
        grey = frame.extras.get("grey", frame.step == frame.total)
        draw_numbers(self.plot, frame.extras["values"], grey)


class Layers(View["Flow"]):
    """One picture on its journey, with every stop of it in a strip."""

    name = "Layer by layer"
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
        """See the class."""
        from playground.experiments.flow import layer_traces

        conditional = isinstance(model, ClassConditional)
        return layer_traces.ClassLayersRequest if conditional else layer_traces.LayersRequest

    def sampler(self, model: Flow, request: Request) -> Iterator[Frame]:
        """The journey."""
        from playground.experiments.flow import layer_traces

        return layer_traces.layers(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """A sample has dice, a test image a number."""
        drawn = getattr(request, "start", "") == "sample"
        return {"image": not drawn} | dict.fromkeys(("label", "seed", "temperature"), drawn)

    def build(self) -> None:
        """The state now, and all stops so far."""
        self.now, self.strip = ImageGrid(), ImageGrid()
        self.column.addWidget(self.now, 5)
        self.column.addWidget(self.strip, 3)
        self.strip.picked.connect(lambda sample, row, column: self.player.seek(sample))
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
        self.strip.set_images(stops, columns=frame.total // 2 + 1)  # a way back is the second row
        self.strip.select(self.player.index)

    def draw_plot(self, frame: Frame) -> None:
        """How its numbers lie."""
        is_x = frame.extras["at"] == 0
        draw_numbers(self.plot, frame.extras["values"], is_x)


class Walk(Interpolate):
    """The walk of every family that decodes, with what is special about a flow's z."""

    words = (
        "Two pictures are carried to their <i>z</i> (or two are drawn), and the flow is run backwards from the points between. "
        "Both ends come back exactly, for nothing was lost.<br><br>But <i>z</i> has as many numbers as the picture has pixels, "
        "and most of them describe fine detail. Nothing made the flow put the meaning into a few of them, so half-way "
        "pictures are often two garments at once. Compare the VAE's walks.<br><br>"
        "<b>Straight or spherical?</b> Nearly all of a 784-dimensional Gaussian has length 28. The straight line "
        "takes a short cut through the inside: watch the length."
    )
    class_words = (
        "Two pictures are carried to their <i>z</i> (or two are drawn), and the flow is run backwards from the points between. "
        "What comes back at the ends is the picture with its noise cleaned away.<br><br>This flow is told classes. <b>Told "
        "both</b>, it hears a mixture on the way: so much of one garment, so much of the other, and what stands between "
        "changes its mind at once. <b>Told none</b>, <i>z</i> has to say everything.<br><br>"
        "<b>Straight or spherical?</b> Nearly all of a 784-dimensional Gaussian has length 28. The straight line "
        "takes a short cut through the inside: watch the length."
    )

    def explanation(self, model: Model) -> tuple[str, str]:
        """A class that is mixed on the way needs words."""
        return (self.class_words if isinstance(model, ClassConditional) else self.words), self.formula

    def request_type(self, model: Model) -> type[Request]:
        """See the class."""
        from playground.experiments import interpolation

        conditional = isinstance(model, ClassConditional)
        return interpolation.ClassInterpolateRequest if conditional else interpolation.InterpolateRequest


class RoundTrip(View["Flow"]):
    """A test image, its z, what comes back, and the difference."""

    name = "Round trip"
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
        """See the class."""
        from playground.experiments.flow import layer_traces

        conditional = isinstance(model, ClassConditional)
        return layer_traces.ClassRoundTripRequest if conditional else layer_traces.RoundTripRequest

    def sampler(self, model: Flow, request: Request) -> Iterator[Frame]:
        """There and back."""
        from playground.experiments.flow import layer_traces

        return layer_traces.round_trip(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """The centre needs no dice."""
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
        self.grid.set_images(frame.images, columns=2, captions=names)
        error, changed = frame.extras["error"], frame.extras["changed"]
        pixels = "no pixel" if changed == 0 else f"{changed} of {frame.images[0].size} pixels"
        self.figures.setText(f"largest error {error:.5f} grey levels, {pixels} changed")
        draw_numbers(self.plot, frame.extras["latent"], False)


class Score(View["Flow"]):
    """What a test image costs in bits, and where the bits go."""

    name = "Score"
    plot: BarPlot
    words = (
        "A flow's continuous density is <b>exact</b>. But grey levels are 8-bit: random numbers <i>u</i> spread each over "
        "its bin, and that makes this a <b>bound</b>: the true figure is at most it. Every frame is one more draw of <i>u</i>."
        "<br><br>The bars: what each scale costs given the coarser ones, and what choosing <i>u</i> costs. Only "
        "the sum is a cost; a raw byte per pixel would be 8.<br><br><b>Change</b> the picture: does the model notice?"
    )
    formula = r"\log P(x) \ge \E_{q(u \mid x)} [\log p(x + u) - \log q(u \mid x)]"
    read_words = (
        "This flow knows the density of <b>noisy</b> pictures. What an 8-bit picture costs is then a <b>bound</b>: the "
        "price of the noisy one, y = x + u, less what its noise <i>u</i> alone would cost, plus <b>reading</b> 256 grey "
        "levels again from the cleaned picture, each pixel by itself. Every frame is one more draw of <i>u</i>.<br><br>Only "
        "the sum is a cost; a raw byte per pixel would be 8.<br><br><b>Change</b> the picture: does the model notice?"
    )
    read_formula = r"\log P(x) \ge \E [\log p(y) - \log q(y \mid x) + \log P(x \mid y)]"
    hidden_knobs = frozenset({"num_samples"})

    def explanation(self, model: Model) -> tuple[str, str]:
        """Noise that leaves its bin has one more price."""
        if model.card.network == "flow/tarflow":
            return self.read_words, self.read_formula
        return self.words, self.formula

    def request_type(self, model: Model) -> type[Request]:
        """See the class."""
        from playground.experiments.flow import layer_traces

        conditional = isinstance(model, ClassConditional)
        return layer_traces.ClassScoreRequest if conditional else layer_traces.ScoreRequest

    def sampler(self, model: Flow, request: Request) -> Iterator[Frame]:
        """Draw after draw."""
        from playground.experiments.flow import layer_traces

        return layer_traces.count_bits(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """The picture, a line of figures, and the bars."""
        self.grid, self.figures = ImageGrid(), figures_line()
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.figures)
        self.plot = BarPlot("Where the bits go", "", "bits/dim")

    def draw(self, frame: Frame) -> None:
        """See :meth:`build`."""
        bits, parts = frame.extras["bits"], frame.extras["parts"]
        mean = float(bits.mean())
        error = f" ± {bits.std(ddof=1) / np.sqrt(len(bits)):.4f}" if len(bits) > 1 else ""
        size = f"{mean * frame.images[0].size / 8:.0f} bytes in place of {frame.images[0].size}"
        self.grid.set_images(frame.images, captions=[size])
        terms = " + ".join(f"{value:.3f} ({name})" for name, value in parts.items())
        text = f"{terms} = {mean:.4f}{error} bits/dim (bound)"
        self.figures.setText(text.replace("+ -", "− ").replace("-", "−"))
        values = [*parts.values(), mean]  # a part may be negative: it hangs
        self.plot.set_values(values, highlight=len(values) - 1, names=[*parts, "sum"], signed=True)


def figures_line() -> QLabel:
    """One line under the picture, in tabular figures."""
    line = QLabel()
    line.setFont(theme.numbers_font())
    line.setWordWrap(True)
    line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return line
