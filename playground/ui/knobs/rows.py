"""One row of the knob panel per knob: a label that explains itself and the control that suits the knob's type."""

from __future__ import annotations

import html
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from playground.contract import EACH_CLASS, Knob, plain
from playground.ui.knobs.number_field import SLIDER_STEPS, NumberField, step_of
from playground.ui.knobs.remark import Remark
from playground.ui.theme import theme
from playground.ui.widgets import glossary
from playground.ui.widgets.controls import ComboBox, IconButton, Segmented, Slider, Switch, combo

MAX_SEGMENTS = 3
_PAUSE = 20  # ms without a key after which a text is taken over: a paste is one change
_SHORT_SEEDS = 10_000  # new seeds are drawn below this, so that they can be read aloud


class Row(QWidget):
    """A label, a control, and the way between the control and a value of the knob's type."""

    changed = Signal()

    def __init__(self, knob: Knob) -> None:
        super().__init__()
        self.knob = knob
        self.label = QLabel(knob.label)
        self.label.setToolTip(tip(knob))
        self.label.installEventFilter(self)
        self.setToolTip(tip(knob))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self._top = QHBoxLayout()
        self._top.addWidget(self.label, 1)
        self._column.addLayout(self._top)

    def value(self) -> Any:
        """The value shown."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value without saying that it changed."""
        raise NotImplementedError

    def reset(self) -> None:
        """Back to the default."""
        if self.value() != self.knob.default:
            self.show_value(self.knob.default)
            self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click on the label resets the knob."""
        if watched is self.label and event.type() == QEvent.Type.MouseButtonDblClick:
            self.reset()
            return True
        return False

    def _name(self, *controls: QWidget) -> None:
        for control in controls:
            control.setAccessibleName(self.knob.label)
            control.setToolTip(tip(self.knob))


class NumberRow(Row):
    """A slider and a field for a number; the slider moves in powers if the knob says so."""

    def __init__(self, knob: Knob) -> None:
        super().__init__(knob)
        self.field = NumberField(knob)
        self._top.addWidget(self.field)
        self.slider: Slider | None = None
        if knob.low is not None and knob.high is not None and knob.high > knob.low:
            self.slider = Slider()
            self._log = knob.log and knob.low > 0
            self._steps = slider_steps(knob)
            self.slider.setRange(0, self._steps)
            self.slider.scale = self.at
            self.slider.setPageStep(max(self._steps // 10, 1))
            self._column.addWidget(self.slider)
            self.slider.valueChanged.connect(self._slid)
            self.slider.reset.connect(self.reset)
        self._name(*filter(None, (self.field, self.slider)))
        self._exact: Any = knob.default  # the value last shown, of which the field may show a rounding
        self.show_value(knob.default)
        self.field.valueChanged.connect(self._typed)

    def value(self) -> Any:
        """The number, an int for an int knob."""
        if self.knob.type is int:
            return round(self.field.value())
        shown = self.field.value()
        # the field rounds to its decimals: a value that it cannot show exactly is still that value
        for exact in (self._exact, self.knob.default):
            if shown == round(exact, self.field.decimals()):
                return exact
        return shown

    def show_value(self, value: Any) -> None:
        """Move the slider and the field."""
        self._exact = float(value)
        with QSignalBlocker(self.field):
            self.field.setValue(float(value))
        self._move_slider()

    def at(self, position: int) -> float:
        """The value at a slider position."""
        low, high = float(self.knob.low or 0), float(self.knob.high or 0)
        share = position / self._steps
        if not self._log:
            value = (
                low + position * step_of(self.knob)
                if self.knob.step or self.knob.type is int
                else low + share * (high - low)
            )
            return min(value, high)
        value = low * (high / low) ** share
        return min(max(float(f"{value:.3g}"), low), high)

    def _move_slider(self) -> None:
        if self.slider is None:
            return
        low, high, value = float(self.knob.low or 0), float(self.knob.high or 0), self.field.value()
        share = math.log(value / low) / math.log(high / low) if self._log else (value - low) / (high - low)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(share * self._steps))
        self.slider.say(self.field.text())
        self.slider.update()

    def _slid(self, position: int) -> None:
        before = self.value()
        with QSignalBlocker(self.field):
            self.field.setValue(self.at(position))
        if self.slider is not None:
            self.slider.say(self.field.text())
        if self.value() != before:
            self.changed.emit()

    def _typed(self, value: float) -> None:
        self._move_slider()
        self.changed.emit()


class SeedRow(Row):
    """A field, and a button for a new seed."""

    def __init__(self, knob: Knob) -> None:
        super().__init__(knob)
        self.field = NumberField(knob)
        self.new_seed = IconButton("dice", "New seed (R)")
        self._top.addWidget(self.field)
        self._top.addWidget(self.new_seed)
        self._name(self.field)
        self.show_value(knob.default)
        self.field.valueChanged.connect(self.changed)
        self.new_seed.clicked.connect(self.reseed)

    def value(self) -> int:
        """The seed."""
        return round(self.field.value())

    def show_value(self, value: Any) -> None:
        """Show a seed."""
        with QSignalBlocker(self.field):
            self.field.setValue(value)

    def reseed(self) -> None:
        """Another seed, drawn at random."""
        high = int(self.knob.high if self.knob.high is not None else _SHORT_SEEDS - 1)
        fresh = random.randrange(min(high + 1, _SHORT_SEEDS))
        self.show_value(fresh if fresh != self.value() else (fresh + 1) % min(high + 1, _SHORT_SEEDS))
        self.changed.emit()


class SwitchRow(Row):
    """On or off."""

    def __init__(self, knob: Knob) -> None:
        super().__init__(knob)
        self.switch = Switch()
        self._top.addWidget(self.switch)
        self._name(self.switch)
        self.show_value(knob.default)
        self.switch.toggled.connect(self.changed)

    def value(self) -> bool:
        """Is it on."""
        return self.switch.isChecked()

    def show_value(self, value: Any) -> None:
        """Turn it on or off."""
        with QSignalBlocker(self.switch):
            self.switch.setChecked(bool(value))
        self.switch.update()


class ChoiceRow(Row):
    """Segments for two or three short choices, else a menu."""

    def __init__(self, knob: Knob, choices: Sequence[tuple[Any, str]]) -> None:
        super().__init__(knob)
        self._values = [value for value, _ in choices]
        texts = [text for _, text in choices]
        self.control: Segmented | ComboBox
        if 2 <= len(choices) <= MAX_SEGMENTS and sum(len(text) + 3 for text in texts) <= 30:
            self.control = Segmented(texts)
            self.control.chosen.connect(self.changed)
        else:
            self.control = combo(choices)
            self.control.currentIndexChanged.connect(self.changed)
        self._column.addWidget(self.control)
        self._name(self.control)
        self.show_value(knob.default)

    def value(self) -> Any:
        """The choice taken."""
        index = self.control.index() if isinstance(self.control, Segmented) else self.control.currentIndex()
        return self._values[index]

    def show_value(self, value: Any) -> None:
        """Take a choice."""
        index = self._values.index(value) if value in self._values else 0
        with QSignalBlocker(self.control):
            if isinstance(self.control, Segmented):
                self.control.set_index(index)
            else:
                self.control.setCurrentIndex(index)


class _Paragraph(QPlainTextEdit):
    """Several lines of text; Enter takes them over, Shift+Enter begins a new line."""

    editingFinished = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
        ):
            self.editingFinished.emit()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving it takes the text over, too."""
        super().focusOutEvent(event)
        self.editingFinished.emit()


