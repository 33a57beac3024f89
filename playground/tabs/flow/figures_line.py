"""A line of figures under a picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel


def figures_line() -> QLabel:
    """One line under the picture, in tabular figures."""
    line = QLabel()
    line.setWordWrap(True)
    line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return line
