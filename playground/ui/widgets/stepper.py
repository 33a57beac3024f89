"""One line under a picture: which one of many it is, the previous, the next, and one at random."""

from __future__ import annotations

import random

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from playground.ui.theme.numbers import NumbersFont
from playground.ui.widgets.controls import IconButton


class Stepper(QWidget):
    """Walks over the whole numbers 0..count-1; ``stepped`` carries where to go, and whoever hears it calls ``show_index``."""

    stepped = Signal(int)

    def __init__(self, what: str, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what, self._count = what, count
        self.index = 0  # where the steps start: set at once, while the label waits for the picture
        self.label = QLabel()
        NumbersFont(self.label)
        self.previous = IconButton("chevron-left", f"Previous {what} (P)")
        self.next = IconButton("chevron-right", f"Next {what} (N)")
        self.any = IconButton("dice", f"A {what} at random (D)")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        for part in (self.previous, self.label, self.next, self.any):
            row.addWidget(part)
        row.addStretch(1)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        self.any.clicked.connect(self.step_anywhere)
        self.show_index(0)

    def set_count(self, count: int) -> None:
        """Walk over so many from now on."""
        self._count = count

    def show_index(self, index: int, more: str = "") -> None:
        """Say where we are, and what is there."""
        self.label.setText(f"{self._what} {index}" + (f": {more}" if more else ""))

    def step(self, by: int) -> None:
        """Ask for another one; the last is followed by the first."""
        self.stepped.emit((self.index + by) % self._count)

    def step_anywhere(self) -> None:
        """Ask for any other one."""
        self.stepped.emit((self.index + random.randrange(1, self._count)) % self._count)
