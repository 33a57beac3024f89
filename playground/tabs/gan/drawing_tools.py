"""What one draws with: pen, eraser or colour, how wide, in which colour, mirrored or not, and an empty sheet."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from playground.data.emoji.colours import GROUNDS
from playground.ui.pictures.drawing_grid import DrawingGrid, Tool
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented, Slider
from playground.ui.widgets.pressable import Pressable

_TOOLS: tuple[Tool, ...] = ("pen", "eraser", "colour")
_HALVES = (2, 10)  # widths of the pen, in half pixels
COLOURS = {
    **{name: rgb for name, rgb in GROUNDS.items() if name not in ("black", "grey")},
    "white": (255, 255, 255),
}


class DrawingTools(QWidget):
    """Turns the tools of a :class:`DrawingGrid`; ``cleared`` when an empty sheet is wanted."""

    cleared = Signal()

    def __init__(self, grid: DrawingGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = grid
        self.tool = Segmented(list(_TOOLS))
        self.tool.setToolTip("What dragging over the drawing does (the right button erases)")
        self.tool.chosen.connect(self._choose)
        self.width_slider = Slider()
        self.width_slider.setRange(*_HALVES)
        self.width_slider.setAccessibleName("Width of the pen")
        self.width_slider.setToolTip("Width of the pen")
        self.width_slider.valueChanged.connect(lambda value: setattr(grid, "width_of_pen", value / 2))
        self.width_slider.setValue(round(2 * grid.width_of_pen))
        self.mirror, self.clear = QPushButton("Mirror"), QPushButton("Empty sheet")
        self.mirror.setCheckable(True)
        self.mirror.setToolTip("Every stroke also on the other side of the middle: faces come out symmetric")
        self.mirror.toggled.connect(lambda on: setattr(grid, "mirrors", on))
        self.clear.clicked.connect(self.cleared)
        self.swatches = [Swatch(name, rgb) for name, rgb in COLOURS.items()]
        self._group = QButtonGroup(self)
        for i, swatch in enumerate(self.swatches):
            self._group.addButton(swatch, i)
            swatch.clicked.connect(lambda _, rgb=swatch.rgb: self._dip(rgb))
        self.swatches[0].setChecked(True)
        grid.colour = self.swatches[0].rgb
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.4))
        column.addWidget(self.tool)
        colours, width, sheet = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for swatch in self.swatches:
            colours.addWidget(swatch)
        width.addWidget(QLabel("width"))
        width.addWidget(self.width_slider, 1)
        sheet.addWidget(self.mirror, 1)
        sheet.addWidget(self.clear, 1)
        for row in (colours, width, sheet):
            column.addLayout(row)

    def _choose(self, index: int) -> None:
        self.grid.tool = _TOOLS[index]

    def _dip(self, rgb: tuple[int, int, int]) -> None:
        """Who chooses a colour means to paint with it."""
        self.grid.colour = rgb
        self.tool.set_index(_TOOLS.index("colour"))


class Swatch(Pressable):
    """A colour that can be chosen."""

    def __init__(self, name: str, rgb: tuple[int, int, int]) -> None:
        super().__init__()
        self.rgb = rgb
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.setToolTip(name)

    def sizeHint(self) -> QSize:
        """A small square."""
        side = round(theme.em() * 1.5)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The colour; a ring around the one that is chosen or has the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        marked = self.isChecked() or self.hasFocus()
        ring = theme.palette().text if marked else theme.palette().line
        painter.setPen(QPen(QColor(ring), 2 if marked else 1))
        painter.setBrush(QColor(*self.rgb))
        painter.drawRoundedRect(box, theme.em() * 0.25, theme.em() * 0.25)
        if self.hasFocus():
            painter.setPen(QPen(QColor(ring), 1, Qt.PenStyle.DotLine))
            painter.drawRect(box.adjusted(3, 3, -3, -3))
