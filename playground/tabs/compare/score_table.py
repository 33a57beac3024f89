"""The right of "One image": a row for each model under a common header, then the sizes of files."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from playground.checkpoints import Card
from playground.tabs.compare.score_row import ScoreHeader, ScoreRow
from playground.tabs.compare.source_panel import caption_label
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented


class ScoreTable(QWidget):
    """Only widgets; what stands in the rows is the scene's business.

    Args:
        cards: a row for each, in this order.
        shorts: names of the sets that garments are compared with.
    """

    def __init__(self, cards: Sequence[Card], shorts: Sequence[str]) -> None:
        super().__init__()
        self.others = Segmented(list(shorts))
        self.others.setAccessibleName("Pictures that are no garments, in the histograms")
        self.header = ScoreHeader(list(shorts))
        self.header.chosen.connect(self.others.set_index)
        self.rows = {card.id: ScoreRow(len(shorts), card.family) for card in cards}
        self.png, self.raw = ScoreRow(len(shorts)), ScoreRow(len(shorts))
        self.explained = caption_label()
        self._lay_out()
        theme.signals.changed.connect(self._fit_header)

    @property
    def all_rows(self) -> tuple[ScoreRow, ...]:
        """Of the models, then of the files."""
        return (*self.rows.values(), self.png, self.raw)

    def _lay_out(self) -> None:
        chooser = QHBoxLayout()
        chooser.addWidget(QLabel("Garments against"))
        chooser.setSpacing(round(theme.em() * 0.8))
        chooser.addWidget(self.others)
        chooser.addStretch(1)
        self._header_row = QHBoxLayout()
        self._header_row.addWidget(self.header)
        self.scroller = QScrollArea()
        self._fill_scroller()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.4))
        column.addLayout(chooser)
        column.addLayout(self._header_row)
        column.addWidget(self.scroller, 1)
        column.addWidget(self.explained)

    def _fill_scroller(self) -> None:
        page = QWidget()
        page.setProperty("role", "page")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for row in self.all_rows:
            column.addWidget(row, 100)
        column.addStretch(1)
        self.scroller.setWidgetResizable(True)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroller.setWidget(page)
        self.scroller.verticalScrollBar().rangeChanged.connect(self._fit_header)

    def _fit_header(self) -> None:
        """As wide as the rows, which leave room for a scroll bar when there is one."""
        bar = self.scroller.verticalScrollBar()
        self._header_row.setContentsMargins(0, 0, bar.sizeHint().width() if bar.maximum() > 0 else 0, 0)
