"""The still layers of the latent plane, painted once: points by class, their names, a legend, axes and the prior.

Everything is in device pixels; ``Plane`` is the square on the screen and what it spans.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from playground.ui.pictures.dots import dots
from playground.ui.theme import theme

GROUND = QColor(18, 20, 24)
_BEHIND_WORDS = QColor(18, 20, 24, 215)
_CIRCLE = QColor(190, 192, 196)  # opaque: Qt strokes a translucent line at a third of the speed


@dataclass(frozen=True)
class Plane:
    """A square in device pixels that shows [-extent, extent]^2, z_2 upwards."""

    square: QRectF
    extent: float
    ratio: float  # device pixels per device-independent pixel

    def point(self, z_1: float, z_2: float) -> QPointF:
        """Where a z is."""
        side, e = self.square.width(), self.extent
        return self.square.topLeft() + QPointF((z_1 / e + 1) / 2 * side, (1 - z_2 / e) / 2 * side)

    def z(self, point: QPointF) -> tuple[float, float]:
        """What z is there, held inside the square."""
        share = (point - self.square.topLeft()) / max(self.square.width(), 1)
        return self.clamp((share.x() * 2 - 1) * self.extent, (1 - share.y() * 2) * self.extent)

    def clamp(self, z_1: float, z_2: float) -> tuple[float, float]:
        """The nearest z inside the square."""
        e = self.extent
        return min(max(z_1, -e), e), min(max(z_2, -e), e)

    def points(self, z: np.ndarray) -> np.ndarray:
        """(N,2) z -> (N,2) device pixels."""
        shares = np.stack([z[:, 0] / self.extent + 1, 1 - z[:, 1] / self.extent], 1) / 2
        return shares * self.square.width() + (self.square.left(), self.square.top())

    def font(self, factor: float) -> QFont:
        """The interface font in device pixels."""
        font = theme.scaled_font(factor)
        font.setPixelSize(round(font.pixelSize() * self.ratio))
        return font


def paint_scatter(painter: QPainter, plane: Plane, z: np.ndarray, labels: np.ndarray) -> None:
    """Points in the colours of their classes; fewer points are drawn larger."""
    side, ratio = plane.square.width(), plane.ratio
    size = float(np.clip(side * 0.3 / max(len(z), 1) ** 0.5, 2.2 * ratio, 7 * ratio))
    inside = plane.points(z) - (plane.square.left(), plane.square.top())
    colours = [theme.class_colour(label) for label in range(int(labels.max(initial=0)) + 1)]
    painter.drawImage(plane.square.topLeft(), dots(inside, labels, colours, size, round(side), opacity=0.75))


def paint_names(
    painter: QPainter, plane: Plane, z: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> None:
    """Each class's name among its own points, so that colour is not the only sign; one without a free place there is left out."""
    font, ratio = plane.font(0.92), plane.ratio
    metrics, pad = QFontMetricsF(font), 3 * ratio
    painter.setFont(font)
    sizes = [
        (metrics.horizontalAdvance(name) + 2 * pad, metrics.height() + pad)
        if (labels == label).any()
        else None
        for label, name in enumerate(classes)
    ]
    for label, box in enumerate(places_of_names(plane, z, labels, sizes)):
        if box is None:
            continue  # the legend has it
        painter.setPen(QPen(theme.class_colour(label), 1.2 * ratio))
        painter.setBrush(_BEHIND_WORDS)
        painter.drawRoundedRect(box, pad, pad)
        painter.setPen(QColor(theme.CANVAS_TEXT))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, classes[label])


