"""Bars lying on their side, each with its name and its figure: for words that would find no room under upright ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.export.csv_table import Table
from playground.ui.theme import theme

LINE, TOP = 1.9, 2.2  # em: a row, and the title above them
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class NamedBars(QWidget):
    """Shares of one, in the order in which they are given; the largest stands out."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.names: tuple[str, ...] = ()
        self.values = np.zeros(0)  # 0..1
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        theme.signals.changed.connect(self.updateGeometry)
        theme.signals.changed.connect(self.update)

    def set_values(self, title: str, names: Sequence[str], values: np.ndarray) -> None:
        """Give the bars: shares (N,), 0..1."""
        self._title, self.names, self.values = title, tuple(names), np.asarray(values, float)
        said = ", ".join(f"{name} {value:.0%}" for name, value in zip(self.names, self.values, strict=True))
        self.setAccessibleName(f"{title} {said}")
        self.update()

    def table(self) -> Table:
        """Names and shares."""
        rows = [[name, float(value)] for name, value in zip(self.names, self.values, strict=True)]
        return Table("the bars", ["name", "share"], rows)

    def sizeHint(self) -> QSize:
        """A name, a bar and a figure."""
        return QSize(round(theme.em() * 18), round(theme.em() * 24))

    def minimumSizeHint(self) -> QSize:
        """Narrower."""
        return QSize(round(theme.em() * 11), round(theme.em() * 8))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A title, then the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        em = theme.em()
        painter.setFont(theme.scaled_font(1.08, QFont.Weight.DemiBold))
        painter.setPen(QColor(theme.palette().text))
        _write(painter, QRectF(0, 0, self.width(), em * TOP), self._title, Qt.AlignmentFlag.AlignLeft)
        line = min(LINE * em, (self.height() - em * TOP) / max(len(self.names), 1))
        for row in range(len(self.names)):
            self._paint_row(painter, row, QRectF(0, em * TOP + row * line, self.width(), line))

    def _paint_row(self, painter: QPainter, row: int, box: QRectF) -> None:
        em, value = theme.em(), float(self.values[row])
        stands_out = row == int(self.values.argmax())
        names, figure = box.width() * 0.42, em * 3.2
        painter.setFont(theme.scaled_font(1.0, QFont.Weight.DemiBold if stands_out else QFont.Weight.Normal))
        painter.setPen(QColor(theme.palette().text))
        _write(
            painter, QRectF(0, box.top(), names, box.height()), self.names[row], Qt.AlignmentFlag.AlignRight
        )
        room = max(box.width() - names - figure - em, em)
        shade = QColor(theme.accent(self))
        shade.setAlphaF(1.0 if stands_out else 0.5)
        high = box.height() * 0.56
        painter.fillRect(
            QRectF(names + em * 0.6, box.center().y() - high / 2, max(room * value, 1.5), high), shade
        )
        painter.setPen(QColor(theme.palette().muted))
        right = QRectF(box.right() - figure, box.top(), figure, box.height())
        _write(painter, right, f"{value:.0%}", Qt.AlignmentFlag.AlignRight)


def _write(painter: QPainter, box: QRectF, text: str, side: Qt.AlignmentFlag) -> None:
    short = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
    painter.drawText(box, int((_MIDDLE | side).value), short)
