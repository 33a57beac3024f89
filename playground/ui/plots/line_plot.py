"""Live plots for the explain panel, made once and then only given new numbers: lines here, bars in ``bar_plot.py``.

No menus, no wheel, no dragging: a plot here shows what is happening and is otherwise part of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from playground.export.csv_table import Table
from playground.ui.plots.bar_plot import BarPlot
from playground.ui.theme import theme
from playground.ui.theme.palette import SERIES

if TYPE_CHECKING:  # imported when the first plot is made: the first picture need not wait for it
    import pyqtgraph as pg

__all__ = ["BarPlot", "LinePlot", "Plot"]

DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
MEANINGS = {"training": 0, "mean": 0, "validation": 1}  # the same dash wherever these stand
_DASH_SIGNS = ("━━", "╍╍", "┅┅", "━╍")


class Plot(QWidget):
    """Title, axes and colours; the plot below adds what it draws."""

    def __init__(
        self, title: str = "", x_label: str = "", y_label: str = "", parent: QWidget | None = None
    ) -> None:
        from playground.ui.plots.plot_view import PlotView

        super().__init__(parent)
        self._title = QLabel(title)
        self._title.setProperty("role", "heading")
        self._title.setWordWrap(True)
        self._title.setVisible(bool(title))
        self._legend = QLabel()
        self._legend.setProperty("role", "caption")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setWordWrap(True)
        self._legend.hide()
        self._labels = {"bottom": x_label, "left": y_label}
        # a menu that nobody can open would be built first and then taken away: 45 widgets for each plot
        self._view = PlotView()
        self._view.hideButtons()
        self._view.setMouseEnabled(False, False)
        self._view.setFrameShape(PlotView.Shape.NoFrame)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setAntialiasing(True)
        self._item = self._view.getPlotItem()
        for side in self._labels:  # once, while no label is shown: called later, it would rescale the numbers
            self._item.getAxis(side).enableAutoSIPrefix(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._legend)
        column.addWidget(self._view, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        theme.signals.changed.connect(self.recolour)

    @property
    def title(self) -> str:
        """What stands above the plot."""
        return self._title.text()

    def set_title(self, title: str) -> None:
        """Another title, "" for none."""
        self._title.setText(title)
        self._title.setVisible(bool(title))

    def set_labels(self, x_label: str, y_label: str) -> None:
        """Other axis names, with their units."""
        labels = {"bottom": x_label, "left": y_label}
        if labels != self._labels:
            self._labels = labels
            self._style_axes()

    def showEvent(self, event: QShowEvent) -> None:
        """Its tab, and so its accent, is known now."""
        self.recolour()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow into another tab."""
        if event.type() == QEvent.Type.ParentChange:
            self.recolour()
        super().changeEvent(event)

    def recolour(self) -> None:
        """Take the colours and the type size of the theme as it is now."""
        self._view.setBackground(None)
        self._style_axes()

    def _style_axes(self) -> None:
        import pyqtgraph as pg

        colours, font = theme.palette(), theme.scaled_font(0.85)
        em = theme.em()  # room for the halves of the last numbers that stand beyond the axes
        self._item.layout.setContentsMargins(0, 0.4 * em, 0.9 * em, 0)
        for side, words in self._labels.items():
            axis = self._item.getAxis(side)
            axis.setPen(pg.mkPen(colours.line))
            axis.setTextPen(pg.mkPen(colours.muted))
            axis.setStyle(
                hideOverlappingLabels=False,
                tickFont=font,
                tickLength=-3,
                tickTextOffset=round(theme.em() * 0.3),
            )
            if words:
                axis.setLabel(words, color=colours.muted, **{"font-size": f"{font.pixelSize()}px"})
            axis.showLabel(bool(words))

    def _accent(self) -> QColor:
        return theme.accent(self)


