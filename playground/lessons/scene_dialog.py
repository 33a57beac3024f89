"""The words of a scene: title, text, notes and question, typed into a dialog that holds nothing up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from playground.lessons.lesson import LessonScene, Question
from playground.lessons.reader import LONGEST_LINE, LONGEST_TEXT
from playground.ui.theme import theme


class SceneDialog(QDialog):
    """Calls ``then`` with the scene under its new words."""

    def __init__(self, scene: LessonScene, then: Callable[[LessonScene], object], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Scene")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._scene, self._then = scene, then
        self.title = QLineEdit(scene.title)
        self.title.setMaxLength(LONGEST_LINE)
        self.text, self.notes = QPlainTextEdit(scene.text), QPlainTextEdit(scene.notes)
        self.question = QLineEdit(scene.question.text if scene.question else "")
        self.answer = QLineEdit(scene.question.answer if scene.question else "")
        for several_lines in (self.text, self.notes):
            several_lines.setTabChangesFocus(True)
            several_lines.setFixedHeight(round(theme.em() * 5))
        form = QFormLayout(self)
        fields: dict[str, QWidget] = {
            "Title": self.title,
            "Text": self.text,
            "Notes": self.notes,
            "Question": self.question,
            "Answer": self.answer,
        }
        for name, field in fields.items():
            form.addRow(name, field)
        buttons = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form.addRow(self.buttons)
        self.resize(round(theme.em() * 44), self.sizeHint().height())

    def accept(self) -> None:
        """Hand the scene over; a title is needed."""
        title = self.title.text().strip()
        if not title:
            self.title.setPlaceholderText("A scene needs a title")
            self.title.setFocus()
            return
        asked, answer = self.question.text().strip(), self.answer.text().strip()
        scene = dataclasses.replace(
            self._scene,
            title=title,
            text=self.text.toPlainText().strip()[:LONGEST_TEXT],
            notes=self.notes.toPlainText().strip()[:LONGEST_TEXT],
            question=Question(asked, answer) if asked else None,
        )
        super().accept()
        self._then(scene)
