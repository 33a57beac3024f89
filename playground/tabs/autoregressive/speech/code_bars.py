"""What a sample was drawn from: a probability for each of the 256 codes, as bars along the axis of pressure."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.data import mu_law
from playground.export.csv_table import Table
from playground.ui.theme import theme


class CodeBars(QWidget):
    """Bars to the right, loudest pressures at the ends; a triangle marks what was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.chances = np.zeros(256)
        self.drawn = -1
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Probabilities of the latest sample, by pressure")
        theme.signals.changed.connect(self.update)

    def set_values(self, chances: np.ndarray, drawn: int) -> None:
        """Probabilities (256,), and the code that was drawn, -1 for none yet."""
        self.chances, self.drawn = chances, drawn
        self.update()

    def table(self) -> Table:
        """Every code, its pressure, its probability."""
        pressures = mu_law.decode(np.arange(256, dtype=np.uint8)).tolist()
        rows = [[code, p, float(c)] for code, (p, c) in enumerate(zip(pressures, self.chances, strict=True))]
        return Table("the latest sample", ["code", "pressure", "probability"], rows)

    def sizeHint(self) -> QSize:
        """Narrow and high."""
        return QSize(round(theme.em() * 15), round(theme.em() * 17))

    def minimumSizeHint(self) -> QSize:
        """The same, smaller."""
        return QSize(round(theme.em() * 11), round(theme.em() * 10))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line of words, the axis, the bars."""
        painter, em = QPainter(self), theme.em()
        theme.paint_canvas(painter, self)
        area = QRectF(self.rect()).adjusted(em * 3.4, em * 2.2, -em * 3.4, -em * 0.8)
        painter.setFont(theme.scaled_font(0.88))
        painter.setPen(QColor("#A0A8B4"))
        painter.drawText(QRectF(em * 0.9, em * 0.2, self.width() - em, em * 1.4), _LEFT, "The latest sample")
        for code, text in ((255, "+1"), (187, "+.05"), (128, "0"), (69, "−.05"), (0, "−1")):
            y = self._y(area, code)
            painter.drawText(QRectF(0, y - em * 0.8, em * 3.0, em * 1.6), _RIGHT, text)
        if self.drawn < 0:
            return
        likeliest = float(self.chances.max())
        painter.setPen(QPen(theme.accent(self, on_canvas=True), max(area.height() / 256, 1.0)))
        lengths = (self.chances / max(likeliest, 1e-9) * area.width()).tolist()
        painter.drawLines(
            [
                QLineF(area.left(), self._y(area, c), area.left() + length, self._y(area, c))
                for c, length in enumerate(lengths)
                if length > 0.3
            ]
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y, x = self._y(area, self.drawn), area.left() - em * 0.1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#E7E9ED"))
        painter.drawPolygon(
            QPolygonF(
                [QPointF(x, y), QPointF(x - em * 0.6, y - em * 0.35), QPointF(x - em * 0.6, y + em * 0.35)]
            )
        )
        painter.setPen(QColor("#A0A8B4"))
        top = QRectF(area.right() - em * 4, area.top() - em * 0.6, em * 7.2, em * 1.4)
        painter.drawText(top, _RIGHT, f"max {likeliest:.0%}")

    def _y(self, area: QRectF, code: float) -> float:
        return area.bottom() - code / 255 * area.height()


_LEFT = int((Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value)
_RIGHT = int((Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value)
