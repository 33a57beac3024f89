"""The sides of a fork in one line: which run is shown, and whether the one before stands beside it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from playground.ui.widgets.controls import IconButton, Segmented


class SideBar(QWidget):
    """Hidden while there is one run only."""

    chosen = Signal(int)
    beside = Signal()  # the run shown before is wanted beside this one
    forgotten = Signal()  # only the run that is shown is to be left

    def __init__(self) -> None:
        super().__init__()
        self.words = QLabel()
        self.words.setProperty("role", "caption")
        self.both = QPushButton("Side by side")
        self.both.setToolTip("Both runs at the same step, on one timeline; also as a difference, or in turn")
        self.both.clicked.connect(self.beside)
        self.cross = IconButton("close", "Keep only the run that is shown")
        self.cross.clicked.connect(self.forgotten)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 0, 8, 4)
        self.sides: Segmented | None = None
        self._row.addWidget(self.words, 1)
        self._row.addWidget(self.both)
        self._row.addWidget(self.cross)
        self._said: tuple[str, ...] = ()
        self.hide()

    def show_sides(self, names: Sequence[str], index: int, words: str) -> None:
        """Their names, which of them is shown, and what it changed."""
        if tuple(names) != self._said:
            self._said = tuple(names)
            self._replace(names)
        if self.sides is not None and self.sides.index() != index:
            self.sides.blockSignals(True)
            self.sides.set_index(index)
            self.sides.blockSignals(False)
        self.words.setText(words)
        self.setVisible(len(names) > 1)

    def _replace(self, names: Sequence[str]) -> None:
        if self.sides is not None:
            self._row.removeWidget(self.sides)
            self.sides.hide()
            self.sides.deleteLater()
            self.sides = None
        if len(names) > 1:
            self.sides = Segmented(names)
            self.sides.setAccessibleName("Which run is shown")
            self.sides.chosen.connect(self.chosen)
            self._row.insertWidget(0, self.sides)