def places_of_names(
    plane: Plane, z: np.ndarray, labels: np.ndarray, sizes: Sequence[tuple[float, float] | None]
) -> list[QRectF | None]:
    """Where names of these sizes (device pixels) stand: as near to the median of their class as there is room, and never
    farther from it than most of the class lies, where other classes are at home."""
    scaled, square, found = plane.points(z), plane.square, list[QRectF | None]()
    for label, size in enumerate(sizes):
        found.append(None)
        if size is None:
            continue
        wanted = _by_distance(scaled[labels == label]) - np.array(size) / 2
        corner = np.array([square.left(), square.top()])
        wanted = np.clip(wanted, corner, corner + square.width() - np.array(size))
        free = np.ones(len(wanted), bool)
        for box in (box for box in found if box is not None):
            across = (wanted[:, 0] + size[0] > box.left()) & (wanted[:, 0] < box.right())
            down = (wanted[:, 1] + size[1] > box.top()) & (wanted[:, 1] < box.bottom())
            free &= ~(across & down)
        if free.any():
            x, y = wanted[np.argmax(free)]
            found[-1] = QRectF(float(x), float(y), *size)
    return found


def _by_distance(points: np.ndarray) -> np.ndarray:
    """The median of (N,2) points and then the nearest half of them, the nearest first."""
    median = np.median(points, 0)
    order = np.argsort(((points - median) ** 2).sum(1), kind="stable")
    return np.concatenate([median[None], points[order[: max(len(points) // 2, 1)]]])


def paint_legend(painter: QPainter, plane: Plane, classes: Sequence[str]) -> None:
    """A dot and a name per class, to the right of the square; smaller where they would be cut."""
    em = theme.em() * plane.ratio
    wanted = QFontMetricsF(plane.font(0.92)).height() * 1.35
    line = min(wanted, (plane.square.height() + 1.6 * em) / max(len(classes), 1))
    painter.setFont(plane.font(0.92 * min(1.25 * line / wanted, 1.0)))
    x, y = plane.square.right() + 1.4 * em, plane.square.top()
    for label, name in enumerate(classes):
        middle = y + line * (label + 0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.class_colour(label))
        painter.drawEllipse(QPointF(x + em * 0.35, middle), em * 0.33, em * 0.33)
        painter.setPen(QColor(theme.CANVAS_TEXT))
        box = QRectF(x + em, middle - line / 2, em * 30, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)


def paint_axes(painter: QPainter, plane: Plane, names: tuple[str, str]) -> None:
    """Ticks at whole numbers, and the names of the axes: to the right, upwards."""
    em, square = theme.em() * plane.ratio, plane.square
    painter.setFont(plane.font(0.85))

    def write(across: str, up: str, z: float, colour: str) -> None:
        at = plane.point(z, z)
        under = QRectF(at.x() - 2 * em, square.bottom() + 0.25 * em, 4 * em, 1.3 * em)
        beside = QRectF(square.left() - 2.4 * em, at.y() - em, 2 * em, 2 * em)
        painter.setPen(QColor(colour))
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, across)
        painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, up)

    whole = int(plane.extent)
    unit = max(plane.point(1, 0).x() - plane.point(0, 0).x(), 1.0)
    step = min(max(math.ceil(1.9 * em / unit), 1), max(whole, 1))  # numbers and names do not touch
    for tick in range(-(whole // step) * step, whole + 1, step):
        text = f"{tick}".replace("-", "−")
        write(text, text, tick, theme.CANVAS_MUTED)
    write(*names, step / 2, theme.CANVAS_TEXT)


def paint_circles(painter: QPainter, plane: Plane) -> None:
    """Circles at one and two standard deviations of the prior."""
    font = plane.font(0.85)
    painter.setFont(font)
    for radius in (1, 2):
        if radius < plane.extent:
            _paint_circle(painter, plane, radius, QFontMetricsF(font))


def _paint_circle(painter: QPainter, plane: Plane, radius: int, metrics: QFontMetricsF) -> None:
    unit, centre = plane.square.width() / 2 / plane.extent, plane.square.center()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_CIRCLE, 1.2 * plane.ratio, Qt.PenStyle.DashLine))
    painter.drawEllipse(centre, radius * unit, radius * unit)
    words = f"{radius}σ"
    box = QRectF(0, 0, metrics.horizontalAdvance(words) + 6 * plane.ratio, metrics.height())
    box.moveCenter(centre - QPointF(0, radius * unit))
    painter.fillRect(box, _BEHIND_WORDS)
    painter.setPen(QColor(theme.CANVAS_TEXT))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
