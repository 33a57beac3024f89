"""A line of figures under a picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from playground.ui.theme.numbers import NumbersFont


def figures_line() -> QLabel:
    """One line under the picture, in tabular figures."""
    line = QLabel()
    NumbersFont(line)
    line.setWordWrap(True)
    line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return line
