"""Generations: counting, remembering and looking back, ages of the language model at the same prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, cast

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from playground import checkpoints, data
from playground.capabilities import WritesText
from playground.contract import Frame, Model, Request
from playground.data import characters
from playground.evaluation.results import year_of
from playground.export import contact_sheet
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.widgets.text_page import TextPage


class Generations(View[WritesText]):
    """A page for each model of text, the oldest idea first."""

    name = "Generations"
    capability = WritesText
    words = (
        "The same prompt and the same random numbers, at different ages of the language model.<br><br>{ages}<br><br>"
        "<i>bits/character</i>: what {parts} that none of them has seen "
        "cost, on average (less is better), and what this prompt costs. Both are exact. A prompt that is copied from "
        "what they learned from is cheap; try one that is not."
    )
    ages: ClassVar[dict[str, str]] = {
        "autoregressive/text/ngram": "<b>n-gram</b> (Shannon 1948): what came next in the text after the last few "
        "characters, counted.",
        "autoregressive/text/lstm": "<b>LSTM</b> (1997): everything read so far is squeezed into one vector, changed at each "
        "character.",
        "autoregressive/text/gpt": "<b>Transformer</b> (2017; GPT 2018): nothing is squeezed; each character looks back at "
        "all those in sight.",
    }
    formula = r"-\frac{1}{n} \sum_i \log_2 p(x_i \mid x_1, \ldots, x_{i-1})"
    hidden_knobs = frozenset({"num_samples"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Models of text with others beside them."""
        return super().suits(model) and bool(_others(model.card))

    def explanation(self, model: WritesText) -> tuple[str, str]:
        """Of the models that are here."""
        said = [self.ages[c.network] for c in self.cards if c.network in self.ages]
        return self.words.format(ages="<br>".join(said), parts=self._parts()), self.formula

    def _parts(self) -> str:
        """What of their data set was held out."""
        return data.DATASETS[self.model.card.dataset].parts

    def build(self) -> None:
        """Pages are made when it is known how many."""
        self.columns: list[tuple[QLabel, QLabel, TextPage]] = []
        self._row = QHBoxLayout()
        self.column.addLayout(self._row, 1)
        self.player.speed = 30.0

    def opened(self) -> None:
        """Which models there are, by the year of their paper."""
        card = self.model.card
        self.cards = sorted([card, *_others(card)], key=lambda c: (year_of(c.paper) or 0, c.id))
        while len(self.columns) < len(self.cards):
            self._add_column()
        for (title, _, page), one in zip(self.columns, self.cards, strict=False):
            title.setText(f"{one.system}, {year_of(one.paper)}")
            page.setAccessibleName(f"The text of {one.id}")

    def _add_column(self) -> None:
        title, costs, page = QLabel(), QLabel(), TextPage()
        title.setProperty("role", "heading")
        costs.setProperty("role", "caption")
        costs.setWordWrap(True)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        for part, stretch in ((title, 0), (costs, 0), (page, 1)):
            column.addWidget(part, stretch)
        self._row.addWidget(holder, 1)
        self.columns.append((title, costs, page))

    def sampler(self, model: WritesText, request: Request) -> Iterator[Frame]:
        """All models, character by character."""
        from playground.experiments.autoregressive import generations

        get = self.tab.model_cache.get
        models = [
            model if card.id == model.card.id else cast("WritesText", get(card.id)) for card in self.cards
        ]
        bits = [one.card.metrics.get("bits_per_char", {}).get("value", np.nan) for one in models]
        for frame in generations.side_by_side(models, request):
            yield Frame(
                frame.step,
                frame.total,
                frame.passes,
                frame.images,
                {**frame.extras, "test_bits": np.array(bits)},
            )

    def code(self) -> Code | None:
        """With the models that stand beside this one."""
        named = ("model" if c.id == self.model.card.id else f"playground.load({c.id!r})" for c in self.cards)
        run = f"generations.side_by_side([{', '.join(named)}], request)"
        return Code(run, ("from playground.experiments.autoregressive import generations",))

    def draw(self, frame: Frame) -> None:
        """Every page, and what the prompt costs."""
        given = frame.extras["prompt_length"]
        for i, (_, costs, page) in enumerate(self.columns[: len(frame.images)]):
            test, prompt = float(frame.extras["test_bits"][i]), float(frame.extras["prompt_bits"][i])
            said = [] if np.isnan(test) else [f"{test:.2f} bits/character of unseen {self._parts()}"]
            said += [] if np.isnan(prompt) else [f"{prompt:.2f} of this prompt"]
            costs.setText(", ".join(said))
            page.set_text(frame.images[i, 0, : given + frame.step, 0], given, frame.images.shape[2])

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The texts as pictures, for an animation."""
        given = frame.extras["prompt_length"]
        names = [card.system for card in self.cards]
        texts = [characters.text_of(codes[0, : given + frame.step, 0]) for codes in frame.images]
        room = frame.images.shape[2]
        return [(n, contact_sheet.page(t, given, room, 44)[None]) for n, t in zip(names, texts, strict=True)]


def _others(card: checkpoints.Card) -> list[checkpoints.Card]:
    """Shipped models of the same text by other networks."""
    return [c for c in checkpoints.cards() if c.dataset == card.dataset and c.network != card.network]
