"""The parts of the transport bar, each painted in the colours of the theme: signs, the timeline, a line of figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import Slider

if TYPE_CHECKING:
    from playground.ui.playback.player import Player


class TimeSlider(Slider):
    """The timeline: what was passed in the accent, what is stored in a lighter tint, what is to come in grey."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._head = 0
        self._fork: int | None = None
        self.setAccessibleName("timeline")
        self.setToolTip("Drag to go back and forth in time")

    def minimumSizeHint(self) -> QSize:
        """Long enough to aim at."""
        return QSize(round(theme.em() * 12), super().minimumSizeHint().height())

    def show_run(self, player: Player | None) -> None:
        """Take range and pointer from the player, without telling anyone."""
        last = player.timeline.last if player else None
        with QSignalBlocker(self):
            self.setEnabled(last is not None)
            first = player.timeline[0].step if player and last else 0
            self.setRange(first, max(last.total, last.step, first + 1) if last else 1)
            self._head = last.step if last else 0
            self._fork = player.fork.step if player and player.fork is not None else None
            self.setValue(player.frame.step if player and player.frame else 0)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows are steps of the player, not of the slider: leave them, and every other key, to the bar."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Groove, stored part, passed part, handle."""
        colours, accent = theme.palette(), theme.accent(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        edge, thick, middle = self._radius(), max(theme.em() * 0.3, 3.0), self.height() / 2
        groove = QRectF(edge, middle - thick / 2, self.width() - 2 * edge, thick)
        stored = QColor(accent)
        stored.setAlphaF(0.4)
        at = self.handle_centre()
        self._bar(painter, groove, groove.right(), QColor(colours.line))
        if not self.isEnabled():
            return
        self._bar(painter, groove, self.x_of(self._head), stored)
        self._bar(painter, groove, at.x(), accent)
        if self._fork is not None:
            self._mark(painter, self.x_of(self._fork), groove, accent)
        if self.hasFocus() or self.isSliderDown():
            halo = QColor(accent)
            halo.setAlphaF(0.25)
            painter.setBrush(halo)
            painter.drawEllipse(at, edge, edge)
        painter.setPen(QPen(accent, max(theme.em() * 0.17, 2.0)))
        painter.setBrush(accent if self.isSliderDown() else QColor(colours.surface))
        painter.drawEllipse(at, edge * 0.66, edge * 0.66)

    def _mark(self, painter: QPainter, x: float, groove: QRectF, colour: QColor) -> None:
        """Where branches leave the run: a notch across the groove."""
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(x - 1.5, groove.top() - 5, 3, groove.height() + 10), 1.5, 1.5)

    def _bar(self, painter: QPainter, groove: QRectF, until: float, colour: QColor) -> None:
        painter.setBrush(colour)
        bar = QRectF(groove)
        bar.setRight(max(until, groove.left()))
        painter.drawRoundedRect(bar, groove.height() / 2, groove.height() / 2)

    def x_of(self, step: int) -> float:
        """Where a step lies, in the widget's own coordinates."""
        along = (step - self.minimum()) / max(self.maximum() - self.minimum(), 1)
        return self._radius() + along * (self.width() - 2 * self._radius())


