"""The Guide's family cards: idea, objective, what each is good and bad at, and where that can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from playground import labels
from playground.checkpoints import Card
from playground.contract import Frame
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.frame.page import LinkTarget, Page, Scene
from playground.tabs.guide.links import Link, LinkTargets, link, read
from playground.tabs.guide.live_samples import Rounds, Subject
from playground.tabs.guide.rail import Rail
from playground.ui.formulas.label import FormulaLabel
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.theme import theme
from playground.ui.widgets.link_button import LinkButton
from playground.ui.widgets.wrap_layout import WrapLayout

COUNT = 9  # pictures beside the idea


class Families(Scene):
    """One card at a time, chosen at the left."""

    name = "Families"
    why_small = "a page of words; its links lead to views that fill the window"
    sentence = (
        "What each family is good for, and what it pays for that. Whatever can be seen in this program has a link to the "
        "view that shows it."
    )

    def build(self) -> None:
        """The rail, and room for a card."""
        self.raw = read("families")["family"]
        self.places = LinkTargets(self.page.cards, self.page.view_names)
        self._leaves = {leaf["id"]: leaf for leaf in read("map")["leaf"]}
        self._cards: dict[int, FamilyCard] = {}
        row = QHBoxLayout()
        row.setSpacing(round(theme.em()))
        self.rail = Rail([(one["title"], one["key"]) for one in self.raw])
        self.scroller = QScrollArea()
        self.scroller.setWidgetResizable(True)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        row.addWidget(self.rail)
        row.addWidget(self.scroller, 1)
        self.column.addLayout(row, 1)
        self.rounds = Rounds(self.new_lane("draw"), self.page.model_cache, self)
        self.rounds.arrived.connect(self._arrive)
        self.rail.chosen.connect(self.show_card)
        self.show_card(0)

    @property
    def card(self) -> FamilyCard:
        """The card on show."""
        return self._cards[self.rail.index()]

    def show_card(self, index: int) -> None:
        """Show one family, and draw for it."""
        if index not in self._cards:
            self._cards[index] = FamilyCard(self.raw[index], self.places, self.page)
        self.scroller.takeWidget()
        self.scroller.setWidget(self._cards[index])
        self._cards[index].show()
        leaf = self._leaves.get(self.raw[index]["leaf"])
        found = self.places.card(leaf["networks"]) if leaf else None
        self.card.set_model(found)
        self._has_drawn = False
        subjects = []
        if leaf is not None and found is not None:
            subjects = [Subject(leaf["id"], found.id, leaf.get("settings", {}), leaf["seconds"], COUNT)]
        self.rounds.set_subjects(subjects)

    def wake(self) -> None:
        """Draw."""
        self.rounds.wake()

    def rest(self) -> None:
        """Draw nothing."""
        self.rounds.rest()

    def state(self) -> dict[str, Any]:
        """Whose card is shown."""
        return {"family": self.raw[self.rail.index()]["key"]}

    def restore(self, kept: PictureMetadata) -> None:
        """Show that card."""
        keys = [one["key"] for one in self.raw]
        wanted = kept.state.get("family")
        if wanted in keys:
            self.rail.set_index(keys.index(wanted))
        else:
            self.page.banner.show_error(f"There is no card of a family called {str(wanted)[:40]!r}.")

    @property
    def is_settled(self) -> bool:
        """The card's pictures, if it has any, were drawn to their end once."""
        return self._has_drawn or self.card.grid.isHidden()

    def _arrive(self, name: str, frame: Frame) -> None:
        self.card.grid.set_images(frame.images, columns=3)
        self._has_drawn |= frame.step == frame.total


