"""The Flow tab: noise carried back through every layer."""

from __future__ import annotations

from playground.capabilities import ClassConditional
from playground.contract import Frame, Model
from playground.tabs.branches.view import Branching
from playground.tabs.flow.histogram import draw_numbers, number_plot
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class Generate(Branching):
    """Samples of the prior, carried back through every layer."""

    name = "Generate"
    answers_within = 0.15  # the last of its frames is the picture; all before it look like noise
    plot: LinePlot
    words = (
        "A flow can be read in both directions. Towards <i>z</i> it turns a picture into noise; <b>here it runs "
        "backwards</b>: noise comes in, every layer is undone in turn, and the last one leaves grey levels. Drag the "
        "timeline to see the layers.<br><br><b>temperature</b> shrinks the noise. At 1 the model draws honestly, "
        "mistakes included; lower, it stays near what it thinks likeliest.<br><br>Nothing is lost on the way, so the "
        "density of a picture is that of its noise, times how much the layers stretch space there."
    )
    formula = r"\log p(x) = \log \N(z; 0, I) + \log \left|\det \frac{\partial z}{\partial x}\right|"
    patch_words = (
        "Every block of this flow is a <b>transformer</b> over 49 patches. From the patches before, it says how to "
        "scale and shift the next one. Towards <i>z</i> all go at once; <b>here it runs backwards</b>, and each waits for "
        "the one before: watch the rows come, downwards and upwards in turn.<br><br>It learned the density of slightly "
        "<b>noisy</b> pictures. The last frame takes the noise away, one step along the gradient of log p: drag back "
        "one frame to see it.<br><br><b>Guidance</b> pushes every patch towards its class."
    )
    patch_formula = r"x_t = z_t \exp(\alpha_t) + \mu_t, \; (\mu_t, \alpha_t) = f(x_1 \ldots x_{t-1})"

    def explanation(self, model: Model) -> tuple[str, str]:
        """A flow of transformers needs words of its own."""
        if model.card.network == "flow/tarflow":
            return self.patch_words, self.patch_formula
        return self.words, self.formula

    @classmethod
    def branches(cls, model: Model) -> bool:
        """Where it is told the class on every layer; else all that follows is fixed by z."""
        return isinstance(model, ClassConditional)

    def build(self) -> None:
        """A grid, and how the numbers lie."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.plot = number_plot()

    def draw(self, frame: Frame) -> None:
        """The pictures as far as they are."""
        self.grid.set_images(frame.images, captions=self.class_names())

    def draw_plot(self, frame: Frame) -> None:
        """How its numbers lie."""
        grey = frame.extras.get("grey", frame.step == frame.total)
        draw_numbers(self.plot, frame.extras["values"], grey)
