"""The few controls that are painted here, in the accent of the tab they stand in: slider, switch, segments, menu.

The mouse wheel changes a control only when it has the focus, so that a panel can be scrolled past its sliders.  The
focus comes to them with the Tab key; what the mouse has turned gives the keys back to the canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleValueChangeEvent,
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from playground.ui import spoken_value
from playground.ui.theme import icons, theme
from playground.ui.widgets.key_home import hand_back


def claims(event: QEvent, *keys: Qt.Key) -> bool:
    """Take a key that a window-wide shortcut would otherwise have: for ``event()`` of a control with the focus."""
    if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys:
        event.accept()
        return True
    return False


def press_by_key(buttons: Mapping[Qt.Key, QAbstractButton], event: QKeyEvent) -> bool:
    """Press the button that a key stands for; False if it means nothing here, or nothing now."""
    button = buttons.get(Qt.Key(event.key()))
    plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
    if button is None or not plain or not button.isEnabled():
        return False
    button.click()
    return True


ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
ENDS = (Qt.Key.Key_Home, Qt.Key.Key_End)  # page keys are no control's: they turn views


class Slider(QSlider):
    """A horizontal slider that jumps to the click, follows the finger, and is reset by a double click on it."""

    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.spoken = ""  # the value as it is written beside it
        self.scale: Callable[[int], float] = float  # position -> value
        spoken_value.install()

    def say(self, value: str) -> None:
        """What stands at the handle, for screen readers: a position from 0 to 200 tells nobody anything."""
        if value != self.spoken:
            self.spoken = value
            QAccessible.updateAccessibility(QAccessibleValueChangeEvent(self, value))

    def sizeHint(self) -> QSize:
        """One line of text high."""
        return QSize(round(theme.em() * 8), round(theme.em() * 1.7))

    def minimumSizeHint(self) -> QSize:
        """Narrow, but tall enough for the finger."""
        return QSize(round(theme.em() * 4), round(theme.em() * 1.7))

    def event(self, event: QEvent) -> bool:
        """The arrows belong to the slider while it has the focus."""
        return claims(event, *ARROWS, *ENDS) or super().event(event)

    def handle_centre(self) -> QPointF:
        """Where the handle is, in widget coordinates."""
        span = max(self.maximum() - self.minimum(), 1)
        along = (self.sliderPosition() - self.minimum()) / span
        return QPointF(self._radius() + along * (self.width() - 2 * self._radius()), self.height() / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Jump to the finger and follow it."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the finger."""
        if self.isSliderDown():
            self._follow(event)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go, of the keys too."""
        self.setSliderDown(False)
        self.update()
        hand_back(self)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the default."""
        self.setSliderDown(False)
        self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete is the double click of the keyboard."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset.emit()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus; else the panel scrolls."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A groove, the part that is passed in the accent, and a round handle."""
        colours, accent = theme.palette(), theme.accent(self)
        if not self.isEnabled():
            accent = QColor(colours.line)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        at, thick, radius = self.handle_centre(), max(theme.em() * 0.3, 3.0), self._radius()
        groove = QRectF(0, self.height() / 2 - thick / 2, self.width(), thick)
        painter.setBrush(QColor(colours.line))
        painter.drawRoundedRect(groove, thick / 2, thick / 2)
        if self.sliderPosition() > self.minimum():
            done = QRectF(groove.topLeft(), QPointF(at.x(), groove.bottom()))
            painter.setBrush(accent)
            painter.drawRoundedRect(done, thick / 2, thick / 2)
        if self.hasFocus() or self.isSliderDown():
            halo = QColor(accent)
            halo.setAlphaF(0.25)
            painter.setBrush(halo)
            painter.drawEllipse(at, radius, radius)
        ring = QPen(accent, max(theme.em() * 0.17, 2.0))
        painter.setPen(ring)
        painter.setBrush(accent if self.isSliderDown() else QColor(colours.surface))
        painter.drawEllipse(at, radius * 0.66, radius * 0.66)

    def _radius(self) -> float:
        return theme.em() * 0.72

    def _follow(self, event: QMouseEvent) -> None:
        room = max(self.width() - 2 * self._radius(), 1)
        along = min(max((event.position().x() - self._radius()) / room, 0), 1)
        self.setSliderPosition(round(self.minimum() + along * (self.maximum() - self.minimum())))


class Switch(QAbstractButton):
    """On or off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as a line of text."""
        return QSize(round(theme.em() * 2.6), round(theme.em() * 1.6))

    def event(self, event: QEvent) -> bool:
        """Space belongs to the switch while it has the focus."""
        return claims(event, Qt.Key.Key_Space) or super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Turned; the keys go back."""
        super().mouseReleaseEvent(event)
        hand_back(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The knob at the right in the accent when on, at the left in grey when off."""
        colours = theme.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        on = self.isChecked()
        painter.setPen(QPen(QColor(colours.text), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(theme.accent(self) if on else QColor(colours.line))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.window if on else colours.text))
        radius = box.height() / 2 - theme.em() * 0.2
        x = box.right() - box.height() / 2 if on else box.left() + box.height() / 2
        painter.drawEllipse(QPointF(x, box.center().y()), radius, radius)


class _Segment(QAbstractButton):
    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        em = theme.em()
        return QSize(round(theme.text_width(self.text(), self.font()) + 1.3 * em), round(em * 2.1))

    def event(self, event: QEvent) -> bool:
        return claims(event, Qt.Key.Key_Space, *ARROWS) or super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        hand_back(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, radius = theme.palette(), theme.em() * 0.38
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.accent(self))
            painter.drawRoundedRect(box, radius, radius)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.text), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, radius, radius)
        painter.setPen(QColor(colours.window if self.isChecked() else colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.text())


class Segmented(QWidget):
    """Two or three choices side by side, one of them taken."""

    chosen = Signal(int)

    def __init__(self, texts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        for i, text in enumerate(texts):
            segment = _Segment(text, self)
            self._group.addButton(segment, i)
            row.addWidget(segment)
        self._group.idToggled.connect(self._toggled)
        self._group.button(0).setChecked(True)

    def index(self) -> int:
        """Which one is taken."""
        return self._group.checkedId()

    def set_index(self, index: int) -> None:
        """Take one."""
        self._group.button(index).setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The trough in which the segments lie."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.palette().raised))
        painter.drawRoundedRect(QRectF(self.rect()), theme.em() * 0.5, theme.em() * 0.5)

    def _toggled(self, index: int, on: bool) -> None:
        if on:
            self.chosen.emit(index)


class ComboBox(QComboBox):
    """A menu that looks like the other controls and lets the wheel pass unless it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._opened_by_mouse = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def sizeHint(self) -> QSize:
        """As wide as its longest entry."""
        em = theme.em()
        texts = [self.closed_text(i) for i in range(self.count())] or [""]
        return QSize(round(max(theme.text_width(t, self.font()) for t in texts) + 3 * em), round(em * 2.2))

    def closed_text(self, index: int) -> str:
        """What an entry is called while the menu is closed."""
        return self.itemText(index)

    def minimumSizeHint(self) -> QSize:
        """Texts are elided before the panel is cut."""
        return QSize(round(theme.em() * 7), round(theme.em() * 2.2))

    def event(self, event: QEvent) -> bool:
        """Space and the arrows belong to the menu while it has the focus."""
        return claims(event, Qt.Key.Key_Space, *ARROWS, *ENDS) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open."""
        self._opened_by_mouse = True
        super().mousePressEvent(event)

    def hidePopup(self) -> None:
        """Closed; what the mouse has opened gives the keys back."""
        super().hidePopup()
        if self._opened_by_mouse:
            self._opened_by_mouse = False
            hand_back(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters are the window's keys, not a search for an entry."""
        event.ignore() if event.text().isalpha() else super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus; else the panel scrolls."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet field, the text, a chevron."""
        colours, em = theme.palette(), theme.em()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        edge = colours.text if self.hasFocus() else colours.muted if self.underMouse() else colours.line
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(colours.surface))
        painter.drawRoundedRect(box, em * 0.46, em * 0.46)
        painter.setPen(QColor(colours.text if self.isEnabled() else colours.muted))
        room = box.adjusted(em * 0.6, 0, -em * 1.8, 0)
        text = self.fontMetrics().elidedText(
            self.closed_text(self.currentIndex()), Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        chevron = icons.pixmap("chevron-down", QColor(colours.muted), em * 1.1, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(box.right() - em * 1.6, box.center().y() - em * 0.55), chevron)


class IconButton(QToolButton):
    """A flat button with one of our icons, recoloured with the theme."""

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setProperty("role", "plain")
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        theme.signals.changed.connect(self._redraw)
        self._redraw()

    def set_icon(self, name: str) -> None:
        """Another icon."""
        self._name = name
        self._redraw()

    def _redraw(self) -> None:
        side = round(theme.em() * 1.35)
        self.setIconSize(QSize(side, side))
        self.setIcon(icons.icon(self._name, QColor(theme.palette().muted), side, 2.0))


class CalmWheel(QObject):
    """Event filter for spin boxes: the wheel passes through unless they have the focus; Escape gives the focus up."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QAbstractSpinBox):
            if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
                event.ignore()
                return True
            escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
            if escape and event.type() == QEvent.Type.KeyPress:  # gives the keys back to the window
                watched.clearFocus()
                return True
        return False


def combo(entries: Sequence[tuple[Any, str]]) -> ComboBox:
    """A menu from (value, text) pairs."""
    box = ComboBox()
    for value, text in entries:
        box.addItem(text, value)
    return box
