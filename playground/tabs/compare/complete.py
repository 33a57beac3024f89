"""One picture, a part of it painted over, and every family fills it in as it can: together, each with a clock of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from playground import data, labels
from playground.checkpoints import Card
from playground.contract import Frame, Message, Model, Request, make_request, settings_of
from playground.experiments.completion_request import FillRequest
from playground.export.packed_pixels import packed, unpacked
from playground.export.picture_metadata import PictureMetadata
from playground.families import FROM_PICTURE
from playground.tabs.compare.model_list import ModelList
from playground.tabs.compare.race_bar import RaceBar
from playground.tabs.compare.race_entrants import FEWEST, MOST, choices, default_entrants
from playground.tabs.compare.race_panel import RaceBoard, RacePanel
from playground.tabs.compare.race_player import RacePlayer
from playground.tabs.frame import model_cache
from playground.tabs.frame.page import LinkTarget, Scene
from playground.ui.knobs.panel import KnobPanel
from playground.ui.pictures.picture_slot import PictureSlot
from playground.ui.playback.stream import FrameSource
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented

DATASET = "fashion"
SHAPE = data.DATASETS[DATASET].image_shape
MASKS = ("lower half", "hole", "every other")
# who fills in unless told others, where that is not the one that races: a VAE of more than two numbers, a chain that holds a shape
INSTEAD = {"vae2d-fashion": "vae-fashion", "ebm-fashion": "gsn-fashion"}

Loaded = tuple[int, Any, str]  # lane; the model once it is loaded; what it does, or why it is not there


def preset(index: int) -> np.ndarray:
    """One of ``MASKS``: bool (H,W), True where the picture is hidden."""
    rows, columns = np.indices(SHAPE[:2])
    high, wide = SHAPE[:2]
    if index == 0:
        return rows >= high // 2
    if index == 1:
        return (abs(rows - high / 2 + 0.5) < high / 4) & (abs(columns - wide / 2 + 0.5) < wide / 4)
    return (rows + columns) % 2 == 1


class Complete(Scene):
    """The picture with its mask at the left, a panel for each model at the right."""

    name = "Complete"
    group = FROM_PICTURE
    why_small = "several fillings of every family stand beside the picture"
    sentence = (
        "One picture, a part of it hidden: every family fills it in as it can, several times. What is known never changes. "
        "Paint over another part, and they begin again."
    )

    # what a scene that gives one picture to all families in another way states
    verb: ClassVar[str] = "Fill in"
    has_mask: ClassVar[bool] = True
    request_type: ClassVar[type[Request]] = FillRequest

    def build(self) -> None:
        """Picture, models and knobs at the left; the panels, and the time below."""
        self._cards = {c.id: c for c in self.page.cards if self.takes_part(c)}
        self.index, self.said = 0, ""
        self.own: np.ndarray | None = None  # a picture from elsewhere, uint8 (H,W,C)
        self.unknown = preset(0) & self.has_mask
        self._loader = self.new_lane("load")
        self._loader.frames_arrived.connect(self._loaded)
        self._loader.finished.connect(self._begin)
        self._loader.failed.connect(self.page.banner.show_error)
        self._models: dict[int, Any] = {}
        self._failures: dict[int, str] = {}
        self.race = RacePlayer([self.new_lane(f"lane {i + 1}") for i in range(MOST)], self)
        self.race.shown.connect(self._show)
        self.race.changed.connect(self._name_button)
        self.race.failed.connect(lambda lane, sentence: self._failures.__setitem__(lane, sentence))
        self.board, self.bar = RaceBoard(), RaceBar(self.race, self.start)
        self._make_sources()
        self._lay_out()
        self.models.choose(self.first_models())
        self._show_picture()

    # --- what such a scene states

    def takes_part(self, card: Card) -> bool:
        """Models of pictures of this size."""
        return data.DATASETS[card.dataset].image_shape == SHAPE

    def first_models(self) -> list[str]:
        """Who is chosen at first."""
        own = default_entrants(list(self._cards.values()))
        return [other if (other := INSTEAD.get(key, key)) in self._cards else key for key in own]

    @staticmethod
    def way(model: Model) -> str:
        """On the worker: what it will do, in a sentence; raises ValueError with one if it cannot."""
        from playground.experiments import completion

        return completion.way_of(model)[1]

    def run(self, model: Model) -> Callable[[], Iterator[Frame]]:
        """What its lane plays, for the picture and the knobs of now."""
        request = self.knobs.request()
        assert isinstance(request, FillRequest), "these are its knobs"
        return partial(_filled, model, self.picture[None].copy(), self.unknown.copy(), request)

    def pictures_of(self, request: Request) -> int:
        """How many pictures a panel shows."""
        return request.num_samples

    def _make_sources(self) -> None:
        names = data.DATASETS[DATASET].classes
        tested = data.load(DATASET, "test")[1]
        self.slot = PictureSlot(
            SHAPE, "test image", [f"{names[c]}, {i}" for i, c in enumerate(tested)], self.has_mask
        )
        self.slot.stepped.connect(self._step)
        self.slot.given.connect(self._give)
        self.slot.masked.connect(self._masked)
        self.slot.refused.connect(self.page.banner.show_warning)
        self.masks = Segmented(list(MASKS))
        self.masks.setToolTip("What is hidden; or paint over the picture")
        self.masks.chosen.connect(lambda index: self._masked(preset(index)))
        self.masks.setVisible(self.has_mask)
        self.models = ModelList(MOST)
        self.models.set_choices([c for c in choices(list(self._cards.values())) if c.key in self._cards])
        self.models.changed.connect(self._choose)
        self.knobs = KnobPanel()
        self.knobs.set_request(self.request_type, list(names))
        self.knobs.changed.connect(lambda _: self.start())
        self.button = QPushButton(self.verb)
        self.button.clicked.connect(self._clicked)

    def _lay_out(self) -> None:
        self._side = QWidget()
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        for part, stretch in (
            (self.slot, 3),
            (self.masks, 0),
            (self.models, 2),
            (self.knobs, 0),
            (self.button, 0),
        ):
            side.addWidget(part, stretch)
        body, below = QHBoxLayout(), QHBoxLayout()
        body.setSpacing(round(theme.em() * 0.9))
        body.addWidget(self._side)
        body.addWidget(self.board, 1)
        below.addWidget(self.bar, 1)
        self.column.addLayout(body, 1)
        self.column.addLayout(below)
        theme.signals.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self._side.setFixedWidth(round(theme.em() * 19))
        for part in (self.models, self.knobs):  # a hall looks at the picture: its mask and its fillings
            part.setVisible(not theme.lecture())
        self.knobs.setFixedHeight(round(min(self.knobs.full_height() + 2, theme.em() * 8)))
        self.models.setMaximumHeight(round(theme.em() * 12))

    # --- the picture

    @property
    def picture(self) -> np.ndarray:
        """What is to be completed, uint8 (H,W,C)."""
        found: np.ndarray = data.load(DATASET, "test")[0][self.index] if self.own is None else self.own
        return found

    def _show_picture(self) -> None:
        self.slot.set_mask(self.unknown)
        self.slot.show_picture(self.picture, self.index if self.own is None else None, self.said)

    def _step(self, index: int) -> None:
        self.index, self.own, self.said = index, None, ""
        self._again()

    def _give(self, picture: np.ndarray, said: str) -> None:
        self.page.banner.clear()
        self.own, self.said = picture, said
        self._again()

    def _masked(self, mask: np.ndarray) -> None:
        self.unknown = mask
        self._again()

    def _again(self) -> None:
        self.page.changing.emit()
        self._show_picture()
        if self.isVisible():
            self.start()

    def take_picture(self, picture: QImage) -> bool:
        """Pixels that were dropped or pasted."""
        self.slot.take_picture(picture)
        return True

    # --- who fills in

    @property
    def ids(self) -> list[str]:
        """The models, as the panels stand."""
        return [panel.title for panel in self.board.panels]

    def _choose(self) -> None:
        """Other models: what was filled in is gone."""
        self._loader.stop()
        self.race.clear()
        panels = []
        for i, key in enumerate(self.models.chosen()):
            card = self._cards[key]
            panel = RacePanel(card.family, key, f"{key}: {card.system}", labels.short(key, card.system))
            panel.toggled.connect(lambda i=i: self.race.toggle_lane(i))
            panel.opened.connect(lambda card=card: self.page.go(LinkTarget(card.family, card.id)))
            panel.say("ready")
            panels.append(panel)
        self.board.set_panels(panels)
        self._name_button()

    def start(self) -> None:
        """Load what is not loaded yet, and fill in."""
        if not self.board.panels:
            return
        if self.has_mask and not self.unknown.any():
            self.page.banner.show_warning("Nothing is hidden: paint over a part of the picture.")
            return
        self.page.banner.clear()
        self.race.clear()
        self._models, self._failures = {}, {}
        self.board.expect(self.pictures_of(self.knobs.request()))
        self._loader.play(self._load(self.ids))
        self._name_button()

    def _load(self, ids: Sequence[str]) -> FrameSource:
        store, way = self.page.model_cache, self.way

        def load() -> Iterator[Message[Loaded]]:
            for i, key in enumerate(ids):
                try:
                    model = store.get(key)
                    said = way(model)
                except Exception as error:  # the others fill in without it
                    yield Message((i, None, store.sentence(error)))
                else:
                    yield Message((i, model, said))

        return load

    def _loaded(self, messages: list[Message[Loaded]]) -> None:
        for index, model, said in (message.payload for message in messages):
            panel = self.board.panels[index]
            panel.say(said)
            if model is None:
                self._failures[index] = said
            else:
                self._models[index] = model
                panel.head.explain(f"{panel.title}. {said}")

    def _begin(self) -> None:
        """All that can be loaded is: the clocks start."""
        models = [self._models.get(i) for i in range(len(self.board.panels))]
        self._models = {}  # the lanes hold them now
        self.race.start([None if model is None else self.run(model) for model in models])

    def _show(self, lanes: Sequence[int]) -> None:
        for i in lanes:
            panel = self.board.panels[i]
            if i in self._failures and self.race.stand(i).frame is None:
                panel.say(self._failures[i])
            else:
                panel.show_stand(self.race.stand(i), self.race.lanes[i].is_open, self.race.is_paused(i))

    @property
    def _is_busy(self) -> bool:
        return self._loader.is_open or self.race.is_open

    def _name_button(self) -> None:
        self.button.setText("Stop" if self._is_busy else self.verb)
        self.button.setEnabled(bool(self.board.panels))

    def _clicked(self) -> None:
        self.stop() if self._is_busy else self.start()

    def stop(self) -> None:
        """End loading and filling."""
        self._loader.stop()
        self.race.stop()
        self._name_button()

    # --- what the page calls

    def wake(self) -> None:
        """The first time they begin at once."""
        self._fit()
        if self.race.is_empty and not self._is_busy and len(self.board.panels) >= FEWEST:
            self.start()

    def rest(self) -> None:
        """Nobody watches."""
        if self.race.is_playing:
            self.race.pause()
        self._loader.stop()

    def reopen(self) -> None:
        """On another device everything begins anew."""
        self.stop()

    @property
    def is_settled(self) -> bool:
        """Nobody is loaded, and nobody fills in."""
        return not (self._loader.is_open or self.race.is_playing or self.race.is_open)

    def moment(self) -> tuple[Any, ...]:
        """The picture and its mask."""
        own = None if self.own is None else self.own.tobytes()
        return self.index, own, self.said, self.unknown.tobytes()

    def put_back(self, moment: tuple[Any, ...]) -> None:
        """The picture and its mask as they were."""
        self.index, own, self.said, mask = moment
        self.own = None if own is None else np.frombuffer(own, np.uint8).reshape(SHAPE).copy()
        self.unknown = np.frombuffer(mask, bool).reshape(SHAPE[:2]).copy()
        self._again()

    def state(self) -> dict[str, Any]:
        """Picture, mask, models and knobs."""
        kept: dict[str, Any] = {
            "index": self.index,
            "mask": packed(self.unknown),
            "models": self.models.chosen(),
        }
        kept["request"] = settings_of(self.knobs.request())
        return kept if self.own is None else {**kept, "picture": packed(self.own), "said": self.said}

    def restore(self, kept: PictureMetadata) -> None:
        """The same again."""
        state = kept.state
        try:
            index, said, wanted = state.get("index"), state.get("said", ""), state.get("models")
            if type(index) is not int or not 0 <= index < data.DATASETS[DATASET].num_test:
                raise ValueError("it names no test image.")
            if not isinstance(said, str) or not isinstance(wanted, list):
                raise ValueError("it names no models.")
            if absent := [key for key in wanted if key not in self._cards]:
                raise ValueError(f"it was filled in by {str(absent[0])[:60]}, which is not here.")
            own = unpacked(state["picture"], SHAPE) if "picture" in state else None
            mask = unpacked(state.get("mask"), SHAPE[:2]) > 0
            request = make_request(self.request_type, dict(state.get("request", {})))
        except (ValueError, TypeError) as error:
            self.page.banner.show_error(f"The picture cannot be opened: {error}")
            return
        self.index, self.own, self.said, self.unknown = index, own, said, mask
        self.knobs.set_silently(settings_of(request))
        self.models.choose(wanted)
        self._show_picture()
        self.start()

    def handle_key(self, event: QKeyEvent) -> bool:
        """R fills in with another seed; N, P, D walk over the test images; the rest drives the time."""
        keys = {
            Qt.Key.Key_R: self.knobs.reseed,
            Qt.Key.Key_N: self.slot.stepper.next.click,
            Qt.Key.Key_P: self.slot.stepper.previous.click,
            Qt.Key.Key_D: self.slot.stepper.any.click,
        }
        act = keys.get(Qt.Key(event.key()))
        if act is None or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return not self._loader.is_open and self.bar.handle_key(event)
        act()
        return True


def _filled(model: Model, picture: np.ndarray, unknown: np.ndarray, request: FillRequest) -> Iterator[Frame]:
    """On the worker: the fillings of one model."""
    from playground.experiments import completion

    run = completion.fill(model, picture, unknown, request)
    plain = (dataclasses.replace(frame, extras={}) for frame in run)
    return model_cache.with_threads(model, plain)
