"""The Flow tab's *Analogies*: a test image's z, read as every class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import ClassConditional
from playground.contract import Frame, Request
from playground.families import FROM_PICTURE
from playground.tabs.flow.histogram import draw_numbers, number_plot
from playground.tabs.frame.image_view import ImageView
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme

if TYPE_CHECKING:
    from playground.models.flow.tarflow import TarFlow


class Analogies(ImageView["TarFlow"]):
    """The picture above, what its z is to each class below."""

    name = "Analogies"
    group = FROM_PICTURE
    why_small = "the picture that it begins with stands apart from what is made of it"
    capability = ClassConditional
    plot: LinePlot
    words = (
        "A test image goes to <i>z</i> while the flow is told <b>what it is</b>. Then the same <i>z</i> comes back once for "
        "every class.<br><br>Told its own class, the picture returns. Told another, it is read as that "
        "garment, and what the class does not say stays: a print, stripes, how bright, how wide. Nobody "
        "labelled these; <i>z</i> is what is left of a picture once its class is known.<br><br>Under each: how many "
        "<b>bits more</b> the image costs if that class is told in place of its own. The cheapest is the class that explains it "
        "best: an exact density is a classifier too (Bayes)."
    )
    formula = r"z = f(x; c) \to x' = f^{-1}(z; c')"

    def request_type(self, model: TarFlow) -> type[Request]:
        from playground.experiments.flow import analogies

        return analogies.AnalogiesRequest

    def sampler(self, model: TarFlow, request: Request) -> Iterator[Frame]:
        """To z, and back as every class."""
        from playground.experiments.flow import analogies

        return analogies.analogies(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """Without noise there is nothing to seed."""
        return {"seed": getattr(request, "noise", 0.0) > 0}

    def build(self) -> None:
        """The picture begun with, the line that walks over the test images, a picture for every class."""
        self.origin, self.grid = ImageGrid(), ImageGrid()
        self.origin.setAccessibleName("The picture begun with")
        self.grid.setAccessibleName("The same z as every class")
        row = QHBoxLayout()
        row.addWidget(self.origin, 1)
        row.addWidget(self.grid, 4)
        self.column.addLayout(row, 1)
        self.column.addWidget(self.make_stepper())
        self.plot = number_plot()

    def draw(self, frame: Frame) -> None:
        """All of them; under each its class, and what it would cost to be told that."""
        extras, classes = frame.extras, self.model.card.classes
        own = extras["origin_label"]
        self.origin.set_images(extras["origin"], columns=1, captions=[classes[own]])
        self.stepper.show_index(getattr(self.request, "index", 0), classes[own])
        if theme.lecture():  # in large type there is room for the names alone
            said = list(classes)
        else:
            surplus = [f"{bits:+.0f} bits".replace("-", "−") for bits in extras["surplus"]]
            said = [f"{name} {more}" for name, more in zip(classes, surplus, strict=True)]
            said[own] = f"{classes[own]}, its own"
        self.grid.set_images(frame.images, captions=said)

    def draw_plot(self, frame: Frame) -> None:
        """How its numbers lie."""
        draw_numbers(self.plot, frame.extras["values"], frame.extras["grey"])