class LinePlot(Plot):
    """One or more named curves, told apart by dashes as well as colour, and a marker at the current step."""

    def __init__(
        self,
        title: str = "",
        x_label: str = "",
        y_label: str = "",
        log_y: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        import pyqtgraph as pg

        super().__init__(title, x_label, y_label, parent)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._dots: dict[str, pg.ScatterPlotItem] = {}
        self._notes: list[pg.InfiniteLine] = []
        self._log = log_y
        self._at: float | None = None
        self._held: dict[
            str, tuple[float, float] | None
        ] = {}  # axis -> its range, None if it follows the data
        self._item.setLogMode(False, log_y)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.hide()
        self._item.addItem(self._line)
        self.recolour()

    def set_curve(
        self, name: str, y: np.ndarray | Sequence[float], x: np.ndarray | Sequence[float] | None = None
    ) -> None:
        """Give a curve its points, 0..N-1 on the x axis unless told; a new name is a new curve."""
        if self._give(name, y, x):
            self.recolour()

    def _give(
        self, name: str, y: np.ndarray | Sequence[float], x: np.ndarray | Sequence[float] | None
    ) -> bool:
        """As ``set_curve``, but for its colours; returns whether it is a new one, which has none yet."""
        import pyqtgraph as pg

        y = np.asarray(y, float)
        new = name not in self._curves
        if new:
            self._curves[name] = pg.PlotDataItem(
                connect="finite", autoDownsample=True, downsampleMethod="peak"
            )
            self._item.addItem(self._curves[name])
            self._dots[name] = pg.ScatterPlotItem(pxMode=True)
            self._item.addItem(self._dots[name])
        self._curves[name].setData(np.arange(len(y)) if x is None else np.asarray(x, float), y)
        self._mark(name)
        return new

    def set_curves(self, curves: Mapping[str, np.ndarray], x: np.ndarray | None = None) -> None:
        """Exactly these curves; others are taken away."""
        gone = [n for n in self._curves if n not in curves]
        for name in gone:
            self._item.removeItem(self._curves.pop(name))
            self._item.removeItem(self._dots.pop(name))
        new = [name for name, y in curves.items() if self._give(name, y, x)]
        if gone or new:  # styling everything anew costs more than the curves' new points
            self.recolour()

    def set_log(self, log_y: bool) -> None:
        """Powers of ten on the y axis, or not."""
        if log_y != self._log:
            self._log = log_y
            self._item.setLogMode(False, log_y)
            self.set_marker(self._at)

    def set_marker(self, x: float | None) -> None:
        """A line at the current step, with a dot on every curve; None for none."""
        self._at = x
        self._line.setVisible(x is not None)
        if x is not None:
            self._line.setValue(x)
        for name in self._curves:
            self._mark(name)

    @property
    def marker(self) -> float | None:
        """Where the line stands; None for nowhere."""
        return self._at

    def set_range(self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
        """Hold the axes still while points arrive; None lets an axis follow the data."""
        for low_high, hold, axis in ((x, self._view.setXRange, "x"), (y, self._view.setYRange, "y")):
            if self._held.get(axis, ()) == low_high:
                continue
            self._held[axis] = low_high
            if low_high is None:
                self._view.enableAutoRange(axis)
            else:
                hold(*low_high, padding=0.02)

    def set_x_names(self, names: Mapping[float, str]) -> None:
        """Words, or other numbers, at these places of the x axis and nowhere else."""
        self._item.getAxis("bottom").setTicks([list(names.items())])

    def set_notes(self, notes: Sequence[tuple[float, str]]) -> None:
        """Thin lines at places of the x axis, each with a word or two that says what happened there; none for ()."""
        import pyqtgraph as pg

        for line in self._notes:
            self._item.removeItem(line)
        self._notes = []
        for i, (x, words) in enumerate(notes):
            line = pg.InfiniteLine(
                pos=x,
                angle=90,
                movable=False,
                label=words,
                labelOpts={
                    "position": 0.94 - 0.12 * (i % 3),
                    "movable": False,
                    "anchors": [(0, 0.5), (1, 0.5)],
                },
            )
            self._notes.append(line)
            self._item.addItem(line, ignoreBounds=True)
        self.recolour()

    @property
    def notes(self) -> list[tuple[float, str]]:
        """What :meth:`set_notes` was given."""
        return [(line.value(), line.label.format) for line in self._notes]

    def _style_notes(self) -> None:
        import pyqtgraph as pg

        colours = theme.palette()
        for line in self._notes:
            line.setPen(pg.mkPen(colours.muted, width=1, style=Qt.PenStyle.DashLine))
            line.label.setColor(QColor(colours.text))
            line.label.textItem.setFont(theme.scaled_font(0.85))

    def table(self) -> Table:
        """The points of every curve."""
        rows = [
            [n, *point]
            for n in self._curves
            for point in zip(*map(np.ndarray.tolist, self.curve(n)), strict=True)
        ]
        return Table("the plot", ["curve", self._labels["bottom"] or "x", self._labels["left"] or "y"], rows)

    def clear(self) -> None:
        """No curves, no marker."""
        self.set_curves({})
        self.set_marker(None)

    def curve(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The points of a curve.

        Raises:
            KeyError: if there is none of that name.
        """
        x, y = self._curves[name].getOriginalDataset()
        return (np.zeros(0), np.zeros(0)) if x is None else (x, y)

    def recolour(self) -> None:
        """See the base class."""
        import pyqtgraph as pg

        super().recolour()
        colours = theme.palette()
        shades = [self._accent(), QColor(colours.text)]  # two are told apart best so
        if len(self._curves) > len(shades):
            shades = [QColor(hue) for hue in SERIES[colours.name]]
        words = []
        for i, (name, curve) in enumerate(self._curves.items()):
            shade = shades[i % len(shades)]
            dash = MEANINGS.get(name, (i + i // len(shades)) % len(DASHES))
            curve.setPen(pg.mkPen(shade, width=max(theme.em() * 0.14, 1.6), style=DASHES[dash]))
            self._dots[name].setPen(pg.mkPen(colours.window, width=1.5))
            self._dots[name].setBrush(pg.mkBrush(shade))
            self._dots[name].setSize(theme.em() * 0.65)
            words.append(f"<span style='color:{shade.name()}'>{_DASH_SIGNS[dash]}</span>&nbsp;{name}")
        self._legend.setText(" &nbsp; ".join(words))
        self._legend.setVisible(len(words) > 1)
        self._line.setPen(pg.mkPen(colours.muted, width=1, style=Qt.PenStyle.DotLine))
        self._style_notes()

    def _mark(self, name: str) -> None:
        x, y = self.curve(name)
        if self._at is None or not len(x) or not x[0] <= self._at <= x[-1]:
            self._dots[name].setData([], [])
            return
        value = float(np.interp(self._at, x, y))
        # unlike curves, scatter points do not follow the log axis by themselves
        self._dots[name].setData([self._at], [np.log10(max(value, 1e-300)) if self._log else value])


def _demo() -> None:
    """Run me: ``python -m playground.ui.plots.line_plot``."""
    from playground.ui.widgets.demo import application, run

    application()
    host = QWidget()
    column = QVBoxLayout(host)
    host.setProperty("family", "autoregressive")
    bars, lines = (
        BarPlot("Next pixel", "grey level", "log-probability (nats)"),
        LinePlot("Loss", "step", "bits/dim"),
    )
    bars.set_values(-(((np.arange(256) - 90) / 30.0) ** 2) - 4, highlight=120, low=-14)
    lines.set_curves(
        {"training": 3 + np.exp(-np.arange(50) / 9), "validation": 3.1 + np.exp(-np.arange(50) / 8)}
    )
    lines.set_marker(20)
    column.addWidget(bars)
    column.addWidget(lines)
    run(host)


if __name__ == "__main__":
    _demo()
