"""The user's own target: a field to draw on with brush, eraser and undo, or the points of a CSV file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from playground.data import image_import, plane
from playground.experiments.plane.outline import outline
from playground.tabs.plane import target_spec
from playground.ui.pictures.paint_grid import PaintGrid
from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton
from playground.ui.widgets.file_dialogs import ask_to_open

_REST = 120  # ms without another dab: what was drawn is to be learned
_MOST_UNDO = 100
_HINT = (
    "Draw a shape: the left button paints, the right one erases. Or drop a CSV of points (x,y), or a picture: its outline "
    "becomes the shape."
)


class OwnTarget(QWidget):
    """``changed`` carries a target's spec, or None where nothing is drawn; ``refused`` one sentence."""

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        side = target_spec.SIDE
        self.field = PaintGrid((side, side, 1))
        self.field.setAccessibleName("Your own target; drag to draw")
        self.field.show_picture(np.zeros((side, side, 1), np.uint8))
        self._before: list[np.ndarray] = []  # the field before each stroke
        self._rested = self.field.picture()  # as it was when the last stroke ended
        self._soon = QTimer(self, singleShot=True, interval=_REST)
        self._soon.timeout.connect(self._stroke_ended)
        self.field.stroked.connect(lambda _: self._soon.start())
        self.hint = QLabel(_HINT)
        self.hint.setProperty("role", "caption")
        self.hint.setWordWrap(True)
        self._make_buttons()
        row = QHBoxLayout()
        for button in (self.eraser, self.undo_button, self.clear_button, self.file_button):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.4))
        column.addWidget(self.field, 1)
        column.addLayout(row)
        column.addWidget(self.hint)

    def _make_buttons(self) -> None:
        self.eraser = QPushButton("Eraser")
        self.eraser.setCheckable(True)
        self.eraser.toggled.connect(self._set_eraser)
        self.undo_button = IconButton("reset", "Take the last stroke back")
        self.undo_button.clicked.connect(self.undo)
        self.clear_button = QPushButton("Clear")
        self.clear_button.clicked.connect(self.clear)
        self.file_button = QPushButton("File …")
        self.file_button.setToolTip(
            "A CSV file with two columns, x and y, or a picture, whose outline is taken"
        )
        self.file_button.clicked.connect(self._ask)

    def _set_eraser(self, on: bool) -> None:
        self.field.erases = on

    # --- drawing

    def _stroke_ended(self) -> None:
        now = self.field.picture()
        if np.array_equal(now, self._rested):
            return
        self._before = [*self._before, self._rested][-_MOST_UNDO:]
        self._take(now)

    def undo(self) -> None:
        """Back to before the last stroke."""
        self._soon.stop()
        if self._before:
            last = self._before.pop()
            self.field.show_picture(last)
            self._take(last)

    def clear(self) -> None:
        """An empty field; it can be taken back."""
        self._soon.stop()
        if self.field.picture().any():
            self._before.append(self.field.picture())
            empty = np.zeros_like(self._rested)
            self.field.show_picture(empty)
            self._take(empty)

    def _take(self, picture: np.ndarray) -> None:
        self._rested = picture
        self.hint.setText(_HINT)
        self.changed.emit(target_spec.drawn(picture[..., 0]) if picture.any() else None)

    # --- files, and what was kept

    def _ask(self) -> None:
        pictures = " ".join(f"*.{ending}" for ending in image_import.ENDINGS)
        ask_to_open(
            self, "Points or a picture", f"Points and pictures (*.csv *.txt {pictures})", self.take_file
        )

    def take_file(self, path: Path) -> bool:
        """Points of a file, or the outline of a picture, become the target, or a sentence says why not; False if it is neither."""
        if path.suffix.lower().removeprefix(".") in image_import.ENDINGS:
            self._take_picture(path)
            return True
        if path.suffix.lower() not in (".csv", ".txt"):
            return False
        try:
            spec = target_spec.of_points(plane.read_csv(path))
        except (OSError, ValueError) as error:
            self.refused.emit(str(error))
            return True
        self._show_points(spec)
        self.changed.emit(spec)
        return True

    def _take_picture(self, path: Path) -> None:
        side = target_spec.SIDE
        try:
            found = outline(image_import.read(path, side).pixels[..., 0])
        except image_import.PictureError as error:
            self.refused.emit(str(error))
            return
        if not found.any():
            self.refused.emit(f"{path.name} is even all over: it has no outline to learn.")
            return
        self._before = [*self._before, self._rested][-_MOST_UNDO:]
        self.field.show_picture(found[..., None])
        self._take(found[..., None])

    def show_spec(self, spec: target_spec.Spec | None) -> None:
        """What a kept picture had as its own target; nothing is emitted."""
        if spec is not None and target_spec.DRAWN in spec:
            self._rested = target_spec.heights_of(spec)[..., None]
            self.field.show_picture(self._rested)
            self.hint.setText(_HINT)
        elif spec is not None:
            self._show_points(spec)

    def _show_points(self, spec: target_spec.Spec) -> None:
        self.hint.setText(
            f"{spec['name']}: {len(spec[target_spec.POINTS]):,} points of a file. Draw to replace them."
        )
