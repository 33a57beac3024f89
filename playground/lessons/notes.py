"""The speaker's window: notes to the scene, what comes next, and the time; on a second screen where there is one."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from playground.lessons.player import LessonPlayer
from playground.ui.theme import theme


class NotesWindow(QWidget):
    """PageUp, PageDown and Escape work here as in the main window."""

    def __init__(self, player: LessonPlayer, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._main = parent
        self.setWindowTitle("Notes")
        self.player = player
        self.place, self.title, self.notes, self.coming = QLabel(), QLabel(), QLabel(), QLabel()
        self.place.setProperty("role", "caption")
        self.title.setProperty("role", "title")
        self.coming.setProperty("role", "muted")
        column = QVBoxLayout(self)
        gap = round(theme.em())
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        for label in (self.place, self.title, self.notes, self.coming):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            column.addWidget(label, 1 if label is self.notes else 0)
        self.notes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._began = time.monotonic()
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._tell_time)
        self._clock.start()
        player.changed.connect(self.refresh)
        self.resize(round(theme.em() * 40), round(theme.em() * 28))
        self.refresh()

    def open(self) -> None:
        """Show it, away from the audience if there is another screen."""
        own = self._main.screen()
        others = [screen for screen in QGuiApplication.screens() if screen is not own]
        if others:
            self.setGeometry(others[0].availableGeometry())
        self.show()
        self.raise_()

    def refresh(self) -> None:
        """The notes of the scene that is on."""
        scene, lesson = self.player.scene, self.player.lesson
        if scene is None or lesson is None:
            self.hide()
            return
        self.title.setText(scene.title)
        self.notes.setText(scene.notes or "No notes for this scene.")
        after = lesson.scenes[self.player.index + 1 : self.player.index + 2]
        self.coming.setText(f"Next: {after[0].title}" if after else "This is the last scene.")
        self._tell_time()

    def _tell_time(self) -> None:
        lesson = self.player.lesson
        if lesson is not None:
            minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
            place = f"{self.player.index + 1} / {len(lesson.scenes)}"
            self.place.setText(f"{lesson.title}   {place}   {minutes}:{seconds:02}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys of a lesson."""
        acts = {
            Qt.Key.Key_PageDown: self.player.next,
            Qt.Key.Key_PageUp: self.player.previous,
            Qt.Key.Key_Escape: self.player.toggle_path,
        }
        act = acts.get(Qt.Key(event.key()))
        if act is None:
            super().keyPressEvent(event)
        else:
            act()
