"""Finish my drawing: you begin with the pen, and the model goes on from there, ten times."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from playground import data
from playground.capabilities import DrawsStrokes
from playground.contract import Frame, Request
from playground.data import svg_lines
from playground.export.picture_metadata import numbers
from playground.tabs.frame.view import View
from playground.tabs.vae.strokes.draw import ended, pictures
from playground.ui.strokes.pad import StrokePad
from playground.ui.strokes.sheet import StrokeSheet
from playground.ui.widgets.controls import press_by_key
from playground.ui.widgets.stepper import Stepper

OPENS_WITH = 15  # a test drawing: a face


class Finish(View[DrawsStrokes]):
    """A pad at the left, ten endings at the right."""

    name = "Finish my drawing"
    capability = DrawsStrokes
    words = (
        "<b>Draw on the pad.</b> Each time you lift the pen, the model reads your strokes and goes on from the last point, "
        "ten times with ten different dice. Your lines stay as they are; its own are in colour.<br><br>Or take the first "
        "strokes of a <b>test drawing</b>: an icon of a name that it has never seen. Drop an SVG file on the window, and "
        "its lines are on the pad.<br><br>Say <b>of what</b> the drawing is, and the same beginning may become something else; this small "
        "model often misses it. It goes on <b>without a code</b>: a <i>z</i> drawn from the prior would speak of "
        "another drawing than yours."
    )
    formula = r"p(s_{>t} \mid s_{\le t}) = \prod_{i>t} p(s_i \mid s_{<i})"
    hidden_knobs = frozenset({"begin", "code"})

    def request_type(self, model: DrawsStrokes) -> type[Request]:
        from playground.experiments.vae import strokes  # torch: not before the window is on the screen

        return strokes.FinishRequest

    def build(self) -> None:
        """The pad with its buttons, and the sheet."""
        self.pad = StrokePad()
        self.pad.hint = "Draw here: each time you\nlift the pen, the model goes on"
        self.sheet = StrokeSheet()
        self.sheet.setAccessibleName("Ten ways to go on")
        self.back, self.empty = QPushButton("Take back"), QPushButton("Empty pad")
        self.back.setToolTip("Take the last stroke back (Backspace)")
        self.empty.setToolTip("Begin with nothing (Delete)")
        self.stepper = Stepper("test drawing", 2)
        self._taken = (0, "")  # a test drawing, and what of it was put on the pad
        self.back.clicked.connect(self.pad.undo)
        self.empty.clicked.connect(self.pad.clear)
        self.pad.lifted.connect(self._go_on)
        self.pad.refused.connect(self.tab.banner.show_notice)
        self.stepper.stepped.connect(self._take_drawing)
        left, right, buttons = QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
        left.addWidget(self.pad, 1)
        for button in (self.back, self.empty):
            buttons.addWidget(button, 1)
        left.addLayout(buttons)
        left.addWidget(self.stepper)
        right.addLayout(left, 6)
        right.addWidget(self.sheet, 7)
        self.column.addLayout(right, 1)
        self.player.speed = 30.0

    def opened(self) -> None:
        """With the first strokes of a test drawing."""
        self.stepper.set_count(data.DATASETS[self.model.card.dataset].num_test)
        self._put(OPENS_WITH)

    def _put(self, index: int) -> int:
        """The first half of the strokes of a test drawing on the pad; what it is of."""
        from playground.experiments.vae import strokes  # torch: not before the window is on the screen

        lines, label = strokes.held_out(self.model.card.dataset, index)
        self.pad.set_lines(lines[: (len(lines) + 1) // 2] if len(lines) > 1 else [_half(lines[0])])
        self._taken, self.stepper.index = (index, self.pad.path), index
        self._say_drawing()
        return label

    def _say_drawing(self) -> None:
        """Which test drawing is begun on the pad; if it is none, that one could be taken."""
        index, begun = self._taken
        if begun != self.pad.path:
            return self.stepper.label.setText("a test drawing")
        label = int(data.load(self.model.card.dataset, "test")[1][index])
        self.stepper.show_index(index, self.model.card.classes[label] if label else "")

    def _take_drawing(self, index: int) -> None:
        """Another beginning, and of what it is."""
        label = self._put(index)
        if self.request is not None and label == getattr(self.request, "word", label):
            return self._go_on()
        self.tab.knobs.set_settings({"word": label})

    def _go_on(self) -> None:
        """From what is on the pad now."""
        self.tab.banner.clear()
        if self.model is not None and self.request is not None:
            self.player.lane.touch()
            self.start(self.request)

    def start(self, request: Request, patient: bool = False) -> None:
        """What is on the pad is where the drawings begin."""
        begun = dataclasses.replace(request, begin=self.pad.path)  # type: ignore[call-arg]
        self.tab.knobs.set_silently({"begin": self.pad.path})
        self._say_drawing()
        super().start(begun, patient)

    def settings(self) -> dict[str, Any]:
        """Which test drawing is on the pad, -1 for none."""
        return {"drawing": self._taken[0] if self._taken[1] == self.pad.path else -1}

    def checked(self, settings: Mapping[str, Any], request: Request, model: DrawsStrokes) -> dict[str, Any]:
        """A path that can be read, and a test drawing that there is."""
        svg_lines.strokes_of_path(request.begin)  # type: ignore[attr-defined]
        most = data.DATASETS[model.card.dataset].num_test - 1
        return {"drawing": int(numbers(settings.get("drawing", -1), (), -1, most))}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The strokes are a knob of the request."""
        if settings["drawing"] >= 0:
            self._put(settings["drawing"])
        self.pad.set_path(request.begin)  # type: ignore[attr-defined]
        self.start(request)

    def take_file(self, path: Path) -> bool:
        """The lines of an SVG drawing."""
        if path.suffix.lower() != ".svg":
            return False
        try:
            self.pad.set_path(svg_lines.path_of_file(path))
        except (ValueError, OSError) as error:
            self.tab.banner.show_notice(str(error))
            return True
        self._go_on()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Backspace takes a stroke back; N, P and D walk over test drawings."""
        buttons = {
            Qt.Key.Key_Backspace: self.back,
            Qt.Key.Key_Delete: self.empty,
            Qt.Key.Key_N: self.stepper.next,
            Qt.Key.Key_P: self.stepper.previous,
            Qt.Key.Key_D: self.stepper.any,
        }
        if not press_by_key(buttons, event):
            super().keyPressEvent(event)

    def draw(self, frame: Frame) -> None:
        """Yours and its own."""
        self.sheet.set_drawings(frame.extras["strokes"], int(frame.extras["given"]), ended=ended(frame))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Black on white."""
        return [("", pictures(frame))]


def _half(line: np.ndarray) -> np.ndarray:
    """The first half of the only line of a drawing, two points at least."""
    return line[: max((len(line) + 1) // 2, min(2, len(line)))]
