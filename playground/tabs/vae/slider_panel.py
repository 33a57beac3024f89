"""A slider per latent dimension, the most informative at the top, each with a bar for how much it says.

Dimensions that say next to nothing ("collapsed") stand under a fold.  The widget holds no latent of its own: it tells
which dimension was moved where, and shows what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QObject, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from playground.contract import Knob
from playground.ui.knobs.number_field import NumberField
from playground.ui.theme import icons, theme
from playground.ui.widgets.controls import Slider

_STEPS = 100  # slider positions per unit of z


class LatentSliders(QWidget):
    """``moved`` carries (dimension from 0, value); ``reset`` a dimension that goes back to its start; ``touched`` the one in hand."""

    moved = Signal(int, float)
    reset = Signal(int)
    touched = Signal(int)

    def __init__(self, reach: float = 4.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reach = reach
        self.rows: list[SliderRow] = []  # by dimension
        self.order: list[int] = []
        self._collapsed: set[int] = set()
        self._fold = QPushButton()
        self._fold.setProperty("role", "plain")
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._unfold)
        page = QWidget()
        page.setProperty("role", "page")
        self._grid = QGridLayout(page)
        self._grid.setColumnStretch(1, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        self._scroll = scroll
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    # --- what a tab calls

    def set_count(self, count: int) -> None:
        """So many sliders, in their own order, with no bars."""
        for row in self.rows:
            row.take_out(self._grid)
        self.rows = [SliderRow(d, self._reach, self) for d in range(count)]
        for row in self.rows:
            row.slider.valueChanged.connect(lambda at, d=row.dimension: self._slid(d, at))
            row.number.valueChanged.connect(lambda value, d=row.dimension: self._typed(d, value))
            row.slider.reset.connect(lambda d=row.dimension: self.reset.emit(d))
            row.slider.installEventFilter(self)
        self.set_information(list(range(count)), None, set())

    def set_information(self, order: Sequence[int], kl: np.ndarray | None, collapsed: set[int]) -> None:
        """Put the sliders in an order and give them bars of ``kl`` (D,) nats; ``collapsed`` ones go under the fold."""
        longest = float(kl.max()) if kl is not None and len(kl) else 1.0
        for row in self.rows:
            row.bar.set_value(None if kl is None else float(kl[row.dimension]), longest)
        if list(order) == self.order and collapsed == self._collapsed and self._grid.count():
            self._show_rows()
            return
        self.order, self._collapsed = list(order), set(collapsed)
        self._grid.removeWidget(self._fold)
        for row in self.rows:
            row.take_from(self._grid)
        shown = [d for d in self.order if d not in self._collapsed]
        for at, dimension in enumerate(shown):
            self.rows[dimension].put_into(self._grid, at)
        hidden = [d for d in self.order if d in self._collapsed]
        self._grid.addWidget(self._fold, len(shown), 0, 1, 4)
        for at, dimension in enumerate(hidden):
            self.rows[dimension].put_into(self._grid, len(shown) + 1 + at)
        self._grid.setRowStretch(len(self.rows) + 1, 1)
        before: QWidget | None = None
        for dimension in (*shown, *hidden):  # Tab goes down the list as it is seen
            if before is not None:
                QWidget.setTabOrder(before, self.rows[dimension].slider)
            before = self.rows[dimension].slider
        self._unfold()

    def set_values(self, z: np.ndarray) -> None:
        """Show a latent (D,) without saying that anything moved."""
        for row, value in zip(self.rows, z, strict=True):
            row.show_value(float(value))

    @property
    def in_hand(self) -> bool:
        """Whether a slider is held."""
        return any(row.slider.isSliderDown() for row in self.rows)

    def unfold(self) -> None:
        """Show the collapsed ones too."""
        self._fold.setChecked(True)

    # --- inside

    def sizeHint(self) -> QSize:
        """A comfortable column."""
        return QSize(round(theme.em() * 24), round(theme.em() * 30))

    def minimumSizeHint(self) -> QSize:
        """Narrow; it scrolls downwards, never sideways."""
        return QSize(round(theme.em() * 17), round(theme.em() * 8))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The slider with the focus is in sight, and known."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, Slider):
            self._scroll.ensureWidgetVisible(watched, 0, round(theme.em() * 2))
            self.touched.emit(next(row.dimension for row in self.rows if row.slider is watched))
        return False

    def _slid(self, dimension: int, position: int) -> None:
        value = position / _STEPS
        self.rows[dimension].show_value(value)
        self.touched.emit(dimension)
        self.moved.emit(dimension, value)

    def _typed(self, dimension: int, value: float) -> None:
        self.rows[dimension].show_value(value)
        self.touched.emit(dimension)
        self.moved.emit(dimension, value)

    def _unfold(self) -> None:
        count = len(self._collapsed)
        self._fold.setText(f"{count} collapsed: the encoder hardly uses {'it' if count == 1 else 'them'}")
        self._fold.setVisible(count > 0)
        self._show_rows()
        self._restyle()

    def _show_rows(self) -> None:
        for row in self.rows:
            row.set_shown(self._fold.isChecked() or row.dimension not in self._collapsed)

    def _restyle(self) -> None:
        em = theme.em()
        name = "chevron-down" if self._fold.isChecked() else "chevron-right"
        self._fold.setIconSize(QSize(round(em), round(em)))
        self._fold.setIcon(icons.icon(name, theme.accent("neutral"), em))
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        self._grid.setContentsMargins(
            round(em * 0.4), round(em * 0.4), bar + round(em * 0.4), round(em * 0.4)
        )
        self._grid.setHorizontalSpacing(round(em * 0.6))
        self._grid.setVerticalSpacing(round(em * 0.25))
        for row in self.rows:
            row.restyle()


class SliderRow:
    """Name, slider, number and bar of one dimension; the grid layout holds the four."""

    def __init__(self, dimension: int, reach: float, parent: QWidget) -> None:
        self.dimension = dimension
        self._shown: float | None = None
        self.name = QLabel(f"z<sub>{dimension + 1}</sub>")
        self.slider = Slider()
        self.slider.setRange(round(-reach * _STEPS), round(reach * _STEPS))
        self.slider.scale = lambda at: at / _STEPS
        self.slider.setSingleStep(_STEPS // 20)
        self.slider.setPageStep(_STEPS // 2)
        self.slider.setAccessibleName(f"Latent dimension {dimension + 1}")
        self.slider.setToolTip(f"Dimension {dimension + 1}; double-click or Delete goes back to the start")
        knob = Knob(f"z{dimension + 1}", float, 0.0, "", "", low=-reach, high=reach, step=0.05)
        self.number, self.bar = NumberField(knob), Bar()
        self.number.setButtonSymbols(NumberField.ButtonSymbols.NoButtons)
        self.number.setAccessibleName(f"Number of latent dimension {dimension + 1}")
        self.number.setToolTip(f"Type a number from {-reach:g} to {reach:g}")
        self.parts = (self.name, self.slider, self.number, self.bar)
        self.restyle()
        self.show_value(0.0)

    def put_into(self, grid: QGridLayout, at: int) -> None:
        """Take row ``at``."""
        for column, part in enumerate(self.parts):
            grid.addWidget(part, at, column)

    def take_from(self, grid: QGridLayout) -> None:
        """Leave the layout."""
        for part in self.parts:
            grid.removeWidget(part)

    def take_out(self, grid: QGridLayout) -> None:
        """Leave for good."""
        self.take_from(grid)
        for part in self.parts:
            part.hide()
            part.deleteLater()

    def show_value(self, value: float) -> None:
        """Move the slider and the number, if they are elsewhere: thirty of them are many to paint."""
        if value == self._shown:
            return
        self._shown = value
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setValue(round(value * _STEPS))
            self.number.setValue(value)
        self.slider.update()
        self.slider.say(f"{value:+.2f}".replace("-", "−"))

    def set_shown(self, shown: bool) -> None:
        """Behind the fold or not; the bar only where there is something to say."""
        for part in self.parts:
            part.setVisible(shown and (part is not self.bar or self.bar.value is not None))

    def restyle(self) -> None:
        """Widths that follow the type."""
        self.number.setFixedWidth(round(theme.text_width("−0.00") + theme.em() * 1.6))
        self.bar.updateGeometry()


class Bar(QWidget):
    """How much one dimension says, in nats."""

    def __init__(self) -> None:
        super().__init__()
        self.value: float | None = None
        self._share = 0.0

    def set_value(self, value: float | None, longest: float) -> None:
        """A number in nats, as a share of the longest bar."""
        self.value, self._share = value, 0.0 if value is None else value / max(longest, 1e-9)
        self.setToolTip("" if value is None else f"KL to the prior: {value:.3f} nats")
        self.update()

    def sizeHint(self) -> QSize:
        """A short bar and its number."""
        return QSize(round(theme.em() * 7), round(theme.em() * 1.5))

    def minimumSizeHint(self) -> QSize:
        """As wide as it wants."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, then the number."""
        if self.value is None:
            return
        painter, em = QPainter(self), theme.em()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self.width() - 3.2 * em
        high = em * 0.75
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.accent(self))
        long = max(self._share * room, 1.5)
        painter.drawRoundedRect(QRectF(0, (self.height() - high) / 2, long, high), 1.5, 1.5)
        painter.setPen(QColor(theme.palette().muted))
        painter.setFont(theme.scaled_font(0.85))
        painter.drawText(
            QRectF(long + em * 0.4, 0, 2.8 * em, self.height()),
            Qt.AlignmentFlag.AlignVCenter,
            f"{self.value:.2f}",
        )


def _demo() -> None:
    """Run me: ``python -m playground.tabs.vae.slider_panel``."""
    from playground.ui.widgets.demo import application, run

    application()
    sliders = LatentSliders()
    sliders.setProperty("family", "vae")
    sliders.set_count(12)
    kl = np.geomspace(4, 0.02, 12)
    sliders.set_information(list(range(12)), kl, {9, 10, 11})
    sliders.moved.connect(print)
    run(sliders)


if __name__ == "__main__":
    _demo()
