"""A place for a picture: one of a data set by number or by name, a file, what was pasted or dropped; a part may be painted over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from playground.data import image_import
from playground.ui.pictures import clipboard
from playground.ui.pictures.mask_grid import MaskGrid
from playground.ui.pictures.pixels import array_of
from playground.ui.playback.job import Job
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented
from playground.ui.widgets.file_dialogs import ask_to_open
from playground.ui.widgets.stepper import Stepper


class PictureSlot(QWidget):
    """Shows what it is given; ``stepped`` and ``given`` say what is wanted, ``masked`` where it was painted over.

    Args:
        shape: (H,W,C) of a picture; 3 for C takes colours.
        what: one picture of the data set ("drawing").
        names: of the pictures of the data set, in order.
        masks: whether parts can be painted over.
        grid: what shows the picture, if it is no plain mask.
    """

    stepped = Signal(int)  # to a picture of the data set
    given = Signal(object, str)  # uint8 (H,W,C) from elsewhere, and a sentence about it
    masked = Signal(object)  # bool (H,W)
    refused = Signal(str)  # one sentence

    def __init__(
        self,
        shape: tuple[int, int, int],
        what: str,
        names: Sequence[str],
        masks: bool = False,
        parent: QWidget | None = None,
        grid: MaskGrid | None = None,
    ) -> None:
        super().__init__(parent)
        self._shape = shape
        self._job: Job | None = None
        self.grid = grid or MaskGrid(shape)
        self.grid.paints = masks
        self.said = QLabel()
        self.said.setProperty("role", "caption")
        self.said.setWordWrap(True)
        self.stepper = Stepper(what, len(names))
        self.search = QLineEdit()
        self.search.setPlaceholderText(f"find a {what} by name")
        self.search.setAccessibleName(self.search.placeholderText())
        self.open, self.paste = QPushButton("Open …"), QPushButton("Paste")
        self.open.setToolTip("A picture of any size (or drop it here)")
        self.paste.setToolTip("A picture from the clipboard (Ctrl+V)")
        self.brush, self.none = Segmented(["paint", "erase"]), QPushButton("Clear")
        self.brush.setToolTip("What dragging over the picture does (the right button does the other)")
        self.none.setToolTip("Nothing is painted over")
        self._names = list(names)
        completer = QCompleter(self._names, self.search)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search.setCompleter(completer)
        self._connect(completer)
        self._lay_out(masks)
        self.setAcceptDrops(True)
        theme.signals.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """In a hall the picture has the room of what finds others: there are the arrows, Ctrl+V and dropping."""
        for part in (self.search, self.open, self.paste):
            part.setVisible(not theme.lecture())

    def _connect(self, completer: QCompleter) -> None:
        completer.activated.connect(self.go_to_name)
        self.search.returnPressed.connect(lambda: self.go_to_name(self.search.text()))
        self.stepper.stepped.connect(self.stepped)
        self.open.clicked.connect(self.ask)
        self.paste.clicked.connect(self.take_clipboard)
        self.brush.chosen.connect(lambda index: setattr(self.grid, "erases", index == 1))
        self.none.clicked.connect(lambda: self._mask(np.zeros(self._shape[:2], bool)))
        self.grid.masked.connect(self.masked)

    def _lay_out(self, masks: bool) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.4))
        column.addWidget(self.grid, 1)
        column.addWidget(self.said)
        tools, files = QHBoxLayout(), QHBoxLayout()
        for part, stretch in ((self.brush, 1), (self.none, 0)):
            tools.addWidget(part, stretch)
            part.setVisible(masks)
        column.addLayout(tools)
        column.addWidget(self.stepper)
        column.addWidget(self.search)
        for part in (self.open, self.paste):
            files.addWidget(part, 1)
        column.addLayout(files)

    # --- what a view calls

    def show_picture(self, picture: np.ndarray, index: int | None, said: str = "") -> None:
        """Show uint8 (H,W,C): number ``index`` of the data set, or one from elsewhere, about which ``said`` is said."""
        self.grid.show_picture(picture)
        self.grid.set_known(~self.grid.covered if self.grid.covered.any() else None)
        if index is not None:
            self.stepper.index = index
            self.stepper.show_index(index)
        self.said.setText(said or (self._names[index] if index is not None else ""))

    def set_mask(self, mask: np.ndarray) -> None:
        """What is painted over, bool (H,W); nothing is emitted."""
        self.grid.set_mask(mask)

    def _mask(self, mask: np.ndarray) -> None:
        self.grid.set_mask(mask)
        self.masked.emit(mask)

    # --- where pictures come from

    def go_to_name(self, name: str) -> None:
        """The first picture whose name has this in it."""
        wanted = name.strip().lower()
        found = next((i for i, one in enumerate(self._names) if wanted == one.lower()), None)
        if found is None:
            found = next((i for i, one in enumerate(self._names) if wanted and wanted in one.lower()), None)
        if found is None:
            self.refused.emit(f"None of these drawings is called “{name.strip()[:40]}”.")
        else:
            self.stepped.emit(found)

    def ask(self) -> None:
        """Through the system's dialog."""
        kinds = " ".join(f"*.{ending}" for ending in image_import.ENDINGS)
        ask_to_open(self, "Open a picture", f"Pictures ({kinds})", self.take_file)

    def take_file(self, path: Path) -> None:
        """Any picture file, decoded beside the window."""
        side, colour = self._shape[0], self._shape[2] == 3
        self._read(lambda: image_import.read(path, side, colour))

    def take_picture(self, picture: QImage) -> None:
        """Pixels that were dropped or pasted."""
        pixels, side, colour = array_of(picture), self._shape[0], self._shape[2] == 3
        self._read(lambda: image_import.from_array(pixels, "pasted picture", side, colour))

    def take_clipboard(self) -> None:
        """A picture, or a file that was copied."""
        held = clipboard.contents()
        files = [url for url in held.urls() if url.isLocalFile()] if held.hasUrls() else []
        image = QGuiApplication.clipboard().image() if held.hasImage() else QImage()
        if not image.isNull():
            self.take_picture(image)
        elif files:
            self.take_file(Path(files[0].toLocalFile()))
        else:
            self.refused.emit("There is no picture in the clipboard.")

    def _read(self, read: Callable[[], image_import.Incoming]) -> None:
        """On a thread of its own; the last one asked for is given."""
        found: list[image_import.Incoming] = []
        job = Job(lambda tick: found.append(read()), self)

        def done() -> None:
            if self._job is job:
                self.given.emit(found[0].pixels, found[0].said)

        job.finished.connect(done)
        job.failed.connect(lambda said: self.refused.emit(f"{said}."))
        self._job = job
        job.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and pictures may be dropped."""
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        held = event.mimeData()
        files = [url for url in held.urls() if url.isLocalFile()] if held.hasUrls() else []
        image = held.imageData() if held.hasImage() else None
        if files:
            self.take_file(Path(files[0].toLocalFile()))
        elif isinstance(image, QImage) and not image.isNull():
            self.take_picture(image)
        else:
            self.refused.emit("That is no picture and no file of this machine.")
        event.acceptProposedAction()
