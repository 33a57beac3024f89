"""A few line icons, drawn in code on a 24 x 24 field so that they are crisp at every size and in every colour."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap


def pixmap(name: str, colour: QColor, size: float, ratio: float = 1.0) -> QPixmap:
    """Icon ``name`` at ``size`` device-independent pixels.

    Raises:
        KeyError: if there is no such icon.
    """
    side = max(round(size * ratio), 1)
    out = QPixmap(side, side)
    out.fill(Qt.GlobalColor.transparent)
    painter = QPainter(out)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / 24, side / 24)
    pen = QPen(colour, 1.9, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    DRAWINGS[name](painter, colour)
    painter.end()
    out.setDevicePixelRatio(ratio)
    return out


def icon(name: str, colour: QColor, size: float = 16, ratio: float = 2.0) -> QIcon:
    """The same as a QIcon for buttons and menus."""
    return QIcon(pixmap(name, colour, size, ratio))


def _dots(painter: QPainter, colour: QColor, points: list[tuple[float, float]], radius: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for x, y in points:
        painter.drawEllipse(QPointF(x, y), radius, radius)


def _lines(painter: QPainter, *lines: list[tuple[float, float]]) -> None:
    for line in lines:
        painter.drawPolyline([QPointF(x, y) for x, y in line])


def _die(painter: QPainter, colour: QColor) -> None:
    painter.drawRoundedRect(QRectF(3.5, 3.5, 17, 17), 4, 4)
    _dots(painter, colour, [(8.3, 8.3), (15.7, 8.3), (12, 12), (8.3, 15.7), (15.7, 15.7)], 1.5)


def _error(painter: QPainter, colour: QColor) -> None:
    corners = [
        (12 + 9.5 * math.cos(a), 12 + 9.5 * math.sin(a))
        for a in (math.pi / 8 + k * math.pi / 4 for k in range(9))
    ]
    _lines(painter, corners, [(12, 7), (12, 13)])
    _dots(painter, colour, [(12, 16.6)], 1.3)


def _warning(painter: QPainter, colour: QColor) -> None:
    _lines(painter, [(12, 3.5), (22, 20.5), (2, 20.5), (12, 3.5)], [(12, 10), (12, 14.5)])
    _dots(painter, colour, [(12, 17.6)], 1.2)


def _info(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 9.5, 9.5)
    _lines(painter, [(12, 11.2), (12, 17)])
    _dots(painter, colour, [(12, 7.4)], 1.3)


def _reset(painter: QPainter, colour: QColor) -> None:
    path = QPainterPath()
    path.arcMoveTo(QRectF(4, 4, 16, 16), 150)
    path.arcTo(QRectF(4, 4, 16, 16), 150, -300)
    painter.drawPath(path)
    _lines(painter, [(4.2, 3.6), (4.6, 8.6), (9.6, 8.2)])


def _help(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 9.5, 9.5)
    path = QPainterPath(QPointF(9.2, 9.6))
    path.cubicTo(9.4, 5.9, 14.9, 6.1, 14.8, 9.5)
    path.cubicTo(14.7, 11.6, 12, 11.6, 12, 14)
    painter.drawPath(path)
    _dots(painter, colour, [(12, 17.2)], 1.3)


def _changed(painter: QPainter, colour: QColor) -> None:
    painter.drawRoundedRect(QRectF(3.5, 5.5, 17, 13), 2.5, 2.5)
    painter.fillRect(QRectF(4, 6, 8, 12), colour)


DRAWINGS: dict[str, Callable[[QPainter, QColor], None]] = {
    "dice": _die,
    "error": _error,
    "warning": _warning,
    "info": _info,
    "reset": _reset,
    "help": _help,
    "menu": lambda p, c: _lines(p, [(4, 7), (20, 7)], [(4, 12), (20, 12)], [(4, 17), (20, 17)]),
    "export": lambda p, c: _lines(
        p,
        [(12, 15), (12, 3.5)],
        [(7.5, 8), (12, 3.5), (16.5, 8)],
        [(4.5, 13), (4.5, 20), (19.5, 20), (19.5, 13)],
    ),
    "changed": _changed,
    "larger": lambda p, c: _lines(
        p,
        [(4, 13), (4, 20), (11, 20), (11, 13), (4, 13)],
        [(13, 11), (20, 4)],
        [(14, 4), (20, 4), (20, 10)],
    ),
    "close": lambda p, c: _lines(p, [(6, 6), (18, 18)], [(18, 6), (6, 18)]),
    "chevron-down": lambda p, c: _lines(p, [(6, 9.5), (12, 15.5), (18, 9.5)]),
    "chevron-right": lambda p, c: _lines(p, [(9.5, 6), (15.5, 12), (9.5, 18)]),
    "chevron-left": lambda p, c: _lines(p, [(14.5, 6), (8.5, 12), (14.5, 18)]),
}
