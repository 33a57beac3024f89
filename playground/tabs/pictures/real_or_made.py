"""Compare's *Real or made?*: twenty pictures, half of them real; you guess, a discriminator guesses, then the truth.

It stands in Compare, since what it counts is how often each family is taken for real.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from playground import data, families, labels
from playground.contract import Message
from playground.export.picture_metadata import PictureMetadata
from playground.families import GENERATE
from playground.tabs.compare.complete import INSTEAD
from playground.tabs.compare.race_entrants import default_entrants
from playground.tabs.compare.race_panel import ordinal
from playground.tabs.frame.page import Scene
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.theme import theme
from playground.ui.widgets.controls import combo

DATASET = "fashion"
JUDGE = "stylegan-fashion"
EVERY = ""  # every family draws
_HIGHEST_SEED = 2**31 - 1


class RealOrMade(Scene):
    """One large picture, two large buttons, the truth behind them, and the score."""

    name = "Real or made?"
    group = GENERATE
    sentence = (
        "Twenty pictures: ten are photographs that no model has seen, ten were drawn just now. You guess (keys 1 and 2), a "
        "discriminator guesses, then comes the truth. Which family do you take for real?"
    )

    def build(self) -> None:
        """The picture and the buttons in the middle, the score at the right."""
        from playground.experiments import real_or_made

        self._game = real_or_made
        shape = data.DATASETS[DATASET].image_shape
        self._cards = {c.id: c for c in self.page.cards if data.DATASETS[c.dataset].image_shape == shape}
        self.deal: Any = None  # what is played, once it is drawn
        self.guesses: list[bool] = []  # whether each picture so far was taken for real
        self.seed = 7
        self.grid, self.said, self.score = ImageGrid(), QLabel(), QLabel()
        self.grid.setAccessibleName("Real, or made by a model?")
        self.grid.may_show_fewer = True
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said.setWordWrap(True)
        self.score.setTextFormat(Qt.TextFormat.RichText)
        self.who = combo([(EVERY, "every family"), *self._families()])
        self.who.setAccessibleName("Who draws")
        self.who.currentIndexChanged.connect(lambda _: self.new_game())
        self.real, self.made = QPushButton("1   Real"), QPushButton("2   Made")
        self.on, self.again = QPushButton("Next (Space)"), QPushButton("New game (R)")
        self.real.clicked.connect(lambda: self.guess(True))
        self.made.clicked.connect(lambda: self.guess(False))
        self.on.clicked.connect(self.next)
        self.again.clicked.connect(self.another)
        self.lane = self.new_lane("deal")
        self.lane.frames_arrived.connect(self._hear)
        self.lane.failed.connect(self.page.banner.show_error)
        self._lay_out()
        theme.signals.changed.connect(self._fit)
        self._fit()

    def _families(self) -> list[tuple[str, str]]:
        there = {card.family for card in self._cards.values()}
        return [(f.key, f.title) for f in families.FAMILIES if f.key in there]

    def _lay_out(self) -> None:
        row, middle, right, buttons = QHBoxLayout(), QVBoxLayout(), QVBoxLayout(), QHBoxLayout()
        middle.addWidget(self.grid, 1)
        middle.addWidget(self.said)
        for button in (self.real, self.made, self.on):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button, 1)
        middle.addLayout(buttons)
        right.addWidget(self.who)
        right.addWidget(self.score)
        right.addStretch(1)
        right.addWidget(self.again)
        row.setSpacing(round(theme.em() * 1.5))
        row.addLayout(middle, 3)
        row.addLayout(right, 1)
        self.column.addLayout(row, 1)

    def _fit(self) -> None:
        """Buttons that the back row can read."""
        for button in (self.real, self.made, self.on):
            button.setMinimumHeight(round(theme.em() * 3.4))

    # --- a game

    @property
    def ids(self) -> list[str]:
        """Who draws."""
        opens = default_entrants(list(self._cards.values()))
        wanted = [other if (other := INSTEAD.get(key, key)) in self._cards else key for key in opens]
        family = self.who.currentData()
        if family == EVERY:
            return wanted
        own = [key for key in wanted if self._cards[key].family == family]
        return own or [key for key, card in self._cards.items() if card.family == family][:1]

    @property
    def place(self) -> int:
        """The number of the picture on the screen, from 0."""
        return len(self.guesses) - (1 if self._tells else 0)

    @property
    def is_over(self) -> bool:
        """Whether all are guessed and told."""
        return self.deal is not None and len(self.guesses) == self._game.COUNT and not self._tells

    def new_game(self) -> None:
        """Let the pictures of this seed be drawn."""
        self.deal, self.guesses, self._tells = None, [], False
        ids, seed, get = self.ids, self.seed, self.page.model_cache.get
        judge = JUDGE if JUDGE in self._cards else ""
        self.lane.play(lambda: self._game.deal(get, ids, judge, DATASET, seed))
        self._show()

    def another(self) -> None:
        """Other pictures."""
        self.seed = (self.seed + 1) % _HIGHEST_SEED
        self.new_game()

    def guess(self, is_real: bool) -> None:
        """What the picture on the screen is taken for; then the truth."""
        if self.deal is None or self._tells or self.is_over:
            return
        self.guesses.append(is_real)
        self._tells = True
        self._show()

    def next(self) -> None:
        """On to the next picture, or to the end."""
        if self._tells:
            self._tells = False
            self._show()

    _tells = False  # the truth about the last guess is on the screen

    def _hear(self, messages: list[Message[Any]]) -> None:
        for message in messages:
            news = message.payload
            if isinstance(news, np.ndarray):
                self.grid.set_images(news, captions=["real"] * len(news))
            elif isinstance(news, str):
                now = f"{self._name(news)} is drawing …" if news else "…"
                self.said.setText(f"So real ones look. {now}")
            else:
                self.deal = news
                self._show()

    # --- showing

    def _show(self) -> None:
        playing = self.deal is not None and not self.is_over
        for button in (self.real, self.made):
            button.setVisible(playing and not self._tells)
        self.on.setVisible(playing and self._tells)
        self.score.setText(self._table())
        if self.deal is None:
            self.grid.set_panels([])
            self.said.setText("The pictures are being drawn …")
        elif self.is_over:
            self._show_end()
        else:
            at = self.place
            self.grid.set_images(self.deal.pictures[at : at + 1])
            self.said.setText(self._truth(at) if self._tells else f"Picture {at + 1} of {self._game.COUNT}")

    def _show_end(self) -> None:
        """All twenty, each with what it was."""
        names = ["real" if maker == self._game.REAL else self._name(maker) for maker in self.deal.makers]
        right = self.deal.is_real == np.array(self.guesses)
        captions = [f"{'✓' if hit else '✗'} {name}" for hit, name in zip(right, names, strict=True)]
        self.grid.set_images(self.deal.pictures, captions=captions)
        said = f"You: <b>{int(right.sum())} of {self._game.COUNT}</b> right."
        if len(self.deal.guesses):
            said += f" The discriminator: <b>{int((self.deal.guesses == self.deal.is_real).sum())}</b>."
        self.said.setText(f"{said} Who tosses a coin has ten.")

    def _truth(self, at: int) -> str:
        maker = self.deal.makers[at]
        right = (maker == self._game.REAL) == self.guesses[at]
        truth = "It is <b>real</b>" if maker == self._game.REAL else f"<b>{self._name(maker)}</b> made it"
        said = f"{'Right' if right else 'Wrong'}. {truth}."
        if len(self.deal.guesses):
            word = "real" if self.deal.guesses[at] else "made"
            place = ordinal(1 + int((self.deal.beliefs > self.deal.beliefs[at]).sum()))
            said += (
                f" The discriminator: {word} (to it, the {place} likeliest of {self._game.COUNT} to be real)."
            )
        return f"{said}<br>{self._what_gave_it_away(at)}"

    def _what_gave_it_away(self, at: int) -> str:
        giveaway, is_real = self.deal.giveaways[at], self.deal.makers[at] == self._game.REAL
        if not giveaway.is_rare:
            return "Neither its sharpness nor speckles, symmetry or evenness are unusual."
        said = f"{giveaway.words} than {min(giveaway.percent, 99.9):.3g} % of real ones."
        return f"It is an unusual one: {said}" if is_real else f"What gives it away: it is {said}"

    def _name(self, key: str) -> str:
        return labels.short(key, self._cards[key].system) if key in self._cards else key

    def _table(self) -> str:
        """How often each was taken for what it is."""
        rows = [
            f"<tr><td>{name}</td><td align=right>&nbsp; {yours}</td><td align=right>&nbsp; {its}</td></tr>"
            for name, yours, its in self.scores()
        ]
        head = "<tr><th align=left>guessed right</th><th>&nbsp; you</th><th>&nbsp; discriminator</th></tr>"
        return f"<table cellpadding=3>{head}{''.join(rows)}</table>"

    def scores(self) -> list[tuple[str, str, str]]:
        """Of the real ones and of each family: its name, your score and the discriminator's, as "right/guessed"."""
        found = []
        for key, name in [(self._game.REAL, "real ones"), *self._families()]:
            places = [i for i in range(len(self.guesses)) if self._family_at(i) == key]
            if not places:
                continue
            truth = self.deal.is_real
            yours = sum(self.guesses[i] == truth[i] for i in places)
            its = (
                sum(bool(self.deal.guesses[i] == truth[i]) for i in places)
                if len(self.deal.guesses)
                else None
            )
            right = "–" if its is None else f"{its}/{len(places)}"
            found.append((name, f"{yours}/{len(places)}", right))
        return found

    def _family_at(self, place: int) -> str:
        maker = self.deal.makers[place]
        return maker if maker == self._game.REAL else self._cards[maker].family

    # --- what the page calls

    def handle_key(self, event: QKeyEvent) -> bool:
        """1 and 2 guess, Space goes on, R begins anew."""
        acts: dict[int, Callable[[], None]] = {
            Qt.Key.Key_1: lambda: self.guess(True),
            Qt.Key.Key_2: lambda: self.guess(False),
            Qt.Key.Key_Space: self.next,
            Qt.Key.Key_Return: self.next,
            Qt.Key.Key_R: self.another,
        }
        act = acts.get(event.key())
        if act is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        act()
        return True

    def wake(self) -> None:
        """The first time the pictures are drawn."""
        if self.deal is None and not self.lane.is_open:
            self.new_game()
        self.lane.resume()

    def rest(self) -> None:
        """Nobody plays."""
        self.lane.pause()

    def reopen(self) -> None:
        """On another device everything begins anew."""
        self.new_game()

    @property
    def is_settled(self) -> bool:
        """The pictures are there."""
        return not self.lane.is_open

    def state(self) -> dict[str, Any]:
        """Who draws, the seed, and what was guessed."""
        return {"family": self.who.currentData(), "seed": self.seed, "guesses": list(self.guesses)}

    def restore(self, kept: PictureMetadata) -> None:
        """The same game, from its beginning."""
        family, seed = kept.state.get("family"), kept.state.get("seed")
        known = [self.who.itemData(i) for i in range(self.who.count())]
        if family not in known or type(seed) is not int or not 0 <= seed <= _HIGHEST_SEED:
            self.page.banner.show_error("The game cannot be opened: it names no family, or no seed.")
            return
        self.seed = seed
        self.who.blockSignals(True)
        self.who.setCurrentIndex(known.index(family))
        self.who.blockSignals(False)
        self.new_game()
