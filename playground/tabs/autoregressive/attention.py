"""Attention: which finished parts of a picture the context of a pixel looks at, layer by layer and head by head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import AttendsSparsely, AttendsToPixels
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.pixel_grid import PixelGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.plots.colour_bar import ColourBar, coloured

COLOURS = "magma"  # begins in black, so that it can be laid over a picture like light
_SPARSE_FORMULA = r"a_{ij} = \softmax_j \left( \frac{q_i \cdot k_j}{\sqrt{d}} + b_{i - j} \right)"
_PAIRS, _SHARE = "pairs of rows above the pixel's", "share of attention"
DIM = 0.4  # of the picture under the light
_SPARSE = (
    "To draw the marked pixel, each layer of the transformer looks back at a few of the earlier ones, by a fixed "
    "<b>pattern</b>: <b>local</b> layers at the pixel's row and those right above it, <b>strided</b> layers straight up its "
    "column; the rest is hatched. By turns, two layers reach everything, for a fraction of the price of looking at all 784. "
    "Within the pattern the <b>heads</b> choose: their weights, as light, add up to 1. <b>Move the pointer</b>, or use the arrow "
    "keys.<br><br>A pixel may look at itself: at what the layers below gathered there, not at its grey, which is yet to be drawn."
)


class Attention(View[AttendsToPixels]):
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

    def request_type(self, model: AttendsToPixels) -> type[Request]:
        """With the layers and heads that there are."""
        from playground.experiments.autoregressive import attention

        layers = model.attention_layers
        return attention.attention_request(len(layers), layers[0].num_heads, sparse=_is_sparse(model))

    def explanation(self, model: AttendsToPixels) -> tuple[str, str]:
        """A transformer over pixels is told of in its own words."""
        return (_SPARSE, _SPARSE_FORMULA) if _is_sparse(model) else (self.words, self.formula)

    def opened(self) -> None:
        """Maps with a cell for each pixel need room."""
        for at, share in enumerate((53, 47) if _is_sparse(self.model) else (13, 7)):
            self.row.setStretch(at, share)

    def sampler(self, model: AttendsToPixels, request: Request) -> Iterator[Frame]:
        """The one frame."""
        from playground.experiments.autoregressive import attention

        return attention.look(model, request)

    def code(self) -> Code | None:
        """The request's type is made on the fly."""
        layers = self.model.attention_layers
        sparse = ", sparse=True" if _is_sparse(self.model) else ""
        kind = f"attention.attention_request({len(layers)}, {layers[0].num_heads}{sparse})"
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
        self.bar = ColourBar("attention, against the place most looked at", 0, 1, ticks, COLOURS)
        self.row = QHBoxLayout()
        self.row.addWidget(self.grid)
        self.row.addWidget(self.maps)
        self.column.addLayout(self.row, 1)
        self.column.addWidget(self.bar)
        self.plot = BarPlot("How far up it looks", _PAIRS, _SHARE)

    def relevant(self, request: Request) -> dict[str, bool]:
        """A choice of one is none."""
        return {"layer": len(self.model.attention_layers) > 1}

    def draw(self, frame: Frame) -> None:
        """Light on the picture, and the small maps, hatched where their layer cannot look."""
        weights, pattern = frame.extras["weights"], frame.extras["pattern"]
        chosen, sparse = self._chosen(frame), _is_sparse(self.model)
        cell = frame.images.shape[1] // weights.shape[2]
        light = np.kron(_against_strongest(chosen), np.ones((cell, cell)))
        self.grid.set_images(lit(frame.images, light), captions=[_said(chosen, frame)])
        self.grid.set_rule(None if sparse else cell * _rows_in_sight(frame) or None)
        self.grid.point_at(self.request.row - 1, self.request.column - 1)  # type: ignore[union-attr]  # the hand is ahead
        layers = len(weights)
        every = [weights.mean(1), *weights.swapaxes(0, 1)]  # a row for each head, each (layers, h, w)
        names = ["mean", *(f"head {i + 1}" for i in range(weights.shape[1]))]
        if sparse:
            every, names = [pattern.astype(np.float32), *every], ["may see", *names]
        self.maps.set_images(
            coloured(_against_strongest(np.concatenate(every)), 0, 1, COLOURS),
            columns=layers,
            column_captions=[
                self.model.attention_layers[i].kind if sparse else self._layer(i) for i in range(layers)
            ],
            row_captions=names,
        )
        self.maps.set_known(np.concatenate([pattern] * len(every)))
        self.maps.select(self._cell())

    def draw_plot(self, frame: Frame) -> None:
        """The chosen map, summed along rows, from the pixel's own or the last finished pair upwards."""
        by_row, in_sight = self._chosen(frame).sum(1), _rows_in_sight(frame)
        first = 0 if _is_sparse(self.model) else 1
        above = np.zeros(len(by_row) - first)
        above[:in_sight] = by_row[:in_sight][::-1]
        assert isinstance(self.plot, BarPlot)
        self.plot.set_title(f"How far up it looks: {self._name()}")
        self.plot.set_labels("rows above the pixel's" if first == 0 else _PAIRS, _SHARE)
        strongest = int(above.argmax()) if in_sight else None
        self.plot.set_values(above, highlight=strongest, x=np.arange(first, len(above) + first))

    # --- which map

    def _chosen(self, frame: Frame) -> np.ndarray:
        from playground.experiments.autoregressive.attention import shown

        request: Any = self.request
        return shown(frame.extras["weights"], request.layer, request.head, frame.extras["pattern"])

    def _layer(self, index: int) -> str:
        """The name of a layer, counted from 0; where they differ in kind, with its kind."""
        layers: Any = self.model.attention_layers
        return f"layer {index + 1}" + (f", {layers[index].kind}" if _is_sparse(self.model) else "")

    def _name(self) -> str:
        request: Any = self.request
        from playground.experiments.autoregressive.attention import MEAN, PATTERN

        heads = {MEAN: "mean of the heads", PATTERN: "what it may look at"}
        return f"{self._layer(request.layer - 1)}, " + heads.get(request.head, f"head {request.head}")

    def _cell(self) -> int:
        """Where the chosen map stands among the small ones: a row for the pattern or none, the mean, then each head."""
        request: Any = self.request
        return int((request.head - self._first_head()) * len(self.model.attention_layers) + request.layer - 1)

    def _first_head(self) -> int:
        from playground.experiments.autoregressive.attention import MEAN, PATTERN

        return PATTERN if _is_sparse(self.model) else MEAN

    def _choose(self, cell: int) -> None:
        if self.request is None:
            return
        if cell < 0:
            self.maps.select(self._cell())  # one is always chosen
            return
        head, layer = divmod(cell, self.maps.columns)
        self.tab.knobs.set_settings({"layer": layer + 1, "head": head + self._first_head()})


