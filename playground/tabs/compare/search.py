"""*Search*: the drawings that fit words, a picture or both, and which of some classes a picture is, by a network never told classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout

from playground.checkpoints import judges
from playground.contract import Message, plain
from playground.data import emoji
from playground.data.emoji import words as emoji_words
from playground.export.picture_metadata import PictureMetadata
from playground.families import FROM_PICTURE
from playground.tabs.frame.model_cache import ModelCache
from playground.tabs.frame.page import Scene
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.picture_slot import PictureSlot
from playground.ui.plots.named_bars import NamedBars
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented

COUNT = 24  # drawings that are shown
BY_WORDS, BY_PICTURE, BY_BOTH = range(3)
CLASSES = "grinning face; cat face; dog face; red heart; automobile; house; tree; apple; book; flag"
_LONGEST = 300  # characters of a line
_MOST_CLASSES = 12
_LONGEST_NAME = 11  # characters under a picture, beside its score


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is looked for: words ("" for none), a picture uint8 (32,32,3) or None; and the classes that are asked about."""

    words: str
    picture: np.ndarray | None
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Found:
    """Drawings uint8 (N,32,32,3), best first, with what each is called and its cosine; and how probable each class is."""

    images: np.ndarray
    names: tuple[str, ...]
    scores: tuple[float, ...]
    classes: tuple[str, ...]
    probabilities: np.ndarray
    asked: str  # of what the classes are


def search(cache: ModelCache, wanted: Wanted) -> Iterator[Message[Found]]:
    """On the worker."""
    model = cache.get(judges.CLIP)
    looked_for = [model.of_prompts([wanted.words])[0]] if wanted.words else []
    pictured = model.of_pictures(wanted.picture[None])[0] if wanted.picture is not None else None
    looked_for += [pictured] if pictured is not None else []
    hits = model.search(sum(looked_for), COUNT)
    every = emoji.drawings()
    place = {key: i for i, key in enumerate(zip(every.names.tolist(), every.styles.tolist(), strict=True))}
    images = every.images[[place[name, style] for name, style, _ in hits]]
    direction = pictured if pictured is not None else model.of_pictures(images[:1])[0]
    yield Message(
        Found(
            images,
            tuple(f"{name.replace('-', ' ')} ({style})" for name, style, _ in hits),
            tuple(score for *_, score in hits),
            wanted.classes,
            model.zero_shot(direction, wanted.classes),
            "the picture" if pictured is not None else "the first",
        )
    )


