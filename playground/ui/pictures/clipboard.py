"""What lies on the clipboard."""

from __future__ import annotations

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication


def contents() -> QMimeData:
    """What was copied, by this program or another; empty where there is nothing, or where its owner has gone."""
    return QGuiApplication.clipboard().mimeData() or QMimeData()  # Qt gives None while no program owns it
