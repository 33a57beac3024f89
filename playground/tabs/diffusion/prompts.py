"""The Diffusion tab's *Prompts*: two prompts on one noise, and a walk from one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QPushButton

from playground.capabilities import DenoisesPrompts
from playground.contract import Frame, Request
from playground.tabs import prompt_remarks
from playground.tabs.frame.view import View
from playground.tabs.pictures.prompt_scores import PromptScores
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme
from playground.ui.widgets.controls import Slider

PACE = 8  # pictures a second


class Prompts(View[DenoisesPrompts]):
    """The two ends, the picture under the hand, and the whole way."""

    name = "Prompts"
    capability = DenoisesPrompts
    passing = frozenset({"at"})
    plot: LinePlot
    why_small = "the whole way stands beside one picture of it; a double click enlarges any"
    words = (
        "<b>Two prompts, one noise</b>: whatever differs, the words did it. Between them the words' vectors are mixed, "
        "and the network draws what lies there. A good space of words has no holes: the pictures change, and stay "
        "pictures.<br><br><b>Turn words in order off</b>: every word keeps its meaning and loses its place. “red car beside "
        "blue house” and “blue car beside red house” are then <b>the same bag of words</b>, and the colours go to "
        "either thing. This is the failure of attribute binding that text encoders without a sense of order show."
        "<br><br>The plot: how far each picture is from both ends. A walk that jumps has a step in it."
    )
    formula = r"e(a) = (1 - a) \, e_1 + a \, e_2"

    def request_type(self, model: DenoisesPrompts) -> type[Request]:
        from playground.experiments.diffusion import prompt_walk

        return prompt_walk.WalkRequest

    def sampler(self, model: DenoisesPrompts, request: Request) -> Iterator[Frame]:
        """All of them together."""
        from playground.experiments.diffusion import prompt_walk

        return prompt_walk.prompt_walk(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """Ends and middle, the hand on the way, the way."""
        self.at = -1  # the picture under the hand; -1 for the middle
        self.ends, self.middle, self.strip, self.said = ImageGrid(), ImageGrid(), ImageGrid(), QLabel()
        self.ends.setAccessibleName("The first prompt and the second")
        self.scores = PromptScores(self, self.ends)
        self.middle.setAccessibleName("The picture where the hand is")
        self.strip.setAccessibleName("The way from one prompt to the other; a click goes there")
        self.strip.picked.connect(lambda sample, row, column: self.go_to(sample))
        self.said.setWordWrap(True)
        self.slider, self.walk = Slider(), QPushButton("Walk")
        self.slider.scale = lambda at: at / max(self.slider.maximum(), 1)
        self.slider.setAccessibleName("Where on the way from the first prompt to the second")
        self.slider.setToolTip("How much of the second prompt; double-click or Delete for the middle")
        self.slider.valueChanged.connect(self.go_to)
        self.slider.reset.connect(lambda: self.go_to(self.slider.maximum() // 2))
        self.walk.setCheckable(True)
        self.walk.setToolTip(f"To and fro, {PACE} pictures a second")
        self.walk.toggled.connect(self._walk)
        self.timer, self._forwards = QTimer(self, interval=1000 // PACE), True
        self.timer.timeout.connect(self.walk_on)
        line = QHBoxLayout()
        line.addWidget(self.walk)
        line.addWidget(self.slider, 1)
        below = QHBoxLayout()
        below.addWidget(self.middle, 1)
        below.addWidget(self.strip, 1)
        self.pictures = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self.pictures.addWidget(self.ends, 2)
        self.pictures.addLayout(below, 2)
        self.column.addLayout(self.pictures, 1)
        self.column.addWidget(self.said)
        self.column.addLayout(line)
        theme.signals.changed.connect(self._fit)
        self._fit()
        self.player.speed = 10.0
        self.plot = LinePlot("How far from each end", "a", "grey levels")

    # --- the hand

    def go_to(self, at: int) -> None:
        """Show that picture of the way."""
        self.at = at
        if self.player.frame is not None:
            self.draw(self.player.frame)
            self.plot.set_marker(float(self.player.frame.extras["amounts"][self._place()]))

    def walk_on(self) -> None:
        """One picture on, and back from the end."""
        if not self.isVisible():
            return
        last, at = self.slider.maximum(), self._place()
        self._forwards = at < last and (self._forwards or at == 0)
        self.go_to(at + 1 if self._forwards else max(at - 1, 0))

    def _fit(self) -> None:
        """In a hall three large pictures stand side by side, and the small ones are left out."""
        way = QBoxLayout.Direction.LeftToRight if theme.lecture() else QBoxLayout.Direction.TopToBottom
        self.pictures.setDirection(way)
        self.pictures.setStretch(1, 1 if theme.lecture() else 2)
        self.strip.setVisible(not theme.lecture() and self.slider.maximum() > 1)

    def _walk(self, on: bool) -> None:
        self.timer.start() if on else self.timer.stop()

    def _place(self) -> int:
        last = self.slider.maximum()
        return last // 2 if self.at < 0 else min(self.at, last)

    # --- keeping

    def settings(self) -> dict[str, Any]:
        """Where the hand is."""
        return {"at": self.at}

    def checked(
        self, settings: Mapping[str, Any], request: Request, model: DenoisesPrompts
    ) -> dict[str, Any]:
        """A picture of the way, or none."""
        at = settings.get("at", -1)
        if type(at) is not int or not -1 <= at < request.num_pictures:  # type: ignore[attr-defined]
            raise ValueError("its view was given a picture that is not on the way.")
        return {"at": at}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """Standing where it stood."""
        self.walk.setChecked(False)
        self.at = settings["at"]
        super().restore(request, settings)

    # --- drawing

    def tell(self, frame: Frame) -> None:
        """What was understood of each prompt stands under it."""
        if not prompt_remarks.show(self.tab.knobs, frame):
            super().tell(frame)

    def draw(self, frame: Frame) -> None:
        """The ends, one between them, all of them, a line."""
        count, amounts = len(frame.images), frame.extras["amounts"]
        if self.slider.maximum() != count - 1:
            self.slider.blockSignals(True)
            self.slider.setRange(0, count - 1)
            self.slider.blockSignals(False)
        here = self._place()
        self.slider.blockSignals(True)
        self.slider.setValue(here)
        self.slider.blockSignals(False)
        self.slider.say(f"{amounts[here]:.2f}")
        self.slider.update()
        request = self.request
        ends = [request.prompt, request.second_prompt]  # type: ignore[union-attr]
        self.ends.set_images(frame.images[[0, -1]], columns=2, captions=ends)
        style = request.style  # type: ignore[union-attr]
        self.scores.show(frame, said=tuple((style, end) for end in ends), images=frame.images[[0, -1]])
        self.middle.set_images(frame.images[[here]], captions=[f"a = {amounts[here]:.2f}"])
        for part in (self.walk, self.slider, self.middle):
            part.setVisible(count > 2)
        self.strip.setVisible(count > 2 and not theme.lecture())
        self.strip.set_images(frame.images, captions=[f"{a:.2f}" for a in amounts])
        self.strip.select(here)
        self.said.setText(self._sentence(frame))

    def draw_plot(self, frame: Frame) -> None:
        """Root mean square differences."""
        pictures, amounts = frame.images.astype(float), frame.extras["amounts"]
        for name, end in (("from the first", 0), ("from the second", -1)):
            far = np.sqrt(((pictures - pictures[end]) ** 2).mean((1, 2, 3)))
            self.plot.set_curve(name, far, amounts)
        self.plot.set_range(x=(0, 1))
        self.plot.set_marker(float(amounts[self._place()]))

    def _sentence(self, frame: Frame) -> str:
        ordered, same = self.request.word_order, frame.extras["same_words"]  # type: ignore[union-attr]
        if ordered and same:
            return "The same words in another order: their places tell which colour belongs to which thing."
        if ordered:
            return "Words in order: each stands at its place in the prompt."
        if same:
            return "The order is forgotten: both prompts are one bag of words, so their pictures are the same, and nothing says which colour belongs to which thing."
        return "The order is forgotten: nothing says which colour belongs to which thing."
