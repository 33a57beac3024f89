"""The Diffusion tab's *Image to image*: a test image is half drowned in noise and comes back as something else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import Denoises
from playground.contract import Frame, Request
from playground.families import FROM_PICTURE
from playground.tabs.diffusion.forward_process import LATENT_FORMULA
from playground.tabs.frame.image_view import ImageView
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class ImageToImage(ImageView[Denoises]):
    """The picture above, and ways back from its noised copies below."""

    name = "Image to image"
    group = FROM_PICTURE
    why_small = "the picture that it begins with stands apart from what is made of it"
    capability = Denoises
    plot: LinePlot
    words = (
        "The way back from noise need not begin at its end. Here a real picture is noised up to <b>strength</b>, and "
        "denoised from there while the network is told another class (<i>SDEdit</i>).<br><br>Noise drowns what is fine before "
        "what is large: a little strength leaves the garment as it is, much leaves only where it was bright, and the class "
        "decides the rest.<br><br>So one sketches for a text-to-image model: a few strokes for the shape, words for what it is."
    )
    formula = r"x_t = \sqrt{\bar{\alpha}_t} \, x_0 + \sqrt{1 - \bar{\alpha}_t} \, \epsilon"

    def explanation(self, model: Denoises) -> tuple[str, str]:
        """Latents are noised by another formula."""
        return self.words, LATENT_FORMULA if model.latent else self.formula

    def request_type(self, model: Denoises) -> type[Request]:
        from playground.experiments.diffusion import image_to_image

        return image_to_image.ImageToImageRequest

    def sampler(self, model: Denoises, request: Request) -> Iterator[Frame]:
        """Noise, and back."""
        from playground.experiments.diffusion import image_to_image

        return image_to_image.image_to_image(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """The picture begun with, the line that walks over the test images, the ways back."""
        self.origin, self.grid = ImageGrid(), ImageGrid()
        self.origin.setAccessibleName("The picture begun with")
        self.grid.setAccessibleName("The ways back from its noised copies")
        row = QHBoxLayout()
        row.addWidget(self.origin, 1)
        row.addWidget(self.grid, 5)
        self.column.addLayout(row, 1)
        self.column.addWidget(self.make_stepper())
        self.player.speed = 10.0
        self.plot = LinePlot("Signal left", "step", "ᾱ")

    def draw(self, frame: Frame) -> None:
        """All of them."""
        name = self.model.card.classes[frame.extras["origin_label"]]
        self.origin.set_images(frame.extras["origin"], columns=1, captions=[name])
        self.stepper.show_index(getattr(self.request, "index", 0), name)
        said = self.model.noisy.replace("_t", "ₜ") + (", decoded" if self.model.latent else "")
        self.grid.set_panels(
            [(f"{said}: on the way back from noise", frame.images)], captions=self.class_names()
        )

    def draw_plot(self, frame: Frame) -> None:
        """The walk begins where the picture's noise does."""
        frames = list(self.player.timeline)
        steps = np.array([f.step for f in frames], float)
        self.plot.set_curve("alpha_bar", np.array([f.extras["alpha_bar"] for f in frames]), steps)
        self.plot.set_range(x=(0, frame.total), y=(0, 1))
        self.plot.set_marker(frame.step)
