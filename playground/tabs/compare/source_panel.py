"""The left of "One image": the picture, where it is taken from, and tools to change it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from playground.ui.pictures.paint_grid import PaintGrid
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented, combo
from playground.ui.widgets.stepper import Stepper


class SourcePanel(QWidget):
    """Only widgets; what they do is the scene's business, but for the brush.

    Args:
        sources: (key, words) of everything that pictures can be taken from.
        count: how many pictures each has.
        shape: (H, W, C) of one.
    """

    def __init__(self, sources: Sequence[tuple[str, str]], count: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.grid = PaintGrid(shape)
        self.said = caption_label()
        self.source = combo(list(sources))
        self.source.setAccessibleName("Where pictures are taken from")
        self.stepper = Stepper("picture", count)
        self.brush = Segmented(["paint", "erase"])
        self.brush.setToolTip("What dragging over the picture does (the right button does the other)")
        self.brush.chosen.connect(self._set_brush)
        self.invert = _button("Invert", "Black becomes white (I)")
        self.blank = _button("Black", "An empty picture to paint on")
        self.open = _button("Open …", "A picture of any size (or drop it on the window)")
        self.paste = _button("Paste", "A picture from the clipboard (Ctrl+V)")
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.5))
        column.addWidget(self.grid, 1)
        column.addWidget(self.said)
        column.addWidget(self.source)
        column.addWidget(self.stepper)
        tools, files = QHBoxLayout(), QHBoxLayout()
        for row in (tools, files):
            row.setSpacing(round(theme.em() * 0.4))
            column.addLayout(row)
        tools.addWidget(self.brush, 1)
        for button in (self.invert, self.blank):
            tools.addWidget(button)
        for button in (self.open, self.paste):
            files.addWidget(button, 1)

    def _set_brush(self, index: int) -> None:
        self.grid.erases = index == 1


def caption_label() -> QLabel:
    """Quiet words of as many lines as they need."""
    label = QLabel()
    label.setProperty("role", "caption")
    label.setWordWrap(True)
    return label


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
