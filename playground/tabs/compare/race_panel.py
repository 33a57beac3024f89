"""One entrant of a race: its name and place, the pictures as they come, and its own clock.

``RaceBoard`` puts two to eight of them where their pictures can be largest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from playground.tabs.compare.race_record import FINISHED, Stand
from playground.ui.pictures.grid_layout import best_fit
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.playback.transport_parts import SignButton
from playground.ui.theme import theme
from playground.ui.widgets.pressable import Pressable

HEAD, FOOT, GAP = 2.4, 2.2, 0.7  # em
FASTEST = "fastest, by time alone"  # of the first place, where there is room: the clock says nothing of the pictures
PAUSED = "paused"
SMALLEST_NAME = 0.7  # of its size, where a name would not fit
PICTURE = (28, 28)  # what the board reckons with until it has seen one


class RaceGrid(ImageGrid):
    """The pictures, or in their place a word on why there are none yet."""

    def __init__(self) -> None:
        super().__init__()
        self.may_show_fewer = True
        self._message = ""

    def set_message(self, text: str) -> None:
        """Shown while there is no picture."""
        if text != self._message:
            self._message = text
            self.update()

    def minimumSizeHint(self) -> QSize:
        """Eight must fit into a small window."""
        return QSize(round(theme.em() * 7), round(theme.em() * 5))

    def sizeHint(self) -> QSize:
        """Whatever the board has to give."""
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pictures or the message."""
        super().paintEvent(event)
        if not self.count() and self._message:
            painter = QPainter(self)
            painter.setFont(theme.scaled_font())
            painter.setPen(QColor(theme.CANVAS_MUTED))
            edge = theme.em()
            box = QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)


