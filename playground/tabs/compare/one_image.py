"""One image before every model: how probable does each find it, and is that more than it finds a garment?"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QGuiApplication, QImage, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout

from playground import data
from playground.checkpoints import Card
from playground.contract import Frame, Message
from playground.data import image_import
from playground.evaluation import out_of_distribution
from playground.export import picture_metadata
from playground.export.picture_metadata import PictureMetadata
from playground.families import FROM_PICTURE
from playground.tabs.compare import score_words, scoring
from playground.tabs.compare.score_layout import RowContent
from playground.tabs.compare.score_table import ScoreTable
from playground.tabs.compare.scoring import NotScored, PngSize, Scored
from playground.tabs.compare.source_panel import SourcePanel
from playground.tabs.frame.page import LinkTarget, Page, Scene
from playground.ui.pictures import clipboard
from playground.ui.pictures.pixels import array_of
from playground.ui.playback.job import Job
from playground.ui.theme import theme
from playground.ui.widgets.file_dialogs import ask_to_open

SHAPE = data.DATASETS[out_of_distribution.DATASET].image_shape
COUNT = data.DATASETS[out_of_distribution.DATASET].num_test  # and so pictures of every set
RAW = math.prod(SHAPE)


class OneImage(Scene):
    """The picture at the left with its sources, a row for each model at the right."""

    name = "One image"
    group = FROM_PICTURE
    why_small = "one picture stands beside what every model says of it"
    sentence = (
        "One picture before every model: how probable does each find it, and more so than garments? "
        "Often a simple picture wins."
    )

    def __init__(self, page: Page) -> None:
        self.bench = scoring.Bench(page.model_cache)
        self.cards = _in_order([c for c in page.cards if data.DATASETS[c.dataset].image_shape == SHAPE])
        self.score_summaries: dict[
            str, tuple[out_of_distribution.ScoreSummary, out_of_distribution.Census | None]
        ] = {}
        self.image = np.zeros(SHAPE, np.uint8)
        self.other = "grey"
        self._test_index: int | None = None  # of the image, if it is a test image
        self._png = 0
        self._job: Job | None = None
        self._offered = ""  # what the banner says of the run inside a picture
        super().__init__(page)

    # --- widgets

    def build(self) -> None:
        self.scores, self.drawing = self.new_lane("scores"), self.new_lane("sample")
        self.scores.frames_arrived.connect(self._hear)
        self.scores.failed.connect(self.page.banner.show_error)
        self.drawing.frames_arrived.connect(self._show_drawing)
        self.drawing.finished.connect(self._keep_drawing)
        self.drawing.failed.connect(self.page.banner.show_error)
        self._make_sources()
        self._make_rows()
        row = QHBoxLayout()
        row.setSpacing(round(theme.em()))
        row.addWidget(self.panel, 32)
        row.addWidget(self.table, 68)
        self.column.addLayout(row, 1)
        self._choose(out_of_distribution.OTHERS.index(self.other))

    def _make_sources(self) -> None:
        sets = [(f"set:{name}", kept.title) for name, kept in out_of_distribution.SETS.items()]
        drawn = [(f"model:{card.id}", f"drawn by {score_words.name_of(card)}") for card in self.cards]
        self.panel = SourcePanel([*sets, *drawn], COUNT, SHAPE)
        self.grid, self.said = self.panel.grid, self.panel.said
        self.source, self.stepper = self.panel.source, self.panel.stepper
        self.grid.stroked.connect(self._painted)
        self.source.currentIndexChanged.connect(lambda: self.take(self.stepper.index))
        self.stepper.stepped.connect(self.take)
        for button, act in (
            (self.panel.invert, self._invert),
            (self.panel.blank, self._blank),
            (self.panel.open, self.ask),
            (self.panel.paste, self.paste_picture),
        ):
            button.clicked.connect(lambda _=False, act=act: act())

    def _make_rows(self) -> None:
        shorts = [out_of_distribution.SETS[name].short for name in out_of_distribution.OTHERS]
        self.table = ScoreTable(self.cards, shorts)
        self.rows, self.png, self.raw = self.table.rows, self.table.png, self.table.raw
        self.header, self.others = self.table.header, self.table.others
        self.explained = self.table.explained
        for card in self.cards:
            self.rows[card.id].set_content(score_words.waiting(card))
            self.rows[card.id].clicked.connect(lambda _=False, card=card: self._open_view(card))
        self.others.chosen.connect(self._choose)

    # --- being seen

    def wake(self) -> None:
        """Go on, or begin with the first test image."""
        self.scores.resume()
        self.drawing.resume()
        if self.scores.state == "idle" and self.drawing.state == "idle" and self._job is None:
            self.take(0)

    def rest(self) -> None:
        """Nobody looks: stop after the model that is being asked."""
        self.scores.pause()
        self.drawing.pause()

    def reopen(self) -> None:
        """Ask the models on another device."""
        self.bench.clear()
        if self.scores.state != "idle":
            self._ask_models()
            if not self.isVisible():
                self.rest()

    # --- where pictures come from

    def take(self, index: int) -> None:
        """Picture ``index`` of the source; of a model, the one with that seed."""
        kind, _, name = self.source.currentData().partition(":")
        self.stepper.index = index
        self._withdraw_offer()
        if kind == "set":
            self.drawing.stop()
            self.stepper.show_index(index)
            image = out_of_distribution.pictures(name, 1, first=index)[0]
            known = ""
            if name == out_of_distribution.GARMENTS:
                labels = data.load(out_of_distribution.DATASET, "test")[1]
                known = f": {data.DATASETS['fashion'].classes[labels[index]]}"
            self._present(
                image, f"{out_of_distribution.SETS[name].title.capitalize()}, number {index}{known}"
            )
            self._test_index = index if name == out_of_distribution.GARMENTS else None
            return
        card = next(c for c in self.cards if c.id == name)
        self.scores.stop()
        self._mark_stale()
        self.stepper.label.setText(f"seed {index}")
        self.said.setText(f"{card.system} is drawing …")
        self.drawing.play(lambda: scoring.fresh_sample(self.bench, card, index))

    @property
    def is_settled(self) -> bool:
        """Every model has been asked."""
        return all(lane.state not in ("waiting", "running") for lane in (self.scores, self.drawing))

    def state(self) -> dict[str, Any]:
        """Where the picture came from, and what its garments are compared with."""
        return {"source": self.source.currentData(), "index": self.stepper.index, "against": self.other}

    def restore(self, kept: PictureMetadata) -> None:
        """Take that picture again."""
        source, index = self.source.findData(kept.state.get("source")), kept.state.get("index", 0)
        against = kept.state.get("against", self.other)
        known = source >= 0 and type(index) is int and 0 <= index < COUNT
        if not known or against not in out_of_distribution.OTHERS:
            self.page.banner.show_error("There is no such picture in One image.")
            return
        with QSignalBlocker(self.source):
            self.source.setCurrentIndex(source)
        self.source.update()
        self._choose(out_of_distribution.OTHERS.index(against))
        self.take(index)

    def _show_drawing(self, frames: list[Frame]) -> None:
        self.grid.show_picture(frames[-1].images[0])

    def _keep_drawing(self) -> None:
        key = self.source.currentData().partition(":")[2]
        name = score_words.name_of(next(c for c in self.cards if c.id == key))
        self._present(self.grid.picture(), f"Drawn by {name}, seed {self.stepper.index}")

    def _painted(self, image: np.ndarray) -> None:
        self.drawing.stop()
        self._present(image, "Painted over", patient=True)

    def _invert(self) -> None:
        self.drawing.stop()
        said = self.said.text().removesuffix(", then inverted")
        self._present(
            255 - self.grid.picture(), said if said != self.said.text() else f"{said}, then inverted"
        )

    def _blank(self) -> None:
        self.drawing.stop()
        self._present(np.zeros(SHAPE, np.uint8), "All black: paint on it")

    def ask(self) -> None:
        """Through the system's dialog."""
        kinds = " ".join(f"*.{ending}" for ending in image_import.ENDINGS)
        ask_to_open(self, "Open a picture", f"Pictures ({kinds})", self.take_file)

    def take_file(self, path: Path) -> bool:
        """Any file but a checkpoint; it is read beside the window, and what is wrong with it stands in the banner."""
        if path.suffix.lower() == ".safetensors":
            return False
        self._read(lambda: image_import.read(path, SHAPE[0]), path)
        return True

    def take_picture(self, picture: QImage) -> bool:
        """Pixels that were dropped or pasted."""
        pixels = array_of(picture)
        self._read(lambda: image_import.from_array(pixels, "pasted picture", SHAPE[0]))
        return True

    def paste_picture(self) -> None:
        """From the clipboard: a picture, or a file that was copied."""
        held = clipboard.contents()
        files = [url for url in held.urls() if url.isLocalFile()] if held.hasUrls() else []
        image = QGuiApplication.clipboard().image() if held.hasImage() else QImage()
        if not image.isNull():
            self.take_picture(image)
        elif files:
            self.take_file(Path(files[0].toLocalFile()))
        else:
            self.page.banner.show_warning("There is no picture in the clipboard.")

    def _read(self, read: Callable[[], image_import.Incoming], path: Path | None = None) -> None:
        """Decode on a thread of its own; the last one asked for is shown."""
        found: list[tuple[image_import.Incoming, PictureMetadata | None]] = []
        job = Job(lambda tick: found.append((read(), _inside(path))), self)

        def done() -> None:
            if self._job is job:
                picture, kept = found[0]
                self.drawing.stop()
                self.page.banner.clear()
                self._present(picture.pixels, picture.said.rstrip("."))
                if kept is not None and path is not None:
                    self._offer_run(kept, path.name)

        job.finished.connect(done)
        job.failed.connect(lambda said: self.page.banner.show_error(f"{said}."))
        self._job = job
        job.start()

    def _offer_run(self, kept: PictureMetadata, name: str) -> None:
        """A picture of ours is scored like any other, and can still be opened for what it was exported of."""
        said = f"{name} is scored as a picture; it was exported here from {kept.model}, with all its settings inside."
        self.page.banner.show_notice(said, lambda: self.page.run_wanted.emit(kept, name), "Open its run")
        self._offered = self.page.banner.text()

    def _withdraw_offer(self) -> None:
        """Another picture stands there now."""
        if self._offered and self.page.banner.text() == self._offered:
            self.page.banner.clear()
        self._offered = ""

    # --- before the models

    def _present(self, image: np.ndarray, said: str, patient: bool = False) -> None:
        self.image, self._test_index = image, None
        self.page.changing.emit()
        if not np.array_equal(self.grid.picture(), image) or not self.grid.count():
            self.grid.show_picture(image)
        self.said.setText(f"{said}.")
        self._ask_models(patient)

    def moment(self) -> tuple[bytes, str, int | None, int, int]:
        """The picture, what is said of it, and where it came from."""
        place = self.source.currentIndex(), self.stepper.index
        return self.image.tobytes(), self.said.text(), self._test_index, *place

    def put_back(self, moment: tuple[bytes, str, int | None, int, int]) -> None:
        """The picture as it was, before the models again."""
        pixels, said, test_index, source, index = moment
        self.drawing.stop()
        with QSignalBlocker(self.source):
            self.source.setCurrentIndex(source)
        self.stepper.show_index(index)
        self._present(np.frombuffer(pixels, np.uint8).reshape(SHAPE).copy(), said.removesuffix("."))
        self._test_index = test_index

    def _ask_models(self, patient: bool = False) -> None:
        self._mark_stale()
        bench, image = self.bench, self.image
        cards = [card for card in self.cards if card.likelihood != "none"]
        self.scores.play(lambda: scoring.score_summaries(bench, cards, image), patient=patient)

    def _mark_stale(self) -> None:
        self.score_summaries = {}
        for row in (*self.rows.values(), self.png):
            if not row.content.note and row is not self.raw:
                row.set_content(dataclasses.replace(row.content, stale=True), self._chosen)

    @property
    def _chosen(self) -> int:
        return out_of_distribution.OTHERS.index(self.other)

    def _hear(self, messages: list[Message[PngSize | Scored | NotScored]]) -> None:
        for found in (message.payload for message in messages):
            if isinstance(found, PngSize):
                self._png = found.num_bytes
                self._draw_files()
            else:
                self._take_score(found)

    def _take_score(self, found: Scored | NotScored) -> None:
        card = next(c for c in self.cards if c.id == found.id)
        if isinstance(found, NotScored):
            self.rows[card.id].set_content(score_words.failed(card, found.sentence), self._chosen)
            return
        self.score_summaries[card.id] = found.score_summary, found.census
        self._draw(card)

    def _draw(self, card: Card) -> None:
        score_summary, census = self.score_summaries[card.id]
        self.rows[card.id].set_content(
            score_words.scored(card, score_summary, census, self.other), self._chosen
        )
        counts = tuple(c.count for _, c in self.score_summaries.values() if c is not None)
        found = [(s.score.value, c) for s, c in self.score_summaries.values() if c is not None]
        shares = [c.share_below(math.inf if math.isnan(v) else v) for v, c in found if v is not None]
        short, long = score_words.so_what(shares), score_words.explained(counts, self.other)
        said = (short,) if theme.lecture() and short else (short, long)  # a hall needs the room for the rows
        self.explained.setText("<br>".join(filter(None, said)))
        self.explained.setToolTip(long)

    def _draw_files(self) -> None:
        self.png.set_content(RowContent("PNG file", size=self._png, slim=True), self._chosen)
        self.raw.set_content(RowContent("raw bytes", size=RAW, slim=True), self._chosen)
        for row in self.table.all_rows:
            row.set_scale(RAW, self._png)

    def _choose(self, index: int) -> None:
        self.other = out_of_distribution.OTHERS[index]
        self.others.set_index(index)
        self.header.choose(index)
        for row in self.table.all_rows:
            row.set_content(row.content, index)
        for card in self.cards:
            if card.id in self.score_summaries:
                self._draw(card)

    def _open_view(self, card: Card) -> None:
        view = score_words.view_of(card)
        settings = {} if self._test_index is None else {"image": self._test_index, "index": self._test_index}
        self.page.go(LinkTarget(card.family, card.id, view, settings))

    # --- keys

    def handle_key(self, event: QKeyEvent) -> bool:
        """N, P, D walk over the source; I inverts; Ctrl+V pastes."""
        if event.modifiers() == Qt.KeyboardModifier.ControlModifier and event.key() == Qt.Key.Key_V:
            self.paste_picture()
            return True
        acts = {
            Qt.Key.Key_N: self.stepper.next.click,
            Qt.Key.Key_P: self.stepper.previous.click,
            Qt.Key.Key_D: self.stepper.any.click,
            Qt.Key.Key_I: self._invert,
        }
        act = acts.get(Qt.Key(event.key()))
        if act is None or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        act()
        return True


def _inside(path: Path | None) -> PictureMetadata | None:
    """The settings in a picture, if it was exported from here."""
    if path is not None:
        with contextlib.suppress(picture_metadata.PictureMetadataError):
            return picture_metadata.read(path)
    return None


def _in_order(cards: list[Card]) -> list[Card]:
    """Exact values first, those that can say nothing last."""
    words = score_words.ORDER
    return sorted(cards, key=lambda card: words.index(card.likelihood) if card.likelihood in words else 9)
