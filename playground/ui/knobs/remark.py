"""What is to be said of a text, right under its field: a sentence, and texts that may stand in its place, to be pressed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.link_button import LinkButton
from playground.ui.widgets.wrap_layout import WrapLayout


class Remark(QWidget):
    """Hidden, and without a gap, until there is something to say; ``taken`` carries the text that was pressed."""

    taken = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setProperty("role", "caption")
        self._place = QWidget()
        self._flow = WrapLayout(self._place, round(theme.em() * 0.4))
        self._offers: list[tuple[str, str]] = []
        self.buttons: list[LinkButton] = []  # one for each text that is offered
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em() * 0.3))
        column.addWidget(self._words)
        column.addWidget(self._place)
        self.hide()

    @property
    def sentence(self) -> str:
        """What is said."""
        return self._words.text()

    def show_remark(self, sentence: str, offers: Sequence[tuple[str, str]] = ()) -> None:
        """A sentence ("" for none), and what is offered: (words on the button, the text)."""
        self._words.setText(sentence)
        self._words.setVisible(bool(sentence))
        if list(offers) != self._offers:
            self._offers = list(offers)
            self._lay_out()
        self._place.setVisible(bool(offers))
        self.setVisible(bool(sentence or offers))

    def _lay_out(self) -> None:
        for button in self.buttons:
            self._flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        for words, text in self._offers:
            button = LinkButton(words, tip=f"Read it as “{text}”", arrow=False)
            button.clicked.connect(lambda _=False, text=text: self.taken.emit(text))
            self._flow.addWidget(button)
            self.buttons.append(button)
