"""The Guide's conversation: a few questions, one at a time, and a recommendation with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from playground import checkpoints, families, labels
from playground.contract import Frame, Message
from playground.evaluation import results
from playground.evaluation.results import Row
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.frame.page import LinkTarget, Scene
from playground.tabs.guide.answers import ChoiceButton, Standing
from playground.tabs.guide.figures import say
from playground.tabs.guide.links import Link, LinkTargets, read
from playground.tabs.guide.live_samples import Rounds, Subject
from playground.tabs.guide.rules import Question, Reason, Recommendation, Rules
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.theme import theme
from playground.ui.widgets.link_button import LinkButton

COUNT = 8  # pictures under the recommendation
ALWAYS = "No family is best at everything: quality, speed and diversity are traded for one another."


class Choose(Scene):
    """Questions at the left; at the right first how the families stand, then the recommendation."""

    name = "Which model?"
    sentence = (
        "Which generative model should I use? Answer with a click or with the number keys; "
        "any earlier answer can be changed."
    )

    def build(self) -> None:
        """Two columns that scroll."""
        self.rules, self.places = Rules(), LinkTargets(self.page.cards, self.page.view_names)
        self.answers: dict[str, str] = {}
        self.choices: list[ChoiceButton] = []
        self.earlier: list[LinkButton] = []
        self.links: list[tuple[LinkButton, LinkTarget]] = []
        row = QHBoxLayout()
        row.setSpacing(round(theme.em() * 2))
        self._talk, self._answer = _scroll(), _scroll()
        row.addWidget(self._talk, 1)
        right = QVBoxLayout()
        right.setSpacing(round(theme.em() * 0.4))
        right.addWidget(self._answer, 5)
        self.grid, self.caption = ImageGrid(), _words("", "caption")
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        right.addWidget(self.grid, 2)
        right.addWidget(self.caption)
        row.addLayout(right, 1)
        self.column.addLayout(row, 1)
        self.rows: list[Row] = []  # of the measured table
        self._reader = self.new_lane("figures")
        self._reader.frames_arrived.connect(lambda frames: self._read(frames[-1].payload))
        self._leaves = {leaf["family"]: leaf for leaf in reversed(read("map")["leaf"])}
        self.rounds = Rounds(self.new_lane("draw"), self.page.model_cache, self)
        self.rounds.arrived.connect(lambda _key, frame: self._take(frame))
        theme.signals.changed.connect(self._show)
        self._show()

    def _take(self, frame: Frame) -> None:
        self.grid.set_images(frame.images)
        self._has_drawn |= frame.step == frame.total

    @property
    def is_settled(self) -> bool:
        """What was recommended, if anything was, has drawn to its end once."""
        return self._has_drawn or self.grid.isHidden()

    def wake(self) -> None:
        """Draw, if there is a recommendation; read what was measured, which may be new."""
        self.rounds.wake()

        def read() -> Iterator[Message[list[Row]]]:
            rows = results.rows(checkpoints.cards())
            yield Message(rows)

        self._reader.play(read)

    def rest(self) -> None:
        """Draw nothing."""
        self.rounds.rest()
        self._reader.stop()

    def _read(self, rows: list[Row]) -> None:
        if rows != self.rows:
            self.rows = rows
            if self.verdict is not None:  # it was there first
                at = self._answer.verticalScrollBar().value()
                self._show()
                self._answer.verticalScrollBar().setValue(at)

    # --- what can be done

    def choose(self, index: int) -> None:
        """Answer the open question."""
        question = self.rules.open_question(self.answers)
        if question is not None and 0 <= index < len(question.answers):
            self.answers = self.rules.changed(self.answers, question.id, question.answers[index].id)
            self._show()
            self._focus_first()

    def go_back_to(self, question: Question) -> None:
        """Open an earlier question again; what was answered after it is kept and asked again only if need be."""
        asked = [q.id for q in self.rules.asked(self.answers)]
        before = asked[: asked.index(question.id)]
        self.answers = {name: answer for name, answer in self.answers.items() if name in before}
        self._show()
        self._focus_first()

    def start_again(self) -> None:
        """Forget all answers."""
        self.answers = {}
        self._show()
        self._focus_first()

    def state(self) -> dict[str, Any]:
        """The answers so far, by question."""
        return {"answers": dict(self.answers)}

    def restore(self, kept: PictureMetadata) -> None:
        """Answer the questions one after another, as far as answers were given."""
        wanted = kept.state.get("answers")
        self.answers = {}
        while (question := self.rules.open_question(self.answers)) is not None:
            said = wanted.get(question.id) if isinstance(wanted, dict) else None
            if said not in [answer.id for answer in question.answers]:
                break
            self.answers = self.rules.changed(self.answers, question.id, said)
        if not isinstance(wanted, dict) or set(wanted) - set(self.answers):
            self.page.banner.show_error("These answers do not fit the questions that are asked here.")
        self._show()

    def handle_key(self, event: QKeyEvent) -> bool:
        """A digit answers, Backspace takes the last answer back."""
        number = event.key() - Qt.Key.Key_1
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        if 0 <= number < len(self.choices):
            self.choose(number)
            return True
        if event.key() == Qt.Key.Key_Backspace and self.answers:
            answered = [q for q in self.rules.asked(self.answers) if q.id in self.answers]
            self.go_back_to(answered[-1])
            return True
        return False

    def _focus_first(self) -> None:
        if self.choices:
            self.choices[0].setFocus(Qt.FocusReason.TabFocusReason)
        elif self.links:
            self.links[0][0].setFocus(Qt.FocusReason.TabFocusReason)

    # --- what is shown

    def _show(self) -> None:
        self.choices, self.earlier, self.links = [], [], []
        _put(self._talk, self._conversation())
        question = self.rules.open_question(self.answers)
        verdict = None if question is not None else self.rules.verdict(self.answers)
        self.verdict = verdict
        self._draw_for(verdict.family if verdict is not None else "")
        _put(self._answer, self._standing() if verdict is None else self._recommendation(verdict))

    def _draw_for(self, family: str) -> None:
        """Pictures by the recommended family, as they are being made."""
        leaf = self._leaves.get(family)
        card = self.places.card(leaf["networks"]) if leaf is not None else None
        self.grid.setVisible(card is not None)
        self.caption.setVisible(card is not None)
        subjects, self._has_drawn = [], False
        if leaf is not None and card is not None:
            self.caption.setText(f"drawn now by {labels.short(card.id, card.system)}")
            self.caption.setToolTip(card.id)
            subjects = [Subject(family, card.id, leaf.get("settings", {}), leaf["seconds"], COUNT)]
        self.rounds.set_subjects(subjects)

    def _conversation(self) -> QWidget:
        out, column = _page()
        asked = self.rules.asked(self.answers)
        for question in asked:
            if question.id in self.answers:
                self._add_earlier(column, question)
            else:
                self._add_question(column, question)
        if not self.choices:
            again = LinkButton("Start again", arrow=False)
            again.clicked.connect(self.start_again)
            self.earlier.append(again)
            column.addWidget(again)
        column.addStretch(1)
        return out

    def _add_earlier(self, column: QVBoxLayout, question: Question) -> None:
        column.addWidget(_words(question.text, "caption"))
        row = QHBoxLayout()
        chosen = next(a for a in question.answers if a.id == self.answers[question.id])
        row.addWidget(_words(f"<b>{chosen.text}</b>"), 1)
        change = LinkButton("change", tip=question.text, arrow=False)
        change.clicked.connect(lambda: self.go_back_to(question))
        self.earlier.append(change)
        row.addWidget(change)
        column.addLayout(row)
        line = QFrame()
        line.setProperty("role", "line")
        column.addWidget(line)

    def _add_question(self, column: QVBoxLayout, question: Question) -> None:
        column.addWidget(_words(question.text, "title"))
        for i, answer in enumerate(question.answers):
            button = ChoiceButton(i + 1, answer.text, answer.exact)
            button.clicked.connect(lambda _=False, i=i: self.choose(i))
            button.stepped.connect(lambda by, i=i: self._step(i + by))
            self.choices.append(button)
            column.addWidget(button)

    def _step(self, index: int) -> None:
        if 0 <= index < len(self.choices):
            self.choices[index].setFocus(Qt.FocusReason.TabFocusReason)

    def _standing(self) -> QWidget:
        out, column = _page()
        chances = self.rules.chances(self.answers)
        total = sum(chances.values())
        column.addWidget(_words("Still possible", "title"))
        said = f"There are {total} ways to answer the questions that are left. The bars say how many of them end with each family."
        column.addWidget(_words(said, "caption"))
        self.standing = Standing([(f.key, f.title) for f in families.FAMILIES])
        self.standing.set_shares({key: count / total for key, count in chances.items()})
        column.addWidget(self.standing)
        never = "Energy-based models are never the first choice today; they are named as runners-up where they fit."
        column.addWidget(_words(never, "caption"))
        column.addStretch(1)
        return out

    def _recommendation(self, verdict: Recommendation) -> QWidget:
        out, column = _page()
        out.setProperty("family", verdict.family)
        column.addWidget(_words("Use", "caption"))
        title = _words(verdict.title, "title")
        title.setStyleSheet(
            f"color: {theme.accent(verdict.family).name()}; font-size: {round(theme.em() * 1.9)}px;"
        )
        column.addWidget(title)
        column.addWidget(_words("Because", "heading"))
        for reason in verdict.reasons:
            self._add_reason(column, reason.text, reason, verdict.family)
        column.addWidget(_words("Runners-up", "heading"))
        titles = {family.key: family.title for family in families.FAMILIES}
        for runner in verdict.runners:
            text = f"<b>{titles[runner.family]}</b> {runner.text}"
            self._add_reason(column, text, runner, runner.family)
        column.addWidget(_words("How to get there", "heading"))
        for text in (*verdict.advice, ALWAYS):
            column.addWidget(_words(text))
        column.addStretch(1)
        return out

    def _add_reason(self, column: QVBoxLayout, text: str, reason: Reason, family: str) -> None:
        row = QHBoxLayout()
        said = say(reason.figure, self.places, self.rows)
        row.addWidget(_words(f"{text}<br><b>{said}</b>" if said else text), 1)
        found = self.first_place(reason.links)
        if found is not None:
            wanted, place = found
            tip = f"{place.model or place.tab}: {place.view}"
            button = LinkButton(wanted.text, family if wanted.tab == family else "neutral", tip)
            button.clicked.connect(lambda: self.page.go(place))
            self.links.append((button, place))
            row.addWidget(button)
        column.addLayout(row)

    def first_place(self, links: Sequence[Link]) -> tuple[Link, LinkTarget] | None:
        """The first link that leads somewhere here."""
        for wanted in links:
            place = self.places.find(wanted)
            if place is not None:
                return wanted, place
        return None


def _scroll() -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _put(area: QScrollArea, content: QWidget) -> None:
    """Show other content; the old one goes later, since one of its buttons may be speaking."""
    old = area.takeWidget()
    if old is not None:
        old.deleteLater()
    area.setWidget(content)
    content.show()


def _page() -> tuple[QWidget, QVBoxLayout]:
    out = QWidget()
    out.setProperty("role", "page")
    column = QVBoxLayout(out)
    em = theme.em()
    column.setContentsMargins(round(em * 0.6), round(em * 0.4), round(em), round(em * 0.4))
    column.setSpacing(round(em * 0.6))
    return out, column


def _words(text: str, role: str = "") -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label
