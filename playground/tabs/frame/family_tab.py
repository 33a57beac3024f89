"""The frame that every family's tab shares: model menu, views, knobs, canvas, explain panel, banner and transport.

A tab is built when it is first shown.  Models are loaded on the stream's worker; until one has arrived the tab shows
its name and its sentence, and everything that depends on the model waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from playground.capabilities import HalvesPrecision
from playground.checkpoints import Card, resolve, weights_hash
from playground.contract import Message, Model, Request, settings_of
from playground.evaluation import report
from playground.export.picture_metadata import PictureMetadata, request_of
from playground.families import Family
from playground.tabs.frame.explain_panel import ExplainPanel
from playground.tabs.frame.exporter import Keeper, view_state_of
from playground.tabs.frame.model_cache import ModelCache
from playground.tabs.frame.model_card import CardButton
from playground.tabs.frame.view import View
from playground.tabs.frame.view_switch import ViewSwitch
from playground.ui.knobs.panel import KnobPanel
from playground.ui.playback.stream import Stream
from playground.ui.playback.transport import Transport
from playground.ui.theme import theme
from playground.ui.widgets.banner import Banner
from playground.ui.widgets.controls import ComboBox, IconButton

SENTENCE = 15  # em: the least room for the family's sentence beside the views
ROOM_FOR_WORDS = (
    66  # em: in a narrower tab (or with larger type) the picture takes the place of the explanation
)


class FamilyTab(QWidget):
    """One family: its models in a menu, its views in a switch.

    Args:
        view_kinds: its views, asked for when the first model has arrived.
        cards: the family's checkpoints; more can be added with :meth:`add_model`.
        model_id, view_name: what to open first (default: the first of each).
    """

    def __init__(
        self,
        family: Family,
        view_kinds: Callable[[], tuple[type[View], ...]],
        cards: list[Card],
        stream: Stream,
        model_cache: ModelCache,
        model_id: str = "",
        view_name: str = "",
    ) -> None:
        super().__init__()
        self.setProperty("family", family.key)
        self.family, self.stream, self.model_cache = family, stream, model_cache
        self._view_kinds = view_kinds
        self.model: Model = None  # type: ignore[assignment]  # until one has arrived
        self.model_id = ""
        self.view: View | None = None
        self._views: dict[type[View], View] = {}
        self._suitable: list[type[View]] = []
        self._wanted_view = view_name
        self._wanted_settings: dict[str, Any] = {}
        self._cards: dict[str, Card] = {}  # what the menu's entries stand for -> card
        self._kept: PictureMetadata | None = None  # to be restored when its model has arrived
        self._paused_by_hiding = False
        self._loader = stream.lane(f"{family.key}/load")
        self._loader.frames_arrived.connect(lambda frames: self._model_arrived(frames[-1].payload))
        self._loader.failed.connect(self._model_failed)
        self._make_widgets()
        self._lay_out()
        theme.signals.changed.connect(self._fit)
        for card in cards:
            self.add_model(card, card.id)
        self.models.currentIndexChanged.connect(lambda _: self._open_chosen())
        self.models.setCurrentIndex(max(self.models.findData(model_id), 0))
        self._open_chosen()

    # --- building

    def _make_widgets(self) -> None:
        self.models = ComboBox()
        self.models.setAccessibleName("Model")
        self.card = CardButton()
        self.sentence = QLabel(self.family.sentence)
        self.sentence.setProperty("role", "caption")
        self.sentence.setWordWrap(True)
        self._switch_place = QHBoxLayout()
        self.switch: ViewSwitch | None = None
        self.explain_button = IconButton("help", "Explain (E)")
        self.explain_button.setCheckable(True)
        self.explain_button.setChecked(True)
        self._narrow = False
        self.export_button = IconButton("export", "Export the picture, its run or its numbers (Ctrl+S)")
        self.banner = Banner()
        self.keeper = Keeper(self, self.export_button, self.banner, lambda: view_state_of(self))
        self.export_button.clicked.connect(self.keeper.open)
        self.knobs = KnobPanel()
        self.knobs.changed.connect(self._turned)
        self.canvas = QStackedWidget()
        self._waiting = QLabel("Loading the model …")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._waiting.setProperty("role", "caption")
        self.canvas.addWidget(self._waiting)
        self.explain = ExplainPanel()
        self.explain_button.toggled.connect(self.explain.setVisible)
        self.transport = Transport()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.models)
        top.addWidget(self.card)
        top.addWidget(self.sentence, 1)
        top.addLayout(self._switch_place)
        top.addWidget(self.explain_button)
        top.addWidget(self.export_button)
        self.body = QSplitter(Qt.Orientation.Horizontal)
        for part, stretch in ((self.knobs, 0), (self.canvas, 1), (self.explain, 0)):
            self.body.addWidget(part)
            self.body.setStretchFactor(self.body.count() - 1, stretch)
            self.body.setCollapsible(self.body.count() - 1, False)
        column = QVBoxLayout(self)
        gap = round(theme.em() * 0.6)
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        column.addLayout(top)
        column.addWidget(self.banner)
        column.addWidget(self.body, 1)
        column.addWidget(self.transport)

    # --- models

    def add_model(self, card: Card, where: str) -> None:
        """Put a model into the menu; ``where`` is its id, or the path of a user's own file."""
        new = where not in self._cards
        self._cards[where] = card
        if new:
            own = "" if where == card.id else " (your file)"
            self.models.addItem(f"{card.id}{own}", where)
            tip = f"{card.system}, {card.parameters / 1e6:.2f} million parameters"
            tip = "\n".join((tip, *report.in_short(card.metrics)))
            self.models.setItemData(self.models.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)

    def open_model(self, where: str) -> None:
        """Choose a model that is in the menu; load it again if it is the chosen one."""
        index = max(self.models.findData(where), 0)
        if index == self.models.currentIndex():
            self._open_chosen()
        self.models.setCurrentIndex(index)

    def go(self, model: str, view: str, settings: Mapping[str, Any]) -> None:
        """Open a model ("": the present one) in a view ("": as it is), with these knobs turned."""
        self._wanted_view, self._wanted_settings = view, dict(settings)
        self.open_model(model or str(self.models.currentData()))

    def reopen(self) -> None:
        """Load the model again (the device has changed)."""
        self._open_chosen()

    def picture_metadata(self) -> PictureMetadata | None:
        """Everything that makes the picture on screen; None while there is none."""
        view = self.view
        if view is None or view.player.frame is None or view.request is None or view.model is not self.model:
            return None
        card, settings, step = self.model.card, settings_of(view.request), view.player.frame.step
        last = view.player.timeline.last
        head = last.step if last is not None else step
        return PictureMetadata(
            family=card.family,
            model=card.id,
            weights=self.model.weights_hash,
            view=view.name,
            settings=settings,
            step=step,
            head=head,
            state=view.settings(),
            precision=self.model.precision if isinstance(self.model, HalvesPrecision) else "",
        )

    def restore(self, kept: PictureMetadata) -> None:
        """Show a kept picture again: its model, view, knobs and step; what is wrong with it is said in the banner."""
        where = self.entry_of(kept)
        with QSignalBlocker(self.models):
            self.models.setCurrentIndex(self.models.findData(where))
        self.models.update()
        self._open_chosen(kept)

    def entry_of(self, kept: PictureMetadata) -> str:
        """The menu's entry for a kept picture's model, the one with the same weights if there are several; "" if none."""
        found = [where for where, card in self._cards.items() if card.id == kept.model]
        if len(found) > 1:
            with contextlib.suppress(OSError, ValueError):  # a file that has gone since
                found.sort(key=lambda where: weights_hash(resolve(where)) != kept.weights)
        return found[0] if found else ""

    def _open_chosen(self, kept: PictureMetadata | None = None) -> None:
        self._kept = kept
        where = self.models.currentData()
        if not where:
            self._waiting.setText("There is no checkpoint of this family yet.")
            return
        self.banner.clear()
        self.card.show_card(self._cards[where])
        store = self.model_cache

        def load() -> Iterator[Message[Model]]:
            yield Message(store.get(where))

        self._loader.play(load)

    def _model_arrived(self, model: Model) -> None:
        if self._kept is not None:
            self._restore_with(model, self._kept)
            return
        self._take(model)
        names = [v.name.lower() for v in self._suitable]
        present = type(self.view) if self.view else None
        if self._wanted_view.lower() in names:
            self.show_view(names.index(self._wanted_view.lower()))
        else:
            self.show_view(self._suitable.index(present) if present in self._suitable else 0)
        self._wanted_view = ""
        wanted, self._wanted_settings = self._wanted_settings, {}
        if wanted:
            self.knobs.set_settings({**self.knobs.settings(), **wanted})

    def _take(self, model: Model) -> None:
        self.model, self.model_id = model, self.models.currentData()
        self.card.show_card(model.card)
        self._suitable = [v for v in self._view_kinds() if v.suits(model)]
        self._make_switch()

    def _restore_with(self, model: Model, kept: PictureMetadata) -> None:
        """Check everything, and only then change anything."""
        self._kept = None
        try:
            kinds = [v for v in self._view_kinds() if v.suits(model) and v.name == kept.view]
            if not kinds:
                raise ValueError(f"{kept.model} has no view called {kept.view!r}.")
            view = self._view(kinds[0])
            request = request_of(view.asked(model), kept.settings, len(model.card.classes))
            state = view.checked(kept.state, request, model)
        except ValueError as error:
            self._refuse(model, f"The picture cannot be opened: {error}")
            return
        self._wanted_view = ""
        self._take(model)
        if self.switch is not None:
            with QSignalBlocker(self.switch):
                self.switch.set_index(self._suitable.index(kinds[0]))
        self._show(view)
        view.player.clear()
        if view.model is not model:
            view.open(model)
        self.knobs.set_silently(settings_of(request))
        view.restore(request, state)
        view.player.halt_at(kept.step, kept.head)
        self.explain.set_content(*view.explanation(model), view.plot)
        self._rest_if_hidden()
        self._say_what_differs(model, kept, request)

    def _say_what_differs(self, model: Model, kept: PictureMetadata, request: Request) -> None:
        made, here = (
            kept.precision or "fp32",
            model.precision if isinstance(model, HalvesPrecision) else "fp32",
        )
        if kept.weights not in ("", model.weights_hash):
            self.banner.show_notice(
                f"The weights of {kept.model} are others than those that made this picture, so it may look different."
            )
        elif made != here:
            said = f"The picture was made in {made} and is made here in {here}, so pixels may differ."
            self.banner.show_notice(said)
        elif kept.count and kept.count > request.num_samples:
            self.banner.show_notice(
                f"The picture holds {kept.count}; here are the first {request.num_samples}."
            )

    def _refuse(self, model: Model, sentence: str) -> None:
        """Not this picture: stay with what there is, or in a tab that has just been opened begin as usual."""
        if self.view is None:
            self._take(model)
            self.show_view(0)
        with QSignalBlocker(self.models):
            self.models.setCurrentIndex(self.models.findData(self.model_id))
        self.models.update()
        self.card.show_card(self.model.card)
        self.banner.show_error(sentence)

    def _model_failed(self, sentence: str) -> None:
        """Say it, and go back to the model that is in use: nothing is lost."""
        failed = self.models.currentData()
        if self.view is None:
            self._waiting.setText("")
            self.show_failure(sentence, self._open_chosen)
            return
        with QSignalBlocker(self.models):
            self.models.setCurrentIndex(self.models.findData(self.model_id))
            if failed != self._cards[failed].id:  # a file of the user's own that is no good
                self.models.removeItem(self.models.findData(failed))
                del self._cards[failed]
        self.card.show_card(self.model.card)
        self.banner.show_error(sentence)

    # --- views

    def _make_switch(self) -> None:
        if self.switch is not None:
            self._switch_place.removeWidget(self.switch)
            self.switch.deleteLater()
            self.switch = None
        if len(self._suitable) > 1:
            self.switch = ViewSwitch([v.name for v in self._suitable])
            self.switch.chosen.connect(self._switched)
            self._switch_place.addWidget(self.switch)
            self._fit_switch()

    def _fit_switch(self) -> None:
        """Segments if they leave the sentence some room beside them, else a menu."""
        if self.switch is not None:
            others = (self.models, self.card, self.explain_button)
            taken = sum(widget.sizeHint().width() for widget in others) + theme.em() * (SENTENCE + 4)
            self.switch.fit(self.width() - taken)

    def _fit(self) -> None:
        """The picture stays the largest thing: where there is no room for both, the words step aside until asked for."""
        narrow = self.width() < ROOM_FOR_WORDS * theme.em()
        if narrow != self._narrow:
            self._narrow = narrow
            self.explain_button.setChecked(not narrow)
        self._fit_switch()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The switch and the words fold when they do not fit."""
        self._fit()
        super().resizeEvent(event)

    def _switched(self, index: int) -> None:
        if (
            self.view is None
            or type(self.view) is not self._suitable[index]
            or self.view.model is not self.model
        ):
            self._enter(self._suitable[index])

    def show_view(self, index: int) -> None:
        """Show one of the views that suit the model."""
        if self.switch is not None:
            self.switch.set_index(index)
        self._switched(index)

    def turn_page(self, by: int) -> None:
        """The next or the previous view."""
        if self.view is not None and type(self.view) in self._suitable:
            self.show_view((self._suitable.index(type(self.view)) + by) % len(self._suitable))

    def _view(self, kind: type[View]) -> View:
        if kind not in self._views:
            self._views[kind] = kind(self)
            self.canvas.addWidget(self._views[kind])
        return self._views[kind]

    def _show(self, view: View) -> None:
        """Put a view on the canvas, and its words, knobs and player around it."""
        if self.view is not None:
            self.view.rested = self.view.player.is_playing
            self.view.player.pause()
        self.view = view
        self.canvas.setCurrentWidget(view)
        view.setFocus()  # so that Space and the arrows are the run's, not the first menu's
        self.transport.set_player(view.player)
        request_type = view.asked(self.model)
        self.knobs.set_request(request_type, self.model.card.classes, view.hidden_knobs)

    def _enter(self, kind: type[View]) -> None:
        view = self._view(kind)
        self._show(view)
        if view.model is not self.model:
            view.player.clear()
            view.open(self.model)
            view.start(self.knobs.request())
        elif view.request != self.knobs.request():
            view.start(self.knobs.request())
        else:
            view.adopt(view.request)  # what its knobs hide
            if view.rested:
                view.player.play()
        self.explain.set_content(*view.explanation(self.model), view.plot)
        self._rest_if_hidden()

    def _turned(self, request: Request) -> None:
        if self.view is not None:
            self.banner.clear()
            self.view.turn(request)

    # --- what the user should know

    def show_failure(self, sentence: str, again: Any = None) -> None:
        """One sentence, and a way on."""
        self.banner.show_error(sentence, again or self._again)

    def _again(self) -> None:
        if self.view is not None and self.view.request is not None:
            self.view.start(self.view.request)

    # --- hidden tabs rest

    def _rest(self) -> None:
        if self.view is not None and self.view.player.is_playing:
            self._paused_by_hiding = True
            self.view.player.pause()

    def _rest_if_hidden(self) -> None:
        """Its model has arrived when it was hidden already."""
        if self.isHidden():
            self._rest()

    def hideEvent(self, event: QHideEvent) -> None:
        """A tab that nobody sees does not sample."""
        self._rest()
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Go on where hiding stopped it."""
        if self._paused_by_hiding and self.view is not None:
            self._paused_by_hiding = False
            self.view.player.play()
        super().showEvent(event)
