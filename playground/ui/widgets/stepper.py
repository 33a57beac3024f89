"""One line under a picture: which one of many it is, the previous, the next, and one at random."""

from __future__ import annotations

import random

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton
from playground.ui.widgets.key_home import hand_back


class Stepper(QWidget):
    """Walks over the whole numbers 0..count-1; ``stepped`` carries where to go, and whoever hears it calls ``show_index``."""

    stepped = Signal(int)

    def __init__(self, what: str, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what, self._count = what, count
        self.index = 0  # where the steps start: set at once, while the label waits for the picture
        self.label = QLabel()
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
        self.label.setCursor(Qt.CursorShape.IBeamCursor)
        self.label.installEventFilter(self)
        self.field = QLineEdit()
        self.field.setAccessibleName(f"Number of the {what}")
        self._validator = QIntValidator(0, count - 1, self.field)
        self.field.setValidator(self._validator)
        self._say_range()
        self.field.setMaximumWidth(round(theme.em() * 6))
        self.field.hide()
        self.field.returnPressed.connect(lambda: self._type(int(self.field.text())))
        self.field.editingFinished.connect(self.field.hide)
        row.insertWidget(row.indexOf(self.label) + 1, self.field)
        self.show_index(0)

    def set_count(self, count: int) -> None:
        """Walk over so many from now on."""
        self._count = count
        self._validator.setTop(count - 1)
        self._say_range()

    def _say_range(self) -> None:
        self.label.setToolTip(f"Click to type the number of a {self._what}, 0 to {self._count - 1:,}")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click on the words opens a field for the number."""
        if watched is self.label and event.type() == QEvent.Type.MouseButtonPress:
            self.field.setText(str(self.index))
            self.field.show()
            self.field.setFocus()
            self.field.selectAll()
            return True
        return False

    def _type(self, index: int) -> None:
        self.field.hide()
        self.stepped.emit(index)
        hand_back(self)

    def show_index(self, index: int, more: str = "") -> None:
        """Say where we are, and what is there."""
        self.label.setText(f"{self._what} {index}" + (f": {more}" if more else ""))

    def step(self, by: int) -> None:
        """Ask for another one; the last is followed by the first."""
        self.stepped.emit((self.index + by) % self._count)

    def step_anywhere(self) -> None:
        """Ask for any other one."""
        self.stepped.emit((self.index + random.randrange(1, self._count)) % self._count)
