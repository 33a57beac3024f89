"""The keys, and the list of them that ``?`` shows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

KEYS = (
    ("Space", "play or pause"),
    ("Left, Right", "one step back or on"),
    ("Home, End", "first or newest step"),
    ("Escape", "stop; leave lecture mode"),
    ("PageUp, PageDown", "previous or next view; in a lesson, scene"),
    ("Escape in a lesson", "leave its path to try something, and come back to it"),
    ("Ctrl+Tab", "next family"),
    ("Tab", "to the next control, and to the picture"),
    ("Arrows on a picture", "move pointer, pixel or choice (Shift: further)"),
    ("Enter on a picture", "choose one; then as a click on it"),
    ("Delete on a slider", "back to its default"),
    ("R", "new seed"),
    ("N, P, D", "next, previous, any test image"),
    ("I, Ctrl+V", "Compare, One image: invert the picture, paste one"),
    ("E", "explain on or off"),
    ("L", "loop"),
    ("Ctrl +, Ctrl −, Ctrl 0", "larger, smaller, normal type"),
    ("F11", "lecture mode"),
    ("Ctrl+O", "open a checkpoint or an exported picture"),
    ("Ctrl+S", "export the picture, its run or its numbers"),
    ("Ctrl+C", "copy the picture"),
    ("Ctrl+Shift+C", "copy its settings"),
    ("?", "this list"),
)


def show_keys(parent: QWidget) -> None:
    """The list of keys."""
    rows = "".join(f"<tr><td style='padding-right:1em'><b>{k}</b></td><td>{t}</td></tr>" for k, t in KEYS)
    box = QMessageBox(parent)
    box.setWindowTitle("Keys")
    box.setText(f"<table>{rows}</table>")
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
