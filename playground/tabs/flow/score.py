"""What a test image costs in bits, and where the bits go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from playground.capabilities import ClassConditional
from playground.contract import Frame, Model, Request
from playground.families import FROM_PICTURE
from playground.tabs import so_what
from playground.tabs.flow.figures_line import figures_line
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

if TYPE_CHECKING:
    from playground.models.flow.base import Flow


class Score(View["Flow"]):
    """What a test image costs in bits, and where the bits go."""

    name = "Score"
    group = FROM_PICTURE
    plot: BarPlot
    words = (
        "A flow's continuous density is <b>exact</b>. But grey levels are 8-bit: random numbers <i>u</i> spread each over "
        "its bin, and that makes this a <b>bound</b>: the true figure is at most it. Every frame is one more draw of <i>u</i>."
        "<br><br>The bars: what each scale costs given the coarser ones, and what choosing <i>u</i> costs. Only "
        "the sum is a cost; a raw byte per pixel would be 8.<br><br><b>Change</b> the picture: does the model notice?"
    )
    formula = r"\log P(x) \ge \E_{q(u \mid x)} [\log p(x + u) - \log q(u \mid x)]"
    read_words = (
        "This flow learned from <b>noisy</b> pictures, so it can only give an upper limit, a <b>bound</b>, for the picture "
        "without noise. Three parts add up to it: what the noisy picture costs; <i>minus</i> what its noise <i>u</i> would "
        "cost alone; <i>plus</i> what it costs to name the 256 grey levels once the noise is taken away. Every frame "
        "draws the noise again.<br><br>Only the sum means something; writing the grey levels down as they are costs 8."
        "<br><br><b>Change</b> the picture: does the model notice?"
    )
    read_formula = r"\log P(x) \ge \E [\log p(y) - \log q(y \mid x) + \log P(x \mid y)]"
    hidden_knobs = frozenset({"num_samples"})

    def explanation(self, model: Model) -> tuple[str, str]:
        """Noise that leaves its bin has one more price."""
        if model.card.network == "flow/tarflow":
            return self.read_words, self.read_formula
        return self.words, self.formula

    def request_type(self, model: Model) -> type[Request]:
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

    def so_what(self, frame: Frame) -> str:
        """When all draws are made: the size of the picture as a file."""
        if frame.step < frame.total:
            return ""
        bits = float(frame.extras["bits"].mean())
        return so_what.cost(bits, frame.images[0].size, "bound", self.model.card.metrics)
