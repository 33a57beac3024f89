"""*Generate* for models that draw the codes of a picture from words: how sure each cell was, and cells that are drawn anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton

from playground.capabilities import FillsMaskedCells, PromptsToCodes
from playground.contract import Frame, Request, settings_of
from playground.export.picture_metadata import numbers, request_of
from playground.tabs import prompt_remarks
from playground.tabs.branches import trunk as trunks
from playground.tabs.branches.view import Branching
from playground.tabs.frame import model_cache
from playground.tabs.frame.python_code import Code
from playground.tabs.pictures.prompt_scores import PromptScores
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.colour_bar import coloured
from playground.ui.plots.line_plot import LinePlot

Cell = tuple[int, int, int]  # sample, row, column
Edit = tuple[Request, tuple[Cell, ...]]  # a run, and the cells of it that were then masked


class CodesFromWords(Branching[PromptsToCodes]):
    """Pictures as far as they are decided, and beside them the probability with which each cell was."""

    name = "Generate"
    capability = PromptsToCodes
    plot: LinePlot
    in_parallel = (
        "A picture is a grid of 8x8 codes of <i>vqgan-emoji</i>. At first all of them are <b>masked</b>. In each step the "
        "network, which has read the words <i>y</i>, guesses <b>every masked cell at once</b>; the guesses it is surest of are kept, the others are masked "
        "again. A few steps fill the picture, where reading order takes 64.<br><br><b>Drag over cells to mask them</b>, "
        "then change the prompt, or press R: only those are drawn again, and they fit the rest. Nothing was trained for "
        "that."
    )
    in_order = (
        "A picture is a grid of 8x8 codes of <i>vqgan-emoji</i>. A transformer writes them <b>one after another</b>, from "
        "the top left, as a language model writes words; the prompt stands before them. What is written stays, so an "
        "early mistake has to be lived with.<br><br>64 steps, each short: keys and values of all earlier places are kept. "
        "<i>maskgit-emoji</i> has the same codes, words and size, and fills all cells in parallel."
    )
    parallel_formula = r"p(k_M \mid k_{\bar{M}}, y)"
    order_formula = r"p(k \mid y) = \prod_{i=1}^{64} p(k_i \mid k_1, \ldots, k_{i-1}, y)"

    def explanation(self, model: PromptsToCodes) -> tuple[str, str]:
        """The two orders differ."""
        if isinstance(model, FillsMaskedCells):
            return self.in_parallel, self.parallel_formula
        return self.in_order, self.order_formula

    def build(self) -> None:
        """Pictures and their confidence, and what can be done with marked cells."""
        self.grid = ImageGrid()
        self.grid.picked.connect(self._begin)
        self.grid.hovered.connect(self._stroke)
        self.column.addWidget(self.grid, 1)
        self.scores = PromptScores(self, self.grid, panel=0)
        self.hint, self.again, self.clear = QLabel(), QPushButton("Draw them again"), QPushButton("Unmark")
        self.hint.setWordWrap(True)
        self.again.setToolTip("Draw the marked cells with another seed; everything else stays")
        self.again.clicked.connect(self._reseed)
        self.clear.clicked.connect(self._unmark)
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 4)
        row.addWidget(self.hint, 1)
        row.addWidget(self.again)
        row.addWidget(self.clear)
        self.column.addLayout(row)
        self.plot = LinePlot("How sure the cells were, by step", "step", "mean probability")
        self.marked: tuple[Cell, ...] = ()
        self.edits: tuple[Edit, ...] = ()  # what led to the run on screen
        self._origin: tuple[tuple[Edit, ...], Request, np.ndarray] | None = None  # what was marked on
        self._erases = False
        self.player.changed.connect(self._show_hint)

    def opened(self) -> None:
        """Another model has other pictures."""
        super().opened()
        self._forget()
        self._show_hint()

    # --- runs

    def start(self, request: Request, patient: bool = False) -> None:
        """All cells; while some are marked, whatever is turned is for them alone."""
        origin = self._origin
        if origin is None or not self.marked or not _same_pictures(origin[1], request):
            self._forget()
            self.player.can_branch = True
            super().start(request, patient)
            return
        self._leave_branches()
        edits, before, codes = origin
        self.edits = (*edits, (before, self.marked))
        self.adopt(request)
        cells = self.marked

        def play(model: FillsMaskedCells, request: Request) -> Iterator[Frame]:
            from playground.experiments.autoregressive import masked_cells

            mask = masked_cells.mask_of(cells, len(codes), model.code_shape)
            return model.sample(request, model.masked_state(codes, mask))

        source = self.source(lambda model: model_cache.memory_guarded(model, request, play))
        self.player.start(source, patient=patient)

    def sampler(self, model: PromptsToCodes, request: Request) -> Iterator[Frame]:
        return model.sample(request)

    def settings(self) -> dict[str, Any]:
        """The edits that led here, and the cells that are marked now."""
        edits = [{"request": settings_of(r), "cells": [list(c) for c in cells]} for r, cells in self.edits]
        return {"edits": edits, "marked": [list(cell) for cell in self.marked], **super().settings()}

    def checked(self, settings: Mapping[str, Any], request: Request, model: PromptsToCodes) -> dict[str, Any]:
        """Requests of this model, and cells that exist."""
        edits, given = [], settings.get("edits", [])
        if (
            not isinstance(given, list)
            or len(given) > 50
            or (given and not isinstance(model, FillsMaskedCells))
        ):
            raise ValueError("its edits are not a list of edits.")
        for one in given:
            if not isinstance(one, Mapping) or not isinstance(one.get("request"), Mapping):
                raise ValueError("its edits are not a list of edits.")
            before = request_of(type(request), one["request"], 0)
            if not _same_pictures(before, request):
                raise ValueError("its edits are of other pictures.")
            edits.append((before, _cells(one.get("cells", []), request, model)))
        trunk = trunks.read_back(settings, request, model)
        if trunk and edits:
            raise ValueError("it has branches and edits.")
        return {
            "edits": tuple(edits),
            "marked": _cells(settings.get("marked", []), request, model),
            "trunk": trunk,
        }

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The run with its edits, as one."""
        self._forget()
        self.edits, self.marked = settings["edits"], settings["marked"]
        edits = self.edits
        if settings["trunk"]:
            self.restore_trunk(settings["trunk"], request)
            return
        self.forget_runs()
        self.player.can_branch = not edits
        self.adopt(request)

        def play(model: FillsMaskedCells, request: Request) -> Iterator[Frame]:
            from playground.experiments.autoregressive import masked_cells

            steps = [masked_cells.Edit(before, cells) for before, cells in edits]
            return masked_cells.redrawn(model, steps, request)

        self.player.start(self.source(lambda model: model_cache.memory_guarded(model, request, play)))

    def _leave_branches(self) -> None:
        """A run of some cells begins in the middle of another, so that it would take both to make it again."""
        self.forget_runs()
        self.player.can_branch = False

    def code(self) -> Code | None:
        """With the edits, if there are any."""
        if not self.edits:
            return super().code()
        parts = [f"Edit(model.Request(**{settings_of(r)}), {cells})" for r, cells in self.edits]
        return Code(
            f"redrawn(model, [{', '.join(parts)}], request)",
            ("from playground.experiments.autoregressive.masked_cells import Edit, redrawn",),
        )

    # --- showing

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The pictures, and the confidence of their cells."""
        return [("so far", frame.images), ("how sure each cell was", confidence_picture(frame))]

    def tell(self, frame: Frame) -> None:
        """What was understood of a prompt stands under it."""
        if not prompt_remarks.show(self.tab.knobs, frame):
            super().tell(frame)

    def draw(self, frame: Frame) -> None:
        """Pictures and confidence; what is masked is hatched."""
        self.grid.set_panels(self.panels(frame))
        self.scores.show(frame)
        hidden = frame.extras["codes"][..., 0] < 0
        if frame.step == frame.total:
            for sample, row, column in self.marked:
                if sample < len(hidden):
                    hidden[sample, row, column] = True
        cell = frame.images.shape[1] // hidden.shape[1]
        known = ~hidden.repeat(cell, 1).repeat(cell, 2)
        self.grid.set_known(None if known.all() else known)

    def draw_plot(self, frame: Frame) -> None:
        """The mean probability of what each step kept."""
        steps, sure = [], []
        before: np.ndarray | None = None
        for i in range(len(self.player.timeline)):
            one = self.player.timeline[i]
            if one.step > frame.step or "confidence" not in one.extras:
                break
            known = one.extras["codes"][..., 0] >= 0
            new = known if before is None else known & ~before
            if before is not None and new.any():
                steps.append(one.step)
                sure.append(float(one.extras["confidence"][new].mean()))
            before = known
        self.plot.set_curve("confidence", np.array(sure), np.array(steps))
        self.plot.set_range(x=(0, max(frame.total, 1)), y=(0, 1))

    # --- marking

    def _begin(self, sample: int, row: int, column: int) -> None:
        cell = self._cell_at(sample, row, column)
        if cell is not None and self.trunk:
            self.tab.banner.show_notice(
                "This run branched off from another: press R for one whose cells can be marked."
            )
        elif cell is not None:
            self._erases = cell in self.marked
            self._mark(cell)

    def _stroke(self, sample: int, row: int, column: int) -> None:
        if sample >= 0 and QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            cell = self._cell_at(sample, row, column)
            if cell is not None and not self.trunk:
                self._mark(cell)

    def _cell_at(self, sample: int, row: int, column: int) -> Cell | None:
        """The cell under a pixel, once the pictures are whole."""
        frame = self.player.frame
        if frame is None or not isinstance(self.model, FillsMaskedCells) or frame.step != frame.total:
            return None
        size = frame.images.shape[1] // self.model.code_shape[0]
        return sample, row // size, column // size

    def _mark(self, cell: Cell) -> None:
        frame, request = self.player.frame, self.request
        if frame is None or request is None or (cell in self.marked) != self._erases:
            return
        if self._origin is None:
            self._origin = self.edits, request, frame.extras["codes"].copy()
        left = tuple(c for c in self.marked if c != cell)
        self.marked = left if self._erases else (*left, cell)
        self.grid.select(-1)
        self.draw(frame)
        self._show_hint()

    def _unmark(self) -> None:
        """What is on screen stays, and is what is marked on next."""
        self.marked, self._origin = (), None
        if self.player.frame is not None:
            self.draw(self.player.frame)
        self._show_hint()

    def _reseed(self) -> None:
        if self.request is not None:
            self.tab.knobs.set_settings({"seed": (self.request.seed + 1) % 2**31})

    def _forget(self) -> None:
        self.marked, self.edits, self._origin = (), (), None

    def _show_hint(self) -> None:
        fills = isinstance(self.model, FillsMaskedCells)
        self.hint.setVisible(fills)
        for button in (self.again, self.clear):
            button.setVisible(fills and bool(self.marked))
        if self.marked:
            count = len(self.marked)
            cells = "1 cell is" if count == 1 else f"{count} cells are"
            self.hint.setText(f"{cells} marked: change the prompt, or draw again; everything else stays.")
        else:
            self.hint.setText("Drag over cells of a finished picture to mark them.")


def confidence_picture(frame: Frame, name: str = "confidence") -> np.ndarray:
    """The probability of each cell's code as colours, uint8 (B,H,W,3), of the size of the frame's pictures."""
    values = frame.extras[name]
    cell = frame.images.shape[1] // values.shape[1]
    return coloured(values.repeat(cell, 1).repeat(cell, 2), 0.0, 1.0)


def _same_pictures(one: Request, other: Request) -> bool:
    """Whether two requests are about equally many pictures."""
    return (one.num_samples, one.first_index) == (other.num_samples, other.first_index)


def _cells(given: Any, request: Request, model: PromptsToCodes) -> tuple[Cell, ...]:
    """Cells read from a file.

    Raises:
        ValueError: the end of a sentence, if there are no such cells.
    """
    found = numbers(given, (None, 3), 0, max(request.num_samples, *model.code_shape) - 1)
    if (found != found.round()).any() or (found >= [request.num_samples, *model.code_shape[:2]]).any():
        raise ValueError("it marks cells that do not exist.")
    return tuple((int(s), int(r), int(c)) for s, r, c in found)
