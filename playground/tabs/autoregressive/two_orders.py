"""Two orders on one clock: all cells in parallel, the surest first, beside one after another in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QLabel

from playground import checkpoints
from playground.capabilities import FillsMaskedCells, PromptsToCodes
from playground.contract import Frame, Model, Request
from playground.tabs import prompt_remarks
from playground.tabs.autoregressive.prompted_codes import confidence_picture
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import LOOK_INSIDE, View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

if TYPE_CHECKING:
    from playground.experiments.autoregressive.two_orders import TwoOrdersRequest

IN_PARALLEL, IN_ORDER = "autoregressive/maskgit", "autoregressive/vqtransformer"


def partner_of(card: checkpoints.Card) -> checkpoints.Card | None:
    """The shipped checkpoint that draws the same codes in the other order, if there is one."""
    other = {IN_PARALLEL: IN_ORDER, IN_ORDER: IN_PARALLEL}.get(card.network)
    found = (c for c in checkpoints.cards() if c.network == other and c.built_on == card.built_on)
    return next(found, None)


class TwoOrders(View[PromptsToCodes]):
    """The same prompt, the same codes, the same size of network: what differs is the order."""

    name = "Two orders"
    group = LOOK_INSIDE
    why_small = "the pictures of two models stand side by side, each with the confidence of its cells"
    capability = PromptsToCodes
    plot: LinePlot
    words = (
        "Two transformers of one size, with the codes of one tokenizer, told the same words, on <b>one clock</b>. Left, "
        "<b>in parallel</b> (MaskGIT, Muse): every step guesses all masked cells, keeps the surest and masks the rest "
        "again. Right, <b>in reading order</b> (VQGAN): a cell a step, and none is ever taken back.<br><br>Left is done in "
        "<i>num_steps</i>, right in 64; but its steps are shorter, since it computes one cell and remembers the "
        "others. The line below the pictures says what either has cost.<br><br>The plot: the share of the cells that is known."
    )
    formula = r"p(k_M \mid k_{\bar{M}}, y); p(k_i \mid k_1, \ldots, k_{i-1}, y)"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """One of the two orders, with the other one there."""
        return super().suits(model) and partner_of(model.card) is not None

    def request_type(self, model: PromptsToCodes) -> type[Request]:
        from playground.experiments.autoregressive import two_orders

        return two_orders.TwoOrdersRequest

    def build(self) -> None:
        """Both pictures in one grid, and what they cost."""
        self.grid, self.cost = ImageGrid(), QLabel()
        self.cost.setWordWrap(True)
        self.cost.setContentsMargins(8, 0, 8, 4)
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.cost)
        self.plot = LinePlot("Cells known, by step", "step", "share")

    def sampler(self, model: PromptsToCodes, request: Request) -> Iterator[Frame]:
        """The parallel one stands at the left, whichever of them is open."""
        from playground.experiments.autoregressive import two_orders

        card = partner_of(model.card)
        assert card is not None, "the view suits no model without a partner"
        pair = (model, self.tab.model_cache.get(card.id))
        if not isinstance(model, FillsMaskedCells):
            pair = pair[::-1]
        return two_orders.beside(pair, request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """With both by name."""
        card = partner_of(self.model.card)
        names = [f"playground.load({card.id!r})" if card else "model", "model"]
        if isinstance(self.model, FillsMaskedCells):
            names.reverse()
        run = f"two_orders.beside(({', '.join(names)}), request)"
        return Code(run, ("from playground.experiments.autoregressive import two_orders",))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Pictures above, confidence below."""
        return [
            ("in parallel", frame.images),
            ("in reading order", frame.extras["others"]),
            ("how sure, in parallel", confidence_picture(frame)),
            ("how sure, in order", confidence_picture(frame, "other_confidence")),
        ]

    def tell(self, frame: Frame) -> None:
        """What was understood of a prompt stands under it."""
        if not prompt_remarks.show(self.tab.knobs, frame):
            super().tell(frame)

    def draw(self, frame: Frame) -> None:
        """Both, and the cost so far."""
        self.grid.set_panels(self.panels(frame))
        passes, seconds = frame.extras["passes_of"], frame.extras["seconds_of"]
        said = (
            f"{name}: {int(p)} network passes, {1e3 * s:.0f} ms"
            for name, p, s in zip(("in parallel", "in reading order"), passes, seconds, strict=True)
        )
        self.cost.setText(" · ".join(said))

    def draw_plot(self, frame: Frame) -> None:
        """How much of the pictures is known, of either."""
        request: TwoOrdersRequest = self.request  # type: ignore[assignment]
        steps = np.arange(frame.total + 1)
        done = np.minimum(steps / request.num_steps, 1)
        self.plot.set_curve("in parallel", 1 - np.cos(np.pi / 2 * done), steps)
        self.plot.set_curve("in reading order", steps / frame.total, steps)
        self.plot.set_range(x=(0, frame.total), y=(0, 1))
        self.plot.set_marker(frame.step)
