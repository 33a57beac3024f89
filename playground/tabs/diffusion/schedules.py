"""The Diffusion tab's *Schedules*: the same picture sinks into the same noise at three paces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import Denoises
from playground.contract import Frame, Request
from playground.tabs.diffusion.forward_process import LATENT_FORMULA
from playground.tabs.frame.image_view import ImageView
from playground.tabs.frame.view import FROM_PICTURE
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme


class Schedules(ImageView[Denoises]):
    """A row of pictures for each schedule, and their curves."""

    name = "Schedules"
    group = FROM_PICTURE
    capability = Denoises
    plot: LinePlot
    words = (
        "How fast should a picture sink into noise? Each row is the <b>same picture under the same noise</b>; only the "
        "pace differs.<br><br>The <b>linear</b> schedule of the first DDPM destroys it early: the last third of the way is "
        "noise alone, and steps spent there teach nothing. The <b>cosine</b> keeps the outline until late. These models use "
        "the cosine in continuous time, its ends cut off.<br><br>The curves: <i>ᾱ</i>, the share of the picture that is left."
    )
    formula = r"x_t = \sqrt{\bar{\alpha}_t} \, x_0 + \sqrt{1 - \bar{\alpha}_t} \, \epsilon"

    def explanation(self, model: Denoises) -> tuple[str, str]:
        """Latents are noised by another formula."""
        return self.words, LATENT_FORMULA if model.latent else self.formula

    def request_type(self, model: Denoises) -> type[Request]:
        from playground.experiments.diffusion import schedules

        return schedules.SchedulesRequest

    def sampler(self, model: Denoises, request: Request) -> Iterator[Frame]:
        """The one frame."""
        from playground.experiments.diffusion import schedules

        return schedules.compare(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """The rows, the line that walks over the test images, the curves."""
        self.grid = ImageGrid()
        self.grid.setAccessibleName("One picture under three noise schedules")
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.make_stepper())
        self.plot = LinePlot("Share of the picture left", "t", "ᾱ")
        theme.signals.changed.connect(self._fit)

    def draw(self, frame: Frame) -> None:
        """A row for each schedule, a column for each t."""
        names, columns = frame.extras["names"], frame.extras["alpha_bar"].shape[1]
        if theme.lecture():  # low and wide: names beside the rows leave these their height
            times = [f"t = {t:g}" for t in np.linspace(0, 1, columns)]
            self.grid.set_images(frame.images, columns, column_captions=times, row_captions=names)
        else:
            self.grid.set_panels(self.panels(frame), columns=columns)
        known = self.model.card.classes[frame.extras["label"]]
        self.stepper.show_index(getattr(self.request, "index", 0), known)

    def _fit(self) -> None:
        """In a hall its names stand elsewhere."""
        if self.player.frame is not None:
            self.draw(self.player.frame)

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The rows, each with its name."""
        names, left = frame.extras["names"], frame.extras["alpha_bar"]
        rows = frame.images.reshape(len(names), left.shape[1], *frame.images.shape[1:])
        times = ", ".join(f"{t:g}" for t in np.linspace(0, 1, left.shape[1]))
        titles = [f"{names[0]}: t = {times}", *names[1:]]
        return list(zip(titles, rows, strict=True))

    def draw_plot(self, frame: Frame) -> None:
        """The three curves."""
        curves = frame.extras["curves"]
        x = np.linspace(0, 1, curves.shape[1])
        self.plot.set_curves(dict(zip(frame.extras["names"], curves, strict=True)), x)
        self.plot.set_range(x=(0, 1), y=(0, 1))
