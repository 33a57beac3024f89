"""Between the lines: one drawing, and under its pen the mixture that the next point is drawn from."""

from __future__ import annotations

import numpy as np

from playground.capabilities import DrawsStrokes
from playground.contract import Frame, Request
from playground.tabs.frame.view import View
from playground.tabs.vae.strokes.draw import ended, pictures
from playground.ui.plots.named_bars import NamedBars
from playground.ui.strokes.pen_tip import PenTip

PEN = ("the line goes on", "the pen is lifted", "the drawing ends")
POINTS_PER_SECOND = 4.0


class Between(View[DrawsStrokes]):
    """A large paper, and three bars."""

    name = "Between the lines"
    capability = DrawsStrokes
    plot: NamedBars
    words = (
        "The dot is the tip of the pen. <b>Where may it go next?</b> The decoder answers with a <b>mixture</b> of twenty normal "
        "distributions, each an ellipse of one and two standard deviations; the figure is its weight. One is chosen by its "
        "weight, a point is drawn from it, and the question is asked again.<br><br>Along a line one narrow ellipse has nearly "
        "all the weight. <b>At a corner there are several</b>: here it could turn, or go on. A single normal distribution "
        "would have to draw the average of all of them, which is no line at all.<br><br>The bars: does a line go on from the "
        "next point, is the pen lifted there, or does the drawing end here? Turn <b>temperature</b> and see the ellipses breathe."
    )
    formula = r"p(\Delta x, \Delta y) = \sum_j \pi_j \, N(\Delta x, \Delta y \mid \mu_j, \Sigma_j)"
    hidden_knobs = frozenset({"begin", "num_samples"})

    def request_type(self, model: DrawsStrokes) -> type[Request]:
        from playground.experiments.vae import strokes  # torch: not before the window is on the screen

        return strokes.OneDrawingRequest

    def build(self) -> None:
        """The paper; the pen's probabilities in the panel."""
        self.paper = PenTip()
        self.column.addWidget(self.paper, 1)
        self.player.speed = POINTS_PER_SECOND
        self.plot = NamedBars("What the pen does next")

    def draw(self, frame: Frame) -> None:
        """The lines, and what may come."""
        self.paper.set_moment(
            frame.extras["strokes"][0], None if ended(frame)[0] else frame.extras["mixture"][0]
        )

    def draw_plot(self, frame: Frame) -> None:
        """Three shares of one."""
        if not ended(frame)[0]:
            self.plot.set_values("What the pen does next", PEN, frame.extras["pen"][0])

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Black on white."""
        return [("", pictures(frame, 256))]
