"""Asking for the name of a file without holding up the window: the dialogs are opened, not waited for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from playground import paths

_last = {"folder": ""}  # where the last file came from or went to


def ask_to_open(parent: QWidget, title: str, kinds: str, then: Callable[[Path], object]) -> QFileDialog:
    """Call ``then`` with the file that is chosen, if one is."""
    dialog = _dialog(parent, title, kinds, then)
    dialog.open()
    return dialog


def ask_for_folder(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Call ``then`` with the folder that is chosen, if one is."""
    dialog = _dialog(parent, title, "", then)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, False)  # what is in it is seen
    dialog.open()
    return dialog


def ask_to_save(
    parent: QWidget, title: str, name: str, kinds: str, then: Callable[[Path], object]
) -> QFileDialog:
    """Call ``then`` with the name that is chosen, if one is; an existing file is asked about."""
    dialog = _dialog(parent, title, kinds, then)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(name.rpartition(".")[2])
    dialog.selectFile(name)
    dialog.open()
    return dialog


def _dialog(parent: QWidget, title: str, kinds: str, then: Callable[[Path], object]) -> QFileDialog:
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    folder = _last["folder"] or (pictures if Path(pictures).is_dir() else str(paths.home()))
    dialog = QFileDialog(parent, title, folder, kinds)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def chosen(file: str) -> None:
        _last["folder"] = str(Path(file).parent)
        then(Path(file))

    dialog.fileSelected.connect(chosen)
    return dialog
