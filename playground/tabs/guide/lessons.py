"""The Guide's lessons: what there is to be stepped through, and a line for a copied link."""

from __future__ import annotations

import tomllib
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QWidget

from playground import paths
from playground.export.window_state import LESSON, SCHEME
from playground.tabs.frame.page import Scene
from playground.ui.theme import theme
from playground.ui.widgets.link_button import LinkButton


class Lessons(Scene):
    """A card for each lesson; below them, links."""

    name = "Lessons"
    sentence = (
        "About ten scenes each, stepped through with PageDown: in front of a room, or alone. Escape leaves the path to "
        "try something, and comes back to it."
    )

    def build(self) -> None:
        """Cards in three columns, and the line."""
        self.links: dict[str, LinkButton] = {}  # by the lesson's name
        cards = QWidget()
        cards.setProperty("role", "page")
        self._grid = QGridLayout(cards)
        self._grid.setSpacing(round(theme.em()))
        for number, (name, raw) in enumerate(shipped()):
            self._grid.addWidget(self._card(name, raw), number // 3, number % 3)
        for number in range(3):
            self._grid.setColumnStretch(number, 1)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(cards)
        self.column.addWidget(scroll, 1)
        row = QHBoxLayout()
        self.line = QLineEdit()
        self.line.setPlaceholderText("A copied link: playground:diffusion/ddpm-fashion/Generate?seed=7")
        self.line.setAccessibleName("A copied link")
        self.open = QPushButton("Open the link")
        self.line.returnPressed.connect(self._open_line)
        self.open.clicked.connect(self._open_line)
        row.addWidget(self.line, 1)
        row.addWidget(self.open)
        self.column.addLayout(row)

    def _card(self, name: str, raw: dict[str, Any]) -> QWidget:
        card = QWidget()
        column = QGridLayout(card)
        column.setContentsMargins(0, 0, round(theme.em()), round(theme.em()))
        self.links[name] = LinkButton(raw["title"])
        link = f"{SCHEME}{LESSON}/{name}"
        self.links[name].clicked.connect(lambda _=False, link=link: self.page.link_wanted.emit(link))
        words = QLabel(raw.get("summary", ""))
        words.setWordWrap(True)
        scenes = QLabel(f"{len(raw['scene'])} scenes")
        scenes.setProperty("role", "caption")
        column.addWidget(self.links[name], 0, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(words, 1, 0)
        column.addWidget(scenes, 2, 0)
        column.setRowStretch(3, 1)
        return card

    def _open_line(self) -> None:
        if self.line.text().strip():
            self.page.link_wanted.emit(self.line.text().strip())


def shipped() -> list[tuple[str, dict[str, Any]]]:
    """Names and tables of the lessons that came with the program; those that are opened are read more strictly."""
    files = sorted((paths.folder("assets") / "lessons").glob("*.toml"))
    found = [(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files]
    return sorted(found, key=lambda one: one[1].get("order", len(found)))
