"""The Autoregressive tab: pictures appear pixel by pixel, and any pixel can be taken back and changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from playground import data
from playground.capabilities import DrawsInGroups, MasksConnections, PromptsToCodes
from playground.contract import Frame, Model, Request, State, knobs, pixel_order
from playground.export.picture_metadata import numbers
from playground.tabs.branches import trunk as trunks
from playground.tabs.branches.view import Branching
from playground.tabs.frame import model_cache
from playground.tabs.frame.python_code import Code
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.widgets.controls import Slider


class Generate(Branching):
    """Many pictures at once, pixel by pixel, with the distribution of the current pixel of the chosen one."""

    name = "Generate"
    passing = frozenset({"selected"})
    plot: BarPlot
    words = (
        "The model reads each picture like a page. At every pixel it gives a probability to each of the 256 grey "
        "levels, given <i>all</i> earlier pixels; one is drawn, and the next pixel follows.<br><br><b>Pause, step back "
        "or click a pixel, and change it</b> with the slider under the pictures: the rest is drawn again with the same "
        "dice, and the picture changes its mind.<br><br>Each step has an exact probability, so the whole picture has "
        "(<i>exact likelihood</i>). The price: 784 pixels, one after another."
    )
    formula = r"p(x) = \prod_{i=1}^{784} p(x_i \mid x_1, \ldots, x_{i-1})"

    groups_formula = r"p(x) = \prod_{g} \prod_{i \in g} p(x_i \mid x_{<g})"
    in_groups = (
        "Every fourth pixel of every fourth row is drawn first, one after another: a picture of 7x7. Then its size is "
        "doubled, twice, and the new pixels come in <b>three groups</b> each time, a whole group at once.<br><br>The price: "
        "pixels of a group do not see each other. They are drawn <b>as if independent</b> given all earlier groups, "
        "which costs bits, and shows as grain.<br><br>The gain: 55 passes in place of 784. <b>Pause and change a pixel</b> "
        "of the first 49, and all finer ones follow. <i>Race</i> it against a PixelCNN in Compare."
    )

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Models of pixels; those of text and of codes have views of their own."""
        return data.modality(model.card.dataset).has_pixels and not isinstance(model, PromptsToCodes)

    def explanation(self, model: Model) -> tuple[str, str]:
        """Not everyone reads like a page."""
        *all_but_the_price, _ = self.words.split("<br><br>")
        if "guidance_scale" in {knob.name for knob in knobs(self.request_type(model))}:
            price = (
                "Each step has an exact probability, and so has the picture. <b>Guidance</b> above 1 leaves it for "
                "what is typical of the class."
            )
            return "<br><br>".join([*all_but_the_price, price]), self.formula
        if isinstance(model, DrawsInGroups):
            return self.in_groups, self.groups_formula
        if not isinstance(model, MasksConnections):
            return self.words, self.formula
        orderings = "The <b>ordering</b> decides which pixels are earlier, wherever they lie."
        return "<br><br>".join([*all_but_the_price, orderings]), self.formula

    def build(self) -> None:
        """Grid, pixel editor, and the bars."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.grid.selection_changed.connect(lambda _: self._draw_bars())
        self.grid.selection_changed.connect(lambda _: self._refresh_editor())
        self.grid.menu_text = "Go back to when this pixel was drawn (Ctrl+Enter)"
        self.grid.picked.connect(self._rewind_to)
        self.column.addWidget(self.grid, 1)
        self.editor = PixelEditor()
        self.editor.slider.valueChanged.connect(self._edited)
        self.column.addWidget(self.editor)
        self.player.changed.connect(self._refresh_editor)
        self.edits: dict[tuple[int, int, int], int] = {}  # (sample, row, column) -> the grey level put there
        self.plot = BarPlot("Grey level of the current pixel", "grey level", "probability")

    def start(self, request: Request, patient: bool = False) -> None:
        """A new run, without the pixels that were changed in the last one."""
        self.edits = {}
        super().start(request, patient)

    def settings(self) -> dict[str, Any]:
        """The pixels that were changed, and which picture is looked at."""
        edits = [[*at, value] for at, value in self.edits.items()]
        return {"edits": edits, "selected": self.grid.selected(), **super().settings()}

    def checked(self, settings: Mapping[str, Any], request: Request, model: Model) -> dict[str, Any]:
        """Pixels that exist, and grey levels that are whole numbers."""
        edits = numbers(settings.get("edits", []), (None, 4), 0, 255)
        size = model.config.image_size
        if (edits != edits.round()).any() or (edits[:, :3] >= [request.num_samples, size, size]).any():
            raise ValueError("it changes pixels that do not exist.")
        selected = numbers(settings.get("selected", -1), (), -1, request.num_samples - 1)
        trunk = trunks.read_back(settings, request, model)
        return {"edits": edits.astype(int).tolist(), "selected": int(selected), "trunk": trunk}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The run with its changed pixels, as one."""
        edits = [tuple(edit) for edit in settings["edits"]]
        self.edits = {edit[:3]: edit[3] for edit in edits}
        if settings["trunk"]:
            self.restore_trunk(settings["trunk"], request)
            self.grid.select(settings["selected"])
            return

        def play(model: Model, request: Request) -> Iterator[Frame]:
            from playground.experiments import branching

            return branching.edited(model, request, edits)

        self.forget_runs()
        self.adopt(request)
        self.player.start(self.source(lambda model: model_cache.memory_guarded(model, request, play)))
        self.grid.select(settings["selected"])

    def edits_now(self) -> dict[tuple[int, int, int], int]:
        return dict(self.edits)

    def take_edits(self, edits: dict[tuple[int, int, int], int]) -> None:
        self.edits = dict(edits)

    def edit_list(self) -> list[tuple[int, int, int, int]]:
        return [(*at, value) for at, value in self.edits.items()]

    def drop_edits(self, frame: Frame) -> None:
        self.edits = {at: v for at, v in self.edits.items() if _when(frame, *at[1:]) < frame.step}

    def code(self) -> Code | None:
        """With the pixels that were changed, if there are any."""
        if not self.edits or self.trunk:
            return super().code()
        return Code(
            f"edited(model, request, {self.edit_list()})",
            ("from playground.experiments.branching import edited",),
        )

    def sampler(self, model: Model, request: Request) -> Iterator[Frame]:
        return model.sample(request)

    def draw(self, frame: Frame) -> None:
        """Pictures, what is known of them, and the current pixel."""
        size = frame.images.shape[1:3]
        self.grid.set_images(frame.images, captions=self.class_names())
        done, order = frame.step == frame.total, pixel_order(frame)
        whole = done or "coarse" in frame.extras  # what is not drawn yet is shown as the coarser picture says
        self.grid.set_known(None if whole else (np.argsort(order) < frame.step).reshape(size))
        self.grid.marks.edited = tuple((*at, 1) for at in self.edits if _when(frame, *at[1:]) < frame.step)
        self.grid.set_marker(int(order[frame.step - 1]) if frame.step > 0 and not done else None)
        if self.grid.selected() < 0:
            self.grid.select(0)
        self._refresh_editor()

    def draw_plot(self, frame: Frame) -> None:
        """The distribution of the current pixel."""
        self._draw_bars()

    def _draw_bars(self) -> None:
        frame, sample = self.player.frame, max(self.grid.selected(), 0)
        if frame is None or "logits" not in frame.extras or sample >= len(frame.images):
            return
        row, column = _latest(frame)
        probabilities = np.exp(frame.extras["logits"][sample])
        self.plot.set_title(f"Picture {sample + 1}, row {row + 1}, column {column + 1}")
        self.plot.set_values(probabilities, highlight=int(frame.images[sample, row, column, 0]))

    # --- rewind, edit, fork

    def _rewind_to(self, sample: int, row: int, column: int) -> None:
        """A click on a pixel that is drawn goes back to the moment at which it was drawn."""
        frame = self.player.frame
        if frame is None or self.player.is_playing:
            return
        step = _when(frame, row, column) + 1
        if step <= self.player.timeline[len(self.player.timeline) - 1].step:
            self.player.seek(self.player.timeline.index_of_step(step))

    def _refresh_editor(self) -> None:
        frame, sample = self.player.frame, max(self.grid.selected(), 0)
        usable = frame is not None and frame.step > 0 and sample < len(frame.images)
        still = not self.player.is_playing or self.editor.slider.isSliderDown()
        self.editor.setVisible(bool(usable and still))
        if frame is None or not usable or self.editor.slider.isSliderDown():
            return
        if still:
            self._draw_bars()
        row, column = _latest(frame)
        self.editor.show_pixel(sample, row, column, int(frame.images[sample, row, column, 0]))

    def _edited(self, value: int) -> None:
        """Take the pixel under the pointer back, put ``value`` there, and let the rest be drawn again."""
        at, now = self.editor.pixel, self.player.frame
        if at is None or now is None:
            return
        sample, row, column = at
        pixel = _when(now, row, column)
        index = self.player.timeline.index_of_step(pixel + 1)
        frame, origin = (
            self.player.timeline[index],
            self.player.timeline.state_before(index - 1 if index else 0),
        )
        if frame.step != pixel + 1 or origin is None or origin.state is None:
            return
        images = frame.images.copy()
        images[sample, row, column] = value
        known = pixel + 1
        state: State = {**origin.state, "images": images, "num_known": known, "silent_until": pixel}
        request = self.request
        self.edits = {
            at: v for at, v in self.edits.items() if _when(frame, *at[1:]) <= pixel
        }  # later ones are drawn again
        self.edits[sample, row, column] = value
        self.cut_at(pixel, now.total)
        self.player.lane.touch()
        self.player.start(self.source(lambda model: model.sample(request, state)), keep=index - 1)


