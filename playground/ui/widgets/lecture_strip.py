"""What stays of an explanation in a hall: one sentence and the formula under the picture, and room for one small plot."""

from __future__ import annotations

import re

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from playground.ui.formulas.label import FormulaLabel
from playground.ui.theme import theme

_ABBREVIATIONS = ("e.g", "i.e", "no", "vs")


def first_sentence(words: str) -> str:
    """The first sentence of rich text, with its own mark-up."""
    text = words.partition("<br>")[0]
    for end in re.finditer(r"[.!?](?=\s|$|</)", text):
        if not text[: end.start()].endswith(_ABBREVIATIONS):
            cut = text[: end.end()]
            opened = re.findall(r"<(b|i)>", cut)
            closed = re.findall(r"</(b|i)>", cut)
            return cut + "".join(f"</{tag}>" for tag in reversed(opened[len(closed) :]))
    return text


class LectureStrip(QWidget):
    """A sentence at the left, the formula at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line, self.formula = QLabel(), FormulaLabel(wraps=False)
        self.line.setTextFormat(Qt.TextFormat.RichText)
        self.line.setWordWrap(True)
        self.formula.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._tex = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.formula)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def show_line(self, words: str, formula: str) -> None:
        """Say the first sentence of the words beside the formula."""
        self.line.setText(first_sentence(words))
        self._tex = formula
        self.formula.setVisible(bool(formula))
        self._fit_formula()

    def sizeHint(self) -> QSize:
        """Two lines of text high, or as a tall formula needs: sums and fractions are not made small."""
        tall = self.formula.sizeHint().height() if self._tex else 0
        return QSize(round(theme.em() * 30), max(round(theme.em() * 2.9), tall))

    minimumSizeHint = sizeHint

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The formula keeps to its half."""
        self._fit_formula()
        super().resizeEvent(event)

    def _fit_formula(self) -> None:
        """As large as at the side, or smaller if it would leave the sentence less than half of the room."""
        if not self._tex:
            return
        for share in (1.2, 1.05, 0.9, 0.75):
            self.formula.set_formula(self._tex, share)
            if self.formula.sizeHint().width() <= 0.55 * self.width():
                break
        self.updateGeometry()

    def _restyle(self) -> None:
        self._fit_formula()
        layout = self.layout()
        if layout is not None:
            layout.setSpacing(round(theme.em() * 1.2))
            layout.setContentsMargins(round(theme.em() * 0.4), 0, 0, 0)


class PlotPlace(QWidget):
    """Room for a plot that is somebody else's; nothing is there while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.hide()

    def set_plot(self, plot: QWidget | None) -> None:
        """Show a plot, or none; the one before it is given back hidden, unless somebody has taken it meanwhile."""
        before, self._plot = self._plot, plot
        if before is not None and before is not plot and before.parentWidget() is self:
            self._column.removeWidget(before)
            before.hide()
        if plot is not None and (plot.parentWidget() is not self or self._column.indexOf(plot) < 0):
            self._column.addWidget(plot)
            plot.show()
        self.setVisible(plot is not None)

    def minimumSizeHint(self) -> QSize:
        """The plot's own, within bounds: where a lesson's bar stands below, it gives way before the window grows."""
        least = super().minimumSizeHint() if self._plot is None else self._plot.minimumSizeHint()
        return QSize(least.width(), min(least.height(), round(11 * theme.em())))
