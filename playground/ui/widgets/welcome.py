"""For who is new: one line with a few ways in, and an overlay that points at the parts of the window, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton, claims
from playground.ui.widgets.link_button import LinkButton

_ON = (Qt.Key.Key_Right, Qt.Key.Key_Space, Qt.Key.Key_PageDown, Qt.Key.Key_Return, Qt.Key.Key_Enter)
_BACK = (Qt.Key.Key_Left, Qt.Key.Key_PageUp)


class WelcomeLine(QWidget):
    """*New here?* and links; ``dismissed`` when its cross is pressed.

    Args:
        links: words, the family whose accent they wear, and what they do.
    """

    dismissed = Signal()

    def __init__(self, links: Sequence[tuple[str, str, Callable[[], object]]]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        edge = round(theme.em() * 0.6)
        row.setContentsMargins(edge, round(edge / 2), edge, 0)
        row.addWidget(QLabel("New here?"))
        self.links: dict[str, LinkButton] = {}
        for text, family, act in links:
            link = LinkButton(text, family)
            link.clicked.connect(lambda _=False, act=act: act())
            self.links[text] = link
            row.addWidget(link)
        row.addStretch(1)
        self.cross = IconButton("close", "I know my way: do not show this again")
        self.cross.clicked.connect(self.dismissed)
        row.addWidget(self.cross)


@dataclass(frozen=True)
class Step:
    """A part of the window, and two sentences about it."""

    part: Callable[[], QWidget | None]
    title: str
    text: str


class StepsOverlay(QWidget):
    """Covers a window, leaves one part of it bright, and says what it is for.  ``ended`` when it was seen or left."""

    ended = Signal()

    def __init__(self, window: QWidget, steps: Sequence[Step]) -> None:
        super().__init__(window)
        self._steps, self.index = steps, 0
        self.title, self.text, self.count = QLabel(), QLabel(), QLabel()
        self.title.setProperty("role", "title")
        self.text.setWordWrap(True)
        self.count.setProperty("role", "caption")
        self.next, self.leave = QPushButton("Next"), QPushButton("Enough")
        self.next.clicked.connect(lambda: self.go(1))
        self.leave.clicked.connect(self.close_for_good)
        self._card = self._make_card()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("A tour of the window")
        window.installEventFilter(self)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.setFocus()
        self._show()

    def _make_card(self) -> QFrame:
        card = QFrame(self)
        card.setObjectName("tour")
        card.setAutoFillBackground(True)
        foot = QHBoxLayout()
        foot.addWidget(self.count)
        foot.addStretch(1)
        foot.addWidget(self.leave)
        foot.addWidget(self.next)
        column = QVBoxLayout(card)
        edge = round(theme.em())
        column.setContentsMargins(edge, edge, edge, edge)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addLayout(foot)
        return card

    def go(self, by: int) -> None:
        """The next or the previous step; after the last it is over."""
        if self.index + by >= len(self._steps):
            self.close_for_good()
        elif self.index + by >= 0:
            self.index += by
            self._show()

    def _over(self) -> QWidget:
        """The window that is covered."""
        window = self.parentWidget()
        assert window is not None
        return window

    def close_for_good(self) -> None:
        """It was seen."""
        self._over().removeEventFilter(self)
        self.hide()
        self.ended.emit()
        self.deleteLater()

    def _show(self) -> None:
        step = self._steps[self.index]
        self.title.setText(f"<b>{step.title}</b>")
        self.text.setText(step.text)
        self.count.setText(f"{self.index + 1} of {len(self._steps)}")
        self.next.setText("Next" if self.index + 1 < len(self._steps) else "Begin")
        self._place()

    def _bright(self) -> QRect:
        """The part, in this widget's coordinates; empty where there is none."""
        part = self._steps[self.index].part()
        if part is None or not part.isVisible():
            return QRect()
        corner = part.mapTo(self._over(), QPoint(0, 0))
        return QRect(corner, part.size()).adjusted(-4, -4, 4, 4).intersected(self.rect())

    def _place(self) -> None:
        """The card stands beside the part: below it, above it, or at its right, where there is room."""
        em, bright = theme.em(), self._bright()
        self._card.setFixedWidth(min(round(em * 26), self.width() - 20))
        layout = self._card.layout()
        if layout is not None:
            self._card.resize(self._card.width(), layout.totalHeightForWidth(self._card.width()))
        wide, high, gap = self._card.width(), self._card.height(), round(em * 0.8)
        if bright.isEmpty():
            x, y = (self.width() - wide) // 2, (self.height() - high) // 2
        elif bright.bottom() + gap + high < self.height():
            x, y = bright.center().x() - wide // 2, bright.bottom() + gap
        elif bright.top() - gap - high > 0:
            x, y = bright.center().x() - wide // 2, bright.top() - gap - high
        else:
            x, y = bright.right() + gap, bright.center().y() - high // 2
        x = min(max(x, 8), self.width() - wide - 8)
        self._card.move(x, min(max(y, 8), self.height() - high - 8))
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Goes on covering the window."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._over().rect())
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        """The keys that turn its pages are its own."""
        return claims(event, *_ON, *_BACK, Qt.Key.Key_Escape) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """On, back, or enough."""
        key = Qt.Key(event.key())
        if key in _ON:
            self.go(1)
        elif key in _BACK:
            self.go(-1)
        elif key == Qt.Key.Key_Escape:
            self.close_for_good()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the card goes on."""
        self.go(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything dim but the part, which has a frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dim, bright = QPainterPath(), self._bright()
        dim.addRect(self.rect())
        if not bright.isEmpty():
            hole = QPainterPath()
            hole.addRoundedRect(bright, 6, 6)
            dim = dim.subtracted(hole)
        painter.fillPath(dim, QColor(0, 0, 0, 150))
        if not bright.isEmpty():
            painter.setPen(QPen(QColor("white"), 2))
            painter.drawRoundedRect(bright, 6, 6)
