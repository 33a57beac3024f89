"""Train here: pictures are chosen, looked at, learned; curves, samples and the time left are seen, and the model is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from playground import paths
from playground.checkpoints import cards, read_card
from playground.contract import Message, Request
from playground.tabs.frame.page import LinkTarget, Scene
from playground.tabs.plane.messages import Arrays, Header
from playground.tabs.train_here import sources
from playground.tabs.train_here.asked import HIDDEN, OwnTraining, with_choices
from playground.tabs.train_here.layout import Layout
from playground.tabs.train_here.sources import Reading, Source
from playground.tabs.train_here.trainer import Trainer
from playground.training import own_runs
from playground.ui.widgets.file_dialogs import ask_for_folder

SHOWN = 60  # pictures of a folder
BESIDE = 10  # of them stand beside what is drawn
_PLOT_EVERY = 0.5  # seconds


class TrainHere(Scene):
    """One training at a time; it goes on while other tabs are looked at."""

    name = "Train here"
    sentence = (
        "A model learns your own pictures, here and now. Choose a folder of at least 50, or try the example; "
        "what it has learned stands in the model menu afterwards."
    )

    def build(self) -> None:
        """Controls at the left; at the right pictures, curves and how far it is."""
        self.look = Layout()
        self.look.grid.may_show_fewer = True
        self.column.addWidget(self.look, 1)
        self.folder: Path | None = None  # None for the example
        self.source: Source | None = None
        self.model = ""  # what was made last
        self._others: list[tuple[str, str, str]] = []
        self._points: list[tuple[int, dict[str, float]]] = []
        self._learned: Source | None = None  # what the training under way learns from
        self._is_paused = self._can_draw = False
        self._plotted = 0.0
        self.trainer = Trainer(self)
        self.trainer.heard.connect(self._hear)
        self.trainer.ended.connect(self._fit)
        self._reader, self._lister = self.new_lane("pictures"), self.new_lane("recipes")
        self._reader.frames_arrived.connect(lambda messages: self._take(messages[-1]))
        self._reader.failed.connect(lambda sentence: self.page.banner.show_error(sentence, self._read))
        self._lister.frames_arrived.connect(lambda messages: self._list(messages[-1].payload))
        look = self.look
        look.knobs.set_request(OwnTraining, (), HIDDEN)
        look.knobs.changed.connect(self._turned)
        look.choose.clicked.connect(self._ask_folder)
        look.train.clicked.connect(self.train)
        look.pause.clicked.connect(self.pause)
        look.stop.clicked.connect(self.stop)
        look.go_on.clicked.connect(self.go_on)
        look.forget.clicked.connect(self.forget)
        look.open.clicked.connect(self.open_model)
        self._asked: Any = look.knobs.request()
        self._fit()

    # --- what is learned from

    def wake(self) -> None:
        """The example is there at once; so are the runs that wait."""
        if self.source is None:
            self._read()
            self._lister.play(sources.recipes_here)
        self._fit()

    def take_file(self, path: Path) -> bool:
        """A folder was dropped or chosen."""
        if not path.is_dir():
            return False
        self.folder = path
        if self._asked.recipe not in own_runs.TITLES:
            self.look.knobs.set_settings({"recipe": "vae-own"})
        self._read()
        return True

    def _ask_folder(self) -> None:
        ask_for_folder(self, "A folder of pictures", self.take_file)

    def _turned(self, request: Request) -> None:
        before, self._asked = self._asked, request
        now = self._asked
        if (before.recipe in own_runs.TITLES, before.is_colour) != (
            now.recipe in own_runs.TITLES,
            now.is_colour,
        ) or (now.recipe not in own_runs.TITLES and now.recipe != before.recipe):
            self._read()
        self._fit()

    def _list(self, found: list[tuple[str, str, str]]) -> None:
        self._others = found
        self._offer()
        self._fit()

    def _offer(self) -> None:
        """The recipes, and the models that have learned these pictures and can draw more."""
        name = self.source.pictures.name if self.source is not None and self.source.pictures else ""
        drawers = sorted(card.id for card in cards() if card.dataset == name)
        kept = self.look.knobs.settings()
        kept["drawn_by"] = kept["drawn_by"] if kept["drawn_by"] in drawers else ""
        self.look.knobs.set_request(with_choices(self._others, drawers), (), HIDDEN)
        self.look.knobs.set_silently(kept)
        self._asked = self.look.knobs.request()
        self._can_draw = bool(drawers)

    def _read(self) -> None:
        """Read what is to be learned, and show it."""
        self.page.banner.clear()
        self.source = None
        asked, folder = self._asked, self.folder
        dataset = next((dataset for id, _, dataset in self._others if id == asked.recipe), "")

        def read() -> Iterator[Message[Any]]:
            if dataset:
                return sources.of_dataset(dataset)
            if folder is not None:
                return sources.of_folder(folder, asked.is_colour)
            return sources.of_example(asked.is_colour)

        self.look.say_source("Reading …", ())
        self._reader.play(read)
        self._fit()

    def _take(self, message: Message[Reading | Source]) -> None:
        found = message.payload
        if isinstance(found, Reading):
            if found.refused:
                self.look.say_source("Choose another folder, or try the example.", ())
                self.page.banner.show_error(found.refused, self._back_to_example, "Try the example")
            else:
                self.look.say_source(f"Reading {found.done:,} of {found.total:,} files …", ())
            return
        self.source = found
        self._offer()
        self.look.say_source(_words_of(found, self.folder), _left_out(found))
        if not self.trainer.is_running:
            title = f"{found.title}: what it will learn from, as it sees it"
            self.look.grid.set_images(found.shown[:SHOWN], title=title)
        self._fit()

    def _back_to_example(self) -> None:
        self.folder = None
        self._read()

    # --- running

    def train(self) -> None:
        """Begin."""
        if self.source is None or self.trainer.is_running:
            return
        asked, pictures = self._asked, self.source.pictures
        title = pictures.title if pictures is not None else "again"
        id = own_runs.new_id(asked.recipe, title)
        header = {
            "kind": "begin",
            "folder": str(paths.training_runs() / id),
            "recipe": asked.recipe,
            "id": id,
            "title": title,
            "augment": asked.augment,
            "drawn_by": asked.drawn_by,
        }
        self._begin(header, {"images": pictures.images} if pictures is not None else {}, self.source)

    def go_on(self) -> None:
        """Go on with the run that is chosen in the list."""
        folder = self.look.runs.currentData()
        if folder is not None:
            self._begin({"kind": "resume", "folder": folder}, {}, None)

    def _begin(self, header: Header, arrays: Arrays, source: Source | None) -> None:
        self.page.banner.clear()
        self._points, self._is_paused, self.model = [], False, ""
        self._learned = source
        self.trainer.begin(header, arrays)
        self.look.say_progress("The process that trains is being started …", None)
        self._fit()

    def pause(self) -> None:
        """Wait, or go on."""
        if self.trainer.is_running:
            self._is_paused = not self._is_paused
            self.trainer.say("pause" if self._is_paused else "go")
            self._fit()

    def stop(self) -> None:
        """End it here; the model so far is kept, and the run can go on later."""
        self.trainer.say("stop")
        self.look.say_progress("Being kept …", None)

    def forget(self) -> None:
        """Throw the chosen run away; a model that it has made stays."""
        folder = self.look.runs.currentData()
        if folder is not None and not self.trainer.is_running:
            own_runs.forget(Path(folder))
            self._fit()

    def open_model(self) -> None:
        """Look at what was made."""
        if self.model:
            self.page.go(LinkTarget(read_card(Path(self.model)).family, Path(self.model).stem, "Generate"))

    def _hear(self, header: Header, arrays: Arrays) -> None:
        kind = header["kind"]
        if kind == "begun":
            self.look.say_progress(f"{header['id']} is learning", 0.0)
        elif kind == "progress":
            self._show_progress(header, arrays.get("pictures"))
            return
        elif kind == "failed":
            self.look.say_progress("", None)
            self.page.banner.show_error(header["sentence"])
        elif kind == "made":
            self.model = header["file"]
            self.page.model_made.emit(Path(self.model))
            name = Path(self.model).stem
            said = "is done" if header["is_done"] else "is kept, and can go on"
            self.look.say_progress(f"{name} {said}; it stands in the model menu.", 1.0)
            if gain := _gain(name):
                self.page.banner.show_notice(gain)
            self._offer()
            self.look.open.setText(f"Open {name}")
            self._plot()
        self._fit()

    def _show_progress(self, header: Header, pictures: np.ndarray | None) -> None:
        step, total = int(header["step"]), int(header["total"])
        self._points.append((step, header["figures"]))
        left = "" if step == total else f" · {duration(header['left'])} left"
        said = f"step {step:,} of {total:,} · {duration(header['seconds'])} so far{left}"
        self.look.say_progress(said, step / total)
        if pictures is not None:
            self._show_samples(pictures, step)
        if time.monotonic() - self._plotted > _PLOT_EVERY or step == total:
            self._plot()

    def _show_samples(self, pictures: np.ndarray, step: int) -> None:
        title = f"drawn by the model after about {step:,} steps, always from the same noise"
        if self._learned is None:
            self.look.grid.set_images(pictures, title=title)
            return
        real = self._learned.shown
        real = real[np.linspace(0, len(real) - 1, len(pictures)).astype(int)]
        self.look.grid.set_panels([("some of the real ones", real), (title, pictures)])

    def _plot(self) -> None:
        self._plotted = time.monotonic()
        names = dict.fromkeys(
            name for _, figures in self._points for name in figures if name.endswith("loss")
        )
        for name in names:
            points = [(step, figures[name]) for step, figures in self._points if name in figures]
            steps, values = np.array(points).T
            self.look.plot.set_curve(_NAMES.get(name, name.replace("_", " ")), values, steps)

    def _fit(self) -> None:
        """What can be pressed now."""
        runs, busy = own_runs.unfinished(), self.trainer.is_running
        self.look.fit(
            is_busy=busy,
            is_paused=self._is_paused,
            can_train=self.source is not None,
            runs=[(str(folder), f"{run.id}, step {step:,}") for folder, run, step in runs],
            has_model=bool(self.model) and not busy,
        )
        own = self._asked.recipe in own_runs.TITLES
        self.look.knobs.set_shown("colour", own and self._asked.recipe not in own_runs.GREY_ONLY)
        self.look.knobs.set_shown("augment", own)
        self.look.knobs.set_shown("drawn_by", own and self._can_draw)

    @property
    def num_reports(self) -> int:
        """How often the training under way has told how far it is."""
        return len(self._points)

    # --- what the page calls

    def handle_key(self, event: QKeyEvent) -> bool:
        """Space pauses and goes on."""
        if event.key() == Qt.Key.Key_Space and self.trainer.is_running:
            self.pause()
            return True
        return False

    def leave(self) -> None:
        """The window closes: the run is saved, and waits in the list."""
        self.trainer.close()

    @property
    def is_settled(self) -> bool:
        """Whether the pictures are there."""
        return self.source is not None


_NAMES = {"loss": "training", "validation_loss": "validation"}


def _gain(model_id: str) -> str:
    """Whether drawn pictures helped, in a sentence; "" if there were none, or nothing to compare with."""
    found = own_runs.gain(model_id)
    if found is None:
        return ""
    base, without, with_drawn = found
    change = without - with_drawn
    word = "a gain" if change > 0 else "a loss"
    return f"Held-out loss {with_drawn:.3f}; {base}, without drawn pictures, {without:.3f}: {word} of {abs(change):.3f}."


def duration(seconds: float) -> str:
    """``40 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _words_of(source: Source, folder: Path | None) -> str:
    if source.pictures is None:
        return f"{source.title}, the training pictures of this recipe."
    count = f"{len(source.pictures.images):,} pictures"
    if folder is None:
        return f"An example: {count} of {source.title}. Choose a folder, or drop one here, to take your own."
    out = len(source.pictures.left_out)
    rest = f"; {out} file{'s' * (out != 1)} left out" if out else ""
    return f"{folder}: {count}{rest}."


def _left_out(source: Source) -> tuple[str, ...]:
    return source.pictures.left_out if source.pictures is not None else ()
