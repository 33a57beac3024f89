"""Where things stand in a family's tab: model menu and views at the top, knobs, canvas and words below, the transport at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from playground.families import Family
from playground.tabs.frame.explain_panel import ExplainPanel
from playground.tabs.frame.model_card import CardButton
from playground.tabs.frame.model_menu import ModelMenu
from playground.ui.knobs.panel import KnobPanel
from playground.ui.pictures.stage import Stage
from playground.ui.playback.transport import Transport
from playground.ui.theme import theme
from playground.ui.widgets.banner import Banner
from playground.ui.widgets.controls import IconButton
from playground.ui.widgets.key_home import leave_keys
from playground.ui.widgets.lecture_strip import LectureStrip, PlotPlace
from playground.ui.widgets.view_switch import ViewSwitch

if TYPE_CHECKING:
    from playground.checkpoints import Card

SENTENCE = 15  # em: the least room for the family's sentence beside the views
_MARGIN = 0.6  # em, around all
# em: in a narrower tab (or with larger type) the picture takes the place of the explanation
ROOM_FOR_WORDS = 66


class TabLayout(QWidget):
    """The widgets of a tab in their places; what happens in them is the subclass's business.

    Args:
        family: its sentence stands at the top where there is room.
    """

    def __init__(self, family: Family) -> None:
        super().__init__()
        self.family, self.about = family, family.sentence
        self._narrow = self._in_hall = False
        self.awaits_picture = False  # of what was restored, the first has not come yet
        self._make_widgets()
        self._lay_out()
        leave_keys(self)
        theme.signals.changed.connect(self._fit)

    def _make_widgets(self) -> None:
        self.models = ModelMenu()
        self.card = CardButton()
        self.sentence = QLabel(self.about)
        self.sentence.setProperty("role", "caption")
        self.sentence.setWordWrap(True)
        self.sentence.setToolTip(self.about)
        self._switch_place = QHBoxLayout()
        self.switch: ViewSwitch | None = None
        self.explain_button = IconButton("help", "Explain (E)")
        self.explain_button.setCheckable(True)
        self.explain_button.setChecked(True)
        self.larger_button = IconButton(
            "larger",
            "Super-resolution: pictures at rest are shown larger, as sr-emoji makes them; off, as the model draws them, 32x32",
        )
        self.larger_button.setCheckable(True)
        self.larger_button.hide()
        self.export_button = IconButton("export", "Export the picture, its run or its numbers (Ctrl+S)")
        self.change_button = IconButton("changed", "What changed: difference, blink, side by side (B)")
        self.change_button.hide()  # until there is an edit
        self.banner = Banner()
        self.knobs = KnobPanel()
        self.canvas = Stage()
        self.waiting = QLabel("Loading the model …")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waiting.setWordWrap(True)  # a long sentence must not widen the window
        self.waiting.setProperty("role", "caption")
        self.canvas.addWidget(self.waiting)
        self.explain = ExplainPanel()
        self.explain_button.toggled.connect(self.explain.setVisible)
        self.explain_button.toggled.connect(lambda _: self._place_explanation())
        self.strip, self.plot_place = LectureStrip(), PlotPlace()  # what stays of it in a hall
        self.strip.hide()
        self._explanation: tuple[str, str, QWidget | None] = ("", "", None)
        self.transport = Transport()

    def _lay_out(self) -> None:
        self._top = top = QHBoxLayout()
        top.addWidget(self.models)
        top.addWidget(self.card)
        top.addWidget(self.sentence, 1)
        top.addLayout(self._switch_place)
        for button in (self.change_button, self.larger_button, self.explain_button, self.export_button):
            top.addWidget(button)
        self.body = QSplitter(Qt.Orientation.Horizontal)
        left = _stacked((self.knobs, 1), (self.plot_place, 0))
        middle = _stacked((self.canvas, 1), (self.strip, 0))
        for part, stretch in ((left, 0), (middle, 1), (self.explain, 0)):
            self.body.addWidget(part)
            self.body.setStretchFactor(self.body.count() - 1, stretch)
            self.body.setCollapsible(self.body.count() - 1, False)
        column = QVBoxLayout(self)
        gap = round(theme.em() * _MARGIN)
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        column.addLayout(top)
        column.addWidget(self.banner)
        column.addWidget(self.body, 1)
        column.addWidget(self.transport)

    def picture_came(self) -> None:
        """The first picture of what was restored: nothing need stand in for it any longer."""
        if self.awaits_picture:
            self.awaits_picture = False
            self.canvas.end_stand_in()

    def make_switch(self, names: Sequence[str], groups: Sequence[str]) -> ViewSwitch | None:
        """A switch between these views in place of the last one; none where there is nothing to choose."""
        if self.switch is not None:
            self._switch_place.removeWidget(self.switch)
            self.switch.deleteLater()
            self.switch = None
        if len(names) > 1:
            self.switch = ViewSwitch(names, groups)
            self._switch_place.addWidget(self.switch)
            self.fit_switch()
        return self.switch

    def show_card(self, card: Card, differs: str = "") -> None:
        """Which model it is, and the sentence that fits what it makes; ``differs``: of its file, see the card."""
        from playground import data  # numpy comes after the window

        self.card.show_card(card, differs)
        self.about = self.family.about(data.modality(card.dataset))
        self.sentence.setToolTip(self.about)
        self.fit_switch()

    def fit_switch(self) -> None:
        """One row beside the family's sentence, one in its place where it would not fit, else two; no view hides in a menu."""
        if self.switch is None:
            return
        others = (self.models, self.card, self.change_button, self.larger_button, self.explain_button)
        there = [widget for widget in others if widget is self.change_button or not widget.isHidden()]
        there.append(self.export_button)
        gaps = (len(there) + 1) * self._top.spacing() + 2 * _MARGIN * theme.em()
        room = self.width() - sum(widget.sizeHint().width() for widget in there) - gaps
        wants = self.switch.width_in_a_row()
        self.switch.fit(room)
        spare = room - (self.switch.sizeHint().width() if self.switch.has_two_rows else wants)
        self.sentence.setText(self.about if spare >= theme.em() * SENTENCE else "")

    def _fit(self) -> None:
        """The picture stays the largest thing: in a hall, and where there is no room for both, the words step aside until asked for."""
        narrow = theme.lecture() or self.width() < ROOM_FOR_WORDS * theme.em()
        if narrow != self._narrow:
            self._narrow = narrow
            self.explain_button.setChecked(not narrow)
        if theme.lecture() != self._in_hall:
            self._in_hall = theme.lecture()
            self._place_explanation()
        self.fit_switch()

    def set_explanation(self, words: str, formula: str, plot: QWidget | None) -> None:
        """What the view on show means, its formula, and its live plot."""
        self._explanation = words, formula, plot
        self._place_explanation()

    def _place_explanation(self) -> None:
        """At the side, or in a hall where it is not asked for, what stays of it: a line, the formula, the plot."""
        words, formula, plot = self._explanation
        in_hall = theme.lecture() and not self.explain_button.isChecked()
        self.explain.set_content(words, formula, None if in_hall else plot)
        self.strip.show_line(words, formula)
        self.strip.setVisible(in_hall and bool(words))
        self.plot_place.set_plot(plot if in_hall else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The switch and the words fold when they do not fit."""
        self._fit()
        super().resizeEvent(event)


def _stacked(*parts: tuple[QWidget, int]) -> QWidget:
    """Widgets one above the other, each with its share of the room."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    for part, stretch in parts:
        column.addWidget(part, stretch)
    return whole
