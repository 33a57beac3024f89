"""A list of models to tick, grouped by family, each group in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import claims


@dataclass(frozen=True)
class Choice:
    """A model in the list."""

    key: str
    family: str
    title: str  # of the family
    tip: str = ""
    name: str = ""  # on the screen; the key, unless another is given


class _Tick(QAbstractButton):
    """A box in the accent, and a name."""

    def __init__(self, text: str, tip: str) -> None:
        super().__init__()
        self.setText(text)
        self.setToolTip(tip)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        em = theme.em()
        return QSize(round(theme.text_width(self.text(), self.font()) + em * 2.4), round(em * 1.75))

    minimumSizeHint = sizeHint

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down)
        return claims(event, *keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            area.ensureWidgetVisible(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        em, colours, accent = theme.em(), theme.palette(), theme.accent(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            accent = QColor(colours.line)
        side = em * 1.05
        box = QRectF(em * 0.15, (self.height() - side) / 2, side, side)
        painter.setPen(QPen(QColor(colours.text) if self.hasFocus() else accent, 1.6))
        painter.setBrush(accent if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, em * 0.25, em * 0.25)
        if self.isChecked():
            pen = QPen(QColor(colours.window), max(em * 0.15, 1.5))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            corners = [(0.24, 0.52), (0.43, 0.71), (0.77, 0.3)]
            painter.drawPolyline([QPointF(box.x() + x * side, box.y() + y * side) for x, y in corners])
        painter.setPen(QColor(colours.text if self.isEnabled() else colours.muted))
        painter.setFont(self.font())
        room = QRectF(em * 1.7, 0, self.width() - em * 1.7, self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self.text())


class ModelList(QScrollArea):
    """Models to tick, at most ``most`` at once: the others wait, greyed, until one is taken back."""

    changed = Signal()

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.ticks: dict[str, _Tick] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.signals.changed.connect(self.updateGeometry)

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """The models, those of a family together."""
        page = QWidget()
        page.setProperty("role", "page")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, round(theme.em() * 0.9), 0)
        column.setSpacing(0)
        self.ticks = {}
        group, last = QWidget(), ""
        for choice in choices:
            if choice.family != last:
                group, last = self._group(choice), choice.family
                column.addWidget(group)
            tick = _Tick(choice.name or choice.key, choice.tip)
            tick.toggled.connect(self._toggled)
            self.ticks[choice.key] = tick
            inside = group.layout()
            assert inside is not None
            inside.addWidget(tick)
        column.addStretch(1)
        self.setWidget(page)
        self.updateGeometry()

    def _group(self, choice: Choice) -> QWidget:
        group = QWidget()
        group.setProperty("family", choice.family)
        inside = QVBoxLayout(group)
        inside.setContentsMargins(0, 0, 0, round(theme.em() * 0.35))
        inside.setSpacing(0)
        title = QLabel(choice.title)
        title.setProperty("role", "caption")
        inside.addWidget(title)
        return group

    def chosen(self) -> list[str]:
        """What is ticked, from top to bottom."""
        return [key for key, tick in self.ticks.items() if tick.isChecked()]

    def choose(self, keys: Sequence[str]) -> None:
        """Tick these and no others."""
        for key, tick in self.ticks.items():
            tick.blockSignals(True)
            tick.setChecked(key in keys)
            tick.blockSignals(False)
        self._toggled()

    def _toggled(self) -> None:
        full = len(self.chosen()) >= self.most
        for tick in self.ticks.values():
            tick.setEnabled(tick.isChecked() or not full)
        self.changed.emit()

    def sizeHint(self) -> QSize:
        """As high as the list is, if there is room."""
        page = self.widget()
        high = page.sizeHint().height() if page is not None else 0
        return QSize(round(theme.em() * 16), high)

    def minimumSizeHint(self) -> QSize:
        """It scrolls."""
        return QSize(round(theme.em() * 14), round(theme.em() * 8))
