"""Where lines are drawn.  This is the one module that imports pyqtgraph for good: a tenth of a second, taken when the first lines are."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import QSize
from PySide6.QtGui import QWheelEvent

from playground.ui.theme import theme


class UprightAxis(pg.AxisItem):
    """The left axis: where it is logarithmic, only numbers for which there is room, powers of ten first."""

    def __init__(self) -> None:
        super().__init__("left")

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """(spacing, values) in powers of ten where the axis is logarithmic, by levels."""
        if not self.logMode:
            found: list[tuple[float, list[float]]] = super().tickValues(low, high, size)
            return found
        return [(1.0, log_ticks(low, high, most=size / (1.8 * theme.em())))]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """0.5, 1, 20; powers where there would be many digits."""
        if all(-3 <= value < 4 for value in values):
            return [f"{10**value:.3g}" for value in values]
        found: list[str] = super().logTickStrings(values, scale, spacing)
        return found


def log_ticks(low: float, high: float, most: float) -> list[float]:
    """Exponents between ``low`` and ``high``, about ``most`` of them: of 1, 2 and 5, of 1 and 3, or of some powers of ten."""
    decades = max(high - low, 1e-9)
    every = max(math.ceil(decades / max(most, 1.0)), 1)
    parts = (1, 2, 5) if 3.4 * decades <= most else (1, 3) if 2.2 * decades <= most else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [power + math.log10(part) for power in powers if power % every == 0 for part in parts]
    found = [at for at in ticks if low <= at <= high]
    fine = [power + math.log10(part) for power in powers for part in range(1, 10)]
    return found if len(found) > 1 else [at for at in fine if low <= at <= high] or [low, high]


class PlotView(pg.PlotWidget):
    """A plot that leaves the mouse wheel to the page it stands on."""

    def __init__(self) -> None:
        super().__init__(axisItems={"left": UprightAxis()}, enableMenu=False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Not here."""
        event.ignore()

    def sizeHint(self) -> QSize:
        """As wide as the panel."""
        return QSize(round(theme.em() * 20), round(theme.em() * 13))

    def minimumSizeHint(self) -> QSize:
        """So that its numbers can be read."""
        return QSize(round(theme.em() * 10), round(theme.em() * 9))
