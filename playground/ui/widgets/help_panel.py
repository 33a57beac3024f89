"""The keys and the words of the field, beside the picture and never over it: ``?`` opens and closes it."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QLineEdit,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from playground.ui.theme import theme
from playground.ui.widgets import glossary
from playground.ui.widgets.key_list import KEYS


class HelpPanel(QDockWidget):
    """A field to search in, the keys, the glossary."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__("Keys and words", window)
        self._had_keys: QWidget | None = None  # who had the focus before it was opened
        self.field, self.page = QLineEdit(), QLabel()
        self.field.setPlaceholderText("Search keys and words")
        self.field.setAccessibleName("Search keys and words")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self.show_matches)
        self.page.setWordWrap(True)
        self.page.setTextFormat(Qt.TextFormat.RichText)
        self.page.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.page.setContentsMargins(4, 4, 4, 4)
        scroller = QScrollArea()
        scroller.setWidgetResizable(True)
        scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroller.setWidget(self.page)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self.field)
        column.addWidget(scroller, 1)
        self.setWidget(inside)
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self)
        self.hide()
        self.show_matches("")

    def toggle(self) -> None:
        """Open with the cursor in the field, or close."""
        if self.isHidden():
            self._had_keys = QApplication.focusWidget()
        self.setVisible(self.isHidden())
        if self.isHidden():
            self._give_keys_back()
        else:
            self.setMinimumWidth(round(theme.em() * (16 if theme.lecture() else 20)))
            self.field.selectAll()
            self.field.setFocus()

    def _give_keys_back(self) -> None:
        """To whoever had them, not to whatever stands beside the panel."""
        before, self._had_keys = self._had_keys, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus()

    def look_up(self, word: str) -> None:
        """Open at a word."""
        self.show()
        self.field.setText(word)

    def show_matches(self, text: str) -> None:
        """The keys and terms that have this text; all of them for ""."""
        wanted = text.strip().lower()
        keys = [(key, what) for key, what in KEYS if wanted in f"{key} {what}".lower()]
        rows = "".join(
            f"<tr><td style='padding-right:1em'><b>{escape(key)}</b></td><td>{escape(what)}</td></tr>"
            for key, what in keys
        )
        words = "".join(
            f"<p><b>{escape(term.name)}</b> {escape(', '.join(term.also))}<br>{escape(term.text)}</p>"
            for term in glossary.search(text)
        )
        nothing = f"<p>Nothing here is called “{escape(text.strip())}”.</p>" if not rows and not words else ""
        self.page.setText(f"{words if wanted else ''}<table>{rows}</table>{'' if wanted else words}{nothing}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self._give_keys_back()
        else:
            super().keyPressEvent(event)
