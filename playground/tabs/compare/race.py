"""The race: several models draw at once, and each has a clock that counts only its own work.

Models are loaded and warmed up before the clocks start; ``race_entrants.py`` says what each is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from playground import labels
from playground.contract import Message, settings_of
from playground.export.picture_metadata import PictureMetadata
from playground.families import GENERATE
from playground.tabs.compare.model_list import ModelList
from playground.tabs.compare.race_bar import RaceBar
from playground.tabs.compare.race_entrants import (
    FEWEST,
    MOST,
    SAME_TIME,
    Entrant,
    RaceRequest,
    choices,
    classes_of,
    default_entrants,
    play,
    quality_of,
    reads_words,
    remark_on,
    request_for,
    so_what,
    warm_up,
)
from playground.tabs.compare.race_export import MODELS, NAME, view_state_of
from playground.tabs.compare.race_panel import RaceBoard, RacePanel
from playground.tabs.compare.race_player import RacePlayer
from playground.tabs.compare.race_record import FINISHED
from playground.tabs.frame.exporter import Keeper
from playground.tabs.frame.page import LinkTarget, Scene
from playground.tabs.frame.view_state import ViewState, copy_picture, copy_settings
from playground.ui.knobs.panel import KnobPanel
from playground.ui.playback.stream import FrameSource
from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton

FOLD, UNFOLD = "Only the race (E)", "The race and its settings (E)"

Loading = tuple[int, Entrant | None, str]  # lane; the entrant once it is loaded, or why it is not


class Race(Scene):
    """Two to eight models, one start, one seed."""

    name = NAME
    group = GENERATE
    sentence = (
        "The same task and the same random numbers for every model. They take turns on one processor, and each clock counts "
        "only its own model's work."
    )

    def build(self) -> None:
        """The list and the knobs at the left, the panels, the bar."""
        self._cards = {card.id: card for card in self.page.cards}
        self._has_raced = False
        self.entrants: dict[int, Entrant] = {}
        self.failures: dict[int, str] = {}
        self._loader = self.new_lane("load")
        self._loader.frames_arrived.connect(self._loaded)
        self._loader.finished.connect(self._begin)
        self._loader.failed.connect(self._load_failed)
        self.race = RacePlayer([self.new_lane(f"lane {i + 1}") for i in range(MOST)], self)
        self.race.shown.connect(self._show)
        self.race.changed.connect(self._update_start_button)
        self.race.changed.connect(self._sum_up)
        self.race.failed.connect(self._entrant_failed)
        self.board = RaceBoard()
        self.bar = RaceBar(self.race, self.start)
        self.export = IconButton("export", "Export the race as an animation, a picture or numbers (Ctrl+S)")
        self.keeper = Keeper(self, self.export, self.page.banner, self._view_state)
        self.export.clicked.connect(self.keeper.open)
        self.race.changed.connect(lambda: self.export.setVisible(not self.race.is_empty))
        self._make_settings()
        self._lay_out()
        self.asked = self.settings  # what the race on the board was asked for
        self.models.choose(default_entrants(self.page.cards))

    def _make_settings(self) -> None:
        self.start_button = QPushButton("Start")
        self.start_button.clicked.connect(self._clicked)
        self.models = ModelList(MOST)
        self.models.set_choices(choices(self.page.cards))
        self.models.changed.connect(self._choose)
        self.knobs = KnobPanel()
        self.knobs.set_request(RaceRequest, classes_of(self.page.cards))
        self.knobs.set_shown("budget", False)
        self.knobs.changed.connect(self._turned)

    def _lay_out(self) -> None:
        self._side = QWidget()
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.addWidget(self.start_button)
        side.addWidget(self.models, 1)
        side.addWidget(self.knobs)
        body = QHBoxLayout()
        body.setSpacing(round(theme.em() * 0.9))
        body.addWidget(self._side)
        body.addWidget(self.board, 1)
        self.fold = IconButton("chevron-left", FOLD)
        self.fold.clicked.connect(self.toggle_settings)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self.fold)
        below.addWidget(self.bar, 1)
        below.addWidget(self.export)
        self.column.addLayout(body, 1)
        self.column.addLayout(below)
        theme.signals.changed.connect(self._fit_knobs)
        self._fit_knobs()

    def toggle_settings(self) -> None:
        """Give the pictures the room of the settings, or give it back."""
        hide = not self._side.isHidden()
        self._side.setVisible(not hide)
        self.fold.set_icon("chevron-right" if hide else "chevron-left")
        self.fold.setToolTip(UNFOLD if hide else FOLD)
        self.fold.setAccessibleName(UNFOLD if hide else FOLD)

    def _fit_knobs(self) -> None:
        """The knobs take what they need, the list the rest; where there is little room both scroll."""
        self._side.setFixedWidth(max(self.knobs.minimumSizeHint().width(), round(theme.em() * 16)))
        self.knobs.setFixedHeight(min(self.knobs.full_height() + 2, round(self.height() * 0.58)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room again."""
        self._fit_knobs()
        super().resizeEvent(event)

    def wake(self) -> None:
        """By now the knobs know how large they are; the first time, the race is on at once."""
        self._fit_knobs()
        if not self._has_raced:
            self.start()

    def _view_state(self) -> ViewState | None:
        return view_state_of(self.race, self.board, self.ids, self.asked)

    # --- what is asked for

    @property
    def settings(self) -> RaceRequest:
        """A snapshot of the knobs."""
        request = self.knobs.request()
        assert isinstance(request, RaceRequest)
        return request

    @property
    def ids(self) -> list[str]:
        """The entrants, as the panels stand."""
        return [panel.title for panel in self.board.panels]

    @property
    def is_loading(self) -> bool:
        """Whether models are still on their way."""
        return self._loader.is_open

    def _choose(self) -> None:
        """Other entrants: the old race is over."""
        self._loader.stop()
        self.race.clear()
        panels = []
        for i, key in enumerate(self.models.chosen()):
            card = self._cards[key]
            tip = f"{key}: {card.system}. Click to open it in its own tab."
            name, quality = labels.short(key, card.system), quality_of(card)
            panel = RacePanel(card.family, key, tip, name, quality)
            panel.toggled.connect(lambda i=i: self.race.toggle_lane(i))
            panel.opened.connect(lambda card=card: self.page.go(LinkTarget(card.family, card.id)))
            panel.say("ready")
            panels.append(panel)
        self.board.set_panels(panels)
        self._show_prompt()
        self._update_start_button()

    def _show_prompt(self) -> None:
        """Words are asked for where somebody reads them."""
        chosen = [self._cards[key] for key in self.models.chosen()]
        self.knobs.set_shown("prompt", any(reads_words(card) for card in chosen))
        self._fit_knobs()

    def _turned(self, request: RaceRequest) -> None:
        self.knobs.set_shown("budget", request.rule == SAME_TIME)
        self._fit_knobs()
        self.board.expect(request.num_samples)

    # --- start

    def start(self) -> None:
        """Load what is not loaded yet, and race."""
        if not FEWEST <= len(self.board.panels) <= MOST:
            return
        self.page.banner.clear()
        self.race.clear()
        if theme.lecture() and not self._side.isHidden():
            self.toggle_settings()  # a hall watches; E brings them back
        self._has_raced = True
        self.asked = self.settings
        self.entrants, self.failures = {}, {}
        for panel in self.board.panels:
            panel.say("waits to be loaded")
        self._loader.play(self._load(self.ids, self.asked))
        self._update_start_button()

    def _load(self, ids: Sequence[str], asked: RaceRequest) -> FrameSource:
        store = self.page.model_cache

        def load() -> Iterator[Message[Loading]]:
            for i, key in enumerate(ids):
                yield Message((i, None, ""))
                try:
                    model = store.get(key)
                    entrant = Entrant(model, request_for(model, asked))
                    warm_up(entrant)
                except Exception as error:  # the others race without it
                    yield Message((i, None, store.sentence(error)))
                else:
                    yield Message((i, entrant, ""))

        return load

    def _loaded(self, messages: list[Message[Loading]]) -> None:
        for index, entrant, sentence in (message.payload for message in messages):
            panel = self.board.panels[index]
            if entrant is not None:
                self.entrants[index] = entrant
                panel.remark = remark_on(entrant, self.asked)
                panel.say(panel.remark or "waits for the others")
            elif sentence:
                self.failures[index] = sentence
                panel.say(sentence)
            else:
                panel.say("loading …")

    def _load_failed(self, sentence: str) -> None:
        self.page.banner.show_error(sentence)
        self._update_start_button()

    def _begin(self) -> None:
        """All that can be loaded is: the clocks start."""
        entrants = [self.entrants.get(i) for i in range(len(self.board.panels))]
        self.entrants = {}  # the lanes hold them now
        limit = self.asked.budget if self.asked.rule == SAME_TIME else None
        sources = [None if e is None else (lambda e=e: play(e)) for e in entrants]
        self.race.start(sources, limit)

    def _entrant_failed(self, lane: int, sentence: str) -> None:
        self.failures[lane] = sentence

    # --- what is shown

    def _show(self, lanes: Sequence[int]) -> None:
        for i in lanes:
            panel = self.board.panels[i]
            if i in self.failures and self.race.stand(i).frame is None:
                panel.say(self.failures[i])
            else:
                lane = self.race.lanes[i]
                panel.show_stand(self.race.stand(i), lane.is_open, self.race.is_paused(i))

    def _sum_up(self) -> None:
        """Over the board: what the race is, and when it is over what it says."""
        said = ""
        if not self.race.is_empty and not self.race.is_open and self.race.at_head:
            stands = {key: self.race.stand(i) for i, key in enumerate(self.ids[: self.race.count])}
            done = [(self._cards[k], s.seconds) for k, s in stands.items() if s.outcome == FINISHED]
            said = so_what(done)
        if self.isVisible():
            self.page.sentence.setText(said or self.sentence)

    def _update_start_button(self) -> None:
        enough = len(self.models.chosen()) >= FEWEST
        busy = self.is_loading or self.race.is_open
        self.start_button.setText(
            "Stop" if busy else "Start" if enough else f"Tick {FEWEST} to {MOST} models"
        )
        self.start_button.setEnabled(enough or busy)

    def _clicked(self) -> None:
        if self.is_loading or self.race.is_open:
            self.stop()
        else:
            self.start()

    def stop(self) -> None:
        """End loading and racing."""
        if self.is_loading:
            self._loader.stop()
            for panel in self.board.panels:
                panel.say("stopped")
        self.race.stop()
        self._update_start_button()

    # --- what the page calls

    def rest(self) -> None:
        """Nobody watches: the race pauses."""
        if self.race.is_playing:
            self.race.pause()
        if self.is_loading:
            self.stop()

    def reopen(self) -> None:
        """On another device everything begins anew."""
        self.stop()

    def leave(self) -> None:
        """Give up what is being written."""
        self.keeper.close()

    @property
    def is_settled(self) -> bool:
        """Nobody is loaded, and nobody draws."""
        return not (self.is_loading or self.race.is_playing or self.race.is_open)

    def metadata(self) -> PictureMetadata | None:
        """Who races, and for what."""
        settings = settings_of(self.settings)
        return PictureMetadata("compare", "", "", self.name, settings, state={MODELS: self.models.chosen()})

    def restore(self, kept: PictureMetadata) -> None:
        """The race that a picture was kept of, run again."""
        wanted = kept.state.get(MODELS)
        known = isinstance(wanted, list) and all(isinstance(key, str) for key in wanted)
        if not known or not FEWEST <= len(set(wanted)) <= MOST:  # type: ignore[arg-type]
            self.page.banner.show_error(f"The picture names no race of {FEWEST} to {MOST} models.")
            return
        absent = [key for key in wanted if key not in self._cards]  # type: ignore[union-attr]
        if absent:
            self.page.banner.show_error(f"That race was run with {absent[0][:60]}, which is not here.")
            return
        try:
            self.knobs.set_settings(kept.settings)
        except ValueError as error:
            self.page.banner.show_error(str(error))
            return
        self.models.choose(wanted)  # type: ignore[arg-type]
        self.start()

    def handle_key(self, event: QKeyEvent) -> bool:
        """Space starts and pauses, arrows step, R races again with a new seed, E folds the settings, Ctrl+S exports."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.matches(QKeySequence.StandardKey.Save):
            self.keeper.open()
            return True
        if event.matches(QKeySequence.StandardKey.Copy):
            self.keeper.copy(copy_picture)
            return True
        if event.keyCombination() == QKeySequence("Ctrl+Shift+C")[0]:  # type: ignore[index]
            self.keeper.copy(copy_settings)
            return True
        if event.key() == Qt.Key.Key_E and plain:
            self.toggle_settings()
            return True
        if event.key() == Qt.Key.Key_R and plain:
            self.knobs.reseed()
            if not self.race.is_empty or self.race.is_open or self.is_loading:
                self.start()
            return True
        return not self.is_loading and self.bar.handle_key(event)