def lit(pictures: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Dimmed ``pictures`` uint8 (B,H,W,1 or 3) under a light (H,W) of 0..1 in colours: uint8 (B,H,W,3)."""
    ground = DIM * np.broadcast_to(pictures, (*pictures.shape[:3], 3)) / 255
    glow = coloured(light, 0, 1, COLOURS) / 255 * (light > 0)[..., None]  # the map's black is not quite black
    return np.round(255 * (1 - (1 - ground) * (1 - glow))).astype(np.uint8)


def _against_strongest(maps: np.ndarray) -> np.ndarray:
    """Each map of (..., h, w) divided by its largest weight; one of zeros stays."""
    return maps / np.maximum(maps.max((-2, -1), keepdims=True), 1e-30)


def _is_sparse(model: AttendsToPixels) -> bool:
    """Whether each layer looks in a pattern of its own."""
    return isinstance(model, AttendsSparsely)


def _rows_in_sight(frame: Frame) -> int:
    """Rows of the maps down to the last that any layer may look at."""
    rows = np.flatnonzero(frame.extras["pattern"].any((0, 2)))
    return int(rows[-1]) + 1 if len(rows) else 0


def _said(chosen: np.ndarray, frame: Frame) -> str:
    if not chosen.any():
        return "rows 1 and 2: no pair above is finished yet"
    row, column = (int(i) for i in np.unravel_index(chosen.argmax(), chosen.shape))
    if len(chosen) < frame.images.shape[1]:
        place = f"rows {2 * row + 1}–{2 * row + 2}, columns {2 * column + 1}–{2 * column + 2}"
    elif (row, column) == (frame.extras["row"], frame.extras["column"]):
        place = "itself"
    else:
        place = f"row {row + 1}, column {column + 1}"
    return f"most, {chosen.max():.1%}, to {place}"