class FamilyCard(QWidget):
    """Everything about one family."""

    def __init__(self, raw: Mapping[str, Any], places: LinkTargets, page: Page) -> None:
        super().__init__()
        self.setProperty("family", raw["key"])
        self.setProperty("role", "page")
        self.setAutoFillBackground(False)
        self.links: list[tuple[LinkButton, LinkTarget]] = []
        self._places, self._page, self._raw = places, page, raw
        self.column = QVBoxLayout(self)
        em = theme.em()
        self.column.setContentsMargins(0, 0, round(em), 0)
        self.column.setSpacing(round(em * 0.75))
        self.column.addLayout(self._head())
        self.column.addLayout(self._traits())
        self.column.addWidget(_heading("Used for"))
        self.column.addWidget(_words(raw["uses"]))
        self.column.addWidget(_heading("Named systems"))
        self.column.addLayout(self._systems(raw["systems"]))
        sources = _words("Sources: " + " · ".join(raw["sources"]), "caption")
        self.column.addWidget(sources)
        self.column.addStretch(1)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def set_model(self, card: Card | None) -> None:
        """Whose pictures are drawn beside the idea."""
        self.grid.setVisible(card is not None)
        self.caption.setVisible(card is not None)
        if card is not None:
            self.caption.setText(f"drawn now by {labels.short(card.id, card.system)}")
            self.caption.setToolTip(card.id)

    def _head(self) -> QHBoxLayout:
        row, left = QHBoxLayout(), QVBoxLayout()
        row.setSpacing(round(theme.em() * 1.4))
        self.title = QLabel(self._raw["title"])
        self.title.setProperty("role", "title")
        self.formula = FormulaLabel()
        self.formula.set_formula(self._raw["objective"])
        ground = QFrame()
        ground.setProperty("role", "formula")
        QVBoxLayout(ground).addWidget(self.formula)
        self.idea = _words(self._raw["idea"])
        for part in (self.title, self.idea, _words(f"Exact term: {self._raw['exact']}", "caption"), ground):
            left.addWidget(part)
        left.addStretch(1)
        self.grid = ImageGrid(columns=3)
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.caption = _words("", "caption")
        self.caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
        right = QVBoxLayout()
        right.addWidget(self.grid, 1)
        right.addWidget(self.caption)
        row.addLayout(left, 1)
        row.addLayout(right)
        return row

    def _traits(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(round(theme.em() * 1.6))
        grid.setVerticalSpacing(round(theme.em() * 0.3))
        for side, (heading, key) in enumerate((("Strong", "strong"), ("Weak", "weak"))):
            grid.addWidget(_heading(heading), 0, side)
            for i, trait in enumerate(self._raw[key]):
                grid.addWidget(self._trait(trait, "+" if key == "strong" else "−"), i + 1, side)
            grid.setColumnStretch(side, 1)
        return grid

    def _trait(self, trait: Mapping[str, Any], sign: str) -> QWidget:
        out = QWidget()
        row = QHBoxLayout(out)
        row.setContentsMargins(0, 0, 0, 0)
        mark = QLabel(sign)
        mark.setProperty("role", "heading")
        row.addWidget(mark)
        row.addWidget(_words(trait["text"]), 1)
        wanted = link(trait.get("show"))
        if wanted is not None:
            self._add_link(row, wanted, wanted.text)
        return out

    def _add_link(self, row: Any, wanted: Link, text: str, tip: str = "") -> bool:
        place = self._places.find(wanted)
        if place is None:
            return False
        button = LinkButton(text, tip=tip or f"{place.model or place.tab}: {place.view}")
        button.clicked.connect(lambda: self._page.go(place))
        self.links.append((button, place))
        row.addWidget(button)
        return True

    def _systems(self, systems: Sequence[Mapping[str, Any]]) -> WrapLayout:
        flow = WrapLayout(gap=round(theme.em() * 0.45))
        for system in systems:
            text, wanted = f"{system['name']} {system['year']}", link(system.get("show"))
            if wanted is not None and self._add_link(flow, wanted, text):
                continue
            plain = QLabel(text)
            plain.setProperty("role", "chip")
            flow.addWidget(plain)
        return flow

    def _restyle(self) -> None:
        em = theme.em()
        side = round(em * 22.6)
        self.grid.setFixedSize(side, side)
        accent = theme.accent(self._raw["key"]).name()
        self.title.setStyleSheet(f"color: {accent}; font-size: {round(em * 1.7)}px;")
        for chip in self.findChildren(QLabel):
            if chip.property("role") == "chip":
                c = theme.palette()
                chip.setStyleSheet(
                    f"color: {c.muted}; border: 1px solid {c.line}; border-radius: {round(em * 0.46)}px; "
                    f"padding: {round(em * 0.2)}px {round(em * 0.5)}px; font-size: {round(em * 0.92)}px;"
                )


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def _words(text: str, role: str = "") -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label