class ParagraphRow(Row):
    """A few lines of free text; what its knob cannot take never gets in."""

    def __init__(self, knob: Knob) -> None:
        super().__init__(knob)
        self.field = _Paragraph()
        self.field.setTabChangesFocus(True)
        self._column.addWidget(self.field)
        self._name(self.field)
        self.show_value(knob.default)
        self.field.editingFinished.connect(self.changed)
        theme.signals.changed.connect(self._fit)
        self._fit()

    def value(self) -> str:
        """The text, as the model will read it."""
        text = self.field.toPlainText()
        return text if self.knob.longest is None else plain(text, self.knob.longest)

    def show_value(self, value: Any) -> None:
        """Show a text."""
        if str(value) != self.field.toPlainText():
            self.field.setPlainText(str(value))

    def _fit(self) -> None:
        self.field.setFixedHeight(round(theme.em() * (1.45 * self.knob.lines + 1.1)))


class TextRow(Row):
    """A line of text, taken over at Enter or when the focus leaves, or at every key if its knob says so."""

    def __init__(self, knob: Knob) -> None:
        super().__init__(knob)
        self.field, self.remark = QLineEdit(), Remark()
        self._column.addWidget(self.field)
        self._column.addWidget(self.remark)
        self._name(self.field)
        self.show_value(knob.default)
        self._said: tuple[str, Sequence[tuple[str, str]]] = ("", ())  # of the text, by the view
        self._typing = QTimer(self, singleShot=True, interval=_PAUSE)
        self._typing.timeout.connect(self.changed)
        self.field.editingFinished.connect(self._typing.stop)
        self.field.editingFinished.connect(self.changed)
        self.field.textEdited.connect(self._typed)
        self.remark.taken.connect(self._take)

    def value(self) -> str:
        """The text, as the model will read it."""
        text = self.field.text()
        return text if self.knob.longest is None else plain(text, self.knob.longest)

    def show_value(self, value: Any) -> None:
        """Show a text."""
        if str(value) != self.field.text():
            self.field.setText(str(value))
            self.field.setCursorPosition(0)  # a text that is too long for its field shows its beginning

    def set_remark(self, sentence: str, offers: Sequence[tuple[str, str]] = ()) -> None:
        """What is to be said of the text, and what may stand in its place: (words on a button, the text)."""
        self._said = sentence, offers
        self.remark.show_remark(" ".join(filter(None, (self._left_out(), sentence))), offers)

    def _typed(self, text: str) -> None:
        if self.knob.live:  # what is said of the text before stays till then: nothing jumps under the hand
            self.set_remark(*self._said)
            self._typing.start()

    def _take(self, text: str) -> None:
        self.field.setText(text)
        self.changed.emit()

    def _left_out(self) -> str:
        """What of the text never reaches the model, in a sentence; empty if all does."""
        text, longest = self.field.text(), self.knob.longest
        if longest is None:
            return ""
        if len(plain(text, len(text))) < len(text):
            return "Only plain letters are read: the rest is left out."
        return f"Only the first {longest} characters are read." if len(text) > longest else ""


