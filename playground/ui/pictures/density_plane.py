"""A square of the plane with what a model believes of it: heat map, points, lines, arrows; beside it, if wanted, a latent plane.

``paint_plane`` draws one square with any painter, so that an exported animation and the screen are drawn by the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.pictures import enlarging
from playground.ui.pictures.dots import dots
from playground.ui.pictures.pixels import array, qimage
from playground.ui.theme import theme

Square = tuple[float, float, float, float]  # x_min, x_max, y_min, y_max
_LATENT_SQUARE: Square = (-3.2, 3.2, -3.2, 3.2)
_MAP_OPACITY = 0.8  # of a map of two colours, so that points stay the brightest thing
_GREY = QColor(160, 168, 180)
_REFUSED = QColor(255, 92, 92)


@dataclass(frozen=True, eq=False)
class PlanePicture:
    """What is to be seen; anything may be missing.  Points are in the target's coordinates, maps go up with y.

    Attributes:
        points: (N,2), what the model draws; ``target``: (M,2), fresh points of what it learns.
        density: (S,S) >= 0; ``brightest``: the density that is shown white.
        map: (S,S) in 0..1, two colours about the middle; ``cells``: int (S,S), a colour for each number.
        lines: (L,P,2); ``refused``: (R,P,2), ways that were not taken; ``arrows``: (N,4), foot and way.
        slice: (S,2), places along an axis and how probable each is; ``slice_axis``: 1 runs upwards; ``slice_at``: where.
        latents: (M,2), codes of the points ``origins`` (M,2).
    """

    square: Square
    points: np.ndarray | None = None
    target: np.ndarray | None = None
    density: np.ndarray | None = None
    brightest: float = 0.0
    map: np.ndarray | None = None
    cells: np.ndarray | None = None
    lines: np.ndarray | None = None
    refused: np.ndarray | None = None
    arrows: np.ndarray | None = None
    slice: np.ndarray | None = None
    slice_axis: int = 1
    slice_at: float = 0.0
    latents: np.ndarray | None = None
    origins: np.ndarray | None = None


def paint_plane(painter: QPainter, where: QRectF, shown: PlanePicture, accent: QColor) -> None:
    """The square at ``where``, in device pixels."""
    painter.fillRect(where, QColor(18, 20, 24))
    painter.save()
    painter.setClipRect(where)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for image in _maps(shown):
        painter.drawImage(where, image)
    unit = where.width()
    if shown.target is not None:
        _paint_points(painter, where, shown.target, shown.square, _GREY, 0.005 * unit, 0.85)
    if shown.lines is not None:
        _paint_lines(painter, where, shown.lines, shown.square, unit)
    if shown.refused is not None:
        _paint_refused(painter, where, shown.refused, shown.square, unit)
    if shown.points is not None:
        _paint_points(painter, where, shown.points, shown.square, accent, 0.0075 * unit, 0.95)
    if shown.arrows is not None:
        _paint_arrows(painter, where, shown.arrows, shown.square, unit)
    if shown.slice is not None:
        _paint_slice(painter, where, shown, accent, unit)
    painter.restore()
    painter.setPen(QPen(QColor(theme.CANVAS_LINE), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(where)


def paint_latents(painter: QPainter, where: QRectF, shown: PlanePicture) -> None:
    """The latent plane: every code in the colour of where its point lies, and the prior's two circles."""
    painter.fillRect(where, QColor(18, 20, 24))
    painter.save()
    painter.setClipRect(where)
    if shown.latents is not None and shown.origins is not None:
        _paint_tied(painter, where, shown.latents, _LATENT_SQUARE, shown)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(190, 192, 196), max(where.width() / 500, 1), Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for radius in (1, 2):
        side = radius * where.width() / 6.4
        painter.drawEllipse(where.center(), side, side)
    painter.restore()
    painter.setPen(QPen(QColor(theme.CANVAS_LINE), 1))
    painter.drawRect(where)


