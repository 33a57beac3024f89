"""Style mixing: what the styles of single layers decide (Karras et al. 2019, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from playground.capabilities import HasStyles
from playground.contract import Frame, Request
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

if TYPE_CHECKING:
    from playground.models.gan.stylegan import StyleGAN


class Mixing(View["StyleGAN"]):
    """Rows and columns of pictures, and what comes of giving one's styles to the other."""

    name = "Style mixing"
    capability = HasStyles
    plot: BarPlot
    words = (
        "The left column and the top row are samples. Every cell takes the <b>chosen layers' style from its column</b> "
        "and all others from its row.<br><br>The coarse layers, up to 7x7 pixels, decide what the garment's outline is; "
        "the middle ones its parts; the fine ones its shading. Nobody told the network to sort things so: it follows "
        "from giving each resolution its own style."
    )
    formula = r"x = g(w_{\text{row}}, \ldots, w_{\text{column}}, \ldots, w_{\text{row}})"

    def request_type(self, model: StyleGAN) -> type[Request]:
        from playground.experiments.gan import style_mixing

        return style_mixing.MixRequest

    def sampler(self, model: StyleGAN, request: Request) -> Iterator[Frame]:
        """Row by row."""
        from playground.experiments.gan import style_mixing

        return style_mixing.mix(model, request)  # type: ignore[arg-type]

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "style_mixing.mix(model, request)",
            ("from playground.experiments.gan import style_mixing",),
            "style_mixing.MixRequest",
        )

    def build(self) -> None:
        """One sheet, and how far each cell is from its two parents."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.grid.selection_changed.connect(lambda _: self._draw_bars())
        self.plot = BarPlot("Mean difference from its parents", "", "grey levels")

    def draw(self, frame: Frame) -> None:
        """The sheet as far as it is mixed."""
        columns = frame.extras["columns"]
        names = [""] + [f"column {i}" for i in range(1, columns)]
        rows = [""] + [f"row {i}" for i in range(1, len(frame.images) // columns)]
        self.grid.set_images(frame.images, columns=columns, column_captions=names, row_captions=rows)
        if self.grid.selected() < 0 and frame.step == frame.total:
            self.grid.select(columns + 1)
        self._draw_bars()

    def _draw_bars(self) -> None:
        frame, chosen = self.player.frame, self.grid.selected()
        if frame is None or not 0 <= chosen < len(frame.images):
            return
        row, column = divmod(chosen, frame.extras["columns"])
        if row and column:
            picture = frame.images[chosen].astype(int)
            parents = frame.images[row * frame.extras["columns"]], frame.images[column]
            distances = np.array([np.abs(picture - parent).mean() for parent in parents])
            self.plot.set_values(distances, names=["its row", "its column"])