class Search(Scene):
    """Words and a picture at the left, what fits them in the middle, classes at the right."""

    name = "Search"
    group = FROM_PICTURE
    why_small = (
        "two dozen drawings stand side by side, so that one sees what they share; a double click enlarges any"
    )
    sentence = (
        "Words and pictures as directions in one space (CLIP): what points the same way is found. Drop a picture, or click one "
        "that was found to look for more like it."
    )

    def build(self) -> None:
        """The lines, the slot, the grid, the bars."""
        self.picture: np.ndarray | None = None  # from elsewhere, in place of the drawing of that number
        self.said, self.index = "", 0
        held = emoji.load(emoji.split_for("test"))
        self._drawings = held.images
        names = [f"{n.replace('-', ' ')} ({s})" for n, s in zip(held.names, held.styles, strict=True)]
        self.words, self.classes = QLineEdit("red heart"), QLineEdit(CLASSES)
        for line, name in (
            (self.words, "What to look for, in words"),
            (self.classes, "Classes, parted by semicolons"),
        ):
            line.setMaxLength(_LONGEST)
            line.setAccessibleName(name)
            line.setPlaceholderText(name)
            line.textEdited.connect(lambda _: self.ask())
            line.setCursorPosition(0)
        self.by = Segmented(["words", "picture", "both"])
        self.by.setToolTip(
            "What is looked for: what the words say, what the picture shows, or the sum of both directions"
        )
        self.by.chosen.connect(lambda _: self.ask())
        self.slot = PictureSlot((emoji.SIDE, emoji.SIDE, 3), "drawing", names)
        self.slot.stepped.connect(self.step)
        self.slot.given.connect(self.give)
        self.slot.refused.connect(self.page.banner.show_warning)
        self.grid = ImageGrid()
        self.grid.setAccessibleName(
            "Drawings, the one that fits best first; Ctrl+Enter looks for more like it"
        )
        self.grid.picked.connect(lambda sample, row, column: self._more_like(sample))
        self.grid.may_show_fewer = True
        self.bars = NamedBars()
        self.remark = QLabel()
        self.remark.setProperty("role", "caption")
        self.remark.setWordWrap(True)
        self.found: Found | None = None
        self._lay_out()
        self.lane = self.new_lane("search")
        self.lane.frames_arrived.connect(lambda messages: self._show(messages[-1].payload))
        self.lane.failed.connect(self.page.banner.show_error)
        self._show_picture()

    def _lay_out(self) -> None:
        self._left, self._right, self._row = QVBoxLayout(), QVBoxLayout(), QHBoxLayout()
        self._left.addWidget(self.by)
        self._left.addWidget(self.words)
        self._left.addWidget(self.remark)
        self._left.addWidget(self.slot, 1)
        self._row.setSpacing(round(theme.em()))
        self._row.addLayout(self._left)
        self._row.addWidget(self.grid)
        self._row.addLayout(self._right)
        self.column.addLayout(self._row, 1)
        theme.signals.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """In a hall the classes stand below the words, and what was found has their room."""
        hall = theme.lecture()
        place = self._left if hall else self._right
        place.addWidget(self.classes)
        place.addWidget(self.bars, 1)
        for at, share in enumerate((30, 70, 0) if hall else (24, 50, 26)):
            self._row.setStretch(at, share)
        self._show_slot()
        if self.found is not None:
            self._show(self.found)

    def _show_slot(self) -> None:
        self.slot.setVisible(not theme.lecture() or self.by.index() != BY_WORDS)

    # --- what is looked for

    def step(self, index: int) -> None:
        """Look for what is like a held-out drawing."""
        self.index, self.picture, self.said = index, None, ""
        self._by_picture()

    def give(self, picture: np.ndarray, said: str) -> None:
        """Look for what is like a picture uint8 (32,32,3) from elsewhere."""
        self.picture, self.said = picture, said
        self._by_picture()

    def _more_like(self, sample: int) -> None:
        found = self.found
        if found is not None and 0 <= sample < len(found.images):
            self.give(found.images[sample], found.names[sample])

    def _by_picture(self) -> None:
        self._show_picture()
        if self.by.index() == BY_WORDS:
            self.by.set_index(BY_PICTURE)  # which asks
        else:
            self.ask()

    def _show_picture(self) -> None:
        own = self.picture
        shown = own if own is not None else self._drawings[self.index]
        self.slot.show_picture(shown, self.index if own is None else None, self.said)

    def ask(self) -> None:
        """Look for what the lines and the picture say now."""
        self.page.banner.clear()
        self.page.changing.emit()
        self._show_slot()
        words = plain(self.words.text(), _LONGEST).strip() if self.by.index() != BY_PICTURE else ""
        read = emoji_words.understood(words)
        unknown = bool(words) and not (read.words or read.style)
        self.remark.setText(read.missed if words else "")
        self.remark.setVisible(bool(self.remark.text()))
        if self.by.index() == BY_WORDS and (unknown or not words):
            self.remark.setText(read.missed or "Say what to look for.")
            self.remark.show()
            return
        picture = None
        if self.by.index() != BY_WORDS:
            picture = self.picture if self.picture is not None else self._drawings[self.index]
        wanted = Wanted("" if unknown else words, picture, self.class_names)
        cache = self.page.model_cache
        self.lane.touch()
        self.lane.play(lambda: search(cache, wanted), paused=not self.isVisible(), patient=True)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the second line names; the usual ones while it names none."""
        said = [part.strip() for part in plain(self.classes.text(), _LONGEST).split(";")]
        return tuple(dict.fromkeys(filter(None, said)))[:_MOST_CLASSES] or tuple(CLASSES.split("; "))

    # --- what was found

    def _show(self, found: Found) -> None:
        self.found = found
        if theme.lecture():  # in large type there is room for the names alone
            captions = [name.partition(" (")[0] for name in found.names]
        else:
            captions = [f"{_short(n)} {s:.2f}" for n, s in zip(found.names, found.scores, strict=True)]
        self.grid.set_images(found.images, captions=captions)
        self.bars.set_values(f"Which of these is {found.asked}?", found.classes, found.probabilities)

    # --- what the page calls

    def wake(self) -> None:
        """Begin, or go on."""
        if self.found is None and self.lane.state == "idle":
            self.ask()
        self.lane.resume()

    def rest(self) -> None:
        """Nobody looks."""
        self.lane.pause()

    def reopen(self) -> None:
        """On another device."""
        if self.found is not None:
            self.ask()

    @property
    def is_settled(self) -> bool:
        """What was asked for last is shown."""
        return self.lane.state not in ("waiting", "running")

    def take_file(self, path: Path) -> bool:
        """Any file but a checkpoint."""
        if path.suffix.lower() == ".safetensors":
            return False
        self.slot.take_file(path)
        return True

    def take_picture(self, picture: QImage) -> bool:
        """Pixels that were dropped or pasted."""
        self.slot.take_picture(picture)
        return True

    def handle_key(self, event: QKeyEvent) -> bool:
        """N, P and D step through the drawings."""
        stepper = self.slot.stepper
        press = {"n": stepper.next, "p": stepper.previous, "d": stepper.any}.get(event.text())
        if press is None:
            return False
        press.click()
        return True

    # --- keeping

    def state(self) -> dict[str, Any]:
        """Lines, which of words and picture count, and the number of the drawing; no pixels from elsewhere."""
        kept = {"by": self.by.index(), "words": self.words.text(), "classes": self.classes.text()}
        return {**kept, "index": self.index}

    def restore(self, kept: PictureMetadata) -> None:
        """As it was."""
        by, index = kept.state.get("by", 0), kept.state.get("index", 0)
        lines = [kept.state.get(name, "") for name in ("words", "classes")]
        numbers = (
            type(by) is int and type(index) is int and 0 <= by <= BY_BOTH and 0 <= index < len(self._drawings)
        )
        if not numbers or not all(isinstance(line, str) and len(line) <= _LONGEST for line in lines):
            self.page.banner.show_error("There is no such search.")
            return
        self.put_back((by, *lines, index, None, ""))

    def moment(self) -> tuple[Any, ...]:
        """What makes what is shown."""
        own = None if self.picture is None else self.picture.tobytes()
        return self.by.index(), self.words.text(), self.classes.text(), self.index, own, self.said

    def put_back(self, moment: tuple[Any, ...]) -> None:
        """Show a moment again."""
        by, words, classes, self.index, own, self.said = moment
        shape = (emoji.SIDE, emoji.SIDE, 3)
        self.picture = None if own is None else np.frombuffer(own, np.uint8).reshape(shape).copy()
        self.words.setText(words)
        self.classes.setText(classes)
        self._show_picture()
        with QSignalBlocker(self.by):
            self.by.set_index(by)
        self.ask()


def _short(name: str) -> str:
    text = name.partition(" (")[0]
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
