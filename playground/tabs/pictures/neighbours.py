"""Is it memorised?  The view that every family has: beside each sample the training pictures that lie nearest to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PySide6.QtWidgets import QLabel

from playground import data
from playground.contract import Frame, Model, Request
from playground.data import emoji
from playground.evaluation import neighbours
from playground.tabs import so_what
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import TRAINING, View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.theme import theme

_ACROSS = 1 + neighbours.NUM_NEAREST
_LONGEST = 18  # characters under a picture
_BARS = 24


class Neighbours(View):
    """Samples at the left, their nearest training pictures at the right."""

    name = "Neighbours"
    group = TRAINING
    why_small = "each sample stands beside its nearest training pictures; a double click enlarges a picture"
    plot: BarPlot
    words = (
        "Does it copy? At the left what the model draws, beside it the <b>training pictures that lie nearest</b>, the "
        "nearest first.<br><br>How near is suspicious? Pictures that were <b>held out</b> are near to some training "
        "picture too, and nobody copied them. The bars say how near: a sample that is nearer than nearly all of them "
        "has been <b>memorised</b>, one among them has not, whatever it looks like.<br><br>Choose a sample to read its "
        "place among the held-out pictures."
    )
    formula = r"d(x) = \min_i \| x - x_i \|"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Where there are training pictures to compare with."""
        has_pixels = data.modality(model.card.dataset).has_pixels
        return has_pixels and not neighbours.why_no_pictures(model.card.dataset)

    def request_type(self, model: Model) -> type[Request]:
        """The model's own, for a few pictures, with what is compared."""
        return neighbours.request_beside(model.Request)  # type: ignore[arg-type]  # a class is hashable

    def sampler(self, model: Model, request: Request) -> Iterator[Frame]:
        """The model's run, and then what lies near."""
        return neighbours.beside(model, request)

    def code(self) -> Code | None:
        """The request's type is made on the fly."""
        imports = ("from playground.evaluation import neighbours",)
        return Code("neighbours.beside(model, request)", imports, "neighbours.request_beside(model.Request)")

    def build(self) -> None:
        """A grid, a line of words, and how near held-out pictures come."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.grid.setAccessibleName("Samples and their nearest training pictures; the arrow keys choose one")
        self.grid.selection_changed.connect(lambda _: self._say())
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setContentsMargins(round(theme.em()), 0, round(theme.em()), 0)
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.line)
        self.plot = BarPlot("How near held-out pictures are", "distance to training", "pictures")

    def relevant(self, request: Request) -> dict[str, bool]:
        """Only emoji can be compared by features."""
        return {"near_by": self.model.card.dataset == emoji.EMOJI.name}

    def draw(self, frame: Frame) -> None:
        """The rows, and the words of the one that is chosen."""
        size, known = frame.images.shape[1:3], frame.extras["known"]
        self.grid.set_images(frame.images, columns=_ACROSS, captions=self._captions(frame))
        hidden = None if known.all() else np.broadcast_to(known[:, None, None], (len(known), *size))
        self.grid.set_known(hidden)
        self._say()

    def draw_plot(self, frame: Frame) -> None:
        """Held-out pictures by their distances; the bar of the chosen sample stands out."""
        if "distances" not in frame.extras:
            return
        usual = neighbours.usual_distances(self.model.card.dataset, self._by())
        nearest = frame.extras["distances"][self._chosen(frame), 0]
        counts, edges = np.histogram(
            usual, bins=_BARS, range=(0, max(float(usual[-1]), float(nearest)) * 1.001)
        )
        bar = min(int(nearest / edges[1]), _BARS - 1)
        self.plot.set_values(counts, highlight=bar, x=(edges[:-1] + edges[1:]) / 2)

    def _captions(self, frame: Frame) -> list[str]:
        if "nearest" not in frame.extras:
            return [""] * len(frame.images)
        name = neighbours.name_of(self.model.card.dataset)
        rows = zip(frame.extras["percentiles"], frame.extras["nearest"], strict=True)
        return [
            text for percentile, places in rows
            for text in (f"nearer than {100 - percentile:.0f} %", *(_short(name(int(i))) for i in places))
        ]  # fmt: skip

    def _say(self) -> None:
        frame = self.player.frame
        if frame is None or "nearest" not in frame.extras:
            self.line.setText("")
            return
        row, extras = self._chosen(frame), frame.extras
        nearest = neighbours.name_of(self.model.card.dataset)(int(extras["nearest"][row, 0]))
        words = neighbours.in_words(float(extras["percentiles"][row]))
        copies = int((extras["percentiles"] < neighbours.SUSPICIOUS).sum())
        of_all = so_what.copies(copies, len(extras["percentiles"]))
        self.line.setText(f"Sample {row + 1}: {words} (the nearest is {nearest}). <b>So what:</b> {of_all}")
        if not self.player.is_playing:
            self.draw_plot(frame)

    def _chosen(self, frame: Frame) -> int:
        rows = len(frame.images) // _ACROSS
        return min(max(self.grid.selected(), 0) // _ACROSS, rows - 1)

    def _by(self) -> Any:
        return (
            getattr(self.request, "near_by", "pixels")
            if self.model.card.dataset == emoji.EMOJI.name
            else "pixels"
        )


def _short(name: Any) -> str:
    text = str(name).rpartition("/")[2].replace("-", " ")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
