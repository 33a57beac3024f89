"""Where lines are drawn.  This is the one module that imports pyqtgraph for good: a tenth of a second, taken when the first lines are."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QSize
from PySide6.QtGui import QWheelEvent

from playground.ui.theme import theme


class PlotView(pg.PlotWidget):
    """A plot that leaves the mouse wheel to the page it stands on."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Not here."""
        event.ignore()

    def sizeHint(self) -> QSize:
        """As wide as the panel."""
        return QSize(round(theme.em() * 20), round(theme.em() * 13))

    def minimumSizeHint(self) -> QSize:
        """So that its numbers can be read."""
        return QSize(round(theme.em() * 10), round(theme.em() * 9))
