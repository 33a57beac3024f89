"""Receptive field: which earlier pixels can a pixel see at all, by the gradient of its distribution."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground import checkpoints
from playground.capabilities import PredictsPixels
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.pixel_grid import PixelGrid
from playground.ui.plots.colour_bar import ColourBar, coloured
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme

LEAST = 1e-6  # of the strongest gradient, where the colours begin
TICKS = [(-6, "a millionth"), (-4, "10⁻⁴"), (-2, "a hundredth"), (0, "strongest")]


class ReceptiveField(View[PredictsPixels]):
    """The picture, and a map per model of the family: all show the same pixel."""

    name = "Receptive field"
    group = LOOK_INSIDE
    capability = PredictsPixels
    plot: LinePlot
    others: list[checkpoints.Card]
    systems: list[str]
    words = (
        "How would the distribution of the marked pixel move if another pixel were brighter? The size of that gradient "
        "is the colour; <b>hatched</b> pixels make none. <b>Move the pointer</b>, or use the arrow keys."
        "<br><br>What is drawn later must be hatched. But the <b>first PixelCNN</b> misses finished pixels too: each "
        "layer reaches one pixel further up and right, never straight to the right, so a wedge stays out of sight, "
        "the <b>blind spot</b>. The <b>gated PixelCNN</b> has a second stack that reads finished rows whole; "
        "the dense <b>MADE</b> sees everything earlier; <b>PixelRNN</b>'s Row LSTM a triangle, to the top at any depth, not to "
        "the sides. The <b>parallel</b> one has another order, and looks all around."
    )
    formula = r"\left| \frac{\partial c_i}{\partial x_j} \right|, \; c_i = \text{centre of } p(x_i \mid x_1, \ldots, x_{i-1})"
    hidden_knobs = frozenset({"seed", "num_samples"})

    def request_type(self, model: PredictsPixels) -> type[Request]:
        from playground.experiments.autoregressive import pixelwise

        return pixelwise.FieldRequest

    def opened(self) -> None:
        """Which other models stand beside this one: those of other kinds, on the same pictures."""
        card = self.model.card
        beside = {c.network: c for c in checkpoints.cards() if c.family == card.family}
        beside.pop(card.network, None)
        self.others = [c for c in beside.values() if c.dataset == card.dataset]
        self.systems = [card.system, *(c.system for c in self.others)]

    def sampler(self, model: PredictsPixels, request: Request) -> Iterator[Frame]:
        """One frame: the gradients of all models."""
        from playground.experiments.autoregressive import pixelwise

        others = [self.tab.model_cache.get(card.id) for card in self.others]
        models = [model, *(m for m in others if isinstance(m, PredictsPixels))]
        return pixelwise.receptive_fields(models, request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """With the models that stand beside this one."""
        others = ", ".join(f"playground.load({card.id!r})" for card in self.others)
        run = f"pixelwise.receptive_fields([model, {others}], request)"
        return Code(run, ("from playground.experiments.autoregressive import pixelwise",))

    def build(self) -> None:
        """Pictures, colours, and how far up each model looks."""
        self.grid = PixelGrid()
        self.grid.pointed.connect(
            lambda row, column: self.tab.knobs.set_settings({"row": row + 1, "column": column + 1})
        )
        self.bar = ColourBar("size of the gradient, against the strongest; hatched: none", -6, 0, TICKS)
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.bar)
        self.plot = LinePlot("How far up it looks", "rows above", "gradient", log_y=True)

    def draw(self, frame: Frame) -> None:
        """A map for each model, hatched where there is no gradient."""
        fields: np.ndarray = frame.extras["fields"]
        strengths = _strengths(fields)
        picture = frame.images if frame.images.shape[3] == 3 else np.repeat(frame.images, 3, axis=3)
        maps = coloured(np.log10(np.maximum(strengths, LEAST)), np.log10(LEAST), 0)
        earlier = frame.extras["earlier"]
        counts = [
            f": {np.count_nonzero(one)} of {count} pixels" for one, count in zip(fields, earlier, strict=True)
        ]
        if theme.lecture():
            counts = [""] * len(counts)  # no room beside the names
        names = [system + count for system, count in zip(self.systems, counts, strict=True)]
        everything = np.concatenate([picture, maps])
        self.grid.set_images(everything, captions=["the picture", *names])
        self.grid.set_known(np.concatenate([np.ones_like(fields[:1], bool), fields > 0]))
        self.grid.point_at(self.request.row - 1, self.request.column - 1)  # type: ignore[union-attr]  # the hand is ahead

    def draw_plot(self, frame: Frame) -> None:
        """The strongest gradient in each row above."""
        fields, row = frame.extras["fields"], frame.extras["row"]
        strengths = _strengths(fields)
        above = strengths[:, : row + 1].max(2)[:, ::-1]  # (models, rows above)
        curves = {s: np.where(a > 0, a, np.nan) for s, a in zip(self.systems, above, strict=True)}
        assert isinstance(self.plot, LinePlot)
        self.plot.set_curves(curves, np.arange(row + 1))
        self.plot.set_range(x=(0, fields.shape[1] - 1), y=(-6, 0))


def _strengths(fields: np.ndarray) -> np.ndarray:
    """Gradients (models,H,W) against the strongest of each model."""
    strengths: np.ndarray = fields / np.maximum(fields.max((1, 2), keepdims=True), 1e-30)
    return strengths
