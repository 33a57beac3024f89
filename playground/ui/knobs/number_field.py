"""The field of a number: every decimal mark is read on every machine, and what cannot be is said where it was typed."""

from __future__ import annotations

import math

from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QToolTip

from playground import numerals
from playground.contract import Knob
from playground.ui.theme import theme
from playground.ui.widgets.controls import CalmWheel

SLIDER_STEPS = 200  # of a slider whose knob names no step


class NumberField(QDoubleSpinBox):
    """Shows whole numbers, a fixed number of decimals, or three significant digits for a knob that moves in powers."""

    def __init__(self, knob: Knob) -> None:
        super().__init__()
        self._knob = knob
        self._log = knob.log and knob.type is float
        self.setLocale(QLocale.c())  # a point is written on every machine
        self.setDecimals(_decimals(knob))
        self.setRange(
            -(2.0**31) if knob.low is None else knob.low, 2.0**31 if knob.high is None else knob.high
        )
        self.setSingleStep(step_of(knob))
        self.setSuffix(f" {knob.unit}" if knob.unit else "")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.installEventFilter(CalmWheel(self))
        theme.signals.changed.connect(self._fit)
        self._fit()

    def textFromValue(self, value: float) -> str:
        """The number as it stands in the field."""
        if self._log and value:
            return (
                f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}".rstrip("0").rstrip(".") or "0"
            )
        return f"{value:.{self.decimals()}f}"

    def valueFromText(self, text: str) -> float:
        """The number that is written there, 1.5 and 1,5 alike."""
        return float(numerals.parse(float, self._bare(text)))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Letters never get in; a number that the knob refuses may be typed, and is refused with words (``fixup``)."""
        bare = self._bare(text)
        if not numerals.is_begun(bare):
            return QValidator.State.Invalid, text, position
        sound = self._refusal(bare) is None
        return (QValidator.State.Acceptable if sound else QValidator.State.Intermediate), text, position

    def fixup(self, text: str) -> str:
        """Say why the text is no value of this knob; Qt goes back to the value before."""
        said = self._refusal(self._bare(text))
        if said is not None and self.hasFocus():
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), said, self)
        return text

    def _refusal(self, bare: str) -> str | None:
        try:
            self._knob.check(bare)
        except ValueError as error:
            return str(error)
        return None

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip()

    def _fit(self) -> None:
        ends = [self.textFromValue(v) + self.suffix() for v in (self.minimum(), self.maximum())]
        widest = max(theme.text_width("0" * max(len(text), 3)) for text in ends)
        self.setFixedWidth(round(widest + 1.6 * theme.em()))


def step_of(knob: Knob) -> float:
    """The smallest move of a number."""
    if knob.step:
        return knob.step
    if knob.type is int:
        return 1
    return (knob.high - knob.low) / SLIDER_STEPS if knob.low is not None and knob.high is not None else 0.1


def _decimals(knob: Knob) -> int:
    if knob.type is int:
        return 0
    if knob.log and knob.low:
        return min(max(3 - math.floor(math.log10(abs(knob.low))), 2), 9)
    return min(max(math.ceil(-math.log10(abs(step_of(knob))) - 1e-9), 1), 6)
