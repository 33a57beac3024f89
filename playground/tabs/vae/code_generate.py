"""The VAE tab's *Generate* for models of codes: cell by cell, decoded live, and any code can be taken back and changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from playground.capabilities import BuildsOn, Scores, Tokenizes
from playground.contract import Frame, Model, Request
from playground.export.picture_metadata import numbers
from playground.tabs.branches import trunk as trunks
from playground.tabs.branches.view import Branching
from playground.tabs.frame import model_cache
from playground.tabs.frame.python_code import Code
from playground.tabs.vae.code_table import CodeTable
from playground.tabs.vae.codes import level_names
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.widgets.controls import Slider

NUM_BARS = 8  # names of three figures that have room
NUM_RANKS = 64  # how far down the list of codes the slider goes
Edit = tuple[int, int, int, int]  # sample, row, column, level


class CodeGenerate(Branching[Tokenizes]):
    """Many pictures at once, cell by cell, with the codes of the chosen one and what the next one could have been."""

    name = "Generate"
    passing = frozenset({"selected", "place"})
    capability = Tokenizes
    words = (
        "A VQ-VAE wrote the training pictures as grids of codes; a small transformer has learned which codes follow which, "
        "and writes new grids <b>cell by cell</b>, like a sentence. The decoder shows what they mean so far; near the "
        "newest cell that may still change, since it looks at neighbours.<br><br><b>Pause and click a cell</b>, then put "
        "another code there: everything after it is drawn again with the same random numbers.<br><br>49 steps, where a pixel model "
        "takes 784."
    )
    formula = r"p(x) \ge p(x \mid k) \prod_{i=1}^{49} p(k_i \mid k_1, \ldots, k_{i-1}, y)"

    def explanation(self, model: Tokenizes) -> tuple[str, str]:
        """Without a prior there is nothing that knows which codes go together, which is the lesson."""
        if isinstance(model, BuildsOn):
            return self.words, self.formula
        if not isinstance(model, Scores):
            words = (
                "A VQGAN by itself has learned to write a picture as a grid of 8x8 codes and to read it again, so that it "
                "<b>looks right</b>: a perceptual and an adversarial term stand beside the error of the pixels. <b>It has "
                "not learned which grids are pictures</b>: here every code is drawn by itself.<br><br>See <i>Codes</i> for "
                "how well it reads those of real pictures. Models that draw whole grids from words, <i>maskgit-emoji</i> "
                "and <i>vqtransformer-emoji</i>, are in the Autoregressive tab."
            )
            return words, r"k_i \sim 1/K \to \hat{x} = g(e_k)"
        words = (
            "A VQ-VAE by itself has learned to write a picture as a grid of codes and to read it again. <b>It has not "
            "learned which grids are pictures</b>: here every code is drawn by itself, all alike or as often as they "
            "occur, and the decoder does what it can with the jumble.<br><br>See <i>Codes</i> for how well it reads "
            "codes of real pictures, and <i>vqprior-fashion</i> for what a learned prior makes of the same decoder."
        )
        return words, r"k_i \sim 1/K \to x \sim p(x \mid k)"

    def build(self) -> None:
        """Grid, table of codes, editor and bars."""
        self.grid, self.table, self.editor = ImageGrid(), CodeTable(editable=False), CodeEditor()
        self.grid.may_show_fewer = True
        self.table.setAccessibleName("The codes of the chosen picture; the arrow keys move")
        row = QHBoxLayout()
        row.addWidget(self.grid, 3)
        right = QVBoxLayout()
        right.addWidget(self.table, 1)
        row.addLayout(right, 1)
        self.column.addLayout(row, 1)
        self.column.addWidget(self.editor)
        self.grid.selection_changed.connect(lambda _: self._show_chosen())
        self.grid.selection_changed.connect(lambda _: self._show_bars())
        self.grid.picked.connect(self._pick)
        self.table.pointed.connect(self._rewind_to)
        self.editor.slider.valueChanged.connect(self._edited)
        self.player.changed.connect(self._show_chosen)
        self.edits: dict[Edit, int] = {}  # the code put there
        self.bars = self.plot = BarPlot("The current cell", "code", "probability")

    def opened(self) -> None:
        """Without a prior there are no probabilities to show."""
        super().opened()
        self.plot = self.bars if _draws(self.model) else None

    @classmethod
    def branches(cls, model: Model) -> bool:
        """Where codes are drawn one after the other."""
        return _draws(model)

    def edits_now(self) -> dict[Edit, int]:
        return dict(self.edits)

    def take_edits(self, edits: dict[Edit, int]) -> None:
        self.edits = dict(edits)

    def edit_list(self) -> list[tuple[int, int, int, int, int]]:
        return [(*at, code) for at, code in self.edits.items()]

    def drop_edits(self, frame: Frame) -> None:
        columns = self.model.code_shape[1]
        self.edits = {at: code for at, code in self.edits.items() if at[1] * columns + at[2] < frame.step}

    def start(self, request: Request, patient: bool = False) -> None:
        """A new run, without the codes that were changed in the last one."""
        self.edits = {}
        super().start(request, patient)

    def settings(self) -> dict[str, Any]:
        """The codes that were changed, which picture is looked at, and which of a cell's codes."""
        edits = [[*at, code] for at, code in self.edits.items()]
        return {
            "edits": edits,
            "selected": self.grid.selected(),
            "place": list(self.table.place()),
            **super().settings(),
        }

    def checked(self, settings: Mapping[str, Any], request: Request, model: Tokenizes) -> dict[str, Any]:
        """Places and codes that exist."""
        edits = numbers(settings.get("edits", []), (None, 5), 0, model.num_codes - 1)
        place = numbers(settings.get("place", [0, 0, 0]), (3,), 0, max(model.code_shape) - 1)
        there = [request.num_samples, *model.code_shape]
        if (
            (edits != edits.round()).any()
            or (edits[:, :4] >= there).any()
            or (len(edits) and not _draws(model))
        ):
            raise ValueError("it changes codes that do not exist.")
        if (place != place.round()).any() or (place >= model.code_shape).any():
            raise ValueError("it looks at a code that does not exist.")
        selected = numbers(settings.get("selected", -1), (), -1, request.num_samples - 1)
        return {
            "edits": edits.astype(int).tolist(),
            "selected": int(selected),
            "place": place.astype(int).tolist(),
            "trunk": trunks.read_back(settings, request, model),
        }

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The run with its changed codes, as one."""
        edits = [tuple(edit) for edit in settings["edits"]]
        self.edits = {edit[:4]: edit[4] for edit in edits}
        if settings["trunk"]:
            self.restore_trunk(settings["trunk"], request)
            self.grid.select(settings["selected"])
            self.table.point_at(tuple(settings["place"]))
            return

        def play(model: Tokenizes, request: Request) -> Iterator[Frame]:
            from playground.experiments import branching

            return branching.recoded(model, request, edits) if edits else model.sample(request)

        self.forget_runs()
        self.adopt(request)
        self.player.start(self.source(lambda model: model_cache.memory_guarded(model, request, play)))
        self.grid.select(settings["selected"])
        self.table.point_at(tuple(settings["place"]))

    def code(self) -> Code | None:
        """With the codes that were changed, if there are any."""
        if not self.edits or self.trunk:
            return super().code()
        return Code(
            f"recoded(model, request, {self.edit_list()})",
            ("from playground.experiments.branching import recoded",),
        )

    def sampler(self, model: Tokenizes, request: Request) -> Iterator[Frame]:
        return model.sample(request)

    # --- showing

    def draw(self, frame: Frame) -> None:
        """Pictures, what is known of them, the newest cell; then the chosen picture's codes."""
        rows, columns, _ = self.model.code_shape
        cell, width = frame.images.shape[1] // rows, frame.images.shape[2]
        drawing = 0 < frame.total != 1 and frame.step < frame.total
        self.grid.set_images(frame.images, captions=self.class_names())
        known = (np.arange(frame.total) < frame.step).reshape(rows, columns) if drawing else None
        self.grid.set_known(None if known is None else known.repeat(cell, 0).repeat(cell, 1))
        done = [(at[0], at[1], at[2]) for at in self.edits if at[1] * columns + at[2] < frame.step]
        self.grid.marks.edited = tuple((sample, r * cell, c * cell, cell) for sample, r, c in done)
        row, column = divmod(frame.step - 1, columns)
        marker = row * cell * width + column * cell if drawing and frame.step else None
        self.grid.set_marker(marker, cell)
        if self.grid.selected() < 0:
            self.grid.select(0)
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Codes, bars and editor of the chosen picture."""
        frame, sample = self.player.frame, max(self.grid.selected(), 0)
        if frame is None or self.model is None or "codes" not in frame.extras or sample >= len(frame.images):
            return
        codes = frame.extras["codes"][sample]
        if codes.shape != self.model.code_shape:
            return  # of the model before
        changed = np.zeros(codes.shape, bool)
        for at in self.edits:
            if at[0] == sample and at[1] * codes.shape[1] + at[2] < frame.step:
                changed[at[1:]] = True
        self.table.set_codes(codes, self.model.num_codes, level_names(codes.shape[2]), changed)
        if "logits" in frame.extras:
            row, column = divmod(frame.step - 1, codes.shape[1])
            self.table.point_at((row, column, self.table.place()[2]))
        self._show_editor(frame, sample)

    def draw_plot(self, frame: Frame) -> None:
        """What the codes of the newest cell could have been."""
        self._show_bars()

    def _show_bars(self) -> None:
        frame, sample, place = self.player.frame, max(self.grid.selected(), 0), self.table.place()
        if frame is None or "logits" not in frame.extras or sample >= len(frame.images):
            return
        code = int(frame.extras["codes"][sample][place])
        if code < 0:
            return
        probabilities = np.exp(frame.extras["logits"][sample, place[2]])
        top = np.argsort(-probabilities, kind="stable")[:NUM_BARS]
        if code not in top:
            top[-1] = code  # what was drawn is always among them
        self.bars.set_title(f"Picture {sample + 1}, {_cell_words(place, self.model)}")
        at = int(np.flatnonzero(top == code)[0])
        self.bars.set_values(probabilities[top], highlight=at, names=[str(k) for k in top])

    def _show_editor(self, frame: Frame, sample: int) -> None:
        slider = self.editor.slider
        usable = "logits" in frame.extras and (not self.player.is_playing or slider.isSliderDown())
        self.editor.setVisible(usable)
        if not usable or slider.isSliderDown():
            return
        place = self.table.place()
        order = np.argsort(-frame.extras["logits"][sample, place[2]], kind="stable")
        rank = int(np.flatnonzero(order == frame.extras["codes"][sample][place])[0])
        self.editor.show_code((sample, *place), order, rank, _cell_words(place, self.model))

    # --- rewind, edit, fork

    def _pick(self, sample: int, row: int, column: int) -> None:
        frame = self.player.frame
        if frame is not None:
            cell = frame.images.shape[1] // self.model.code_shape[0]
            self._rewind_to(row // cell, column // cell, self.table.place()[2])

    def _rewind_to(self, row: int, column: int, level: int) -> None:
        """A click on a cell that is drawn goes back to the moment at which it was drawn."""
        frame, step = self.player.frame, row * self.model.code_shape[1] + column + 1
        if frame is None or not _draws(self.model):
            return
        self.table.point_at((row, column, level))
        if not self.player.is_playing and step <= self.player.timeline[len(self.player.timeline) - 1].step:
            self.player.seek(self.player.timeline.index_of_step(step))
        self._show_chosen()
        self._show_bars()

    def _edited(self, rank: int) -> None:
        """Take the code under the pointer back, put that of ``rank`` there, and let the rest be drawn again."""
        from playground.experiments import branching

        at, order = self.editor.place, self.editor.order
        if at is None or self.model is None:
            return
        cell, code = at[1] * self.model.code_shape[1] + at[2], int(order[rank])
        index = self.player.timeline.index_of_step(cell + 1)
        frame = self.player.timeline[index]
        if frame.step != cell + 1:
            return
        state, request = branching.with_code(frame, cell, at, code), self.request
        flat = (at[1], at[2], at[3])
        self.edits = {k: v for k, v in self.edits.items() if k[1:] <= flat}  # later ones are drawn again
        self.edits[at] = code
        self.cut_at(cell, frame.total)
        self.editor.say(rank)
        self.player.lane.touch()
        self.player.start(self.source(lambda model: model.sample(request, state)), keep=index - 1)


def _draws(model: Model) -> bool:
    """Whether codes are drawn one after the other, so that one can be taken back."""
    return isinstance(model, BuildsOn)


def _cell_words(place: tuple[int, int, int], model: Tokenizes) -> str:
    row, column, level = place
    name = level_names(model.code_shape[2])[level]
    return f"row {row + 1}, column {column + 1}" + (f", {name}" if name else "")


class CodeEditor(QWidget):
    """One line: which code, and a slider over the codes from the most probable one down."""

    def __init__(self) -> None:
        super().__init__()
        self.place: Edit | None = None
        self.order = np.zeros(0, np.int64)  # codes, the most probable first
        self._words = ""
        self.label = QLabel()
        self.slider = Slider()
        self.slider.setRange(0, NUM_RANKS - 1)
        self.slider.setAccessibleName("Code of the current cell, from the most probable one down")
        self.slider.setToolTip(
            "Put another code here: everything after it is drawn again, with the same random numbers"
        )
        row = QHBoxLayout(self)
        row.addWidget(self.label)
        row.addWidget(self.slider, 1)
        self.hide()

    def show_code(self, place: Edit, order: np.ndarray, rank: int, words: str) -> None:
        """Point at a code without changing it."""
        self.place = None
        self.order, self._words = order, f"Change picture {place[0] + 1}, {words}"
        self.slider.setMaximum(max(min(NUM_RANKS, len(order)) - 1, rank))
        self.slider.setValue(rank)
        self.place = place
        self.say(rank)

    def say(self, rank: int) -> None:
        """Which code stands there now, and how probable it is among the others."""
        self.label.setText(f"{self._words}: code {self.order[rank]}, number {rank + 1} by probability")
