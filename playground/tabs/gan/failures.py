"""The failure gallery: how four games went, one well and three not, at the same share of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from playground.contract import Frame, Model, Request
from playground.experiments.gan import failures
from playground.families import TRAINING
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

_CURVE = "discriminator_loss"


class Failures(View[Any]):
    """A row of pictures for each run; its discriminator's loss as a curve."""

    name = "Failures"
    group = TRAINING
    plot: LinePlot
    words = (
        "Four games, from their first step to their last. <b>Drag the timeline.</b><br><br><b>Mode collapse</b>: the "
        "generator draws one garment for every noise, and moves on to another when the discriminator has learned to "
        "refuse it.<br><br><b>Discriminator too strong</b>: it is certain of everything, and its slopes teach "
        "nothing.<br><br><b>Steps too large</b>: the generator is thrown where no slope leads back.<br><br>The curves: "
        "only the last failure shows in them plainly. Whether a GAN learns, one has to <b>look</b>."
    )
    formula = r"\min_G \max_D \; \E_x [\log D(x)] + \E_z [\log (1 - D(G(z)))]"
    hidden_knobs = frozenset({"seed", "num_samples"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """The network of which the failures are, so that all else is equal."""
        return model.card.network == "gan/gan"

    def request_type(self, model: Model) -> type[Request]:
        """See there."""
        return failures.FailuresRequest

    def sampler(self, model: Model, request: Request) -> Iterator[Frame]:
        """The records, whichever of the four is open."""
        return failures.side_by_side(failures.records())

    def code(self) -> Code:
        """The stored pictures."""
        run = "failures.side_by_side(failures.records())"
        return Code(run, ("from playground.experiments.gan import failures",), "failures.FailuresRequest")

    def build(self) -> None:
        """Pictures, and the curves in the panel."""
        self.grid = ImageGrid()
        self.grid.setAccessibleName("What each generator drew at this moment, a row for each run")
        self.column.addWidget(self.grid, 1)
        self.plot = LinePlot("Loss of the discriminator", "% of the run", "loss")
        self._drawn: object = None
        self.player.speed = 12.0

    def draw(self, frame: Frame) -> None:
        """A row for each run."""
        rows = list(failures.RUNS.values())
        self.grid.set_images(frame.images, columns=failures.SHOWN, row_captions=rows)

    def draw_plot(self, frame: Frame) -> None:
        """The curves once, the marker every time."""
        if self._drawn is None:
            self._drawn = frame.extras["records"]
            self.plot.set_log(True)
            for name, run in frame.extras["records"].items():
                steps, values = run.curves[_CURVE]
                shown = np.where(values > 0, values, np.nan)
                self.plot.set_curve(failures.RUNS[name], shown, 100 * steps / run.last_step)
            self.plot.set_range(x=(0, 100))
        self.plot.set_marker(100 * frame.step / frame.total)
