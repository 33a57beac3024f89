"""Two pictures of one clip over the same time: its waveform, with a marker that moves, and its spectrogram."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.data import mu_law
from playground.export import waveform
from playground.ui.pictures.pixels import qimage
from playground.ui.plots.colour_bar import coloured
from playground.ui.theme import theme


class TimeSheet(QWidget):
    """A clip along time; what is not made yet is empty ground.  ``picked`` carries the sample that was clicked."""

    picked = Signal(int)
    caption = ""

    def __init__(self) -> None:
        super().__init__()
        self.codes = np.full(1, mu_law.SILENCE, np.uint8)
        self.position = self.reach = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click to go back to this moment")
        theme.signals.changed.connect(self.update)

    def set_clip(self, codes: np.ndarray, position: int, reach: int) -> None:
        """A clip uint8 (T,), of which there are ``position`` samples; the next one hears ``reach`` of them."""
        self.codes, self.position, self.reach = codes, position, reach
        self.update()

    def sizeHint(self) -> QSize:
        """Wide."""
        return QSize(round(theme.em() * 40), round(theme.em() * 11))

    def minimumSizeHint(self) -> QSize:
        """Still to be read."""
        return QSize(round(theme.em() * 20), round(theme.em() * 6))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Which moment."""
        area = self.area()
        share = (event.position().x() - area.left()) / max(area.width(), 1)
        if event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(round(min(max(share, 0.0), 1.0) * len(self.codes)))

    def area(self) -> QRectF:
        """Where the sound is painted, under the line of words and beside the names of the axis."""
        em = theme.em()
        return QRectF(self.rect()).adjusted(em * 3.6, em * 1.7, -em * 0.8, -em * 0.5)

    def x_of(self, sample: float) -> float:
        """Where a sample is, in widget coordinates."""
        area = self.area()
        return area.left() + sample / len(self.codes) * area.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, words, sound, marker."""
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        area, em = self.area(), theme.em()
        painter.setFont(theme.scaled_font(0.88))
        painter.setPen(QColor("#A0A8B4"))
        painter.drawText(QRectF(area.left(), em * 0.2, area.width(), em * 1.4), _LEFT, self.caption)
        self.paint_sound(painter, area)
        x = self.x_of(self.position)
        painter.setPen(QPen(theme.accent(self, on_canvas=True), 1.6))
        painter.drawLine(QLineF(x, area.top() - em * 0.3, x, area.bottom()))

    def paint_sound(self, painter: QPainter, area: QRectF) -> None:
        """What a subclass shows."""

    def paint_mark(self, painter: QPainter, y: float, text: str) -> None:
        """A word beside the axis."""
        em = theme.em()
        painter.setPen(QColor("#A0A8B4"))
        painter.drawText(QRectF(0, y - em * 0.8, em * 3.3, em * 1.6), _RIGHT, text)


class Waveform(TimeSheet):
    """Pressure, with the stretch that the next sample hears shaded."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Waveform; a click goes back to a moment")

    def paint_sound(self, painter: QPainter, area: QRectF) -> None:
        """A bar for each pixel, from the lowest to the highest pressure in it."""
        accent = theme.accent(self, on_canvas=True)
        heard = QColor(accent)
        heard.setAlphaF(0.16)
        first = self.x_of(max(self.position - self.reach, 0))
        painter.fillRect(QRectF(first, area.top(), self.x_of(self.position) - first, area.height()), heard)
        middle, half = area.center().y(), area.height() / 2
        painter.setPen(QColor("#363C46"))
        painter.drawLine(QLineF(area.left(), middle, area.right(), middle))
        for value, text in ((1.0, "+1"), (0.0, "0"), (-1.0, "−1")):
            self.paint_mark(painter, middle - value * half * 0.9, text)
        columns = max(round(area.width() * self.position / len(self.codes)), 1)
        low, high = waveform.outline(self.codes[: max(self.position, 1)], columns)
        x = np.linspace(area.left(), self.x_of(self.position), columns, endpoint=False)
        lines = [
            QLineF(a, middle - float(t) * half - 0.5, a, middle - float(b) * half + 0.5)
            for a, b, t in zip(x.tolist(), low, high, strict=True)
        ]
        painter.setPen(QPen(accent, 1.0))
        painter.drawLines(lines)


class Spectrogram(TimeSheet):
    """How loud each frequency is at each moment."""

    def __init__(self) -> None:
        super().__init__()
        self.caption = "Spectrogram: what the sound is made of"
        self.setAccessibleName("Spectrogram; a click goes back to a moment")

    def paint_sound(self, painter: QPainter, area: QRectF) -> None:
        """Colours for 70 decibels."""
        for share, text in ((0.0, "4 kHz"), (0.5, "2 kHz"), (1.0, "0")):
            self.paint_mark(painter, area.top() + share * (area.height() - theme.em()) + theme.em() / 2, text)
        if self.position < 2:
            return
        found = coloured(waveform.spectrogram(self.codes[: self.position]), 0.0, 1.0, "magma").astype(
            np.uint32
        )
        pixels = np.uint32(0xFF000000) | found[..., 0] << 16 | found[..., 1] << 8 | found[..., 2]
        image = qimage(np.ascontiguousarray(pixels))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        where = QRectF(area.topLeft(), QPointF(self.x_of(self.position), area.bottom()))
        painter.drawImage(where, image)


_LEFT = int((Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value)
_RIGHT = int((Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value)
