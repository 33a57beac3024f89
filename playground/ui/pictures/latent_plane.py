"""The two-dimensional latent plane: what every z decodes to, where the test set lands, and a pointer to move.

``moved`` follows the pointer with or without a button, so that a tab can decode as the hand moves.  The manifold and
the points are two pixmaps, each painted when it changes; a move of the pointer only draws them and a cross.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.export.contact_sheet import Content
from playground.ui.pictures import enlarging
from playground.ui.pictures.pixels import argb, array, qimage, sheet
from playground.ui.pictures.plane_layers import (
    GROUND,
    Plane,
    paint_axes,
    paint_circles,
    paint_legend,
    paint_names,
    paint_scatter,
)
from playground.ui.theme import theme
from playground.ui.widgets.controls import ARROWS, claims

Mode = Literal["manifold", "scatter", "both"]
_DIMMED = 0.45  # opacity of the manifold under points
# around lines, seen on white garments; opaque: a translucent pen is three times slower
_RIM = QColor(8, 9, 11)


class LatentPlane(QWidget):
    """z_1 to the right, z_2 upwards, over the square [-extent, extent]^2.

    Args:
        axes: other names for the two axes.
        circles: whether the standard deviations of a normal prior mean something here.
    """

    moved = Signal(float, float)  # z under the pointer
    pressed = Signal(float, float)  # z that was clicked

    def __init__(
        self, axes: tuple[str, str] = ("z₁", "z₂"), circles: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._axes, self._circles = axes, circles
        self._tiles: np.ndarray | None = None
        self._n, self._draft = 0, False
        self._extent = 3.0
        self._points: np.ndarray | None = None
        self._labels = np.zeros(0, np.int64)
        self._classes: tuple[str, ...] = ()
        self._pointer: tuple[float, float] | None = None
        self._trail: np.ndarray | None = None
        self._ellipse: tuple[np.ndarray, np.ndarray] | None = None
        self._mode: Mode = "manifold"
        self.background: QPixmap | None = None  # the ground and the manifold
        self.foreground: QPixmap | None = None  # points, names, axes
        self._square = QRect()  # of the plane, in device pixels
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Latent plane; the arrow keys move the pointer")
        theme.signals.changed.connect(self._stale)

    # --- what a tab calls

    @staticmethod
    def grid_points(n: int, extent: float = 3.0) -> np.ndarray:
        """z of the centres of n x n tiles, float32 (n*n, 2), row by row from the top left (z_2 largest first)."""
        along = ((np.arange(n) + 0.5) / n * 2 - 1) * extent
        z_1, z_2 = np.meshgrid(along, along[::-1])
        return np.stack([z_1.ravel(), z_2.ravel()], 1).astype(np.float32)

    def suggest_n(self, image_size: int, low: int = 9, high: int = 23) -> int:
        """The number of tiles per side whose whole-number zoom fills the room best (few large over many small)."""
        side = self._room()
        return max(range(low, high + 1), key=lambda n: (side // (n * image_size) * n * image_size, -n))

    def set_manifold(self, tiles: np.ndarray, n: int, extent: float = 3.0, draft: bool = False) -> None:
        """uint8 (n*n,H,W,C), decoded at :meth:`grid_points`; a draft, soon replaced, is painted the quickest way.

        Raises:
            ValueError: if there are not n*n tiles.
        """
        if len(tiles) != n * n:
            raise ValueError(f"A plane of {n} x {n} needs {n * n} tiles, not {len(tiles)}.")
        before = self._square, self._extent
        self._tiles, self._n, self._extent, self._draft = tiles, n, float(extent), draft
        self._place()
        self.background = None
        if before != (self._square, self._extent):
            self.foreground = None  # ten thousand points are painted again only if they moved
        self.update()

    def set_scatter(self, points: np.ndarray, labels: np.ndarray, classes: Sequence[str] = ()) -> None:
        """Encodings (N,2) with their class; ``classes`` names them in the legend."""
        self._points, self._labels, self._classes = np.asarray(points), np.asarray(labels), tuple(classes)
        self.foreground = None
        before = self._square
        self._place()  # the legend wants room
        if self._square != before:
            self.background = None
        self.update()

    def set_extent(self, extent: float) -> None:
        """How far the plane reaches from 0 in each direction."""
        if extent != self._extent:  # else ten thousand points would be painted again for nothing
            self._extent = float(extent)
            self._stale()

    def set_pointer(self, z: tuple[float, float] | np.ndarray | None) -> None:
        """Move the marker without emitting ``moved``."""
        self._pointer = None if z is None else (float(z[0]), float(z[1]))
        self.update()

    def set_trail(self, points: np.ndarray | None) -> None:
        """A path (N,2) over the plane, such as the line of an interpolation; None removes it."""
        self._trail = None if points is None else np.asarray(points, float)
        self.update()

    @property
    def ellipse(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean and deviations that are drawn as an ellipse; None while there is none."""
        return self._ellipse

    def set_ellipse(self, mu: np.ndarray | None, sigma: np.ndarray | None = None) -> None:
        """A Gaussian with its axes along those of the plane: centre and standard deviations, each (2,); None for none."""
        flat = mu is not None and sigma is not None and len(mu) == 2
        self._ellipse = (np.asarray(mu, float), np.asarray(sigma, float)) if flat else None
        self.update()

    def set_mode(self, mode: Mode) -> None:
        """Show the decoded manifold, the encodings, or the encodings over a dimmed manifold."""
        if mode != self._mode:
            self._mode = mode
            self._stale()

    def pointer(self) -> tuple[float, float] | None:
        """Where the marker stands."""
        return self._pointer

    def z_at(self, point: QPointF) -> tuple[float, float]:
        """z under a point of the widget, held inside the plane."""
        return self._plane().z(point * self.devicePixelRatioF())

    def point_of(self, z: tuple[float, float] | np.ndarray) -> QPointF:
        """Where a z is in the widget."""
        return self._plane().point(float(z[0]), float(z[1])) / self.devicePixelRatioF()

    def content(self) -> Content | None:
        """What is shown, for a sheet: the decoded tiles, or with encodings the plane as it is painted; None without any."""
        if self._mode == "manifold" and self._tiles is not None:
            across, up = self._axes
            title = f"{across} from {-self._extent:g} to {self._extent:g}, {up} upwards".replace("-", "−")
            return Content("Latent plane", ((title, self._tiles),), self._n, gap=0)
        if self._mode == "manifold" or self._points is None:
            return None
        return Content("Latent plane", (("", array(self.grab().toImage())[None]),), 1, whole=True)

    def picture_rects(self) -> list[QRectF]:
        """The plane is one picture, in widget coordinates; none before there is anything on it."""
        if self._tiles is None and self._points is None:
            return []
        ratio, square = self.devicePixelRatioF(), self._square
        return [
            QRectF(square.x() / ratio, square.y() / ratio, square.width() / ratio, square.height() / ratio)
        ]

    @property
    def zoom(self) -> float:
        """Device pixels per picture pixel, 0 without a manifold."""
        return self._square.width() / (self._n * self._tiles.shape[2]) if self._tiles is not None else 0.0

    # --- layout

    def sizeHint(self) -> QSize:
        """Takes whatever it gets."""
        return QSize(round(theme.em() * 40), round(theme.em() * 36))

    def minimumSizeHint(self) -> QSize:
        """Small, so that the window can be made small."""
        side = round(theme.em() * (9 if theme.lecture() else 14))  # large type leaves less room beside it
        return QSize(side, side)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again."""
        self._stale()

    def changeEvent(self, event: QEvent) -> None:
        """Lay out again on a screen with other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._stale()
        super().changeEvent(event)

    def _stale(self) -> None:
        self.background = self.foreground = None
        self._place()
        self.update()

    def _room(self) -> int:
        """Side of the largest square left by margins and ticks, in device pixels."""
        ratio, em = self.devicePixelRatioF(), theme.em()
        return max(int(min(self.width() - 4.5 * em, self.height() - 3.6 * em) * ratio), 16)

    def _place(self) -> None:
        ratio, em = self.devicePixelRatioF(), theme.em()
        side = self._room()
        if self._tiles is not None:
            side = side // self._n * self._n or side  # tiles of one size
        legend = self._legend_width() if self._legend_fits(side) else 0
        x = (self.width() * ratio - side - legend + 2.6 * em * ratio) / 2
        y = (self.height() * ratio - side - 1.8 * em * ratio) / 2
        self._square = QRect(max(round(x), 0), max(round(y), 0), side, side)

    def _legend_width(self) -> float:
        if not self._classes or self._points is None:  # kept free in every mode, so that the plane stays put
            return 0
        font = theme.scaled_font(0.92)
        return (
            max(theme.text_width(c, font) for c in self._classes) + 3.2 * theme.em()
        ) * self.devicePixelRatioF()

    def _legend_fits(self, side: float) -> bool:
        return (
            self.width() * self.devicePixelRatioF()
            >= side + self._legend_width() + 4.5 * theme.em() * self.devicePixelRatioF()
        )

    def _plane(self) -> Plane:
        return Plane(QRectF(self._square), self._extent, self.devicePixelRatioF())

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The finished background, then the pointer."""
        ratio = self.devicePixelRatioF()
        self.background = self.background or self._render(ratio, self._paint_back)
        self.foreground = self.foreground or self._render(ratio, self._paint_over)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self.background)
        painter.drawPixmap(0, 0, self.foreground)
        painter.scale(1 / ratio, 1 / ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = theme.accent(self, on_canvas=True)
        if self._trail is not None and len(self._trail):
            line = QPolygonF([self._plane().point(*z) for z in self._trail])
            for colour, width in ((_RIM, 4.4), (accent, 2.2)):
                painter.setPen(QPen(colour, width * ratio, c=Qt.PenCapStyle.RoundCap))
                painter.drawPolyline(line)
        if self._ellipse is not None:
            self._paint_ellipse(painter, *self._ellipse, ratio)
        if self._pointer is not None:
            self._paint_pointer(painter, self._plane().point(*self._pointer), accent, ratio)

    def _paint_ellipse(self, painter: QPainter, mu: np.ndarray, sigma: np.ndarray, ratio: float) -> None:
        """One and two standard deviations at their true size, and hairs that lead the eye to them."""
        plane, em = self._plane(), theme.em() * ratio
        centre, unit = plane.point(*mu.tolist()), plane.square.width() / 2 / plane.extent
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # hairs in white: over ten thousand points of every colour the accent alone is lost
        for colour, width in ((_RIM, 4.6), (QColor(theme.CANVAS_TEXT), 2.0)):
            painter.setPen(QPen(colour, width * ratio))
            for sigmas in (1, 2):
                painter.drawEllipse(centre, *(sigmas * unit * sigma).tolist())
            gap = max(2 * unit * float(sigma.max()), 0.3 * em) + 0.25 * em
            for way in (QPointF(1, 0), QPointF(-1, 0), QPointF(0, 1), QPointF(0, -1)):
                painter.drawLine(centre + way * gap, centre + way * (gap + 1.1 * em))

    def _paint_pointer(self, painter: QPainter, at: QPointF, accent: QColor, ratio: float) -> None:
        radius = theme.em() * 0.55 * ratio
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((_RIM, 4.5), (accent, 2.2)):
            painter.setPen(QPen(colour, width * ratio))
            painter.drawEllipse(at, radius, radius)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                way = QPointF(dx, dy)
                painter.drawLine(at + way * radius, at + way * radius * 1.7)

    def _render(self, ratio: float, paint: Callable[[QPainter, Plane], None]) -> QPixmap:
        layer = QPixmap(self.size() * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        painter = QPainter(layer)
        paint(painter, self._plane())
        painter.end()
        return layer

    def _paint_back(self, painter: QPainter, plane: Plane) -> None:
        theme.paint_canvas(painter, self)
        painter.scale(1 / plane.ratio, 1 / plane.ratio)
        painter.fillRect(plane.square, GROUND)
        if self._tiles is not None and self._mode != "scatter":
            painter.setOpacity(_DIMMED if self._mode == "both" else 1.0)
            tiles = qimage(sheet(argb(self._tiles), self._n, gap=0))
            times = 1 if self._draft else math.ceil(self.zoom)  # drawn at the next whole zoom and reduced
            painter.setRenderHint(
                QPainter.RenderHint.SmoothPixmapTransform, not self._draft and times != self.zoom
            )
            painter.drawImage(plane.square, tiles.scaled(tiles.size() * times))

    def _paint_over(self, painter: QPainter, plane: Plane) -> None:
        painter.scale(1 / plane.ratio, 1 / plane.ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._points is not None and self._mode != "manifold":
            paint_scatter(painter, plane, self._points, self._labels)
            paint_names(painter, plane, self._points, self._labels, self._classes)
            if self._legend_width() and self._legend_fits(plane.square.width()):
                paint_legend(painter, plane, self._classes)
        if self._circles:
            paint_circles(painter, plane)
        paint_axes(painter, plane, self._axes)

    # --- hands

    def event(self, event: QEvent) -> bool:
        """The arrows move the pointer while the plane has the focus."""
        return claims(event, *ARROWS) or super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The pointer follows the mouse over the plane, and everywhere while a button is held."""
        inside = self._square.contains((event.position() * self.devicePixelRatioF()).toPoint())
        if inside or event.buttons() != Qt.MouseButton.NoButton:
            self._go(self.z_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there, and tell that it was clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            z = self.z_at(event.position())
            self._go(z)
            self.pressed.emit(*z)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """All the room for the plane, or back."""
        if event.button() == Qt.MouseButton.LeftButton:
            enlarging.fill(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A hundredth of the plane per arrow, a tenth with Shift; Enter enlarges the plane, with Ctrl it is a click."""
        ways = dict(zip(ARROWS, (QPoint(-1, 0), QPoint(1, 0), QPoint(0, 1), QPoint(0, -1)), strict=True))
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.pressed.emit(*(self._pointer or (0.0, 0.0)))
            else:
                enlarging.fill(self)
            return
        if event.key() not in ways:
            super().keyPressEvent(event)
            return
        far = self._extent * (0.2 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.02)
        z, way = self._pointer or (0.0, 0.0), ways[Qt.Key(event.key())]
        self._go(self._plane().clamp(z[0] + way.x() * far, z[1] + way.y() * far))

    def _go(self, z: tuple[float, float]) -> None:
        if z != self._pointer:
            self.set_pointer(z)
            self.moved.emit(*z)


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.latent_plane``."""
    from playground import data
    from playground.ui.widgets.demo import application, run

    application()
    plane, (images, labels) = LatentPlane(), data.load("fashion", "test")
    plane.setProperty("family", "vae")
    plane.set_manifold(images[:225], 15)
    angle = labels * 0.63
    noise = np.random.default_rng(0).normal(0, 0.4, (len(labels), 2))
    plane.set_scatter(
        np.stack([np.cos(angle), np.sin(angle)], 1) * 1.6 + noise, labels, data.DATASETS["fashion"].classes
    )
    plane.set_mode("both")
    plane.moved.connect(print)
    run(plane)


if __name__ == "__main__":
    _demo()
