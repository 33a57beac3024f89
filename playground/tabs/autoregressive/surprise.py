"""Surprise: what each pixel of a picture costs a model that reads it, and what all of them cost together."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from playground.capabilities import DrawsInGroups, PredictsPixels
from playground.contract import Frame, Model, Request
from playground.families import FROM_PICTURE
from playground.tabs import so_what
from playground.tabs.frame.view import View
from playground.ui.pictures.pixel_grid import PixelGrid
from playground.ui.plots.colour_bar import ColourBar, coloured
from playground.ui.plots.line_plot import BarPlot

MOST_BITS = 12.0  # of the colour map; a pixel that costs more has the end colour
TICKS = [(0, "0"), (4, "4"), (8, "8: a blind guess"), (MOST_BITS, "12 or more")]


class Surprise(View[PredictsPixels]):
    """The picture, and beside it -log2 p of every pixel."""

    name = "Surprise"
    group = FROM_PICTURE
    capability = PredictsPixels
    plot: BarPlot
    words = (
        "How surprised is the model at every pixel? <b>−log<sub>2</sub> p</b> of the grey level that stands there, in "
        "bits: a certain pixel costs nothing, a blind guess among 256 levels 8.<br><br>Their sum is what the picture "
        "would take as a file, in the best code that this model allows; divided by 784 it is the model's <b>bits/dim</b>.<br><br><b>Point at a pixel</b> to "
        "see its distribution. Then choose an odd <b>picture</b>: upside down or inverted costs more, but all black "
        "next to nothing. <i>Probable</i> is not <i>typical</i>."
    )
    formula = r"-\log_2 p(x) = -\sum_{i=1}^{784} \log_2 p(x_i \mid x_1, \ldots, x_{i-1})"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Who reads row by row; in another order, the rows so far are not what a pixel was predicted from."""
        return super().suits(model) and not isinstance(model, DrawsInGroups)

    def request_type(self, model: PredictsPixels) -> type[Request]:
        from playground.experiments.autoregressive import pixelwise

        return pixelwise.SurpriseRequest

    def sampler(self, model: PredictsPixels, request: Request) -> Iterator[Frame]:
        """Row by row."""
        from playground.experiments.autoregressive import pixelwise

        return pixelwise.surprise(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """Picture and map, what they add up to, the colours, and the distribution of a pixel."""
        self.grid = PixelGrid()
        self.grid.pointed.connect(
            lambda row, column: self.tab.knobs.set_settings({"row": row + 1, "column": column + 1})
        )
        self.total = QLabel()
        self.total.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.total.setWordWrap(True)
        self.bar = ColourBar("surprise of a pixel, −log₂ p, in bits", 0, MOST_BITS, TICKS)
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.total)
        self.column.addWidget(self.bar)
        self.player.speed = 30.0
        self.plot = BarPlot("Grey level of the pixel", "grey level", "probability")

    def relevant(self, request: Request) -> dict[str, bool]:
        """The class only if another is told; seed and test picture only where they matter."""
        variant, given = getattr(request, "variant", ""), getattr(request, "given", "")
        return {
            "label": given == "chosen",
            "seed": variant in ("noise", "shuffled"),
            "image": variant not in ("noise", "black") or given == "own",
        }

    def turn(self, request: Request) -> None:
        """To point at another pixel reads nothing again."""
        before = self.request
        if before is not None and self.player.frame is not None:
            place = {"row": request.row, "column": request.column}  # type: ignore[attr-defined]
            if dataclasses.replace(before, **place) == request:
                self.adopt(request)
                self._point()
                self.draw_plot(self.player.frame)
                return
        super().turn(request)

    def draw(self, frame: Frame) -> None:
        """The map as far as it is read."""
        bits = frame.extras["bits"]
        read = np.isfinite(bits)
        picture = frame.images if frame.images.shape[3] == 3 else np.repeat(frame.images, 3, axis=3)
        pictures = np.concatenate([picture, coloured(bits, 0, MOST_BITS)[None]])
        self.grid.set_images(pictures, captions=["the picture", "its surprise"])
        self.grid.set_known(np.stack([np.ones_like(read), read]))
        self.total.setText(self._sum(frame, bits[read]))
        self._point()

    def _sum(self, frame: Frame, bits: np.ndarray) -> str:
        total = f"{bits.sum():,.0f} bits"
        words = f"so far {total} for {len(bits)} pixels"
        if frame.step == frame.total:
            words = f"{total} in all: {bits.mean():.3f} bits/dim (exact)"
        belief = frame.extras.get("belief")
        if belief is not None:
            names = self.model.card.classes
            best = np.argsort(-belief, kind="stable")[:3]
            words += " · it takes it for " + ", ".join(
                f"{names[i]} {belief[i]:.0%}" for i in best if belief[i] >= 0.005
            )
        return words

    def so_what(self, frame: Frame) -> str:
        """When all is read: the size of the picture as a file."""
        if frame.step < frame.total:
            return ""
        bits = frame.extras["bits"]
        return so_what.cost(float(bits.mean()), bits.size, "exact", self.model.card.metrics)

    def _point(self) -> None:
        self.grid.point_at(self.request.row - 1, self.request.column - 1)  # type: ignore[union-attr]

    def draw_plot(self, frame: Frame) -> None:
        """The distribution of the pixel pointed at, if its row has been read by now."""
        row, column = self.request.row - 1, self.request.column - 1  # type: ignore[union-attr]
        stored, now = self.player.timeline, frame
        frame = stored[stored.index_of_step(row + 1)]
        assert isinstance(self.plot, BarPlot)
        if frame.step != row + 1 or now.step <= row:
            return  # not read yet
        log_probs, value = frame.extras["log_probs"][column], int(frame.images[0, row, column, 0])
        cost = -float(log_probs[value]) / math.log(2)
        self.plot.set_title(f"Row {row + 1}, column {column + 1}: costs {cost:.2f} bits")
        self.plot.set_values(np.exp(log_probs), highlight=value)
