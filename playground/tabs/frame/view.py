"""A view: one way to look at a model.  It owns a canvas and a player; the tab around it owns everything else.

A view states only its difference: which models it suits, which request it sends, how a frame is drawn, and the words
that explain it.  The frame (``family_tab.py``) brings knobs, transport, explain panel, banner and export.

Every view can be kept: its picture is exported with everything that made it, and opened again to the bit (the contract
test in ``tests/test_exported_pictures.py`` holds this for every view of the registry).  Model, view, knobs and the step on screen are
kept for it.  A view of which the picture depends on anything else (a pointer, sliders, edited pixels, a branch) says so:

- ``settings()`` returns it as plain JSON (``{"z": [0.5, -1.0]}``);
- ``checked(settings, request, model)`` reads that back from an untrusted file and raises ValueError with one sentence
  if anything is not what it should be; it changes nothing (``picture_metadata.numbers`` checks arrays of numbers);
- ``restore(request, settings)`` puts it in place, begins the run, and asks for whatever else the picture shows.

"Copy as Python" reads the body of ``sampler`` (imports, then ``return`` of an expression over ``model`` and
``request``); a sampler that does more says in ``code()`` how it is done by hand.  A view that shows more of a frame than
``frame.images`` says in ``panels(frame)`` what an animation shows.  The picture itself is taken from the image grids and latent planes on the canvas (else the canvas is photographed).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from playground import data
from playground.contract import EACH_CLASS, Frame, Model, Request, labels_of
from playground.experiments.limits import fitted
from playground.families import FROM_PICTURE, GENERATE, LOOK_INSIDE, TRAINING  # noqa: F401  views find them here
from playground.models.plane_catalogue import TrainedLive
from playground.tabs.frame import model_cache
from playground.tabs.frame.host import Host
from playground.tabs.frame.python_code import Code, code_of
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.playback.player import Player
from playground.ui.playback.runs import gathered
from playground.ui.playback.stream import FrameSource, Lane, News

AnyModel = TypeVar("AnyModel", bound=Model)
_NOTHING_YET = "\u00a0"  # a line that stays: the picture does not jump when it is filled
PLOTS_EVERY = 0.2  # seconds, while frames rush by: painting a plot costs as much as all the pictures
RUSHING = 0.07  # seconds from one frame to the next; where there are more, each has its plot


class View(QWidget, Generic[AnyModel]):
    """The base of every view.  Subclasses set the class attributes and override :meth:`sampler` and :meth:`draw`."""

    name: ClassVar[str] = "Generate"
    words: ClassVar[str] = ""  # rich text, for a second-year student
    formula: ClassVar[str] = ""  # in the notation of ``ui.formulas``
    hidden_knobs: ClassVar[frozenset[str]] = frozenset()
    capability: ClassVar[type] = (
        Model  # what it asks of a model (``capabilities``); all of a family's have a sampler
    )
    group: ClassVar[str] = GENERATE  # one of GROUPS
    passing: ClassVar[frozenset[str]] = frozenset()  # settings that are no edit (what is pointed at)
    trains_live: ClassVar[bool] = False  # it opens a model of its own, which has no checkpoint
    answers_within: ClassVar[float] = (
        0.0  # seconds a turned knob waits, where the first frames say nothing yet
    )
    why_small: ClassVar[str] = ""  # a reason, where its pictures cannot be as large as elsewhere

    def __init__(self, tab: Host) -> None:
        super().__init__(tab.stage)
        self.tab = tab
        self.model: AnyModel = None  # type: ignore[assignment]  # until the tab opens one
        self.request: Request | None = None
        self.rested = False  # it was playing when it was left
        self.plot: QWidget | None = None
        self.lanes: list[Lane] = []
        self.player = Player(self.new_lane("run"), self)
        self.player.shown.connect(self._shown)
        self.player.begins.connect(self._wait)
        self._plotting = QTimer(self, singleShot=True)
        self._plotting.timeout.connect(self._plot_now)
        self._first: Frame | None = None  # of the run, which has been listened to
        self._shown_at = self._plotted = 0.0  # when the last pictures, and their plot
        self.player.failed.connect(tab.show_failure)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.build()
        self.meaning = self._make_meaning() if type(self).so_what is not View.so_what else None

    # --- what a view says

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whether this model can be looked at in this way."""
        return isinstance(model, cls.capability)

    def request_type(self, model: AnyModel) -> type[Request]:
        """The request whose knobs are shown."""
        return model.Request

    def asked(self, model: AnyModel) -> type[Request]:
        """:meth:`request_type`, with knobs that end where the model's data set does."""
        request, dataset = self.request_type(model), data.DATASETS.get(model.card.dataset)
        return fitted(request, dataset) if dataset is not None else request

    def build(self) -> None:
        """Make the canvas and, if there is one, ``self.plot``; called once."""

    def sampler(self, model: AnyModel, request: Request) -> Iterator[Frame]:
        """On the worker: the frames of a request."""
        return model.sample(request)

    def draw(self, frame: Frame) -> None:
        """On the GUI thread: show a frame."""

    def draw_plot(self, frame: Frame) -> None:
        """On the GUI thread, after ``draw``: what the frame says in plots; while frames rush by, a few times a second."""

    def so_what(self, frame: Frame) -> str:
        """What the result means, in one sentence for the line under the pictures; "" while there is no result."""
        return ""

    def tell(self, frame: Frame) -> None:
        """On the GUI thread, before ``draw``: what a frame has to say in words."""
        if frame.extras.get("notice"):
            self.tab.banner.show_notice(frame.extras["notice"])

    def opened(self) -> None:
        """Called when a model has been opened in this view, before the first request."""

    def take_file(self, path: Path) -> bool:
        """A picture file without settings was dropped or opened; True if this view begins with it."""
        return False

    def take_picture(self, picture: QImage) -> bool:
        """Pixels were dropped or pasted; True if this view begins with them."""
        return False

    def relevant(self, request: Request) -> dict[str, bool]:
        """Knob name -> whether it can do anything now; the others are hidden."""
        return {}

    def explanation(self, model: AnyModel) -> tuple[str, str]:
        """Words and formula for the panel; the class's own unless a model needs others."""
        return self.words, self.formula

    # --- what makes its picture, besides model, knobs and step (see the module's docstring)

    def settings(self) -> dict[str, Any]:
        """Plain JSON that :meth:`restore` needs to show the same picture again."""
        return {}

    def checked(self, settings: Mapping[str, Any], request: Request, model: AnyModel) -> dict[str, Any]:
        """What :meth:`settings` wrote, read from a file that anyone may have made; changes nothing.

        Raises:
            ValueError: one sentence, if it does not fit the request and the model.
        """
        return {}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """Begin the run of a kept picture; ``settings`` are checked, and the model is open."""
        self.start(request)

    def code(self) -> Code | None:
        """How this run's frames are made without a window; read off :meth:`sampler` where that is one expression."""
        return code_of(self.sampler)

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The pictures of one frame of an animation: titles and uint8 (B,H,W,C) of equal shape.

        Called on a thread that writes the animation, so it looks at the frame and at no widget.
        """
        return [("", frame.images)]

    # --- what the tab calls

    def open(self, model: AnyModel) -> None:
        """Look at another model; what was still being made of the one before ends with it."""
        if model is not self.model:
            for lane in self.lanes:
                if lane is not self.player.lane:  # the run is replaced when the new one begins
                    lane.stop()
        self.model = model
        self.opened()

    def turn(self, request: Request) -> None:
        """The knobs say something new: begin again; the finger is on them, so this lane goes first.

        A new seed is a new run to watch; any other knob wants its answer now, whatever speed is set.
        """
        only_seed = self._differs_in_seed_only(request)
        self.player.lane.touch()
        self.start(request, patient=True)
        if not only_seed:
            self.player.lane.set_pace(None)

    def _differs_in_seed_only(self, request: Request) -> bool:
        before = self.request
        return before is not None and dataclasses.replace(request, seed=before.seed) == before

    def start(self, request: Request, patient: bool = False) -> None:
        """Begin a run; ``patient`` lets the picture that is being made be shown first (a slider on the move)."""
        together = self.answers_within if patient and not self._differs_in_seed_only(request) else 0.0
        self.adopt(request)

        def frames(model: AnyModel) -> Iterator[News | list[News]]:
            made = model_cache.memory_guarded(model, request, self.sampler)
            return gathered(made, together) if together else made

        self.player.start(self.source(frames), patient=patient)

    def adopt(self, request: Request) -> None:
        """Take a request as the present one, and hide the knobs that cannot do anything now."""
        self.request = request
        for name, shown in self.relevant(request).items():
            self.tab.knobs.set_shown(name, shown)

    def source(self, frames: Callable[[Any], Iterator[News | list[News]]]) -> FrameSource:
        """A source for a lane: ``frames(model)`` runs on the worker with the open model."""
        key, store = self.tab.model_id, self.tab.model_cache

        def play() -> Iterator[News | list[News]]:
            model = store.get(key)
            return model_cache.with_threads(model, frames(model))

        return play

    def new_lane(self, name: str) -> Lane:
        """A place of this view's own to play."""
        lane = self.tab.stream.lane(f"{self.tab.family.key}/{self.name}/{name}")
        self.lanes.append(lane)
        return lane

    @property
    def is_settled(self) -> bool:
        """Nothing is on its way: what is on the canvas stays."""
        drawn = not self._plotting.isActive()
        return drawn and not any(lane.state in ("waiting", "running") for lane in self.lanes)

    def class_names(self) -> list[str] | None:
        """The class of each picture of the present request, or None if it has no classes."""
        label = getattr(self.request, "label", None)
        if label is None or self.request is None or not self.model.card.classes:
            return None
        names = self.model.card.classes
        return [names[i] for i in labels_of(label, self.request, len(names))]

    def _shown(self, frame: Frame) -> None:
        first = self.player.timeline[0] if len(self.player.timeline) else frame
        if (
            first is not self._first and first is not frame
        ):  # it says what was read, and frames came too fast to show it
            self.tell(first)
        self._first = first
        self.tell(frame)
        self.draw(frame)
        now, before = time.perf_counter(), self._shown_at
        self._shown_at = now
        if not self.player.is_playing:
            self._plot_now()
        elif now - before > RUSHING:
            self._plotting.start(0)  # in a turn of its own, so that no turn of the event loop is long
        elif not self._plotting.isActive():
            self._plotting.start(max(0, math.ceil(1000 * (self._plotted + PLOTS_EVERY - now))))

    def _wait(self) -> None:
        """Until there is a picture the canvas says what it waits for."""
        if self.player.is_empty and self.model is not None:
            for grid in self.findChildren(ImageGrid):
                grid.ground.waiting = f"{self.model.card.system} begins …"
                grid.update()

    def _plot_now(self) -> None:
        self._plotting.stop()
        if self.player.frame is not None:
            self._plotted = time.perf_counter()
            self.draw_plot(self.player.frame)
            self._say_meaning(self.player.frame)

    def _make_meaning(self) -> QLabel:
        line = QLabel(_NOTHING_YET)
        line.setAccessibleName("What the result means")
        line.setAlignment(Qt.AlignmentFlag.AlignCenter)
        line.setWordWrap(True)
        self.column.addWidget(line)
        return line

    def _say_meaning(self, frame: Frame) -> None:
        if self.meaning is not None:
            said = self.so_what(frame)
            self.meaning.setText(f"<b>So what:</b> {said}" if said else _NOTHING_YET)


def suiting(kinds: Iterable[type[View]], model: Model) -> list[type[View]]:
    """Those that suit a model; what has a checkpoint and what is trained live are never asked about each other's."""
    live = isinstance(model, TrainedLive)
    return [kind for kind in kinds if kind.trains_live == live and kind.suits(model)]


__all__ = ["EACH_CLASS", "View", "suiting"]
