"""A closed, smooth walk through the latent space."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import Adversarial
from playground.contract import Frame, Request
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class Walk(View[Adversarial]):
    """A closed, smooth walk through the latent space, played as a loop."""

    name = "Latent walk"
    capability = Adversarial
    plot: LinePlot
    words = (
        "Each picture walks along a smooth, closed curve through the space of <i>z</i>; the last step leads on to the "
        "first. Every place on the way is as probable as any sample.<br><br>If the generator had learned pictures by "
        "heart, it would jump from one to the next. It glides: it has learned what garments have in common.<br><br>"
        "Speed and loop are those of the bar below."
    )
    formula = r"z(a) = z_0 \cos a + z_1 \sin a"

    def request_type(self, model: Adversarial) -> type[Request]:
        from playground.experiments.gan import latent_walk

        return latent_walk.walk_request(model.Request)  # type: ignore[arg-type]

    def sampler(self, model: Adversarial, request: Request) -> Iterator[Frame]:
        """The walk."""
        from playground.experiments.gan import latent_walk

        return latent_walk.walk(model, request)

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "latent_walk.walk(model, request)",
            ("from playground.experiments.gan import latent_walk",),
            "latent_walk.walk_request(model.Request)",
        )

    def build(self) -> None:
        """The grid, and how far each step moves the picture."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.player.loop = True
        self.player.speed = 20.0
        self.plot = LinePlot("How much the first picture changes", "step", "grey levels")
        self._changes: tuple[Frame | None, list[float]] = (None, [])

    def draw(self, frame: Frame) -> None:
        """The pictures."""
        self.grid.set_images(frame.images, captions=self.class_names())

    def draw_plot(self, frame: Frame) -> None:
        """The changes so far."""
        first, changes = self._changes
        timeline = self.player.timeline
        if not len(timeline) or timeline[0] is not first:
            first, changes = (timeline[0] if len(timeline) else None), []
        for i in range(len(changes) + 1, len(timeline)):
            before, now = timeline[i - 1].images[0].astype(int), timeline[i].images[0]
            changes.append(float(np.abs(now - before).mean()))
        self._changes = first, changes
        self.plot.set_curve("change", np.array(changes), np.arange(2, len(changes) + 2, dtype=float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)
