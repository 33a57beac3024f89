"""What a screen reader is told of a slider: the value that stands at its handle, with its unit, and where it ends.

Qt tells it the position: "14" for a temperature of 0.70.  The answer is given in Qt's own terms (``QAccessible``), which each
platform translates: AT-SPI's value and its text on Linux, UI Automation's range and value on Windows, the value on a Mac.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, cast

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface, QAccessibleValueInterface
from PySide6.QtWidgets import QAccessibleWidget, QSlider


class SpokenSlider(Protocol):
    """A ``QSlider`` that knows what its positions mean."""

    spoken: str  # the value as it is written beside it; empty: its number alone
    scale: Callable[[int], float]  # position -> value

    def value(self) -> int:
        """The position."""

    def setValue(self, position: int) -> None:
        """Move it."""

    def minimum(self) -> int:
        """The first position."""

    def maximum(self) -> int:
        """The last position."""


class _Value(QAccessibleValueInterface):
    """Value, ends and smallest step in the slider's own unit."""

    def __init__(self, slider: SpokenSlider) -> None:
        super().__init__()
        self._weakly = weakref.ref(slider)  # whoever listens keeps no slider alive

    @property
    def _slider(self) -> SpokenSlider:
        slider = self._weakly()
        assert slider is not None, "Qt asks only about what is there"
        return slider

    @property
    def text(self) -> str:
        """As it is written beside the slider."""
        return self._slider.spoken or f"{self.currentValue():g}"

    def currentValue(self) -> float:
        return self._at(self._slider.value())

    def minimumValue(self) -> float:
        return self._at(self._slider.minimum())

    def maximumValue(self) -> float:
        return self._at(self._slider.maximum())

    def minimumStepSize(self) -> float:
        first = self._slider.minimum()
        return abs(self._at(min(first + 1, self._slider.maximum())) - self._at(first))

    def setCurrentValue(self, value: Any) -> None:
        """The nearest position: a reader's keys are answered as the slider's own."""
        places = range(self._slider.minimum(), self._slider.maximum() + 1)
        self._slider.setValue(min(places, key=lambda at: abs(self._at(at) - float(value))))

    def _at(self, position: int) -> float:
        return round(self._slider.scale(position), 9)  # 0.7, not 0.7000000000000001: it may be read aloud


class _Spoken(QAccessibleWidget):
    """A slider as screen readers see it."""

    def __init__(self, slider: QSlider) -> None:
        super().__init__(slider, QAccessible.Role.Slider)
        self._value = _Value(cast(SpokenSlider, slider))

    def text(self, part: QAccessible.Text) -> str:
        if part == QAccessible.Text.Value:
            return self._value.text
        return super().text(part)

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        if kind == QAccessible.InterfaceType.ValueInterface:
            return shiboken6.VoidPtr(shiboken6.getCppPointer(self._value)[0])
        return super().interface_cast(kind)


_kept: dict[int, _Spoken] = {}  # what Qt holds is kept as long as its slider is there, and no longer


def _interface(kind: str, watched: QObject) -> QAccessibleInterface | None:
    """Qt asks for every class that an object is of, and only once somebody listens."""
    if kind != "QSlider" or not hasattr(watched, "spoken"):
        return None
    key = id(watched)
    made = _kept[key] = _Spoken(cast(QSlider, watched))
    watched.destroyed.connect(lambda: _kept.pop(key, None))
    return made


@lru_cache(maxsize=1)
def install() -> None:
    """Once for the program."""
    QAccessible.installFactory(_interface)
