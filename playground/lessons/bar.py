"""The strip under the window that a lesson is stepped with: the scene's words, its question, and the keys on buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from playground.lessons.player import LessonPlayer
from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton


class LessonBar(QFrame):
    """Hidden while there is no lesson; one line while the path is left."""

    notes_wanted = Signal()

    def __init__(self, player: LessonPlayer, editing: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.player = player
        self.back = IconButton("chevron-left", "Previous scene (PageUp)")
        self.on = IconButton("chevron-right", "Next scene (PageDown)")
        self.number, self.title, self.text = QLabel(), QLabel(), QLabel()
        self.question, self.answer = QLabel(), QLabel()
        self.ask = QPushButton("Question")  # until it is asked, the pictures have its room
        self.reveal = QPushButton("Show the answer")
        self.path = QPushButton("Back to the lesson (Escape)")
        self.notes = QPushButton("Notes")
        self.edit = QPushButton("Edit")
        self.edit.setMenu(editing)
        self.close_button = IconButton("close", "Close the lesson")
        self._lay_out()
        self.back.clicked.connect(player.previous)
        self.on.clicked.connect(player.next)
        self.path.clicked.connect(player.toggle_path)
        self.ask.clicked.connect(self._ask)
        self.reveal.clicked.connect(self._reveal)
        self.notes.clicked.connect(self.notes_wanted)
        self.close_button.clicked.connect(player.close)
        player.changed.connect(self.refresh)
        theme.signals.changed.connect(self._restyle)
        self.refresh()
        self._restyle()

    def _lay_out(self) -> None:
        self.title.setProperty("role", "heading")
        self.number.setProperty("role", "caption")
        self.question.setProperty("role", "muted")
        for label in (self.title, self.text, self.question, self.answer):
            label.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.title, self.text, self.question, self.answer):
            label.setWordWrap(True)
        # a long title takes two lines rather than make the window wider than a projector's screen
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        head = QHBoxLayout()
        left: tuple[QWidget, ...] = (self.back, self.number, self.on, self.title)
        right: tuple[QWidget, ...] = (self.path, self.ask, self.notes, self.edit, self.close_button)
        for widget in left:
            head.addWidget(widget, 1 if widget is self.title else 0)
        for widget in right:
            head.addWidget(widget)
        self._asked = QHBoxLayout()
        self._asked.addWidget(self.question, 1)
        self._asked.addWidget(self.reveal)
        self._column = QVBoxLayout(self)
        self._column.addLayout(head)
        self._column.addWidget(self.text)
        self._column.addLayout(self._asked)
        self._column.addWidget(self.answer)

    def refresh(self) -> None:
        """Show the scene that is on."""
        scene, lesson = self.player.scene, self.player.lesson
        self.setVisible(lesson is not None)
        if scene is None or lesson is None:
            return
        on_path, last = self.player.is_on_path, len(lesson.scenes) - 1
        self.number.setText(f"{self.player.index + 1} / {last + 1}")
        self.title.setText(scene.title if on_path else f"Off the path of “{lesson.title}”")
        self.text.setText(scene.text)
        self.text.setVisible(on_path)
        self.back.setEnabled(self.player.index > 0)
        self.on.setEnabled(self.player.index < last)
        self.path.setVisible(not on_path)
        self.ask.setVisible(scene.question is not None and on_path)
        for widget in (self.question, self.reveal, self.answer):
            widget.hide()
        if scene.question is not None:
            self.question.setText(scene.question.text)
            self.answer.setText(scene.question.answer)

    def _ask(self) -> None:
        self.ask.hide()
        self.question.show()
        self.reveal.show()

    def _reveal(self) -> None:
        self.reveal.hide()
        self.answer.show()

    def _restyle(self) -> None:
        side = round(theme.em() * 0.8)
        self._column.setContentsMargins(side, side // 2, side, side // 2)
        self._column.setSpacing(round(theme.em() * 0.3))
