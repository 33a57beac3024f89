"""The frame that every family's tab shares: model menu, views, knobs, canvas, explain panel, banner and transport.

A tab is built when it is first shown.  Models are loaded on the stream's worker; until one has arrived the tab shows
its name and its sentence, and everything that depends on the model waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QWidget

from playground.checkpoints import Card, missing
from playground.contract import Frame, Message, Model, Request, settings_of
from playground.families import Family
from playground.models.plane_catalogue import TrainedLive
from playground.tabs.exports import Exports
from playground.tabs.frame.model_cache import ModelCache
from playground.tabs.frame.tab_layout import TabLayout
from playground.tabs.openings import opening_of
from playground.tabs.pictures import super_resolution
from playground.tabs.pictures.super_resolution import SuperResolution
from playground.tabs.plane.way import Ways
from playground.ui.playback.stream import Stream
from playground.ui.widgets.key_home import leave_keys

if TYPE_CHECKING:  # views and exports need numpy and more: not before the window is on the screen
    from playground.export.picture_metadata import PictureMetadata
    from playground.tabs.frame.exporter import Keeper
    from playground.tabs.frame.view import View


class FamilyTab(TabLayout):
    """One family: its models in a menu, its views in a switch.

    Args:
        view_kinds: its views, asked for when the first model has arrived.
        cards: the family's checkpoints; more can be added with :meth:`add_model`.
        model_id, view_name: what to open first (default: the first of each).
    """

    changing = Signal()  # a run begins: perhaps an edit
    opened = Signal()  # what was asked for last is on the canvas, or was refused

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
        super().__init__(family)
        self.setProperty("family", family.key)
        self.stream, self.model_cache = stream, model_cache
        self._view_kinds = view_kinds
        self.model: Model = None  # type: ignore[assignment]  # until one has arrived
        self.model_id = ""
        self.view: View | None = None
        self._views: dict[type[View], View] = {}
        self.suitable: list[type[View]] = []  # what the switch shows
        self._ways = Ways(view_kinds, self.models)
        self._wanted_view = view_name
        self._wanted_settings: dict[str, Any] = {}
        self._kept: PictureMetadata | None = None  # to be restored when its model has arrived
        self._plays = self._paused_by_hiding = False  # what is restored, or shown again, plays on
        self._loader = stream.lane(f"{family.key}/load")
        self._loader.frames_arrived.connect(lambda frames: self._model_arrived(frames[-1].payload))
        self._loader.failed.connect(self._model_failed)
        self.enlarger = SuperResolution(stream, model_cache, family.key)
        self.enlarger.failed.connect(self.banner.show_notice)
        self.enlarger.switched.connect(lambda: self.larger_button.setChecked(self.enlarger.is_on))
        self.larger_button.setChecked(self.enlarger.is_on)
        self.larger_button.toggled.connect(self.enlarger.switch)
        self.exports = Exports(self, self.export_button, self.banner, self._own_view)
        self.export_button.clicked.connect(lambda: self.keeper.open())
        self.knobs.changed.connect(self._turned)
        for card in cards:
            self.add_model(card, card.id)
        for entry in (e for e in missing() if e.family == family.key):
            self.models.add_missing(entry)
        self.models.setCurrentIndex(self.models.row_of(model_id))
        self.models.currentIndexChanged.connect(lambda _: self._open_chosen())
        self._open_chosen()

    # --- models

    def add_model(self, card: Card, where: str) -> None:
        """Put a model into the menu; ``where`` is its id, or the path of a user's own file."""
        self.models.add(card, where)

    def open_model(self, where: str) -> None:
        """Choose a model that is in the menu; load it again if it is the chosen one."""
        index = self.models.row_of(where)
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

    def _own_view(self) -> View | None:
        return self.view if self.view is not None and self.view.model is self.model else None

    def picture_metadata(self) -> PictureMetadata | None:
        """Everything that makes the picture on screen; None while there is none."""
        return self.exports.metadata()

    @property
    def keeper(self) -> Keeper:
        """The dialog that exports, and the clipboard."""
        return self.exports.keeper

    def restore(self, kept: PictureMetadata, plays: bool = False) -> None:
        """Show a kept picture again: its model, view, knobs and step; what is wrong with it is said in the banner.

        Args:
            plays: the run is watched from its beginning, and not sent to the step that was kept.
        """
        self._plays = plays
        self.models.choose_silently(self.models.entry_of(kept))
        self._open_chosen(kept)

    def stand_in(self, picture: QImage) -> None:
        """Show a picture until what was asked to be restored has been made again; nothing if nothing was."""
        if self._kept is not None and not picture.isNull():
            self.canvas.stand_in(picture, "as it was exported; it is being made again")

    def _open_chosen(self, kept: PictureMetadata | None = None) -> None:
        self._kept = kept
        where = self.models.currentData()
        if not where:
            self.waiting.setText("There is no checkpoint of this family yet.")
            return
        if sentence := self.models.how_to_get(where):
            self._keep_model(sentence)
            return
        self.banner.clear()
        self.waiting.setText(f"Loading {self.models.currentText()} …\n\n{self.family.sentence}")
        self.card.show_card(self.models.card(where))
        store = self.model_cache

        def load() -> Iterator[Message[Model]]:
            yield Message(store.get(where))

        self._loader.play(load)

    def _keep_model(self, sentence: str) -> None:
        """The chosen one is not installed: go back to the one in use, or open the first."""
        if self.model_id:
            self._wanted_view, self._wanted_settings = "", {}  # they were for the other
            self.models.choose_silently(self.model_id)
        else:
            self.models.choose_silently(self.models.ids()[0])
            self._open_chosen()
        self.banner.show_warning(sentence, self.banner.clear, "OK")

    def _model_arrived(self, model: Model) -> None:
        if self._kept is not None:
            self._restore_with(model, self._kept)
            self.opened.emit()
            return
        self._take(model)
        view, self._wanted_view = self._wanted_view, ""
        wanted, self._wanted_settings = self._wanted_settings, {}
        if view.lower() in (names := [name.lower() for name in self.view_names]):
            self.show_view(names.index(view.lower()))
            if self._wanted_view:  # of another model, which is on its way
                wanted, self._wanted_settings = {}, wanted
        else:
            stays = self.view and self._suits(type(self.view))
            self.show_view(self.suitable.index(type(self.view)) if self.view and stays else self._first())
            if view:
                self.banner.show_notice(f"{model.card.id} has no view called {view!r}.")
        if wanted:
            self.knobs.set_settings({**self.knobs.settings(), **wanted})
        self.opened.emit()

    def _take(self, model: Model) -> None:
        self.model, self.model_id = model, self.models.currentData()
        self.show_card(model.card, model.differs)
        self.larger_button.setVisible(not isinstance(model, TrainedLive) and super_resolution.suits(model))
        self.suitable = self._ways.views(model, self.model_id)
        switch = self.make_switch(self.view_names, [kind.group for kind in self.suitable])
        if switch is not None:
            switch.chosen.connect(self._switched)

    def _suits(self, kind: type[View]) -> bool:
        from playground.tabs.frame.view import suiting

        return bool(suiting([kind], self.model))

    def _first(self) -> int:
        """The first view that suits the model."""
        return next((i for i, kind in enumerate(self.suitable) if self._suits(kind)), 0)

    def _restore_with(self, model: Model, kept: PictureMetadata) -> None:
        """Check everything, and only then change anything."""
        from playground.tabs.frame.restoring import differences, read_back, view_kind

        self._kept = None
        try:
            kind = view_kind(kept, model, self._view_kinds())
            view = self._view(kind)
            request, state = read_back(kept, model, view)
        except ValueError as error:
            self._refuse(model, f"The picture cannot be opened: {error}")
            return
        self._wanted_view = ""
        self._take(model)
        if self.switch is not None:
            with QSignalBlocker(self.switch):
                self.switch.set_index(self.suitable.index(kind))
        self._show(view)
        view.player.clear()
        if view.model is not model:
            view.open(model)
        self.knobs.set_silently(settings_of(request))
        view.restore(request, state)
        self.awaits_picture = True
        if not self._plays:
            view.player.halt_at(kept.step, kept.head, silently=self.canvas.has_stand_in)
        self.set_explanation(*view.explanation(model), view.plot)
        self._rest_if_hidden()
        differs = differences(kept, model, request)
        if differs:
            self.banner.show_notice(differs)

    def put_back(self, kept: PictureMetadata, frame: Frame | None) -> None:
        """Show a moment of the view on screen again (undo): ``frame`` at once, and its run when it is made again."""
        from playground.tabs.frame.restoring import put_back

        try:
            put_back(self.view, kept, frame)
        except ValueError as error:
            self.banner.show_error(f"This cannot be undone: {error}")

    def _refuse(self, model: Model, sentence: str) -> None:
        """Not this picture: stay with what there is, or in a tab that has just been opened begin as usual."""
        if self.view is None:
            self._take(model)
            self.show_view(self._first())
        self._stay(sentence)

    def _model_failed(self, sentence: str) -> None:
        """Say it, and go back to the model that is in use: nothing is lost."""
        failed = self.models.currentData()
        if self.view is None:
            self.waiting.setText("")
            self.show_failure(sentence, self._open_chosen)
        else:
            self._stay(sentence)
            self.models.drop_own(failed)
        self.opened.emit()

    def _stay(self, sentence: str) -> None:
        """With the model that is in use."""
        self.canvas.end_stand_in()
        self.models.choose_silently(self.model_id)
        self.show_card(self.model.card, self.model.differs)
        self.banner.show_error(sentence)

    # --- views

    def _switched(self, index: int) -> None:
        kind = self.suitable[index]
        if not self._suits(kind):
            self.go(self._ways.other(self.model), kind.name, {})
            return
        if (
            self.view is None
            or type(self.view) is not self.suitable[index]
            or self.view.model is not self.model
        ):
            self._enter(self.suitable[index])

    def show_view(self, index: int) -> None:
        """Show one of the views that suit the model."""
        if self.switch is not None:
            self.switch.set_index(index)
        self._switched(index)

    def turn_page(self, by: int) -> None:
        """The next or the previous view."""
        if self.view is not None and type(self.view) in self.suitable:
            self.show_view((self.suitable.index(type(self.view)) + by) % len(self.suitable))

    @property
    def view_names(self) -> list[str]:
        """The views that suit the model, in the order of the switch."""
        return [kind.name for kind in self.suitable]

    @property
    def stage(self) -> QWidget:
        """Where views are put."""
        return self.canvas

    def take_keys(self) -> None:
        """The keys are the view's; until there is one, no control's."""
        (self.view or self.canvas).setFocus()

    def _view(self, kind: type[View]) -> View:
        if kind not in self._views:
            self._views[kind] = kind(self)
            self.canvas.addWidget(self._views[kind])
            leave_keys(self._views[kind])
            self._views[kind].player.begins.connect(self.changing)
            self._views[kind].player.shown.connect(self.picture_came)
        return self._views[kind]

    def _show(self, view: View) -> None:
        """Put a view on the canvas, and its words, knobs and player around it."""
        if self.view is not None:
            self.view.rested = self.view.player.is_playing
            self.view.player.pause()
        self.view = view
        self.canvas.setCurrentWidget(view)
        self.take_keys()  # so that Space and the arrows are the run's, not the first menu's
        self.transport.set_player(view.player)
        request_type = view.asked(self.model)
        self.knobs.set_request(request_type, self.model.card.classes, view.hidden_knobs)
        self.knobs.come_after(view)

    def _enter(self, kind: type[View]) -> None:
        view = self._view(kind)
        self._show(view)
        if view.model is not self.model:
            view.player.clear()
            view.open(self.model)
            self._begin(view)
        elif view.request != self.knobs.request():
            view.start(self.knobs.request())
        else:
            view.adopt(view.request)  # what its knobs hide
            if view.rested:
                view.player.play()
        self.set_explanation(*view.explanation(self.model), view.plot)
        self._rest_if_hidden()

    def _begin(self, view: View) -> None:
        """The first run of a view with this model: as it opens best, else as its knobs stand."""
        opening = opening_of(self.model_id, view.name)
        if opening is not None:
            self.knobs.propose(opening.settings)
        request = self.knobs.request()
        if opening is not None and opening.state:
            view.restore(request, view.checked(opening.state, request, self.model))
        else:
            view.start(request)

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
