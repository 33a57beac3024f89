"""The picture of the paper, live: how one sample hears a thousand earlier ones, through layers whose taps lie further and further apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.data import mu_law
from playground.export import waveform
from playground.ui.theme import theme

_MOST_LINES = 420  # of a layer: more would be a grey block, and take time


class DilationTree(QWidget):
    """The latest samples at the bottom, the next one at the top right, and all ways between; each layer as bright as it is loud."""

    def __init__(self) -> None:
        super().__init__()
        self._dilations: tuple[int, ...] = ()
        self._codes = np.zeros(0, np.uint8)
        self._activity = np.zeros(0)
        self._strips: list[QPixmap] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(
            "The receptive field: which earlier samples the next one is drawn from, layer by layer"
        )
        theme.signals.changed.connect(self._forget)

    def set_dilations(self, dilations: Sequence[int]) -> None:
        """Of every layer, from the lowest up."""
        self._dilations = tuple(dilations)
        self._forget()

    def set_state(self, codes: np.ndarray, activity: np.ndarray) -> None:
        """The clip so far, uint8 (n,), and what each layer lets through, (layers,); none of it known: empty."""
        self._codes, self._activity = codes, activity
        self.update()

    @property
    def reach(self) -> int:
        """How many samples are heard."""
        return sum(self._dilations) + 2

    def sizeHint(self) -> QSize:
        """As wide as it gets."""
        return QSize(round(theme.em() * 30), round(theme.em() * 17))

    def minimumSizeHint(self) -> QSize:
        """A line for each layer."""
        return QSize(round(theme.em() * 16), round(theme.em() * 10))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines of another length."""
        self._forget()
        super().resizeEvent(event)

    def _forget(self) -> None:
        self._strips = []
        self.update()

    def _area(self) -> QRectF:
        em = theme.em()
        return QRectF(self.rect()).adjusted(em * 0.9, em * 1.8, -em * 1.2, -em * 3.4)

    def _x(self, back: float) -> float:
        area = self._area()
        return area.right() - back / self.reach * area.width()

    def _y(self, level: int) -> float:
        area = self._area()
        return area.bottom() - level / max(len(self._dilations), 1) * area.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Layers from the bottom up, the sound that they hear under them, and the sample that is drawn."""
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        em, accent = theme.em(), theme.accent(self, on_canvas=True)
        painter.setFont(theme.scaled_font(0.88))
        painter.setPen(QColor("#A0A8B4"))
        words = f"Receptive field: {len(self._dilations)} layers hear {self.reach:,} samples, {self.reach / mu_law.RATE * 1e3:.0f} ms"
        painter.drawText(QRectF(em * 0.9, em * 0.2, self.width() - em, em * 1.4), _LEFT, words)
        if not self._dilations:
            return
        if not self._strips:
            self._strips = [self._strip(i) for i in range(len(self._dilations))]
        loudest = float(self._activity.max(initial=1e-9))
        for i, strip in enumerate(self._strips):
            share = float(self._activity[i]) / loudest if len(self._activity) else 0.0
            painter.setOpacity(0.22 + 0.78 * share)
            painter.drawPixmap(0, 0, strip)
        painter.setOpacity(1.0)
        self._paint_sound(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("#E7E9ED"), 1.4))
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(self._x(0), self._y(len(self._dilations))), em * 0.36, em * 0.36)

    def _paint_sound(self, painter: QPainter) -> None:
        """The latest samples, as the layers hear them."""
        area, em = self._area(), theme.em()
        known = self._codes[-self.reach :]
        columns = max(round(area.width() * len(known) / self.reach), 1)
        if len(known) < 2:
            return
        low, high = waveform.outline(known, columns)
        middle, half = area.bottom() + em * 1.8, em * 1.3
        x = np.linspace(self._x(len(known)), self._x(0), columns, endpoint=False).tolist()
        painter.setPen(QPen(theme.accent(self, on_canvas=True), 1.0))
        painter.drawLines(
            [
                QLineF(a, middle - float(t) * half - 0.5, a, middle - float(b) * half + 0.5)
                for a, b, t in zip(x, low, high, strict=True)
            ]
        )

    def _strip(self, layer: int) -> QPixmap:
        """The two ways from every place that counts above a layer to those under it."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = places_above(self._dilations, layer)
        few = len(places) <= _MOST_LINES // 2
        thinned = places if few else places[:: -(-len(places) // (_MOST_LINES // 2))]
        colour = theme.accent(self, on_canvas=True)
        colour.setAlphaF(min(1.0, max(0.16, 24 / len(places))))
        painter.setPen(QPen(colour, 1.1))
        top, bottom, step = self._y(layer + 1), self._y(layer), self._dilations[layer]
        lines = [
            QLineF(self._x(p), top, self._x(p + shift), bottom)
            for p in thinned.tolist()
            for shift in (0, step)
        ]
        painter.drawLines(lines)
        if len(places) <= 64:
            painter.setBrush(theme.accent(self, on_canvas=True))
            painter.setPen(Qt.PenStyle.NoPen)
            for p in places.tolist():
                painter.drawEllipse(QPointF(self._x(p), top), 2.0, 2.0)
        painter.end()
        return pixmap


def places_above(dilations: Sequence[int], layer: int) -> np.ndarray:
    """How far back the places above a layer lie that the newest sample depends on, int64, rising."""
    found = np.zeros(1, np.int64)
    for step in reversed(dilations[layer + 1 :]):
        found = np.union1d(found, found + step)
    return found


_LEFT = int((Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value)
