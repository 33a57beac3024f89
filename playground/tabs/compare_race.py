"""The race: several models draw at once, and each has a clock that counts only its own work."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from playground.tabs.page import Scene


class Race(Scene):
    """Two to eight models, one start, one seed."""

    name = "Race"
    sentence = "The same task for every model, and a clock for each that counts only its own work."

    def build(self) -> None:
        """The models that could race."""
        self.column.addWidget(QLabel(", ".join(card.id for card in self.page.cards)))
        self.column.addStretch(1)
