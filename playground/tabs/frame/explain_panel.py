"""The panel at the right: what am I seeing, the formula behind it, and one live plot."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QCursor, QDesktopServices
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QToolTip, QVBoxLayout, QWidget

from playground.ui.formulas.label import FormulaLabel
from playground.ui.theme import theme
from playground.ui.widgets import glossary


class ExplainPanel(QWidget):
    """Heading, a few sentences, a formula, a legend line and room for one plot; scrolls when small."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heading = QLabel("What am I seeing?")
        self._heading.setProperty("role", "heading")
        self._words = _paragraph()
        self._words.setOpenExternalLinks(False)  # a term is explained where it stands
        self._words.linkHovered.connect(self._explain_word)
        self._words.linkActivated.connect(self._follow)
        self._said = ""
        self.formula = FormulaLabel()
        self.formula_ground = QFrame()
        self.formula_ground.setProperty("role", "formula")
        QVBoxLayout(self.formula_ground).addWidget(self.formula)
        self._legend = _paragraph("caption")
        self._plot: QWidget | None = None
        page = QWidget()
        page.setProperty("role", "page")
        self._column = QVBoxLayout(page)
        for part in (self._heading, self._words, self.formula_ground, self._legend):
            self._column.addWidget(part)
        self._column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._scroll)
        theme.signals.changed.connect(self._restyle)
        self.set_content("", "")
        self._restyle()

    def set_content(
        self, words: str, formula: str = "", plot: QWidget | None = None, legend: str = ""
    ) -> None:
        """Replace everything.

        Args:
            words: a few sentences of rich text.
            formula: rich text, or the small TeX-like notation of ``ui.formulas``; "" for none.
            plot: shown under the words; the one before it is hidden and given back (it stays the caller's).
            legend: one line about signs and units.
        """
        self.set_words(words)
        self.formula.set_formula(formula)
        self.formula_ground.setVisible(bool(formula))
        self._legend.setText(legend)
        self._legend.setVisible(bool(legend))
        if plot is self._plot:
            return
        if self._plot is not None:
            self._column.removeWidget(self._plot)
            self._plot.hide()
        self._plot = plot
        if plot is not None:
            self._column.insertWidget(self._column.count() - 1, plot)
            plot.show()

    def set_words(self, words: str) -> None:
        """Only other sentences (a number in them has changed)."""
        if words != self._said:
            self._said = words
            self._set_words()

    def _set_words(self) -> None:
        """With a tooltip on every term of the field."""
        colour = f"<style>a {{ color: {theme.palette().text}; text-decoration: none; }}</style>"
        said = glossary.linked(self._said)
        self._words.setText(f"{colour}<div style='line-height:130%'>{said}</div>" if said else "")

    def _follow(self, link: str) -> None:
        """A term is explained, an address opened."""
        self._explain_word(link) if link.startswith("term:") else QDesktopServices.openUrl(QUrl(link))

    def _explain_word(self, link: str) -> None:
        """What the word under the pointer means."""
        word = link.removeprefix("term:")
        QToolTip.showText(QCursor.pos(), glossary.meaning(word) if word != link else link, self._words)

    def set_heading(self, heading: str) -> None:
        """Another heading."""
        self._heading.setText(heading)

    def sizeHint(self) -> QSize:
        """About 300 pixels wide at normal type size."""
        return QSize(round(theme.em() * 23), round(theme.em() * 40))

    def minimumSizeHint(self) -> QSize:
        """Wide enough for short lines."""
        return QSize(round(theme.em() * 17), round(theme.em() * 10))

    def _restyle(self) -> None:
        self._set_words()
        side = round(theme.em() * 1.1)
        self._column.setContentsMargins(side, round(side * 0.8), side, side)
        self._column.setSpacing(round(theme.em() * 0.9))
        inner = self.formula_ground.layout()
        if inner is not None:
            inner.setContentsMargins(side, round(side * 0.7), side, round(side * 0.7))


def _paragraph(role: str = "") -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
    label.setOpenExternalLinks(True)
    return label


def _demo() -> None:
    """Run me: ``python -m playground.tabs.frame.explain_panel``."""
    from playground.ui.plots.line_plot import LinePlot
    from playground.ui.widgets.demo import application, run

    application()
    panel, plot = ExplainPanel(), LinePlot("Noise left", "step", "sigma")
    panel.setProperty("family", "diffusion")
    plot.set_curve("sigma", [0.98**k for k in range(100)])
    plot.set_marker(30)
    panel.set_content(
        "Every picture began as pure noise. At each step the network guesses the clean picture <b>x_0_pred</b>, "
        "and the sampler moves a little towards it.",
        r"x_{t-1} = \sqrt{\bar{\alpha}_{t-1}} \hat{x}_0 + \sqrt{1 - \bar{\alpha}_{t-1}} \epsilon_\theta(x_t, t)",
        plot,
        "xₜ: noised picture at timestep t; ε: the noise that the network predicts.",
    )
    run(panel)


if __name__ == "__main__":
    _demo()