class SignButton(QToolButton):
    """A flat button that paints its sign in the colour of the text."""

    def __init__(self, sign: str, tip: str) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_face(sign, tip)

    def set_face(self, sign: str, tip: str) -> None:
        """Another sign and what it means."""
        self._sign = sign
        if tip != self.toolTip():
            self.setToolTip(tip)
            self.setAccessibleName(tip.split(" (")[0])
            self.update()

    def sizeHint(self) -> QSize:
        """A square for the finger."""
        return QSize(round(theme.em() * 2.4), round(theme.em() * 2.4))

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground when touched or switched on, a ring with the focus, the sign."""
        colours = theme.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QPen(QColor(colours.muted), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(self._ground())
        painter.drawRoundedRect(box, theme.em() * 0.46, theme.em() * 0.46)
        colour = theme.accent(self) if self.isChecked() else QColor(colours.text)
        if not self.isEnabled():
            colour = _between(QColor(colours.window), QColor(colours.muted), 0.45)
        painter.translate(box.center())
        painter.scale(theme.em() * 1.3 / 24, theme.em() * 1.3 / 24)
        painter.translate(-12, -12)
        paint_sign(painter, self._sign, colour)

    def _ground(self) -> QColor:
        colours = theme.palette()
        if not self.isEnabled():
            return QColor(Qt.GlobalColor.transparent)
        if self.isDown():
            return QColor(colours.line)
        return QColor(
            colours.hover if self.underMouse() else colours.raised if self.isChecked() else "transparent"
        )


GETTING_READY = "getting ready …"


class Figures(QWidget):
    """A line of figures that says less where there is less room, and does not twitch while they change.

    Not a QLabel: that lays its window out again for every new text, many times a second here.
    """

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._text = ""
        self._widest = 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("progress")

    def text(self) -> str:
        """What is shown."""
        return self._text

    def set_parts(self, parts: list[str], room_for: str = "") -> None:
        """Show ``parts``, the one that matters most first; ``room_for`` is the longest line to be expected."""
        if parts == self._parts:
            return
        needed = max(self._width(" · ".join(parts)), self._width(room_for)) if parts else 0
        if needed > self._widest:
            self._widest = needed
            self.updateGeometry()
        self._parts = parts
        self._fit()

    def forget_width(self) -> None:
        """Stop reserving room for the longest line so far."""
        self._widest = 0
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """The longest line so far."""
        return self.minimumSizeHint().expandedTo(QSize(self._widest, 0))

    def minimumSizeHint(self) -> QSize:
        """The first part."""
        wide = max(self._width(said) for said in ("step 000/000", GETTING_READY, *self._parts[:1]))
        return QSize(wide, round(theme.em() * 1.5))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say what there is room for."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line, at the right."""
        painter = QPainter(self)
        painter.setFont(self._font())
        painter.setPen(QColor(theme.palette().text))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(self.rect()), flags, self._text)

    def _font(self) -> QFont:
        return theme.scaled_font()

    def _width(self, text: str) -> int:
        return round(theme.text_width(text, self._font())) + 4

    def _fit(self) -> None:
        parts = list(self._parts)
        while len(parts) > 1 and self._width(" · ".join(parts)) > self.width():
            parts.pop()
        text = " · ".join(parts)
        if text != self._text:
            self._text = text
            self.update()


def _between(ground: QColor, colour: QColor, share: float) -> QColor:
    """``colour`` laid over ``ground``, as an opaque colour: overlapping strokes do not show."""
    pairs = (ground.red(), colour.red()), (ground.green(), colour.green()), (ground.blue(), colour.blue())
    return QColor(*(round(g + share * (c - g)) for g, c in pairs))


# --- the signs, on a field of 24 x 24


def paint_sign(painter: QPainter, sign: str, colour: QColor) -> None:
    """Draw one of first, back, play, pause, forward, last, stop, loop, branch."""
    if sign in ("loop", "branch"):
        _paint_loop(painter, colour) if sign == "loop" else _paint_branch(painter, colour)
        return
    painter.setPen(
        QPen(colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    painter.setBrush(colour)
    if sign in ("back", "first"):  # the mirror image
        painter.translate(24, 0)
        painter.scale(-1, 1)
    for shape in SIGNS[sign]:
        painter.drawPolygon([QPointF(x, y) for x, y in shape])


def _bar(x: float, width: float, top: float = 5) -> list[tuple[float, float]]:
    return [(x, top), (x + width, top), (x + width, 24 - top), (x, 24 - top)]


SIGNS: dict[str, list[list[tuple[float, float]]]] = {
    "play": [[(7, 4), (7, 20), (19.5, 12)]],
    "pause": [_bar(6, 3.4, 4.6), _bar(14.6, 3.4, 4.6)],
    "stop": [_bar(5.5, 13, 5.5)],
    "forward": [[(9.5, 5), (9.5, 19), (20, 12)], _bar(4, 1.4)],
    "last": [[(4.5, 5), (4.5, 19), (15, 12)], _bar(18.2, 1.4)],
}
SIGNS["back"], SIGNS["first"] = SIGNS["forward"], SIGNS["last"]


def _paint_branch(painter: QPainter, colour: QColor) -> None:
    painter.setPen(QPen(colour, 2.1, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    path = QPainterPath(QPointF(3.5, 8))
    path.lineTo(20.5, 8)
    path.moveTo(8, 8)
    path.cubicTo(12.5, 8, 11.5, 17, 16, 17)
    path.lineTo(20.5, 17)
    painter.drawPath(path)
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(8, 8), 2.2, 2.2)


def _paint_loop(painter: QPainter, colour: QColor) -> None:
    painter.setPen(
        QPen(colour, 2.1, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for _half in range(2):
        path = QPainterPath(QPointF(4, 12.5))
        path.cubicTo(4, 8.5, 5.5, 7.5, 9, 7.5)
        path.lineTo(19, 7.5)
        painter.drawPath(path)
        painter.drawPolyline([QPointF(16, 4.5), QPointF(19.2, 7.5), QPointF(16, 10.5)])
        painter.translate(24, 24)
        painter.rotate(180)
