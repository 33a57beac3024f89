"""The row of tabs, which does not lay itself out again because a figure inside a page has changed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QTabWidget


class QuietTabs(QTabWidget):
    """A QTabWidget answers every new text of every label in a page by painting the whole window again.

    Only what can change its own layout gets through: the tab bar, the corner, and the least size of the pages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setDocumentMode(True)
        self._laid_out_for: list[QSize] = []

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            corner = self.cornerWidget()
            parts = [self.minimumSizeHint(), self.tabBar().sizeHint()]
            parts += [corner.sizeHint()] if corner is not None else []
            if parts == self._laid_out_for:
                return True
            self._laid_out_for = parts
        return super().event(event)
