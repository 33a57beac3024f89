"""Attention: which finished parts of a picture the context of a pixel looks at, layer by layer and head by head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import AttendsToPixels
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.pixel_grid import PixelGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.plots.colour_bar import ColourBar, coloured

if TYPE_CHECKING:
    from playground.models.autoregressive.pixelcnn import PixelCNN

COLOURS = "magma"  # begins in black, so that it can be laid over a picture like light
DIM = 0.4  # of the picture under the light


class Attention(View["PixelCNN"]):
    """The picture, lit where the chosen head looks; beside it the maps of all heads of all layers."""

    name = "Attention"
    group = LOOK_INSIDE
    capability = AttendsToPixels
    plot: BarPlot
    why_small = "every head of every layer has a map of its own; a double click enlarges one"
    words = (
        "To draw the marked pixel, the network looks back at the <b>finished pairs of rows</b>, in cells of 2x2 pixels: "
        "<b>causal attention</b>, as light. Its weights add up to 1. <b>Move the pointer</b>, or use the arrow keys; "
        "each layer has <b>heads</b> that look in their own ways: choose one at the right.<br><br>It is not the whole "
        "reason for a pixel: convolutions carry neighbours past the attention, and into the cells that are looked at."
    )
    formula = r"a_{ij} = \softmax_j \left( \frac{q_i \cdot k_j}{\sqrt{d}} \right)"
    hidden_knobs = frozenset({"seed", "num_samples"})

    def request_type(self, model: PixelCNN) -> type[Request]:
        """With the layers and heads that there are."""
        from playground.experiments.autoregressive import attention

        layers = model.attention_layers
        return attention.attention_request(len(layers), layers[0].num_heads)

    def sampler(self, model: PixelCNN, request: Request) -> Iterator[Frame]:
        """The one frame."""
        from playground.experiments.autoregressive import attention

        return attention.look(model, request)

    def code(self) -> Code | None:
        """The request's type is made on the fly."""
        layers = self.model.attention_layers
        kind = f"attention.attention_request({len(layers)}, {layers[0].num_heads})"
        imports = ("from playground.experiments.autoregressive import attention",)
        return Code("attention.look(model, request)", imports, kind)

    def build(self) -> None:
        """The picture, every map, the colours, and how far up the chosen one looks."""
        self.grid, self.maps = PixelGrid(), ImageGrid()
        self.maps.may_choose_none = True
        self.grid.pointed.connect(
            lambda row, column: self.tab.knobs.set_settings({"row": row + 1, "column": column + 1})
        )
        self.maps.setAccessibleName("The maps of all layers and heads; the arrow keys choose one")
        self.maps.selection_changed.connect(self._choose)
        ticks = [(0, "none"), (0.5, "half as much"), (1, "most")]
        self.bar = ColourBar("attention to a cell, against the cell most looked at", 0, 1, ticks, COLOURS)
        row = QHBoxLayout()
        row.addWidget(self.grid, 13)
        row.addWidget(self.maps, 7)
        self.column.addLayout(row, 1)
        self.column.addWidget(self.bar)
        self.plot = BarPlot("How far up it looks", "pairs of rows above the pixel's", "share of attention")

    def relevant(self, request: Request) -> dict[str, bool]:
        """A choice of one is none."""
        return {"layer": len(self.model.attention_layers) > 1}

    def draw(self, frame: Frame) -> None:
        """Light on the picture, and the small maps, hatched where nothing is finished."""
        from playground.experiments.autoregressive.attention import asking_cell

        weights, row, column = (frame.extras[name] for name in ("weights", "row", "column"))
        asking, chosen = asking_cell(row, column), self._chosen(frame)
        finished = 0 if asking is None else asking[0] + 1
        light = np.kron(_against_strongest(chosen), np.ones((2, 2)))
        self.grid.set_images(lit(frame.images, light), captions=[_said(chosen, finished)])
        self.grid.set_rule(2 * finished or None)
        self.grid.point_at(self.request.row - 1, self.request.column - 1)  # type: ignore[union-attr]  # the hand is ahead
        layers = len(weights)
        every = np.concatenate([weights.mean(1, keepdims=True), weights], axis=1)  # (layers, 1 + heads, h, w)
        every = every.swapaxes(0, 1).reshape(-1, *weights.shape[2:])  # a row for each head
        self.maps.set_images(
            coloured(_against_strongest(every), 0, 1, COLOURS),
            columns=layers,
            column_captions=[f"layer {i + 1}" for i in range(layers)],
            row_captions=["mean", *(f"head {i + 1}" for i in range(weights.shape[1]))],
        )
        known = np.zeros(weights.shape[2:], bool)
        known[:finished] = True
        self.maps.set_known(known)
        self.maps.select(self._cell())

    def draw_plot(self, frame: Frame) -> None:
        """The chosen map, summed along rows: the last finished pair is 1 above."""
        from playground.experiments.autoregressive.attention import asking_cell

        asking, by_row = asking_cell(frame.extras["row"], frame.extras["column"]), self._chosen(frame).sum(1)
        finished = 0 if asking is None else asking[0] + 1
        above = np.zeros(len(by_row) - 1)
        above[:finished] = by_row[:finished][::-1]
        assert isinstance(self.plot, BarPlot)
        self.plot.set_title(f"How far up it looks: {self._name()}")
        strongest = int(above.argmax()) if finished else None
        self.plot.set_values(above, highlight=strongest, x=np.arange(1, len(above) + 1))

    # --- which map

    def _chosen(self, frame: Frame) -> np.ndarray:
        from playground.experiments.autoregressive.attention import shown

        request: Any = self.request
        return shown(frame.extras["weights"], request.layer, request.head)

    def _name(self) -> str:
        request: Any = self.request
        return f"layer {request.layer}, " + (f"head {request.head}" if request.head else "mean of the heads")

    def _cell(self) -> int:
        """Where the chosen map stands among the small ones: a row for the mean, then one for each head."""
        request: Any = self.request
        return int(request.head * len(self.model.attention_layers) + request.layer - 1)

    def _choose(self, cell: int) -> None:
        if self.request is None:
            return
        if cell < 0:
            self.maps.select(self._cell())  # one is always chosen
            return
        head, layer = divmod(cell, self.maps.columns)
        self.tab.knobs.set_settings({"layer": layer + 1, "head": head})


def lit(pictures: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Dimmed ``pictures`` uint8 (B,H,W,1 or 3) under a light (H,W) of 0..1 in colours: uint8 (B,H,W,3)."""
    ground = DIM * np.broadcast_to(pictures, (*pictures.shape[:3], 3)) / 255
    glow = coloured(light, 0, 1, COLOURS) / 255 * (light > 0)[..., None]  # the map's black is not quite black
    return np.round(255 * (1 - (1 - ground) * (1 - glow))).astype(np.uint8)


def _against_strongest(maps: np.ndarray) -> np.ndarray:
    """Each map of (..., h, w) divided by its largest weight; one of zeros stays."""
    return maps / np.maximum(maps.max((-2, -1), keepdims=True), 1e-30)


def _said(chosen: np.ndarray, finished: int) -> str:
    if not finished:
        return "rows 1 and 2: no pair above is finished yet"
    row, column = np.unravel_index(chosen.argmax(), chosen.shape)
    place = f"rows {2 * row + 1}–{2 * row + 2}, columns {2 * column + 1}–{2 * column + 2}"
    return f"most, {chosen.max():.1%}, to {place}"
