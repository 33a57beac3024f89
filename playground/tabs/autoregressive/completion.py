"""Complete: the top rows come from a test image, the model goes on in its own ways."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from playground.capabilities import Completes, DrawsInGroups
from playground.contract import Frame, Model, Request, pixel_order
from playground.families import FROM_PICTURE
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class Complete(View[Completes]):
    """The original first, then as many completions as were asked for."""

    name = "Complete"
    group = FROM_PICTURE
    capability = Completes
    plot: LinePlot
    words = (
        "The rows above the line come from a test picture (the first one, whole); the model draws the rest several "
        "times over. <b>Drag over the pictures</b> to give it more or less, and watch when the garment becomes "
        "certain.<br><br>Nothing was trained for this. A model of p(pixel given the earlier ones) completes a picture "
        "by not drawing the pixels that are known. It only ever reads downwards, so it cannot fill in from the bottom "
        "up.<br><br>The plot: how much the completions differ, row by row."
    )
    formula = (
        r"p(x_{k+1}, \ldots, x_{784} \mid x_1, \ldots, x_k) = \prod_{i>k} p(x_i \mid x_1, \ldots, x_{i-1})"
    )

    groups_formula = r"p(x) = \prod_{g} \prod_{i \in g} p(x_i \mid x_{<g})"
    in_groups = (
        "The rows above the line come from a test picture (the first one, whole); the model draws the rest several "
        "times over, from coarse to fine, each group at once. <b>Drag over the pictures</b> to give it more or less."
        "<br><br>It draws whatever is not known when its turn comes; a pixel sees the known ones on all sides, as far as "
        "they come earlier.<br><br>The plot: how much the completions differ, row by row."
    )

    def explanation(self, model: Model) -> tuple[str, str]:
        """Not everyone reads downwards."""
        if isinstance(model, DrawsInGroups):
            return self.in_groups, self.groups_formula
        return super().explanation(model)  # type: ignore[arg-type]

    def request_type(self, model: Completes) -> type[Request]:
        from playground.experiments.autoregressive import pixelwise

        return pixelwise.CompleteRequest

    def sampler(self, model: Completes, request: Request) -> Iterator[Frame]:
        """Known rows, then pixel by pixel."""
        from playground.experiments.autoregressive import pixelwise

        return pixelwise.complete(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """One grid, and the disagreement by row."""
        self.grid = ImageGrid()
        self.grid.setAccessibleName("The original and its completions")
        self.grid.setCursor(Qt.CursorShape.SizeVerCursor)
        self.grid.picked.connect(lambda sample, row, column: self._give(row))
        self.grid.hovered.connect(self._dragged)
        self.column.addWidget(self.grid, 1)
        self.plot = LinePlot("Where the completions differ", "row", "grey levels")

    def relevant(self, request: Request) -> dict[str, bool]:
        """The class is a knob only if the model is told another one."""
        return {"label": getattr(request, "given", "own") == "chosen"}

    def draw(self, frame: Frame) -> None:
        """Original and completions; what is still to come is hatched in the completions only."""
        pictures = np.concatenate([frame.extras["original"], frame.images])
        height, width = pictures.shape[1:3]
        rows: int = frame.extras["known_rows"]
        done = (np.argsort(pixel_order(frame)) < frame.step).reshape(height, width)
        done[:rows] = True
        done |= "coarse" in frame.extras  # what is not drawn yet is shown as the coarser picture says
        known = np.broadcast_to(done, pictures.shape[:3]).copy()
        known[0] = True
        self.grid.set_images(pictures, captions=["original", *self._names(len(frame.images))])
        self.grid.set_known(known)
        self.grid.set_rule(rows or None)
        order = pixel_order(frame)
        self.grid.set_marker(int(order[frame.step - 1]) if 0 < frame.step < frame.total else None)

    def draw_plot(self, frame: Frame) -> None:
        """How far apart the completions are in each row that is whole."""
        assert isinstance(self.plot, LinePlot)
        rows: int = frame.extras["known_rows"]
        height, width = frame.images.shape[1:3]
        finished = max(height if "coarse" in frame.extras else frame.step // width, rows)
        spread = frame.images[:, :finished].astype(float).std(0).mean((1, 2))
        self.plot.set_curve("spread", spread, np.arange(1, finished + 1))
        self.plot.set_range(x=(1, height), y=(0, max(float(spread.max(initial=0)), 20)))
        self.plot.set_marker(rows + 0.5 if rows else None)

    def _names(self, count: int) -> list[str]:
        names = self.class_names()
        if getattr(self.request, "given", "own") == "chosen" and names:
            return names[:count]
        return [str(i + 1) for i in range(count)]

    # --- dragging

    def _dragged(self, sample: int, row: int, column: int) -> None:
        if sample >= 0 and QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._give(row)

    def _give(self, row: int) -> None:
        """The rows down to the hand are given."""
        self.grid.select(-1)
        self.tab.knobs.set_settings({"known_rows": row})