def render(shown: PlanePicture, accent: QColor, side: int = 480) -> np.ndarray:
    """The square alone as a picture, uint8 (side, side, 3); on any thread."""
    image = QImage(side, side, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint_plane(painter, QRectF(0, 0, side, side), shown, accent)
    painter.end()
    return array(image)


# --- layers


def _maps(shown: PlanePicture) -> list[QImage]:
    found = []
    if shown.density is not None:
        top = shown.brightest or float(shown.density.max()) or 1.0
        share = np.sqrt(np.clip(shown.density / top, 0, 1))  # what is faint is seen too
        found.append(_coloured(theme.colour_map("magma"), 255 * share, 1.0))
    if shown.map is not None:
        found.append(_two_colours(shown.map))
    if shown.cells is not None:
        inks = np.array(
            [(c.red(), c.green(), c.blue()) for c in map(theme.class_colour, range(10))], np.uint8
        )
        found.append(_coloured(inks, (shown.cells * 7) % 10, 0.45))
    return found


def _two_colours(share: np.ndarray) -> QImage:
    """(S,S) in 0..1: red below a half, blue above, the ground where it is undecided; the root shows small leanings."""
    ends = theme.colour_map("diverging")[[255, 0]].astype(np.float32)  # red, blue
    lean = np.clip(2 * share[::-1] - 1, -1, 1)
    opacity = _MAP_OPACITY * np.sqrt(np.abs(lean))
    rgb = (ends[(lean > 0).astype(np.int64)] * opacity[..., None]).astype(np.uint32)
    alpha = (255 * opacity).astype(np.uint32) << np.uint32(24)
    return qimage(np.ascontiguousarray(alpha | rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]))


def _coloured(inks: np.ndarray, indices: np.ndarray, opacity: float) -> QImage:
    """uint8 (K,3) by indices (S,S) whose rows go up."""
    rgb = inks[np.clip(indices[::-1], 0, len(inks) - 1).astype(np.int64)].astype(np.float32) * opacity
    rgb = rgb.astype(np.uint32)
    alpha = np.uint32(round(255 * opacity)) << np.uint32(24)
    return qimage(np.ascontiguousarray(alpha | rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]))


def _placed(where: QRectF, points: np.ndarray, square: Square) -> np.ndarray:
    """(..., 2) of the plane -> pixels, from the top left of ``where``."""
    x_min, x_max, y_min, y_max = square
    x = (points[..., 0] - x_min) / (x_max - x_min) * where.width()
    y = (y_max - points[..., 1]) / (y_max - y_min) * where.height()
    return np.nan_to_num(np.clip(np.stack([x, y], -1), -1e4, 1e4))


def _on_widget(where: QRectF, points: np.ndarray, square: Square) -> np.ndarray:
    """The same from the painter's own origin."""
    corner = np.array([where.left(), where.top()])
    return _placed(where, points, square) + corner


def _paint_points(
    painter: QPainter,
    where: QRectF,
    points: np.ndarray,
    square: Square,
    colour: QColor,
    size: float,
    opacity: float,
) -> None:
    kinds = np.zeros(len(points), np.int32)
    size = max(size, 2.0)
    picture = dots(_placed(where, points, square), kinds, [colour], size, round(where.width()), opacity)
    painter.drawImage(where.topLeft(), picture)


def _paint_tied(
    painter: QPainter, where: QRectF, points: np.ndarray, square: Square, shown: PlanePicture
) -> None:
    """Points in ten colours, by the direction in which their origins lie."""
    assert shown.origins is not None
    x_min, x_max, y_min, y_max = shown.square
    middle = np.array([(x_min + x_max) / 2, (y_min + y_max) / 2])
    away = shown.origins - middle
    kinds = ((np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) + 0.5) * 9.999).astype(np.int32)
    colours = [theme.class_colour(i) for i in range(10)]
    size = max(0.013 * where.width(), 3.0)
    picture = dots(_placed(where, points, square), kinds, colours, size, round(where.width()), 0.9)
    painter.drawImage(where.topLeft(), picture)


def _paint_lines(painter: QPainter, where: QRectF, lines: np.ndarray, square: Square, unit: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(225, 228, 233), max(unit / 520, 1.0)))
    placed = _on_widget(where, lines, square)
    for line in placed.tolist():
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in line]))