class _Head(Pressable):
    """A dot in the family's colour, the name, and at the right the place or what goes on.  Pressed, it opens the model."""

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._title, self._tip, self._word, self._place = title, tip, "", 0
        self.setToolTip(tip)
        self.setAccessibleName(title)
        self.setAccessibleDescription(tip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def explain(self, tip: str) -> None:
        """Other words about it."""
        self._tip = tip
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)

    def say(self, word: str, place: int) -> None:
        if (word, place) != (self._word, self._place):
            self._word, self._place = word, place
            ended = f"{ordinal(place)} by time alone" if place else word
            self.setAccessibleName(f"{self._title}: {ended or 'under way'}")
            self.setToolTip(f"{self._tip}\n{ended.capitalize()}." if place else self._tip)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(theme.em() * 8), round(theme.em() * HEAD))

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        em, colours, accent = theme.em(), theme.palette(), theme.accent(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right = self._paint_place(painter) if self._place else self._paint_word(painter)
        if self.hasFocus() or self.underMouse() or self.isDown():
            self._paint_touched(painter, right)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(em * 0.7, middle), em * 0.32, em * 0.32)
        room = QRectF(em * 1.35, 0, max(right - em * 1.8, 0), self.height())
        wide = theme.text_width(self._title, theme.scaled_font(1.0, QFont.Weight.DemiBold))
        scale = min(max(room.width() / max(wide, 1), SMALLEST_NAME), 1.0)  # rather smaller than cut
        painter.setFont(theme.scaled_font(scale, QFont.Weight.DemiBold))
        painter.setPen(QColor(colours.text))
        text = painter.fontMetrics().elidedText(
            self._title, Qt.TextElideMode.ElideRight, round(room.width()) + 1
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_touched(self, painter: QPainter, right: float) -> None:
        """A tinted ground under the name, with a frame when it has the focus."""
        em, ground = theme.em(), QColor(theme.accent(self))
        pressed = self.underMouse() or self.isDown()
        ground.setAlphaF(0.22 if pressed else 0.08)
        text = QColor(theme.palette().text)
        painter.setPen(QPen(text, 1.6) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        box = QRectF(1, em * 0.2, max(right - em * 0.4, 2 * em), self.height() - em * 0.4)
        painter.drawRoundedRect(box, em * 0.46, em * 0.46)

    def _paint_place(self, painter: QPainter) -> float:
        """A plate in the accent, filled for the winner; returns where it begins."""
        em, accent = theme.em(), theme.accent(self)
        font = theme.scaled_font(1.0, QFont.Weight.DemiBold)
        name = theme.text_width(self._title, font) + em * 1.8
        long = self._place == 1 and name + theme.text_width(FASTEST, font) + em * 2 <= self.width()
        text = FASTEST if long else ordinal(self._place)
        wide = theme.text_width(text, font) + em * 1.2
        box = QRectF(self.width() - wide - 1, self.height() / 2 - em * 0.9, wide, em * 1.8)
        painter.setPen(QPen(accent, 1.5))
        painter.setBrush(accent if self._place == 1 else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, em * 0.5, em * 0.5)
        painter.setFont(font)
        painter.setPen(QColor(theme.palette().window) if self._place == 1 else accent)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return box.left()

    def _paint_word(self, painter: QPainter) -> float:
        font = theme.scaled_font(0.92)
        painter.setFont(font)
        painter.setPen(QColor(theme.palette().muted))
        wide = theme.text_width(self._word, font) + 2
        name = theme.text_width(self._title, theme.scaled_font(1.0, QFont.Weight.DemiBold))
        if self._word == PAUSED and name + theme.em() * 1.8 > self.width() - wide:
            return self.width()  # its button says so too, and the name is needed more
        box = QRectF(self.width() - wide, 0, wide, self.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._word)
        return box.left()


class _Foot(QWidget):
    """The clock, the figures that there is room for, and a thin line for how far it is."""

    def __init__(self) -> None:
        super().__init__()
        self._clock, self._parts, self._share = "", [""], 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def say(self, clock: str, parts: list[str], share: float) -> None:
        if (clock, parts, share) != (self._clock, self._parts, self._share):
            self._clock, self._parts, self._share = clock, parts, share
            self.setAccessibleName(" · ".join([clock, *parts]))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(theme.em() * 8), round(theme.em() * FOOT))

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        em, colours = theme.em(), theme.palette()
        painter = QPainter(self)
        thick = max(em * 0.2, 2.0)
        painter.fillRect(QRectF(0, 1, self.width(), thick), QColor(colours.line))
        painter.fillRect(QRectF(0, 1, self.width() * self._share, thick), theme.accent(self))
        line = QRectF(0, thick, self.width(), self.height() - thick)
        big, small = theme.scaled_font(1.15, QFont.Weight.DemiBold), theme.scaled_font(0.92)
        painter.setFont(big)
        painter.setPen(QColor(colours.text))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self._clock)
        room = line.width() - theme.text_width(self._clock, big) - em * 0.7
        parts = list(self._parts)
        while parts and theme.text_width(" · ".join(parts), small) > room:
            parts.pop()
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(line, flags, " · ".join(parts))


class RacePanel(QWidget):
    """Shows where one lane stands.

    Args:
        family: whose accent it wears.
        title: the model's id.
        tip: what it is, in a sentence.
        name: what it is called on the screen.
        quality: how good its pictures are, as measured, in a few words.
    """

    toggled = Signal()  # pause or resume this one
    opened = Signal()  # its name was pressed

    def __init__(self, family: str, title: str, tip: str = "", name: str = "", quality: str = "") -> None:
        super().__init__()
        self.setProperty("family", family)
        self.title, self.quality = title, quality
        self.remark = ""  # what this one cannot do of what was asked
        self.head, self.grid, self.foot = _Head(name or title, tip), RaceGrid(), _Foot()
        self.head.clicked.connect(lambda: self.opened.emit())
        self.pause = SignButton("pause", f"Pause {title} alone")
        self.pause.clicked.connect(self.toggled)
        top = QHBoxLayout()
        top.setSpacing(round(theme.em() * 0.3))
        top.addWidget(self.head, 1)
        top.addWidget(self.pause)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.grid, 1)
        column.addWidget(self.foot)
        self.pause.hide()
        self.grid.setAccessibleName(f"Pictures of {title}")

    def say(self, message: str) -> None:
        """Before the race: what it is waiting for."""
        self.grid.set_panels([])
        self.grid.set_message(message)
        self.head.say("", 0)
        self.foot.say("", [], 0.0)
        self.pause.hide()

    def show_stand(self, stand: Stand, is_open: bool, is_paused: bool) -> None:
        """Where it stands; ``is_open``: it may still bring frames."""
        frame = stand.frame
        if frame is not None:
            self.grid.set_images(frame.images)
        else:
            self.grid.set_panels([])
        self.grid.set_message("" if frame is not None else _nothing(stand))
        word = stand.outcome if stand.outcome != FINISHED else ""
        self.head.say(word or (PAUSED if is_paused else ""), stand.place)
        clock, parts, share = figures(stand)
        self.foot.say(clock, [part for part in (self.remark, self.quality, *parts) if part], share)
        self.pause.setVisible(is_open)
        words = ("play", f"Let {self.title} go on") if is_paused else ("pause", f"Pause {self.title} alone")
        self.pause.set_face(*words)


