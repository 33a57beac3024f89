"""Masks: which weights of a MADE are put to zero, and which inputs an output depends on because of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import MasksConnections
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.pixel_grid import PixelGrid
from playground.ui.plots.colour_bar import coloured
from playground.ui.plots.line_plot import BarPlot
from playground.ui.theme import theme

if TYPE_CHECKING:
    from playground.models.autoregressive.made import MADE

_BLOCK = 4  # units and pixels that share a dot of a drawn mask, each way
_TITLES = (
    "1: inputs → to hidden ↓",
    "2: hidden",
    "3: outputs → from hidden ↓",
)


class Masks(View["MADE"]):
    """The picture, when each pixel comes, what an output sees of it; below, the masks of the three layers."""

    name = "Masks"
    group = LOOK_INSIDE
    capability = MasksConnections
    plot: BarPlot
    why_small = "the masks of three layers have hundreds of rows each: they are maps, not pictures"
    words = (
        "An ordinary network of which many weights are <b>put to zero</b>. The three panels below are its weight "
        "matrices (a dot is 4x4 weights): dark is forbidden. So every output sees <i>earlier</i> pixels only, and one "
        "pass gives all 784 distributions.<br><br><b>Point at a pixel</b>: what leads to its output lights up; hatched "
        "inputs cannot matter to it.<br><br>Another <b>ordering</b> is another model, of the same weights under other "
        "masks."
    )
    formula = r"p(x) = \prod_{i=1}^{784} p(x_i \mid x_1, \ldots, x_{i-1})"
    hidden_knobs = frozenset({"seed", "num_samples"})

    def request_type(self, model: MADE) -> type[Request]:
        from playground.experiments.autoregressive import masks

        return masks.MasksRequest

    def sampler(self, model: MADE, request: Request) -> Iterator[Frame]:
        """The one frame."""
        from playground.experiments.autoregressive import masks

        return masks.look(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """Pictures, matrices, and the distribution of the pixel."""
        self.grid = PixelGrid()
        self.grid.pointed.connect(
            lambda row, column: self.tab.knobs.set_settings({"row": row + 1, "column": column + 1})
        )
        self.matrices = [ImageGrid() for _ in _TITLES]
        row = QHBoxLayout()
        for matrix, title, share in zip(self.matrices, _TITLES, (13, 5, 13), strict=True):
            matrix.setAccessibleName(f"Mask {title}")
            row.addWidget(matrix, share)
        self.column.addWidget(self.grid, 4)
        self.column.addLayout(row, 1)
        self.plot = BarPlot("Grey level of the pixel", "grey level", "probability")

    def draw(self, frame: Frame) -> None:
        """Everything follows the pixel that is pointed at."""
        extras = frame.extras
        rank, sees = extras["rank"], extras["sees"]
        when = coloured(rank, 0, rank.size - 1)[None]
        three = [frame.images, frame.images, extras["mean"]]
        pictures = np.concatenate([when, *(np.repeat(p, 3, axis=3) for p in three)])
        row, column = self.request.row - 1, self.request.column - 1  # type: ignore[union-attr]
        captions = [
            f"when: this is no. {rank[row, column] + 1}",
            "the picture",
            f"its output sees {np.count_nonzero(sees)}",
            "the outputs' means",
        ]
        self.grid.set_images(pictures, captions=captions)
        every = np.ones_like(sees)
        self.grid.set_known(np.stack([every, every, sees, every]))
        self.grid.point_at(row, column)
        for matrix, title, mask, path in zip(
            self.matrices, _TITLES, extras["masks"], extras["paths"], strict=True
        ):
            tall = len(mask) > mask.shape[1]  # the last lies on its side, like the first
            matrix.set_images(self._drawn(*((mask.T, path.T) if tall else (mask, path))), title=title)

    def draw_plot(self, frame: Frame) -> None:
        """What stands at the pixel, given what its output sees."""
        row, column = self.request.row - 1, self.request.column - 1  # type: ignore[union-attr]
        self.plot.set_title(f"Row {row + 1}, column {column + 1}: given what it sees")
        chosen = int(frame.images[0, row, column, 0])
        self.plot.set_values(np.exp(frame.extras["log_probs"]), highlight=chosen)

    def _drawn(self, mask: np.ndarray, path: np.ndarray) -> np.ndarray:
        """A mask as a picture uint8 (1,h,w,3): forbidden, allowed, and on the way to the output."""
        accent = theme.accent(self)
        colours = np.array(
            [[26, 28, 32], [96, 100, 108], [accent.red(), accent.green(), accent.blue()]], np.uint8
        )
        kinds = (_blocks(mask).mean((1, 3)) >= 0.5).astype(int)
        kinds[_blocks(path).any((1, 3))] = 2
        return colours[kinds][None]


def _blocks(mask: np.ndarray) -> np.ndarray:
    """(h, w) -> (h/4, 4, w/4, 4), cut to whole blocks."""
    height, width = (n // _BLOCK * _BLOCK for n in mask.shape)
    return mask[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
