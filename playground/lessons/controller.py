"""Everything about lessons that the window has: the player, its bar and notes, and making lessons of what is on the screen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from playground.export import window_state
from playground.export.window_state import WindowState, link_of
from playground.lessons import library, writer
from playground.lessons.bar import LessonBar
from playground.lessons.lesson import Lesson, LessonScene
from playground.lessons.notes import NotesWindow
from playground.lessons.opener import StateOpener, Window
from playground.lessons.page import PageMaker
from playground.lessons.player import LessonPlayer
from playground.lessons.recorder import Recorder
from playground.lessons.scene_dialog import SceneDialog
from playground.ui.widgets.file_dialogs import ask_to_open, ask_to_save

KIND = "Lessons (*.toml)"
NEW = "My lesson"


class LessonController(QObject):
    """One for each window.

    Args:
        window: what lessons are shown in.
        widget: the same, as what dialogs stand over.
    """

    def __init__(self, window: Window, widget: QWidget) -> None:
        super().__init__(widget)
        self._window, self._widget = window, widget
        self.opener = StateOpener(window, self)
        self.player = LessonPlayer(self.opener, self)
        self.editing = self._make_menu()
        self.bar = LessonBar(self.player, self.editing)
        self.bar.notes_wanted.connect(self.show_notes)
        self.notes: NotesWindow | None = None
        self.dialog: SceneDialog | None = None
        self.recorder: Recorder | None = None  # while a page is made

    def _make_menu(self) -> QMenu:
        menu = QMenu(self._widget)
        entries: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Add this as a scene …", self.add_scene),
            ("This scene shows what is on the screen now", self.take_state),
            ("Words of this scene …", self.edit_words),
            ("Move this scene earlier", lambda: self.move(-1)),
            ("Move this scene later", lambda: self.move(1)),
            ("Delete this scene", self.delete),
            ("Title of the lesson …", self.ask_title),
            ("Save the lesson as …", self.ask_save),
            ("Export as one page (HTML) …", self.ask_export),
        )
        for text, act in entries:
            menu.addAction(text).triggered.connect(lambda _=False, act=act: act())
        return menu

    # --- opening

    def open(self, name_or_file: str) -> None:
        """Begin a lesson; what is wrong with it is said in a banner, and what was on the screen stays."""
        try:
            lesson = library.find(name_or_file)
            library.check(lesson)
        except library.LessonError as error:
            self._window.say(str(error))
            return
        self.player.open(lesson)

    def ask_file(self) -> None:
        """Open a lesson through the system's dialog."""
        ask_to_open(self._widget, "Open a lesson", KIND, lambda path: self.open(str(path)))

    def takes(self, path: Path) -> bool:
        """Open a dropped file, if it is a lesson."""
        if path.suffix.lower() != library.ENDING:
            return False
        self.open(str(path))
        return True

    def open_link(self, text: str) -> None:
        """A state, or a lesson, from a copied link."""
        name = window_state.lesson_name(text)
        if name:
            self.open(name)
            return
        try:
            state = window_state.read_link(text)
            scene = LessonScene("link", "", state)
            library.check(Lesson("The link", (scene,)))
        except ValueError as error:
            self._window.say(str(error))
            return
        self.opener.show_state(state)

    # --- keys

    def handle_key(self, event: QKeyEvent) -> bool:
        """Page keys change scenes on the path, Escape leaves it and comes back; True if the key was used."""
        player = self.player
        if player.lesson is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        acts: dict[int, Callable[[], object]] = {Qt.Key.Key_Escape: player.toggle_path}
        if player.is_on_path:
            acts |= {Qt.Key.Key_PageDown: player.next, Qt.Key.Key_PageUp: player.previous}
        if player.goes_on_with_space():
            acts[Qt.Key.Key_Space] = player.next
        act = acts.get(event.key())
        if act is not None:
            act()
        return act is not None

    def show_notes(self) -> None:
        """The speaker's window."""
        if self.notes is None:
            self.notes = NotesWindow(self.player, self._widget)
        self.notes.open()

    # --- what is on the screen

    def state(self, plays: bool = True) -> WindowState | None:
        """What the window shows; None while there is nothing.

        Args:
            plays: a run that stands at its end plays when it is opened again; else it stands there.
        """
        tab, page = self._window.current, self._window.page
        if tab is None:
            kept = page.scene.metadata() if page is not None else None
            if kept is None:
                return None
            return dataclasses.replace(window_state.state_of(kept, stands=False), model="")
        kept = tab.picture_metadata()
        if kept is None or tab.view is None or tab.view.player.frame is None:
            return None
        frame = tab.view.player.frame
        at_end = plays and (frame.step >= frame.total or tab.view.player.is_playing)
        state = window_state.state_of(kept, stands=not at_end)
        large = tab.canvas.enlargement
        enlarged = large.sample + 1 if large is not None else None
        return dataclasses.replace(state, visible=tab.knobs.shown_only(), enlarged=enlarged)

    def copy_link(self) -> None:
        """The state as a link, to the clipboard."""
        state = self.state(plays=False)
        if state is None:
            self._window.say("There is nothing to link to yet.")
        else:
            QGuiApplication.clipboard().setText(link_of(state))

    # --- making lessons

    def add_scene(self) -> None:
        """What is on the screen becomes the next scene, after its words have been asked for."""
        state = self.state()
        if state is None:
            self._window.say("There is nothing on the screen yet that could become a scene.")
            return
        title = f"{state.view or state.tab.capitalize()}{' of ' + state.model if state.model else ''}"
        self._ask_words(LessonScene(title, "", state), self.insert)

    def insert(self, scene: LessonScene) -> None:
        """Put a scene after the present one, or begin a lesson with it."""
        lesson = self.player.lesson
        if lesson is None:
            self.player.replace(Lesson(NEW, (scene,)), 0)
        else:
            at = self.player.index + 1
            self.player.replace(lesson.with_scene(scene, at), at)

    def take_state(self) -> None:
        """The present scene shows what is on the screen now."""
        state, scene = self.state(), self.player.scene
        if state is not None and scene is not None:
            self._change(dataclasses.replace(scene, shows=state))

    def edit_words(self) -> None:
        """Title, text, notes and question of the present scene."""
        if self.player.scene is not None:
            self._ask_words(self.player.scene, self._change)

    def _ask_words(self, scene: LessonScene, then: Callable[[LessonScene], object]) -> None:
        self.dialog = SceneDialog(scene, then, self._widget)
        self.dialog.open()

    def _change(self, scene: LessonScene) -> None:
        if self.player.lesson is not None:
            at = self.player.index
            self.player.replace(self.player.lesson.with_changed(at, scene), at)

    def move(self, by: int) -> None:
        """The present scene comes earlier or later."""
        lesson, at = self.player.lesson, self.player.index
        if lesson is not None and 0 <= at + by < len(lesson.scenes):
            self.player.replace(lesson.moved(at, at + by), at + by)

    def delete(self) -> None:
        """The present scene goes; without its last scene, the lesson does."""
        lesson, at = self.player.lesson, self.player.index
        if lesson is None:
            return
        if len(lesson.scenes) == 1:
            self.player.close()
            return
        self.player.replace(lesson.without(at), min(at, len(lesson.scenes) - 2))
        self.player.go_to(self.player.index)

    def ask_title(self) -> None:
        """Type another title for the lesson."""
        lesson = self.player.lesson
        if lesson is None:
            return
        dialog = QInputDialog(self._widget)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Lesson")
        dialog.setLabelText("Title of the lesson")
        dialog.setTextValue(lesson.title)
        dialog.textValueSelected.connect(self.retitle)
        dialog.open()

    def retitle(self, title: str) -> None:
        """Give the lesson another title."""
        lesson = self.player.lesson
        if lesson is not None and title.strip():
            changed = dataclasses.replace(lesson, title=" ".join(title.split())[:200])
            self.player.replace(changed, self.player.index)

    def ask_save(self) -> None:
        """Save the lesson under a name that is asked for."""
        lesson = self.player.lesson
        if lesson is not None:
            ask_to_save(
                self._widget, "Save the lesson", f"{lesson.name or 'my-lesson'}.toml", KIND, self.save
            )

    def save(self, path: Path) -> None:
        """Write the lesson; what goes wrong is said in the banner."""
        lesson = self.player.lesson
        if lesson is None:
            return
        try:
            writer.write(path, lesson)
        except OSError as error:
            self._window.say(f"{path.name} cannot be written: {error.strerror or error}.")
            return
        self.player.replace(dataclasses.replace(lesson, path=path), self.player.index)

    def ask_export(self) -> None:
        """Export the lesson as a page under a name that is asked for."""
        lesson = self.player.lesson
        if lesson is not None:
            name = f"{lesson.name or 'my-lesson'}.html"
            ask_to_save(self._widget, "Export the lesson", name, "Pages (*.html)", self.export)

    def export(self, path: Path) -> None:
        """Play the lesson to its end, and write what was seen as one page; what goes wrong is said in the banner."""
        lesson = self.player.lesson
        if lesson is None:
            return
        maker = PageMaker(self.player)
        self.recorder = Recorder(self.player, lesson, maker.take, self)

        def finish(wrong: str) -> None:
            self.recorder = None
            try:
                if not wrong:
                    maker.write(path, lesson)
            except OSError as error:
                wrong = f"{path.name} cannot be written: {error.strerror or error}."
            if wrong:
                self._window.say(wrong)

        self.recorder.finished.connect(finish)
