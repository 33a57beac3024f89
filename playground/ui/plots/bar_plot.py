"""Bars over whole numbers (256 grey levels) or over names (classes), painted in one go.

This plot changes many times a second beside a sampler whose steps take a millisecond, so it is one widget with one
paint: no child labels (each new text would lay the page out again), no scene, and the bars are one small picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap, QShowEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from playground.export.csv_table import Table
from playground.ui.pictures.pixels import qimage
from playground.ui.theme import theme

_MOST_AXES = 12  # pictures of them that are kept
_LEAST = 2.0  # width in pixels below which no bar is drawn
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(eq=False)
class _Axes:
    """How the axes look, and where the bars stand between them."""

    picture: QPixmap = field(default_factory=QPixmap)
    box: QRectF = field(default_factory=QRectF)
    title_height: float = 0.0


class BarPlot(QWidget):
    """Bars that stand on a common ground, one of them highlighted; its value is said under the title."""

    def __init__(
        self, title: str = "", x_label: str = "", y_label: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._said = title, ""
        self._labels = {"bottom": x_label, "left": y_label}
        self._x, self._values = np.zeros(0), np.zeros(0)
        self._spacing = 1.0  # the least distance between two bars
        self._names: tuple[str, ...] = ()
        self._highlight: int | None = None
        self._low, self._high, self._ground = 0.0, 1.0, 0.0
        self._axes = _Axes()  # painted again only when they change
        self._known_axes: dict[tuple[object, ...], _Axes] = {}  # the tops of live bars go to and fro
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        theme.signals.changed.connect(self.updateGeometry)
        theme.signals.changed.connect(self.update)

    # --- what a view calls

    @property
    def title(self) -> str:
        """What stands above the plot."""
        return self._title

    @property
    def values(self) -> np.ndarray:
        """Heights of the bars, float64 (N,)."""
        return self._values

    @property
    def highlight(self) -> int | None:
        """The bar in full colour."""
        return self._highlight

    def set_title(self, title: str) -> None:
        """Another title, "" for none."""
        if title != self._title:
            self._title = title
            self.update()

    def set_labels(self, x_label: str, y_label: str) -> None:
        """Other axis names, with their units."""
        self._labels = {"bottom": x_label, "left": y_label}
        self.update()

    def table(self) -> Table:
        """What the bars stand for and how high they are."""
        names = list(self._names) or self._x.tolist()
        words = [self._labels["bottom"] or "name", self._labels["left"] or "value"]
        return Table("the plot", words, [list(row) for row in zip(names, self._values.tolist(), strict=True)])

    def set_values(
        self,
        values: np.ndarray | Sequence[float],
        highlight: int | None = None,
        x: np.ndarray | None = None,
        low: float = 0.0,
        high: float | None = None,
        names: Sequence[str] | None = None,
        signed: bool = False,
    ) -> None:
        """Give the bars.

        Args:
            values: their heights (N,); what is below ``low`` is drawn at ``low``.
            highlight: index of the bar drawn in full colour, with its value in the legend line.
            x: where they stand, 0..N-1 unless told.
            low: the ground of the bars (log-probabilities stand on, say, -12).
            high: top of the axis; unless told, the next round number above the highest bar, so that it seldom moves.
            names: one word per bar in place of numbers.
            signed: bars stand on zero, and those of negative values hang from it; the axis finds its own ends.
        """
        raw = np.asarray(values, float)
        if signed:
            deepest, highest = float(raw.min(initial=0)), float(raw.max(initial=0))
            low = -_round_up(-deepest) if deepest < 0 else 0.0
            high = _round_up(highest) if highest > 0 or not low else 0.0
        self._ground = 0.0 if signed else low
        self._values = np.maximum(np.nan_to_num(raw, neginf=low), low)
        self._x = np.arange(len(raw), dtype=float) if x is None else np.asarray(x, float)
        self._spacing = float(np.diff(self._x).min()) if len(raw) > 1 else 1.0
        self._names, self._highlight, self._low = tuple(names or ()), highlight, low
        top = float(self._values.max(initial=low))
        self._high = (low + _round_up(top - low)) if high is None else high
        self._said = ""
        if highlight is not None:
            word = names[highlight] if names else f"{self._x[highlight]:g}"
            self._said = f"{word}: {raw[highlight]:.3f}".replace("-", "−")
        self.update()

    def legend(self) -> str:
        """What is said of the highlighted bar."""
        return self._said

    def point_of(self, x: float, y: float) -> QPointF:
        """Where a point of the plot lies, in widget coordinates."""
        return self._place(self._plot_box(), x, y)

    def _place(self, box: QRectF, x: float, y: float) -> QPointF:
        first, last = self._x_range()
        across = (x - first) / max(last - first, 1e-12)
        up = (y - self._low) / max(self._high - self._low, 1e-12)
        return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())

    # --- size

    def sizeHint(self) -> QSize:
        """As large as the panel lets it be."""
        return QSize(round(theme.em() * 20), round(theme.em() * 17))

    def minimumSizeHint(self) -> QSize:
        """Bars, figures and two lines of title."""
        return QSize(round(theme.em() * 10), round(theme.em() * 10.5))

    def showEvent(self, event: QShowEvent) -> None:
        """Its tab, and so its accent, is known now."""
        self.update()
        super().showEvent(event)

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes from their picture, title, legend, bars."""
        painter = QPainter(self)
        self._plot_box()  # measured once; from here on it is that of the axes
        if self._axes.picture.isNull():
            self._axes.picture = self._axes_picture()
        painter.drawPixmap(0, 0, self._axes.picture)
        self._paint_title(painter)
        self._paint_legend(painter)
        if not len(self._x):
            return
        accent = theme.accent(self)
        soft = QColor(accent)
        soft.setAlphaF(0.38 if self._highlight is not None else 0.85)
        self._paint_bars(painter, slice(None), soft)
        if self._highlight is not None:
            self._paint_bars(painter, slice(self._highlight, self._highlight + 1), accent)

    def _axes_picture(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(math.ceil(self.width() * ratio), math.ceil(self.height() * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        if len(self._x):
            self._paint_axes(painter)
        painter.end()
        return picture

    def _paint_title(self, painter: QPainter) -> None:
        if self._title:
            painter.setFont(self._heading_font())
            painter.setPen(QColor(theme.palette().text))
            box = QRectF(0, 0, self.width(), self._axes.title_height)
            painter.drawText(box, int(Qt.TextFlag.TextWordWrap) | int(_LEFT.value), self._title)

    def _paint_legend(self, painter: QPainter) -> None:
        if self._highlight is not None:
            line = self._line()
            painter.setFont(theme.scaled_font(0.92))
            top, side = self._axes.title_height, round(theme.em() * 0.6)
            painter.fillRect(QRectF(0, top + (line - side) / 2, side, side), theme.accent(self))
            painter.setPen(QColor(theme.palette().muted))
            painter.drawText(QRectF(side * 1.7, top, self.width(), line), int(_LEFT.value), self._said)

    def _paint_axes(self, painter: QPainter) -> None:
        colours, box, line = theme.palette(), self._axes.box, self._line()
        painter.setFont(self._tick_font())
        painter.setPen(QPen(QColor(colours.line), 1))
        ground = self._place(box, 0, self._ground).y()
        painter.drawLine(QPointF(box.left(), ground), QPointF(box.right(), ground))
        painter.drawLine(box.bottomLeft(), box.topLeft())
        painter.setPen(QColor(colours.muted))
        gap = theme.em() * 0.3
        for value, text in self._y_ticks():
            y = self._place(box, 0, value).y()
            painter.drawText(QRectF(0, y - line / 2, box.left() - gap, line), int(_RIGHT.value), text)
        centre = int((Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop).value)
        wide = box.width() / len(self._names) if self._names else theme.em() * 4
        metrics = painter.fontMetrics()
        for value, text in self._x_ticks():
            x = self._place(box, value, 0).x()
            short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, math.floor(wide - gap))
            half = metrics.horizontalAdvance(short) / 2
            x = min(x, self.width() - half)  # the last figure may stand at the very edge
            painter.drawText(QRectF(x - wide / 2, box.bottom() + gap / 2, wide, line), centre, short)
        if self._labels["bottom"]:
            under = QRectF(box.left(), box.bottom() + line, box.width(), line)
            painter.drawText(under, centre, self._labels["bottom"])
        if self._labels["left"]:
            painter.save()
            painter.translate(0, box.center().y())
            painter.rotate(-90)
            painter.drawText(QRectF(-box.height() / 2, 0, box.height(), line), centre, self._labels["left"])
            painter.restore()

    def _paint_bars(self, painter: QPainter, which: slice, colour: QColor) -> None:
        """Those that stand on the ground, and those that hang from it."""
        heights = self._values[which] - self._ground
        for part, hangs in ((np.maximum(heights, 0), False), (np.maximum(-heights, 0), True)):
            if part.any():
                self._paint_side(painter, self._x[which], part, hangs, colour)

    def _paint_side(
        self, painter: QPainter, x: np.ndarray, heights: np.ndarray, hangs: bool, colour: QColor
    ) -> None:
        """Which bar is over each column of device pixels, and how high: one picture for all of them."""
        ratio, plot = self.devicePixelRatioF(), self._axes.box
        first, last = self._x_range()
        per_unit = plot.width() / max(last - first, 1e-12)
        width = max(self._bar_width(), _LEAST / ratio / per_unit)
        left, right = (self._place(plot, end, 0).x() for end in (x[0] - width / 2, x[-1] + width / 2))
        high = plot.height() * float(heights.max()) / (self._high - self._low)
        w, h = max(round((right - left) * ratio), 1), round(high * ratio)
        if h < 1:
            return
        at = x[0] - width / 2 + (np.arange(w) + 0.5) / w * (x[-1] - x[0] + width)
        bar = np.searchsorted((x[1:] + x[:-1]) / 2, at)
        tops = np.where(np.abs(at - x[bar]) <= width / 2, heights[bar], 0) / heights.max() * h
        inside = np.arange(h)[::-1, None] + 0.5 < tops  # (h, w)
        opacity = colour.alphaF()
        r, g, b = (round(v * opacity) for v in (colour.red(), colour.green(), colour.blue()))  # premultiplied
        argb = np.uint32(round(255 * opacity) << 24 | r << 16 | g << 8 | b)
        ground = self._place(plot, 0, self._ground).y()
        target = QRectF(left, ground if hangs else ground - high, right - left, high)
        inside = inside[::-1] if hangs else inside
        painter.drawImage(target, qimage(np.where(inside, argb, np.uint32(0))))

    # --- measures

    def _plot_box(self) -> QRectF:
        """Where the bars are, measured again when something that decides it (or the look of the axes) has changed."""
        ends = (float(self._x[0]), float(self._x[-1])) if len(self._x) else ()
        title_height = self._title_height()
        words = (title_height, self._labels["bottom"], self._labels["left"], self._names)
        look = (theme.scale(), theme.palette().text, QApplication.font().key(), self.devicePixelRatioF())
        has_legend = self._highlight is not None
        key = (
            self.width(),
            self.height(),
            self._low,
            self._high,
            self._ground,
            ends,
            len(self._x),
            has_legend,
            words,
            look,
        )
        found = self._known_axes.get(key)
        if found is None:
            if len(self._known_axes) >= _MOST_AXES:
                self._known_axes.clear()
            found = self._known_axes[key] = self._measured_axes(title_height)
        self._axes = found
        return found.box

    def _measured_axes(self, title_height: float) -> _Axes:
        line = self._line()
        top = title_height + (line if self._highlight is not None else 0) + line * 0.5
        widest = max((theme.text_width(t, self._tick_font()) for _, t in self._y_ticks()), default=0.0)
        left = widest + theme.em() * 0.4 + (line if self._labels["left"] else 0)
        below = line * (2.1 if self._labels["bottom"] else 1.1)
        wide, high = max(self.width() - left - 2, 1), max(self.height() - top - below, 1)
        return _Axes(box=QRectF(left, top, wide, high), title_height=title_height)

    def _title_height(self) -> float:
        if not self._title:
            return 0.0
        metrics = QFontMetricsF(self._heading_font())
        lines = 2 if metrics.horizontalAdvance(self._title) > self.width() else 1
        return metrics.height() * 1.15 * lines

    def _line(self) -> float:
        return theme.em() * 1.5

    def _tick_font(self) -> QFont:
        return theme.scaled_font(0.85)

    def _heading_font(self) -> QFont:
        return theme.scaled_font(1.08, QFont.Weight.DemiBold)

    def _bar_width(self) -> float:
        return self._spacing * (0.8 if len(self._x) <= 64 else 1.0)

    def _x_range(self) -> tuple[float, float]:
        if not len(self._x):
            return 0.0, 1.0
        edge = self._spacing / 2
        air = 0.01 * (self._x[-1] - self._x[0] + 2 * edge)
        return float(self._x[0] - edge - air), float(self._x[-1] + edge + air)

    def _x_ticks(self) -> list[tuple[float, str]]:
        if self._names:
            return list(zip(self._x.tolist(), self._names, strict=True))
        room = self.width() / max(theme.em() * 4, 1)
        return _ticks(float(self._x[0]), float(self._x[-1]), max(min(room, 6), 2))

    def _y_ticks(self) -> list[tuple[float, str]]:
        return _ticks(self._low, self._high, 5)


def _round_up(span: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ... (and 0.5, 0.2 ...) at or above ``span``; 1 for nothing."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= span * (1 - 1e-9))


def _ticks(low: float, high: float, most: float) -> list[tuple[float, str]]:
    """At most ``most`` + 1 round numbers from ``low`` to ``high``, and how they are written."""
    step = _round_up((high - low) / most)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step - 1e-9)
    values = [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]
    return [(v, f"{v:.{digits}f}".replace("-", "−")) for v in values]