def row(knob: Knob, classes: Sequence[str]) -> Row:
    """The row that suits a knob."""
    if knob.choices == "classes":
        each = [(EACH_CLASS, "each in turn")] if knob.low is None or knob.low <= EACH_CLASS else []
        return ChoiceRow(knob, [*each, *enumerate(classes)])
    if knob.choices:
        return ChoiceRow(knob, knob.choices)
    if knob.type is str and knob.lines > 1:
        return ParagraphRow(knob)
    kinds: dict[type, Callable[[Knob], Row]] = {bool: SwitchRow, int: NumberRow, float: NumberRow}
    return SeedRow(knob) if knob.name == "seed" else kinds.get(knob.type, TextRow)(knob)


def tip(knob: Knob) -> str:
    """The tooltip: what turning the knob does, and how to undo it."""
    default = "" if knob.choices or knob.type is bool else f" ({knob.default})"
    word = glossary.meaning(knob.name, knob.label)
    more = f"<p><i>{knob.label}</i>: {html.escape(word)}</p>" if word else ""
    own = f" On the command line and in Python: <code>{knob.name}</code>."
    return f"<p style='white-space:pre-wrap'>{knob.help}</p>{more}<p><small>Double-click the name (or Delete on the slider) to reset{default}.{own}</small></p>"


def slider_steps(knob: Knob) -> int:
    """How many positions the slider has."""
    span = float(knob.high or 0) - float(knob.low or 0)
    if knob.log and (knob.low or 0) > 0:
        return SLIDER_STEPS
    return max(round(span / step_of(knob)), 1)
