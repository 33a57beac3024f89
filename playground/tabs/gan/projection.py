"""A test image is looked for in the latent space by gradient descent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import Adversarial
from playground.contract import Frame, Request
from playground.families import FROM_PICTURE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class Project(View[Adversarial]):
    """A test image is looked for in the latent space, step by step."""

    name = "Project"
    capability = Adversarial
    group = FROM_PICTURE
    plot: LinePlot
    words = (
        "A GAN has no encoder: nothing tells which <i>z</i> belongs to a given picture, or whether any does. What one "
        "does instead is to <b>search</b>: start near by, draw, compare with the target, and move the latent "
        "downhill, again and again.<br><br>What the search cannot reach, the generator cannot draw: a pattern, a "
        "logo, an odd strap. The curve is what is left of the difference."
    )
    formula = r"z^* = \argmin_z \| x - G(z) \|^2"

    def request_type(self, model: Adversarial) -> type[Request]:
        from playground.experiments.gan import projection

        return projection.project_request(model.Request)  # type: ignore[arg-type]

    hidden_knobs = frozenset({"seed", "temperature", "truncation_psi", "noise", "label"})

    def sampler(self, model: Adversarial, request: Request) -> Iterator[Frame]:
        """The search."""
        from playground.experiments.gan import projection

        return projection.project(model, request)

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "projection.project(model, request)",
            ("from playground.experiments.gan import projection",),
            "projection.project_request(model.Request)",
        )

    def build(self) -> None:
        """Target and search, and the distance."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.player.speed = 20.0
        self.plot = LinePlot("What is left of the difference", "step", "mean square error")

    def draw(self, frame: Frame) -> None:
        """Both pictures."""
        captions = ["test image", f"drawn, step {frame.step}"]
        self.grid.set_images(frame.images, columns=2, captions=captions)

    def draw_plot(self, frame: Frame) -> None:
        """The distance so far."""
        frames = list(self.player.timeline)
        distances = np.array([f.extras["distance"] for f in frames])
        self.plot.set_curve("distance", distances, np.array([f.step for f in frames], float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)
