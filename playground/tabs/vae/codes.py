"""The VAE tab's *Codes*: a picture as a grid of code numbers, each of which can be changed while the picture follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from playground.capabilities import Scores, Tokenizes
from playground.contract import Frame, Request
from playground.families import FROM_PICTURE
from playground.tabs.frame.image_view import ImageView
from playground.tabs.vae.code_table import CodeTable
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot

if TYPE_CHECKING:
    from playground.experiments.vae.code_grid import HasCodebook

LEVELS = ("coarse", "detail", "finer detail", "finest detail")


def level_names(levels: int) -> tuple[str, ...]:
    """What the codes of a cell are called, in order; nothing where there is only one."""
    if levels == 1:
        return ("",)
    return LEVELS[:levels] if levels <= len(LEVELS) else tuple(f"level {i + 1}" for i in range(levels))


class Codes(ImageView["HasCodebook"]):
    """Start from a test image or a sample, and change one code at a time."""

    name = "Codes"
    group = FROM_PICTURE
    why_small = "the picture, its table of codes and what each neighbour would change stand side by side"
    capability = Tokenizes
    plot: BarPlot
    words = (
        "For a VQ-VAE a picture is a <b>grid of numbers</b>: every cell of 4x4 pixels "
        "names entries of a codebook, the first roughly, the second to correct it. The decoder reads them all.<br><br><b>Change one</b>: click a cell, then "
        "type a number, press + or −, or turn the wheel; Delete takes it back. Below: the place with the <i>nearest</i> "
        "entries of the codebook; click one to take it.<br><br>Bars: is the whole codebook used, or has it <i>collapsed</i>?"
    )
    formula = r"k = \argmin_j \| z(x) - e_j \|^2"
    hidden_knobs = frozenset({"moved", "place"})

    def explanation(self, model: HasCodebook) -> tuple[str, str]:
        """With one code in a cell there is no second to correct it."""
        if model.code_shape[2] > 1:
            return self.words, self.formula
        words = self.words.replace(
            "names entries of a codebook, the first roughly, the second to correct it",
            "names one entry of a codebook",
        )
        return words.replace("VQ-VAE", "VQGAN" if not isinstance(model, Scores) else "VQ-VAE"), self.formula

    def request_type(self, model: HasCodebook) -> type[Request]:
        from playground.experiments.vae import code_grid

        return code_grid.CodesRequest

    def sampler(self, model: HasCodebook, request: Request) -> Iterator[Frame]:
        """The picture, then its neighbours."""
        from playground.experiments.vae import code_grid

        return code_grid.change_codes(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """Pictures at the left and what the neighbours make of the place below them; numbers at the right."""
        self.pictures, self.table, self.others = ImageGrid(), CodeTable(), ImageGrid()
        self.pictures.setAccessibleName("What it started from, and the picture of the codes")
        self.others.setAccessibleName(
            "The nearest entries of the codebook, each in the place of the chosen one"
        )
        self.back = QPushButton("Back to the start")
        self.back.setToolTip("Every code back to what it was at first")
        self.back.clicked.connect(lambda: self.tab.knobs.set_settings({"moved": ""}))
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(self.pictures, 1)
        left.addWidget(self.make_stepper())
        left.addWidget(self.others, 1)
        right.addWidget(self.table, 1)
        right.addWidget(self.back)
        row = QHBoxLayout()
        row.addLayout(left, 3)
        row.addLayout(right, 1)
        self.column.addLayout(row, 1)
        self.table.pointed.connect(self._point)
        self.table.changed.connect(self._change)
        self.pictures.picked.connect(self._point_in_picture)
        self.others.picked.connect(lambda sample, row, column: self._take(sample))
        self.bars = self.plot = BarPlot("How often each code is used", "code, most used first", "share, %")

    def opened(self) -> None:
        """Another model, other codes."""
        self.tab.knobs.set_silently({"moved": "", "place": "4,4,1"})
        self.table.point_at((3, 3, 0))

    def relevant(self, request: Request) -> dict[str, bool]:
        """The seed matters for a sample, the index for a test image."""
        images = request.start == "image"  # type: ignore[attr-defined]
        self.stepper.setVisible(images)
        return {"seed": not images, "index": images}

    def turn(self, request: Request) -> None:
        """Another start is a fresh start: what was changed goes back."""
        before = self.request
        names = ("start", "index", "seed")
        fresh = before is not None and any(getattr(request, n) != getattr(before, n) for n in names)
        if fresh and request.moved and request.moved == before.moved:  # type: ignore[attr-defined, union-attr]
            self.tab.knobs.set_silently({"moved": ""})
            request = self.tab.knobs.request()
        super().turn(request)

    def draw(self, frame: Frame) -> None:
        """Pictures, numbers, neighbours, bars."""
        from playground.experiments.vae import code_grid

        request, extras = self.request, frame.extras
        codes, start = extras["codes"][0], extras["start"][0]
        place = code_grid.read_place(request.place, codes.shape)  # type: ignore[union-attr]
        image = request.start == "image"  # type: ignore[union-attr]
        changed = codes != start
        captions = ["test image" if image else "sample", "with other codes" if changed.any() else "decoded"]
        self.pictures.set_images(np.concatenate([extras["origin"], frame.images]), captions=captions)
        cell = frame.images.shape[1] // codes.shape[0]
        row, column, _ = place
        self.pictures.set_marker(row * cell * frame.images.shape[2] + column * cell, cell)
        self.table.set_codes(codes, extras["usage"].shape[1], level_names(codes.shape[2]), changed)
        self.table.point_at(place)
        self.stepper.show_index(getattr(request, "index", 0))
        self.back.setEnabled(bool(changed.any()))
        if "nearest" in extras:
            titles = [str(code) for code in extras["nearest"]]
            around = tuple(
                _around(n, cell, size) for n, size in zip(place, frame.images.shape[1:3], strict=False)
            )
            self.others.set_images(extras["decoded"][:, *around], captions=titles)

    def draw_plot(self, frame: Frame) -> None:
        """How often the codes of the marked one's level are used."""
        from playground.experiments.vae import code_grid

        codes = frame.extras["codes"][0]
        place = code_grid.read_place(self.request.place, codes.shape)  # type: ignore[union-attr]
        level = place[2]
        self._draw_bars(frame.extras["usage"][level], int(codes[place]), level_names(codes.shape[2])[level])

    def _draw_bars(self, usage: np.ndarray, code: int, level: str) -> None:
        used = np.exp(-np.sum(usage * np.log(np.maximum(usage, 1e-12))))
        of = f" ({level})" if level else ""
        self.bars.set_title(f"Use of the codes{of}: as good as {used:.0f} of {len(usage)}")
        order = np.argsort(-usage, kind="stable")
        at = int(np.flatnonzero(order == code)[0])
        self.bars.set_values(100 * usage[order], highlight=at, x=np.arange(1, len(usage) + 1))

    # --- hands

    def _point(self, row: int, column: int, level: int) -> None:
        from playground.experiments.vae import code_grid

        self.table.point_at((row, column, level))  # at once: the picture follows
        self.tab.knobs.set_settings({"place": code_grid.write_place((row, column, level))})

    def _point_in_picture(self, sample: int, row: int, column: int) -> None:
        frame = self.player.frame
        self.pictures.select(-1)  # both show the same cell
        if frame is not None and sample >= 0:
            cell = frame.images.shape[1] // self.model.code_shape[0]
            self._point(row // cell, column // cell, self.table.place()[2])

    def _change(self, row: int, column: int, level: int, code: int) -> None:
        """Put ``code`` there; -1 takes the change back."""
        from playground.experiments.vae import code_grid

        if self.model is None or self.request is None:
            return
        shape, place = self.model.code_shape, (row, column, level)
        moves = code_grid.read_moves(self.request.moved, shape, self.model.num_codes)  # type: ignore[attr-defined]
        moves.pop(place, None)
        if code >= 0:
            moves[place] = code
        self.tab.knobs.set_settings({"moved": code_grid.write_moves(moves)})

    def _take(self, sample: int) -> None:
        """A click on a neighbour puts it in the place."""
        frame = self.player.frame
        if frame is not None and "nearest" in frame.extras and sample < len(frame.extras["nearest"]):
            self._change(*self.table.place(), int(frame.extras["nearest"][sample]))


def _around(index: int, cell: int, size: int) -> slice:
    """Three cells along one side of a picture, with the one of this index in the middle if it can be."""
    first = min(max((index - 1) * cell, 0), size - 3 * cell)
    return slice(first, first + 3 * cell)
