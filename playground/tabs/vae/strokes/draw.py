"""Draw: a sheet of drawings of one word, all drawn at once, point by point."""

from __future__ import annotations

import numpy as np

from playground.capabilities import DrawsStrokes
from playground.contract import Frame
from playground.data import icons
from playground.tabs.frame.view import View
from playground.ui.plots.line_plot import BarPlot
from playground.ui.strokes.sheet import StrokeSheet


class Draw(View[DrawsStrokes]):
    """Ten papers, and how many points each drawing has needed."""

    name = "Draw"
    capability = DrawsStrokes
    plot: BarPlot
    words = (
        "No pixel is painted here. The model holds a <b>pen</b>: it has learned from 13,360 icons how far the pen goes next, and "
        "when it is lifted. Each point is drawn from a mixture that depends on all the points so far.<br><br>Choose "
        "<b>of what</b> it draws. Turn <b>temperature</b>: low is the one drawing it is surest of, high is a wild hand. "
        "<i>Anything</i> is hardest: thousands of kinds of icons at once.<br><br>Give each drawing a <b>code</b> from the "
        "prior, and <i>z</i> decides its outline, whatever the word says: two conditions pull at one pen.<br><br>Drag the "
        "timeline to see in which order it draws; double-click a drawing to see it large."
    )
    formula = r"p(s \mid z) = \prod_t p(\Delta x_t, \Delta y_t, pen_t \mid s_{<t}, z)"
    hidden_knobs = frozenset({"begin"})

    def build(self) -> None:
        """The sheet."""
        self.sheet = StrokeSheet()
        self.sheet.setAccessibleName("Drawings")
        self.column.addWidget(self.sheet, 1)
        self.player.speed = 30.0
        self.plot = BarPlot("Points of each drawing", "drawing", "points")

    def draw(self, frame: Frame) -> None:
        """The lines so far."""
        self.sheet.set_drawings(frame.extras["strokes"], int(frame.extras["given"]), ended=ended(frame))

    def draw_plot(self, frame: Frame) -> None:
        """How many points each has."""
        counts = np.isfinite(frame.extras["strokes"][..., 0]).sum(1)
        self.plot.set_values(counts, x=np.arange(1, len(counts) + 1))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Black on white."""
        return [("", pictures(frame))]


def ended(frame: Frame) -> np.ndarray:
    """Which drawings are finished, bool (B,): all of them in the last frame."""
    return np.asarray(frame.extras["ended"]) | (frame.step == frame.total)


def pictures(frame: Frame, side: int = 128) -> np.ndarray:
    """The drawings of a frame for an animation, uint8 (B,side,side,1)."""
    return np.stack([icons.picture(codes[0], side) for codes in frame.images])
