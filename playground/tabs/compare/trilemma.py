"""Quality against speed against variety: a point for every model, on axes that grow in powers.

Up is nearer to real pictures, right is quicker, and the larger a point is the more of what is real it reaches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import ARROWS, claims


@dataclass(frozen=True)
class Point:
    """A model: milliseconds for each picture, FID as a fraction of the blur's, and variety from 0 to 1 and a bit."""

    key: str
    name: str  # what stands beside it
    family: str
    milliseconds: float
    quality: float
    variety: float
    said: str = ""  # all about it, shown while it is in hand


@dataclass(frozen=True)
class Mark:
    """A line across, at a quality that everybody can imagine."""

    title: str
    quality: float


class Trilemma(QWidget):
    """The scatter.  Arrows go from point to point, Return or a click opens one."""

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._points: list[Point] = []
        self._marks: list[Mark] = []
        self._held = -1
        self._word = "variety"
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Quality, speed and variety")

    def set_points(self, points: Sequence[Point], marks: Sequence[Mark], word: str) -> None:
        """Other points; ``word`` is what their size stands for."""
        self._points = sorted(points, key=lambda p: -p.milliseconds)  # arrows go from left to right
        self._marks, self._word, self._held = list(marks), word, -1
        self.update()

    def held(self) -> Point | None:
        """The point in hand."""
        return self._points[self._held] if 0 <= self._held < len(self._points) else None

    def centre(self, key: str) -> QPointF:
        """Where a point is drawn."""
        return self._at(next(p for p in self._points if p.key == key))

    def sizeHint(self) -> QSize:
        """Whatever there is."""
        return QSize(round(theme.em() * 60), round(theme.em() * 36))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(round(theme.em() * 30), round(theme.em() * 18))

    # --- where things are

    def frame_box(self) -> QRectF:
        """Where the points of the plot lie."""
        em = theme.em()
        return QRectF(self.rect()).adjusted(em * 4.6, em * 2.6, -em * 1.4, -em * 4.0)

    def _spans(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """log10 of the ends of both axes: milliseconds and quality."""
        x = [math.log10(p.milliseconds) for p in self._points] or [0.0, 1.0]
        y = [math.log10(v) for v in (*(p.quality for p in self._points), *(m.quality for m in self._marks))]
        y = y or [-1.0, 0.0]
        wide, high = max(max(x) - min(x), 0.5), max(max(y) - min(y), 0.5)
        return (min(x) - 0.12 * wide, max(x) + 0.1 * wide), (min(y) - 0.1 * high, max(y) + 0.12 * high)

    def _x(self, milliseconds: float) -> float:
        (low, high), _ = self._spans()
        frame = self.frame_box()
        return frame.right() - (math.log10(milliseconds) - low) / (high - low) * frame.width()

    def _y(self, quality: float) -> float:
        _, (low, high) = self._spans()
        frame = self.frame_box()
        return frame.top() + (math.log10(quality) - low) / (high - low) * frame.height()

    def _at(self, point: Point) -> QPointF:
        return QPointF(self._x(point.milliseconds), self._y(point.quality))

    def _radius(self, variety: float) -> float:
        """The area says it."""
        return theme.em() * (0.35 + 1.25 * math.sqrt(min(max(variety, 0.0), 1.2)))

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, marks, points, names."""
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._points:
            painter.setPen(QColor(theme.CANVAS_MUTED))
            painter.setFont(theme.scaled_font())
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, "Nothing to draw yet.")
            return
        self._paint_axes(painter)
        self._paint_marks(painter)
        for point in sorted(self._points, key=lambda p: -p.variety):  # small ones stay visible
            self._paint_point(painter, point)
        self._paint_names(painter)
        self._paint_words(painter)

    def _paint_axes(self, painter: QPainter) -> None:
        frame, em = self.frame_box(), theme.em()
        (x_low, x_high), (y_low, y_high) = self._spans()
        painter.setFont(theme.scaled_font(0.92))
        flags = Qt.AlignmentFlag
        for value in _ticks(x_low, x_high, (1.0,) if x_high - x_low > 1.5 else (1.0, 2.0, 5.0)):
            x = self._x(value)
            painter.setPen(QPen(QColor(theme.CANVAS_LINE), 1))
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
            painter.setPen(QColor(theme.CANVAS_MUTED))
            box = QRectF(x - em * 3, frame.bottom() + em * 0.3, em * 6, em * 1.4)
            painter.drawText(box, flags.AlignHCenter, f"{value:g} ms")
        for value in _ticks(y_low, y_high, (1.0, 2.0, 5.0)):
            y = self._y(value)
            painter.setPen(QPen(QColor(theme.CANVAS_LINE), 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(QColor(theme.CANVAS_MUTED))
            box = QRectF(em * 0.6, y - em, frame.left() - em * 1.1, em * 2)
            painter.drawText(box, flags.AlignRight | flags.AlignVCenter, f"{value:g}")

    def _paint_words(self, painter: QPainter) -> None:
        frame, em, flags = self.frame_box(), theme.em(), Qt.AlignmentFlag
        painter.setFont(theme.scaled_font(0.92))
        painter.setPen(QColor(theme.CANVAS_TEXT))
        below = QRectF(frame.left(), frame.bottom() + em * 1.9, frame.width(), em * 1.7)
        above = QRectF(em * 1.2, em * 0.5, self.width() - em * 2.4, em * 1.7)
        painter.drawText(
            above, flags.AlignLeft, "↑ nearer to real pictures (FID, as a fraction of the blur's)"
        )
        painter.drawText(below, flags.AlignRight, "quicker (milliseconds for each picture) →")
        held = self.held()
        if held is not None:
            painter.drawText(below, flags.AlignLeft, held.said)
        else:
            painter.setPen(QColor(theme.CANVAS_MUTED))
            painter.drawText(below, flags.AlignLeft, f"● larger: more {self._word}")

    def _paint_marks(self, painter: QPainter) -> None:
        frame, em = self.frame_box(), theme.em()
        painter.setFont(theme.scaled_font(0.92))
        for mark in self._marks:
            y = self._y(mark.quality)
            painter.setPen(QPen(QColor(theme.CANVAS_MUTED), 1.2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(QColor(theme.CANVAS_MUTED))
            box = QRectF(frame.left() + em * 0.4, y - em * 1.5, frame.width(), em * 1.4)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, mark.title)

    def _paint_point(self, painter: QPainter, point: Point) -> None:
        accent = theme.accent(point.family, on_canvas=True)
        fill = QColor(accent)
        fill.setAlphaF(0.55)
        painter.setBrush(fill)
        held = point is self.held()
        painter.setPen(QPen(QColor(theme.CANVAS_TEXT) if held else accent, 2.4 if held else 1.4))
        painter.drawEllipse(self._at(point), self._radius(point.variety), self._radius(point.variety))

    def _paint_names(self, painter: QPainter) -> None:
        font = theme.scaled_font(1.0, QFont.Weight.DemiBold)
        painter.setFont(font)
        for point, box in self.names():
            colour = (
                QColor(theme.CANVAS_TEXT)
                if point is self.held()
                else theme.accent(point.family, on_canvas=True)
            )
            painter.setPen(colour)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, point.name)

    def names(self) -> list[tuple[Point, QRectF]]:
        """Where each name stands: beside, above or below its point, wherever it covers least."""
        font, em, frame = theme.scaled_font(1.0, QFont.Weight.DemiBold), theme.em(), self.frame_box()
        discs = [_square(self._at(p), self._radius(p.variety)) for p in self._points]
        discs += self._lines_as_boxes()
        placed: list[tuple[Point, QRectF]] = []
        for point in self._points:
            at, r = self._at(point), self._radius(point.variety)
            wide, high = theme.text_width(point.name, font) + 4, em * 1.5
            tries = [
                QRectF(at.x() + r + em * 0.25, at.y() - high / 2, wide, high),
                QRectF(at.x() - r - em * 0.25 - wide, at.y() - high / 2, wide, high),
                QRectF(at.x() - wide / 2, at.y() - r - high, wide, high),
                QRectF(at.x() - wide / 2, at.y() + r, wide, high),
                QRectF(at.x() + r * 0.7, at.y() - r - high * 0.8, wide, high),
                QRectF(at.x() + r * 0.7, at.y() + r * 0.8, wide, high),
                QRectF(at.x() - r * 0.7 - wide, at.y() - r - high * 0.8, wide, high),
                QRectF(at.x() - r * 0.7 - wide, at.y() + r * 0.8, wide, high),
            ]
            taken = [box for _, box in placed]
            placed.append((point, min(tries, key=lambda t: _cost(t, frame, taken, discs))))
        return placed

    def _lines_as_boxes(self) -> list[QRectF]:
        """Where the marks and their words are, which a name had better not cover."""
        frame, em, font = self.frame_box(), theme.em(), theme.scaled_font(0.92)
        boxes = []
        for mark in self._marks:
            y = self._y(mark.quality)
            boxes.append(QRectF(frame.left(), y - em * 0.5, frame.width(), em))
            boxes.append(QRectF(frame.left(), y - em * 1.5, theme.text_width(mark.title, font), em * 1.5))
        return boxes

    # --- hands

    def event(self, event: QEvent) -> bool:
        """Arrows and Return belong to the points while the scatter has the focus."""
        return claims(event, *ARROWS, Qt.Key.Key_Return, Qt.Key.Key_Enter) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """From point to point; Return opens."""
        steps = dict(zip(ARROWS, (-1, 1, -1, 1), strict=True))
        held = self.held()
        if event.key() in steps and self._points:
            start = self._held if self._held >= 0 else (-1 if steps[Qt.Key(event.key())] > 0 else 0)
            self._hold((start + steps[Qt.Key(event.key())]) % len(self._points))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and held is not None:
            self.opened.emit(held.key)
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The point or the name under the pointer."""
        self._hold(self._under(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open it."""
        index = self._under(event.position())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(self._points[index].key)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing, unless the keyboard holds it."""
        if not self.hasFocus():
            self._hold(-1)

    def _hold(self, index: int) -> None:
        if index != self._held:
            self._held = index
            self.setCursor(Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor)
            held = self.held()
            self.setAccessibleDescription(held.said if held is not None else "")
            self.update()

    def _under(self, at: QPointF) -> int:
        near = [
            (math.hypot((self._at(p) - at).x(), (self._at(p) - at).y()) / self._radius(p.variety), i)
            for i, p in enumerate(self._points)
        ]
        inside = [pair for pair in near if pair[0] <= 1.15]
        if inside:
            return min(inside)[1]
        return next((self._points.index(p) for p, box in self.names() if box.contains(at)), -1)


def _ticks(low: float, high: float, of: Sequence[float]) -> list[float]:
    """Round numbers between two powers of ten."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [m * 10.0**p for p in powers for m in of if low <= math.log10(m * 10.0**p) <= high]


def _square(at: QPointF, radius: float) -> QRectF:
    return QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)


def _cost(box: QRectF, frame: QRectF, names: Sequence[QRectF], discs: Sequence[QRectF]) -> float:
    """What a name there would cover: the edge weighs most, then names, then points and lines."""

    def area(rect: QRectF) -> float:
        return max(rect.width(), 0.0) * max(rect.height(), 0.0)

    over = sum(area(box.intersected(other)) for other in names) * 4
    over += (area(box) - area(box.intersected(frame))) * 20  # never over the numbers or the edge
    return over + sum(area(box.intersected(disc)) for disc in discs)