def _latest(frame: Frame) -> tuple[int, int]:
    """Row and column of the pixel that this frame drew."""
    return divmod(int(pixel_order(frame)[frame.step - 1]), frame.images.shape[2])


def _when(frame: Frame, row: int, column: int) -> int:
    """How many pixels come before this one."""
    return int(np.flatnonzero(pixel_order(frame) == row * frame.images.shape[2] + column)[0])


class PixelEditor(QWidget):
    """One line: which pixel, and a slider over its 256 grey levels."""

    def __init__(self) -> None:
        super().__init__()
        self.pixel: tuple[int, int, int] | None = None
        self.label = QLabel()
        self.slider = Slider()
        self.slider.setRange(0, 255)
        self.slider.setAccessibleName("Grey level of the current pixel")
        self.slider.setToolTip(
            "Change this pixel: everything after it is drawn again, with the same random numbers"
        )
        row = QHBoxLayout(self)
        row.addWidget(self.label)
        row.addWidget(self.slider, 1)
        self.hide()

    def show_pixel(self, sample: int, row: int, column: int, value: int) -> None:
        """Point at a pixel without changing it."""
        self.pixel = None
        self.slider.setValue(value)
        self.pixel = (sample, row, column)
        self.label.setText(
            f"Change picture {sample + 1}, row {row + 1}, column {column + 1}: grey level {value}"
        )