def _paint_refused(painter: QPainter, where: QRectF, ways: np.ndarray, square: Square, unit: float) -> None:
    """Red, and with a cross at the end, since colour alone says nothing."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_REFUSED, max(unit / 420, 1.0)))
    arm = max(unit / 130, 2.0)
    for line in _on_widget(where, ways, square).tolist():
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in line]))
        x, y = line[-1]
        painter.drawLine(QPointF(x - arm, y - arm), QPointF(x + arm, y + arm))
        painter.drawLine(QPointF(x - arm, y + arm), QPointF(x + arm, y - arm))


def _paint_arrows(painter: QPainter, where: QRectF, arrows: np.ndarray, square: Square, unit: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(240, 242, 246), max(unit / 420, 1.0)))
    foot = _on_widget(where, arrows[:, :2], square)
    tip = _on_widget(where, arrows[:, :2] + arrows[:, 2:], square)
    way = tip - foot
    for (x0, y0), (x1, y1), (dx, dy) in zip(foot.tolist(), tip.tolist(), way.tolist(), strict=True):
        painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))
        side, back = 0.18, 0.3  # of the head
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(x1 - back * dx - side * dy, y1 - back * dy + side * dx),
                    QPointF(x1, y1),
                    QPointF(x1 - back * dx + side * dy, y1 - back * dy - side * dx),
                ]
            )
        )


def _paint_slice(painter: QPainter, where: QRectF, shown: PlanePicture, accent: QColor, unit: float) -> None:
    """The line on which the first coordinate is fixed, and beside it the curve of the second."""
    assert shown.slice is not None
    along, p = shown.slice[:, 0], shown.slice[:, 1]
    x_min, x_max, y_min, y_max = shown.square
    room = 0.22 * (x_max - x_min if shown.slice_axis else y_max - y_min)
    out = shown.slice_at + room * p / max(float(p.max()), 1e-9)
    fixed = np.full_like(along, shown.slice_at)
    curve = np.stack([out, along] if shown.slice_axis else [along, out], -1)
    line = np.stack([fixed, along] if shown.slice_axis else [along, fixed], -1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for points, pen in (
        (line, QPen(_GREY, max(unit / 600, 1.0), Qt.PenStyle.DashLine)),
        (curve, QPen(QColor("white"), max(unit / 250, 2.0))),
    ):
        placed = _on_widget(where, points, shown.square)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in placed.tolist()]))


# --- the widget


class DensityPlane(QWidget):
    """One picture as large as there is room, and a latent plane beside it where the picture has one."""

    pointed = Signal(float, float)  # where the pointer is, in the target's coordinates

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: PlanePicture | None = None
        self._words: tuple[str, str] = ("", "")
        self.paints = 0  # so far
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The plane")

    def sizeHint(self) -> QSize:
        """Large."""
        return QSize(round(theme.em() * 36), round(theme.em() * 34))

    def minimumSizeHint(self) -> QSize:
        """Small enough for six."""
        return QSize(round(theme.em() * 8), round(theme.em() * 8))

    @property
    def picture(self) -> PlanePicture | None:
        """What is shown."""
        return self._shown

    def set_picture(self, shown: PlanePicture | None, title: str = "", beside: str = "") -> None:
        """Show this; the words stand above the square and above the latent plane."""
        self._shown, self._words = shown, (title, beside)
        self.update()

    def squares(self) -> list[QRectF]:
        """Where the plane and the latent plane are, in the widget's coordinates."""
        count = 2 if self._shown is not None and self._shown.latents is not None else 1
        head, gap = 1.7 * theme.em() if any(self._words) else 0.35 * theme.em(), 0.35 * theme.em()
        side = min((self.width() - gap * (count + 1)) / count, self.height() - head - gap)
        side = max(float(int(side)), 8.0)
        left = (self.width() - count * side - (count - 1) * gap) / 2
        top = head + (self.height() - head - gap - side) / 2
        return [QRectF(round(left + i * (side + gap)), round(top), side, side) for i in range(count)]

    def picture_rects(self) -> list[QRectF]:
        """Where pictures are drawn, in the widget's coordinates."""
        return self.squares() if self._shown is not None else []

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """All the room of the stage; again: back."""
        if event.button() == Qt.MouseButton.LeftButton:
            enlarging.fill(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is the double click of the keyboard."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            enlarging.fill(self)
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say where the pointer is."""
        where, at = self.squares()[0], event.position()
        if self._shown is not None and where.contains(at):
            x_min, x_max, y_min, y_max = self._shown.square
            x = x_min + (at.x() - where.left()) / where.width() * (x_max - x_min)
            y = y_max - (at.y() - where.top()) / where.height() * (y_max - y_min)
            self.pointed.emit(x, y)
        super().mouseMoveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything anew: most of it has changed."""
        self.paints += 1
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        if self._shown is None:
            return
        squares = self.squares()
        painter.setFont(theme.scaled_font(0.92))
        painter.setPen(QColor(theme.CANVAS_TEXT))
        for where, words in zip(squares, self._words, strict=False):
            width = where.width() if len(squares) > 1 else self.width() - where.left()
            line = QRectF(where.left(), where.top() - 1.6 * theme.em(), width, 1.5 * theme.em())
            short = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(line.width()))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)
        paint_plane(painter, squares[0], self._shown, theme.accent(self, on_canvas=True))
        if len(squares) > 1:
            paint_latents(painter, squares[1], self._shown)
