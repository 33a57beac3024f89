"""The Diffusion tab's *Words*: one picture, and over it what its places take from a word of the prompt, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel

from playground.capabilities import DenoisesPrompts
from playground.contract import Frame, Request
from playground.data.emoji import words as emoji_words
from playground.export.picture_metadata import numbers
from playground.tabs import prompt_remarks
from playground.tabs.diffusion.attention_map import enlarged, laid_over
from playground.tabs.diffusion.word_row import MOST, WordRow
from playground.tabs.frame import model_cache
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import LOOK_INSIDE, View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.widgets.controls import Segmented


class Words(View[DenoisesPrompts]):
    """Which word made which place."""

    name = "Words"
    group = LOOK_INSIDE
    capability = DenoisesPrompts
    passing = frozenset({"word", "all_steps"})
    plot: BarPlot
    why_small = "one picture stands under its words, and beside the maps of all of them"
    words = (
        "Places and words are tokens of one sequence, in which each asks all the others: so one can read off <b>what "
        "every place took from every word</b>. Press a word: bright places took much from it. Small beside it: the map of "
        "each word, all on one scale.<br><br><b>Drag the slider under a word</b>: its vector is made weaker or "
        "stronger, and the noise stays the same. At 0 its place in the prompt is all that is left of it.<br><br>Step "
        "through the run: early, in much noise, words decide where things are; late, what they look like. A bright "
        "place is a hint at what a word did, and no proof: take the word away and see."
    )
    formula = r"A = \softmax \left( \frac{Q K^T}{\sqrt{d}} \right)"

    def request_type(self, model: DenoisesPrompts) -> type[Request]:
        from playground.experiments.diffusion import words

        return words.WordsRequest

    def sampler(self, model: DenoisesPrompts, request: Request) -> Iterator[Frame]:
        """With the words as strong as they were when the run began."""
        return _weighed(model, request, self.strengths)

    def code(self) -> Code:
        """With the strengths, if any was changed."""
        more = f", {self.strengths}" if self.strengths else ""
        return Code(
            f"words.words(model, request{more})", ("from playground.experiments.diffusion import words",)
        )

    def build(self) -> None:
        """Words above, the picture, and beside it the maps of all words."""
        self.strengths: tuple[float, ...] = ()
        self.chosen = 1  # place in the prompt, -1 for none; 0 is the style
        self.row, self.grid, self.strip = WordRow(), ImageGrid(), ImageGrid()
        self.grid.setAccessibleName("The picture, and over it the map of the chosen word")
        self.strip.may_be_larger = False  # maps
        self.strip.setAccessibleName("The map of each word; a click chooses the word")
        self.row.pressed.connect(lambda at: self.choose(self._places[at]))
        self.row.weighed.connect(lambda at, value: self.weigh(self._places[at], value))
        self.strip.picked.connect(lambda sample, row, column: self.choose(self._places[sample]))
        self.over = Segmented(["this step", "all steps so far"])
        self.over.setToolTip("Whether the maps are of the step on screen, or the mean of all steps up to it")
        self.over.chosen.connect(lambda _: self._redraw())
        self.said = QLabel()
        self.said.setProperty("role", "caption")
        self.said.setWordWrap(True)
        line = QHBoxLayout()
        line.addWidget(self.said, 1)
        line.addWidget(self.over)
        self._places: list[int] = []  # of the words that are shown, in the prompt
        pictures = QHBoxLayout()
        pictures.addWidget(self.grid, 3)
        pictures.addWidget(self.strip, 2)
        self.column.addWidget(self.row)
        self.column.addLayout(pictures, 1)
        self.column.addLayout(line)
        self.plot = BarPlot("What the places take from each word", "", "% of their attention")
        self.player.speed = 10.0

    # --- words

    def choose(self, place: int) -> None:
        """Look at a word, or at the picture alone if it is the one that is looked at."""
        self.chosen = -1 if place == self.chosen else place
        self._redraw()

    def weigh(self, place: int, strength: float) -> None:
        """Make a word weaker or stronger, from the same noise."""
        strengths = [*self.strengths, *[1.0] * (place - len(self.strengths))]
        strengths[place - 1] = strength
        self.strengths = tuple(strengths)
        if self.request is not None:
            self.player.lane.touch()
            self.start(self.request, patient=True)
            self.player.lane.set_pace(None)

    def turn(self, request: Request) -> None:
        """Other words have their own strengths."""
        before = self.request
        if before is not None and request.prompt != before.prompt:  # type: ignore[attr-defined]
            self.strengths = ()
        super().turn(request)

    def start(self, request: Request, patient: bool = False) -> None:
        """The run takes the strengths with it, whatever becomes of the sliders meanwhile."""
        self.adopt(request)
        strengths = self.strengths
        self.player.start(
            self.source(
                lambda model: model_cache.memory_guarded(
                    model, request, lambda model, request: _weighed(model, request, strengths)
                )
            ),
            patient=patient,
        )

    def opened(self) -> None:
        """Another model, other words."""
        self.strengths = ()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """1 to 9 choose a word, 0 none."""
        at = event.key() - Qt.Key.Key_1
        if event.key() == Qt.Key.Key_0:
            self.choose(self.chosen)
        elif 0 <= at < len(self._places) and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.choose(self._places[at])
        else:
            super().keyPressEvent(event)

    # --- keeping

    def settings(self) -> dict[str, Any]:
        """Strengths, the word that is looked at, and over how many steps."""
        return {"strengths": list(self.strengths), "word": self.chosen, "all_steps": bool(self.over.index())}

    def checked(
        self, settings: Mapping[str, Any], request: Request, model: DenoisesPrompts
    ) -> dict[str, Any]:
        """A strength a word, a word that there may be, and a yes or no."""
        strengths = numbers(settings.get("strengths", []), (None,), 0.0, MOST)
        word, whole = settings.get("word", 1), settings.get("all_steps", False)
        if len(strengths) > emoji_words.NUM_TOKENS - 1:
            raise ValueError("its view was given more strengths than a prompt has words.")
        if type(word) is not int or not -1 <= word < emoji_words.NUM_TOKENS or type(whole) is not bool:
            raise ValueError("its view was given a word that a prompt cannot have.")
        return {"strengths": tuple(strengths.tolist()), "word": word, "all_steps": whole}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """As it was."""
        self.strengths, self.chosen = settings["strengths"], settings["word"]
        self.over.set_index(int(settings["all_steps"]))
        self.start(request)

    # --- drawing

    def tell(self, frame: Frame) -> None:
        """What was understood of the prompt stands under it."""
        if not prompt_remarks.show(self.tab.knobs, frame):
            super().tell(frame)

    def draw(self, frame: Frame) -> None:
        """Words, picture and maps."""
        tokens = frame.extras["tokens"][0]
        self._places = [place for place, token in enumerate(tokens.tolist()) if token]
        said = [emoji_words.vocabulary()[tokens[place]] for place in self._places]
        self.row.set_words(said, fixed=int(bool(tokens[0])))
        chosen = self._places.index(self.chosen) if self.chosen in self._places else -1
        strengths = (1.0, *self.strengths, *[1.0] * len(tokens))
        self.row.show_state(chosen, [strengths[place] for place in self._places])
        picture, maps = frame.images[0], self._maps(frame)[self._places]
        self._draw_picture(picture, maps, said, chosen)
        self._draw_strip(picture, maps, said)
        self.strip.select(chosen)

    def draw_plot(self, frame: Frame) -> None:
        """How much of their attention the places give to each word."""
        shares = 100 * self._maps(frame)[self._places].mean((1, 2)) if self._places else np.zeros(0)
        chosen = self._places.index(self.chosen) if self.chosen in self._places else None
        self.plot.set_values(shares, highlight=chosen, names=self.row.words)

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The picture, and the chosen word's map of this step over it."""
        looks, picture = frame.extras["looks"][0], frame.images[0]
        panels = [("x̂₀: what the model expects, decoded", enlarged(picture)[None])]
        token = frame.extras["tokens"][0][self.chosen] if self.chosen >= 0 else 0
        if token:
            one = looks[self.chosen]
            over = laid_over(picture, one, float(one.min()), float(one.max()))
            panels.append((f"what places take from “{emoji_words.vocabulary()[token]}”", over[None]))
        return panels

    def _maps(self, frame: Frame) -> np.ndarray:
        """(T,8,8): of the step on screen, or the mean of all steps up to it."""
        if not self.over.index():
            looks: np.ndarray = frame.extras["looks"][0]
            return looks
        frames = [f for f in self.player.timeline if 0 < f.step <= frame.step] or [frame]
        return np.mean([f.extras["looks"][0] for f in frames], axis=0)

    def _draw_picture(self, picture: np.ndarray, maps: np.ndarray, said: Sequence[str], chosen: int) -> None:
        if chosen < 0 or not maps[chosen].any():
            self.grid.set_images(picture[None], captions=["what the model expects, decoded"])
            self.said.setText("Press a word to see which places take from it.")
            return
        low, high = float(maps[chosen].min()), float(maps[chosen].max())
        over = laid_over(picture, maps[chosen], low, high)
        self.grid.set_images(over[None], captions=[f"what places take from “{said[chosen]}”"])
        share = f"{100 * low:.1f} % (dark) to {100 * high:.1f} % (bright)"
        self.said.setText(f"A place gives “{said[chosen]}” {share} of its attention.")

    def _draw_strip(self, picture: np.ndarray, maps: np.ndarray, said: Sequence[str]) -> None:
        if not len(maps):
            self.strip.set_images(picture[None][:0])
            return
        high = float(maps.max())
        small = [laid_over(picture, one, 0.0, high, large=False) for one in maps]
        self.strip.set_images(np.stack(small), captions=said)

    def _redraw(self) -> None:
        if self.player.frame is not None:
            self.draw(self.player.frame)
            self.draw_plot(self.player.frame)


def _weighed(model: DenoisesPrompts, request: Request, strengths: tuple[float, ...]) -> Iterator[Frame]:
    from playground.experiments.diffusion import words

    return words.words(model, request, strengths)  # type: ignore[arg-type]
