"""Several plots one above the other, for a view that has more than one; in a hall only the first, which is then read."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from playground.export.csv_table import Table
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme


class PlotColumn(QWidget):
    """``plots`` from top to bottom; the last one's numbers are what is exported."""

    def __init__(self, *plots: LinePlot | BarPlot) -> None:
        super().__init__()
        self.plots = plots
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for plot in plots:
            column.addWidget(plot)
        theme.signals.changed.connect(self._fold)
        self._fold()

    def table(self) -> Table:
        """The numbers of the last plot."""
        return self.plots[-1].table()

    def _fold(self) -> None:
        for plot in self.plots[1:]:
            plot.setVisible(not theme.lecture())
