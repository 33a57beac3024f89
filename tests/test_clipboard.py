"""Pasting where Qt has nothing to give: the clipboard's owner may have gone."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tests.windows import opened


class Orphaned:
    """A clipboard whose owner has gone: Qt gives no contents at all then."""

    def mimeData(self) -> None:
        return None


def test_pasting_from_a_clipboard_without_an_owner_is_a_sentence(qtbot, monkeypatch):
    monkeypatch.setattr(QGuiApplication, "clipboard", Orphaned)
    with opened() as window:
        qtbot.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        assert window.current.banner.text() == "There is no file, no picture and no settings in it."
