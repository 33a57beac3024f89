"""A walk between two latents, for every family whose models decode and encode: the VAE's and the Flow's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import Reconstructs
from playground.contract import Frame, Request
from playground.tabs.frame.view import View
from playground.tabs.pictures.way_strip import WayStrip
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class Interpolate(View[Reconstructs]):
    """A walk between two latents: a strip, and the same pictures played as a loop."""

    name = "Interpolate"
    capability = Reconstructs
    plot: LinePlot
    words = (
        "Two pictures become two points of the latent space, and the decoder is asked <b>what lies between them</b>. "
        "Samples begin with two points of the prior instead. In a good latent space every stop on the way is a plausible "
        "picture: nothing is a cross-fade of two pictures.<br><br><b>Straight or spherical?</b> In many dimensions "
        "nearly all samples of a Gaussian have almost the same length, so the straight line passes through a region "
        "that training hardly saw. The great circle stays where the samples are: watch the length."
    )
    formula = r"z(a) = (1-a) \, z_0 + a \, z_1"

    hidden_knobs = frozenset({"num_samples"})

    def request_type(self, model: Reconstructs) -> type[Request]:
        from playground.experiments import interpolation

        return interpolation.InterpolateRequest

    def sampler(self, model: Reconstructs, request: Request) -> Iterator[Frame]:
        """The walk."""
        from playground.experiments import interpolation

        return interpolation.interpolate(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """The seed only matters for samples."""
        return {"seed": getattr(request, "ends", "") == "samples"}

    def build(self) -> None:
        """The two ends with the current picture between them, the strip, and the length of z."""
        self.now, self.strip = ImageGrid(), WayStrip()
        self.now.setAccessibleName("The two ends, and what is between them now")
        self.strip.setAccessibleName("The whole way")
        self.column.addWidget(self.now, 1)
        self.column.addWidget(self.strip, 1)
        self.strip.went.connect(self.player.seek)
        self.player.loop = True
        self.player.speed = 10.0
        self.plot = LinePlot("Length of z along the way", "amount a", "length")

    def draw(self, frame: Frame) -> None:
        """Ends, current picture, strip so far."""
        first, last = frame.extras["ends"]
        three = np.stack([first, frame.images[0], last])
        amount = frame.extras["amount"]
        names = ["test image", f"a = {amount:.2f}", "test image"]
        if getattr(self.request, "ends", "") == "samples":
            names = ["z_0 decoded", f"a = {amount:.2f}", "z_1 decoded"]
        self.now.set_images(three, columns=3, captions=names)
        frames = list(self.player.timeline)
        pictures = np.zeros((frame.total, *frame.images.shape[1:]), np.uint8)  # all have their places at once
        pictures[: len(frames)] = np.concatenate([f.images for f in frames])[: frame.total]
        self.strip.show_way(pictures, frame.total, self.player.index)

    def draw_plot(self, frame: Frame) -> None:
        """Lengths along the way."""
        frames = list(self.player.timeline)
        amounts = np.array([f.extras["amount"] for f in frames])
        self.plot.set_curve("length", np.array([f.extras["length"] for f in frames]), amounts)
        self.plot.set_range(x=(0, 1))
        self.plot.set_marker(frame.extras["amount"])
