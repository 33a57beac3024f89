"""The words of a prompt side by side: press one to look at it, drag the slider under it to weigh it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import Slider
from playground.ui.widgets.pressable import Pressable

MOST = 2.0  # times as strong as trained
_TICKS = 20  # slider positions for each whole strength


class WordRow(QWidget):
    """``pressed`` carries the place of a word; ``weighed`` the place and its new strength."""

    pressed = Signal(int)
    weighed = Signal(int, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words: list[str] = []
        self.parts: list[Word] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self.setAccessibleName("The words of the prompt")

    def set_words(self, words: Sequence[str], fixed: int = 0) -> None:
        """Other words; the first ``fixed`` of them have no slider."""
        if list(words) == self.words:
            return
        self.words = list(words)
        for part in self.parts:
            self._row.removeWidget(part)
            part.hide()
            part.deleteLater()
        self.parts = [Word(word, i >= fixed) for i, word in enumerate(self.words)]
        self._row.setSpacing(round(theme.em() * 0.7))
        for place, part in enumerate(self.parts):
            self._row.addWidget(part, 1)
            part.chip.clicked.connect(lambda _=False, place=place: self.pressed.emit(place))
            part.weighed.connect(lambda value, place=place: self.weighed.emit(place, value))

    def show_state(self, chosen: int, strengths: Sequence[float]) -> None:
        """Mark the chosen word (-1: none) and put the sliders where they stand; nothing is emitted."""
        for place, part in enumerate(self.parts):
            part.chip.setChecked(place == chosen)
            part.show_strength(strengths[place] if place < len(strengths) else 1.0)


class Word(QWidget):
    """A word, and how strong it is."""

    weighed = Signal(float)

    def __init__(self, word: str, has_slider: bool) -> None:
        super().__init__()
        self.chip, self.slider, self.number = Chip(word), Slider(), QLabel()
        self.slider.setRange(0, round(MOST * _TICKS))
        self.slider.scale = lambda at: at / _TICKS
        self.slider.setAccessibleName(f"Strength of “{word}”")
        self.slider.setToolTip(
            f"How strong “{word}” is: 1 as trained, 0 takes it away; double-click or Delete for 1"
        )
        self.slider.valueChanged.connect(self._slid)
        self.slider.reset.connect(lambda: self.slider.setValue(_TICKS))
        line = QHBoxLayout()
        line.addWidget(self.slider, 1)
        line.addWidget(self.number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.chip)
        column.addLayout(line)
        self.slider.setVisible(has_slider)
        self.number.setVisible(has_slider)
        self.setMaximumWidth(round(theme.em() * 14))
        self.show_strength(1.0)

    def show_strength(self, value: float) -> None:
        """Move the slider without saying so."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(value * _TICKS))
        self._say()

    def _slid(self, at: int) -> None:
        self._say()
        self.weighed.emit(at / _TICKS)

    def _say(self) -> None:
        self.number.setText(f"{self.slider.value() / _TICKS:.2f}")
        self.slider.say(self.number.text())
        self.slider.update()


class Chip(Pressable):
    """A word that can be chosen."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.setText(word)
        self.setCheckable(True)
        self.setAccessibleName(word)
        self.setToolTip(f"Which places take from “{word}”; once more for the picture alone")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """One line of text."""
        em = theme.em()
        return QSize(round(theme.text_width(self.text()) + em * 1.4), round(em * 2.0))

    def minimumSizeHint(self) -> QSize:
        """A few letters."""
        return QSize(round(theme.em() * 3), round(theme.em() * 2.0))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Filled with the accent when chosen."""
        painter, em = QPainter(self), theme.em()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, accent = theme.palette(), theme.accent(self)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        ground = QColor(accent)
        ground.setAlphaF(1.0 if self.isChecked() else 0.24 if self.underMouse() else 0.1)
        painter.setPen(QPen(QColor(colours.text), 1.6) if self.hasFocus() else QPen(accent, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(box, em, em)
        painter.setPen(QColor(colours.window if self.isChecked() else colours.text))
        words = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, round(box.width() - em)
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
