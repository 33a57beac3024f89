"""The VAE tab's *Levels*: a picture's code kept from the top down to some level, the rest drawn anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtWidgets import QLabel, QVBoxLayout

from playground.capabilities import DrawsBelow
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.image_view import ImageView
from playground.tabs.frame.python_code import Code
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.theme import theme

DRAWS_IN_HALL = 3


class Levels(ImageView[DrawsBelow]):
    """A row for each number of levels that is kept."""

    name = "Levels"
    group = LOOK_INSIDE
    capability = DrawsBelow
    plot: BarPlot
    words = (
        "This code is a <b>hierarchy</b>: a few numbers for the whole picture, then a grid of 7x7 places, of 14x14, of "
        "28x28. Each layer is drawn from what those above left open.<br><br>In every row the test picture's code is kept "
        "<b>from the top down to one level</b>, and all below is drawn anew. At the left stands what the kept part alone "
        "expects. Where the draws still differ, the lower levels decide; where they agree, it was settled above.<br><br>"
        "The bars say what every layer costs for this picture."
    )
    formula = r"p(z) = p(z_1) \prod_{l=2}^{L} p(z_l \mid z_1, \ldots, z_{l-1})"

    def request_type(self, model: DrawsBelow) -> type[Request]:
        from playground.experiments.vae import levels

        return levels.LevelsRequest

    def sampler(self, model: DrawsBelow, request: Request) -> Iterator[Frame]:
        """All rows."""
        from playground.experiments.vae import levels

        return levels.redraw(model, request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """As a person would call it."""
        return Code("levels.redraw(model, request)", ("from playground.experiments.vae import levels",))

    def build(self) -> None:
        """The picture, the rows, the bars."""
        self.picture, self.grid, self.said = ImageGrid(), ImageGrid(), QLabel()
        self.picture.setAccessibleName("Test image, and what its whole code says")
        self.grid.setAccessibleName("Draws that keep the upper levels of the code; the arrow keys choose one")
        self.said.setWordWrap(True)
        self._top = QVBoxLayout()
        self._top.addWidget(self.picture, 1)
        self._top.addWidget(self.make_stepper())
        self.column.addLayout(self._top, 2)
        self.column.addWidget(self.grid, 5)
        self.column.addWidget(self.said)
        self.plot = BarPlot("What each layer says of this picture", "layer, from the top", "bits/dim")
        theme.signals.changed.connect(self._fit)

    def opened(self) -> None:
        """As the room is."""
        self._fit()

    def draw(self, frame: Frame) -> None:
        """Rows, and the picture they began with."""
        extras, rows = frame.extras, len(frame.extras["kept"])
        cells = frame.images.reshape(rows, -1, *frame.images.shape[1:])
        if theme.lecture():
            cells = cells[:, : 1 + DRAWS_IN_HALL]
        draws = cells.shape[1] - 1
        self.grid.set_images(
            cells.reshape(-1, *cells.shape[2:]),
            columns=1 + draws,
            row_captions=[f"{size}x{size} kept" if size else "none kept" for size in extras["kept"]],
            column_captions=["expected", *[f"draw {i + 1}" for i in range(draws)]],
        )
        both = np.concatenate([extras["original"], extras["reconstruction"]])
        self.picture.set_images(both, columns=2, captions=["test image", "all kept"])
        self.stepper.show_index(getattr(self.request, "index", 0), self.model.card.classes[extras["label"]])
        parts = [
            f"{size}x{size}: {extras['bits'][extras['sizes'] == size].sum():.2f}"
            for size in np.unique(extras["sizes"])
        ]
        self.said.setText("What each level says of this picture, in bits/dim: " + ", ".join(parts))

    def draw_plot(self, frame: Frame) -> None:
        """The KL term, layer by layer."""
        self.plot.set_values(frame.extras["bits"], x=1 + np.arange(len(frame.extras["bits"])))

    def _fit(self) -> None:
        """In a hall the rows have all the room."""
        for part in (self.picture, self.said):
            part.setVisible(not theme.lecture())
        self.column.setStretchFactor(self._top, 0 if theme.lecture() else 2)
        if self.player.frame is not None:
            self.draw(self.player.frame)
