"""The switch at the top of a tab: segments side by side while they fit, a menu when they do not."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from playground.ui.widgets.controls import ComboBox, Segmented


class ViewSwitch(QWidget):
    """One of several names is chosen.  Nothing is ever cut: what does not fit as segments folds into a menu."""

    chosen = Signal(int)

    def __init__(self, texts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.segments, self.menu = Segmented(texts), ComboBox()
        self.menu.addItems(list(texts))
        self.menu.setAccessibleName("View")
        self.menu.setToolTip("What to look at (PageUp, PageDown)")
        self.segments.setAccessibleName("View")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.segments)
        row.addWidget(self.menu)
        self.menu.hide()
        self.segments.chosen.connect(self._take)
        self.menu.currentIndexChanged.connect(self._take)

    def index(self) -> int:
        """Which one is chosen."""
        return self.segments.index()

    def set_index(self, index: int) -> None:
        """Choose one."""
        self.segments.set_index(index)

    @property
    def is_folded(self) -> bool:
        """Whether the menu is shown in place of the segments."""
        return self.segments.isHidden()

    def fit(self, room: float) -> None:
        """Show what fits into ``room``, in device-independent pixels."""
        folded = self.segments.sizeHint().width() > room
        self.menu.setVisible(folded)
        self.segments.setVisible(not folded)

    def _take(self, index: int) -> None:
        with QSignalBlocker(self.segments), QSignalBlocker(self.menu):
            self.segments.set_index(index)
            self.menu.setCurrentIndex(index)
        self.segments.update()
        self.menu.update()
        self.chosen.emit(index)