def _nothing(stand: Stand) -> str:
    return "nothing to show in this time" if stand.outcome == "out of time" else stand.outcome or "ready"


def figures(stand: Stand) -> tuple[str, list[str], float]:
    """The clock, the other figures with the most telling first, and how far it is from 0 to 1."""
    frame = stand.frame
    if frame is None:
        return seconds_text(stand.seconds), [], 0.0
    parts = [f"{frame.passes:,} pass" + "es" * (frame.passes != 1)]
    if stand.milliseconds is not None and frame.passes:
        parts.append(f"{_three(stand.milliseconds)} ms/image")
    share = frame.step / frame.total if frame.total else 1.0
    return seconds_text(stand.seconds), parts, 1.0 if stand.outcome == FINISHED else share


def seconds_text(seconds: float) -> str:
    """With as many figures as a stop-watch has, and three decimals below a tenth of a second."""
    return (
        f"{seconds:.3f} s" if seconds < 0.1 else f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"
    )


def _three(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th ..."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


class RaceBoard(QWidget):
    """The panels in rows, arranged so that the pictures are largest."""

    def __init__(self) -> None:
        super().__init__()
        self.panels: list[RacePanel] = []
        self._columns = 0
        self._pictures = 16
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        theme.signals.changed.connect(self.arrange)

    @property
    def columns(self) -> int:
        """How many panels stand in a row."""
        return max(self._columns, 1)

    def set_panels(self, panels: Sequence[RacePanel]) -> None:
        """Other entrants."""
        for old in self.panels:
            self._grid.removeWidget(old)
            old.hide()  # at once: it is deleted only when the event loop comes round
            old.deleteLater()
        self.panels, self._columns = list(panels), 0
        self.arrange()

    def expect(self, pictures: int) -> None:
        """How many pictures each will show."""
        self._pictures = pictures
        self.arrange()

    def minimumSizeHint(self) -> QSize:
        """Eight small panels; else the arrangement of the moment would hold the window open."""
        return QSize(round(theme.em() * 34), round(theme.em() * 22))

    sizeHint = minimumSizeHint

    def arrange(self) -> None:
        """Choose the number of columns."""
        if not self.panels:
            return
        self._grid.setHorizontalSpacing(round(theme.em() * GAP))
        self._grid.setVerticalSpacing(round(theme.em() * 0.5))
        columns = max(range(1, len(self.panels) + 1), key=self._worth)
        if columns == self._columns:
            return
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 0)
        self._columns = columns
        for i, panel in enumerate(self.panels):
            row, column = divmod(i, columns)
            self._grid.addWidget(panel, row, column)
            self._grid.setRowStretch(row, 1)
            self._grid.setColumnStretch(column, 1)

    def _worth(self, columns: int) -> tuple[float, ...]:
        """Zoom first, then few empty places, then panels as square as can be."""
        em, ratio = theme.em(), self.devicePixelRatioF()
        rows = -(-len(self.panels) // columns)
        wide = (self.width() - (columns - 1) * em * GAP) / columns - 1.2 * em
        high = (self.height() - (rows - 1) * em * 0.5) / rows - (HEAD + FOOT + 1.2) * em
        if wide < 9 * em or high < 3 * em:
            return (-1, min(wide, 3 * high))
        fit = best_fit(self._pictures, PICTURE, (wide * ratio, high * ratio))
        h, w = PICTURE
        zoom = int(min(wide * ratio / (fit.columns * (w + 1)), high * ratio / (fit.rows * (h + 1))))
        return (zoom, len(self.panels) - rows * columns, -abs(math.log(wide / high)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange again."""
        self.arrange()
        super().resizeEvent(event)
