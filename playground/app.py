"""The window: tabs from the registry, each built when it is first shown.

The window is on the screen before torch is imported; the worker imports it, and the first model, meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QMenu, QVBoxLayout, QWidget

from playground import checkpoints, families, labels
from playground.models.plane_catalogue import plane_cards
from playground.tabs import registry
from playground.tabs.frame import model_cache
from playground.tabs.frame.device_box import DeviceBox
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import LinkTarget, Page
from playground.tabs.keyboard import Keyboard
from playground.tabs.undo import UndoHistory
from playground.ui.playback.stream import Stream
from playground.ui.theme import theme
from playground.ui.theme.hidden_pages import dress_when_shown
from playground.ui.widgets.controls import IconButton
from playground.ui.widgets.lecture_mode import LectureMode
from playground.ui.widgets.tab_row import QuietTabs

if TYPE_CHECKING:  # what is not seen at once is imported when it is first asked for
    import numpy as np

    from playground.export.picture_metadata import PictureMetadata
    from playground.lessons.controller import LessonController
    from playground.tabs.incoming import Incoming
    from playground.tabs.window_memory import WindowMemory
    from playground.ui.pictures.grid_menu import MenuEntry
    from playground.ui.widgets.help_panel import HelpPanel


class MainWindow(QMainWindow):
    """All tabs around one stream.

    Args:
        model_id, view, tab: what to open first.
    """

    def __init__(self, tab: str = "", model_id: str = "", view: str = "", device: str | None = None) -> None:
        super().__init__()
        self.setWindowTitle("Generative Playground")
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self.model_cache = model_cache.ModelCache(device)
        self.stream = Stream(explain=self.model_cache.sentence, setup=model_cache.prepare, autostart=False)
        self.tabs = QuietTabs()
        self._memory: WindowMemory | None = None
        self._lay_out()
        self._built: dict[str, FamilyTab] = {}
        self._pages: dict[str, Page] = {}
        sound, self._broken = checkpoints.sound_and_broken()
        self._cards = [card for card in sound if families.has_tab(card.family)]
        self._entries = families.row({card.family for card in self._cards})
        self._every = [*self._cards, *plane_cards()]  # pages know the checkpoints only
        for entry in self._entries:
            self.tabs.addTab(QWidget(), entry.title)
        self._first = {"model_id": model_id, "view_name": view}
        self.lecture = LectureMode(self)
        self.history = UndoHistory(self, lambda: self.current or self.page)
        self._make_corner()
        self.keyboard = Keyboard(
            self,
            self.tabs,
            self.lecture,
            lambda: self.current or self.page,
            self._key_for_lesson,
            self.history.next_comparison,
        )
        self.tabs.currentChanged.connect(self._build_tab)
        wanted = self._wanted_tab(tab, model_id)
        self.tabs.setCurrentIndex(wanted)
        self._build_tab(wanted)

    def _lay_out(self) -> None:
        frame = QWidget()
        self._column = QVBoxLayout(frame)  # the bar of a lesson comes below the tabs
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.tabs, 1)
        self.setCentralWidget(frame)

    @cached_property
    def lessons(self) -> LessonController:
        """Everything about lessons; their bar stands below the tabs."""
        from playground.lessons.controller import LessonController

        made = LessonController(self, self)
        self._column.addWidget(made.bar)
        return made

    @cached_property
    def help(self) -> HelpPanel:
        """Keys and words, beside the tabs."""
        from playground.ui.widgets.help_panel import HelpPanel

        return HelpPanel(self)

    @cached_property
    def _incoming(self) -> Incoming:
        from playground.tabs.incoming import Incoming

        return Incoming(self, self._restore)

    def _key_for_lesson(self, event: QKeyEvent) -> bool:
        return "lessons" in self.__dict__ and self.lessons.handle_key(event)

    # --- tabs

    def _wanted_tab(self, tab: str, model_id: str) -> int:
        key = families.entry(tab).key if tab else ""
        key = key or next((c.family for c in self._every if c.id == model_id), "")
        first = next((i for i, e in enumerate(self._entries) if isinstance(e, families.Family)), 0)
        return next((i for i, e in enumerate(self._entries) if e.key == key), first)

    def _build_tab(self, index: int) -> None:
        if not 0 <= index < len(self._entries):
            return
        entry = self._entries[index]
        if entry.key not in self._built and entry.key not in self._pages:
            built = self._make_tab(entry)
            dress_when_shown(built)
            self.history.watch(built)
            self.tabs.blockSignals(True)
            self.tabs.removeTab(index)
            self.tabs.insertTab(index, built, entry.title)
            self.tabs.setCurrentIndex(index)
            self.tabs.blockSignals(False)
            for file, sentence in self._broken.items():
                built.banner.show_warning(f"{sentence} It is left out.") if file else None
            self._broken = {}
        self.tabs.setProperty("family", entry.key)

    def _make_tab(self, entry: families.Family | families.PageEntry) -> FamilyTab | Page:
        first, self._first = self._first, {}
        if isinstance(entry, families.Family):
            cards = [c for c in self._every if c.family == entry.key]
            cards.sort(key=lambda card: card.id != entry.opens)
            self._built[entry.key] = FamilyTab(
                entry, partial(registry.views_of, entry), cards, self.stream, self.model_cache, **first
            )
            return self._built[entry.key]
        page = registry.page_of(entry)(
            [card for card in self._cards if not labels.is_own(card.dataset)],
            self.stream,
            self.model_cache,
            registry.view_names,
            first.get("view_name", ""),
        )
        page.went.connect(self.go)
        page.run_wanted.connect(self._restore)
        page.link_wanted.connect(lambda link: self.lessons.open_link(link))
        page.model_made.connect(self._add_model)
        self._pages[entry.key] = page
        return page

    def _add_model(self, path: Path) -> None:
        """A model that was trained here stands in the menu of its family from now on."""
        card = checkpoints.read_card(path)
        self._cards = [*(c for c in self._cards if c.id != card.id), card]
        self._every = [*(c for c in self._every if c.id != card.id), card]
        if card.family in self._built:
            self._built[card.family].add_model(card, card.id)

    @property
    def current(self) -> FamilyTab | None:
        """The family's tab on screen; None while a page is."""
        found = self.tabs.currentWidget()
        return found if isinstance(found, FamilyTab) else None

    @property
    def page(self) -> Page | None:
        """The page on screen (Guide, Compare); None while a family's tab is."""
        found = self.tabs.currentWidget()
        return found if isinstance(found, Page) else None

    def open_tab(self, key: str) -> bool:
        """Show a tab; False if there is none of that key."""
        keys = [entry.key for entry in self._entries]
        if key in keys:
            self.tabs.setCurrentIndex(keys.index(key))
        return key in keys

    def go(self, place: LinkTarget) -> None:
        """Open the tab, model and view that a link leads to."""
        if not self.open_tab(place.tab):
            self.say(f"There is no tab for {place.tab!r} here.")
        elif place.tab in self._pages:
            self._pages[place.tab].show_scene(place.view)
        else:
            self._built[place.tab].go(place.model, place.view, place.settings)

    # --- the corner: device and menu

    def _make_corner(self) -> None:
        corner = QWidget()
        row = QHBoxLayout(corner)
        row.setContentsMargins(0, 0, round(theme.em() * 0.6), 0)
        self.devices = DeviceBox(self.stream, self.model_cache)
        self.devices.changed.connect(self._reopen)
        self.devices.warned.connect(self._warn)
        self.devices.failed.connect(self.say)
        menu_button = IconButton("menu", "Menu")
        menu_button.setPopupMode(IconButton.ToolButtonPopupMode.InstantPopup)
        menu_button.setMenu(self._menu())
        row.addWidget(self.devices)
        row.addWidget(menu_button)
        self.tabs.setCornerWidget(corner)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        for text, keys, act in (
            ("Open a checkpoint or picture …", "Ctrl+O", self.ask_file),
            ("Open a lesson …", "", lambda: self.lessons.ask_file()),
            ("Add this as a scene …", "", lambda: self.lessons.add_scene()),
            ("Copy a link to this", "", lambda: self.lessons.copy_link()),
            ("Undo", "Ctrl+Z", self.history.undo),
            ("Redo", "Ctrl+Shift+Z", self.history.redo),
            ("Lecture mode", "F11", self.lecture.toggle),
            ("Light", "", lambda: self._apply_theme("light")),
            ("Dark", "", lambda: self._apply_theme("dark")),
            ("As the system", "", lambda: self._apply_theme("system")),
            ("Keys and words", "?", lambda: self.help.toggle()),
        ):
            action = QAction(text, menu)
            if keys:
                action.setShortcut(QKeySequence(keys))
                action.setShortcutVisibleInContextMenu(True)
                self.addAction(action)
            action.triggered.connect(lambda _=False, act=act: act())
            menu.addAction(action)
        self.recent = QMenu("Open again", menu)
        menu.insertMenu(menu.actions()[1], self.recent)
        self.recent.menuAction().setVisible(False)  # until something is remembered
        return menu

    def show_line(self, line: QWidget) -> None:
        """Put a line over the tabs."""
        self._column.insertWidget(0, line)
        line.show()

    def remember_files(self, memory: WindowMemory) -> None:
        """From now on the menu offers the files that were opened last."""
        self._memory = memory
        self.recent.aboutToShow.connect(self._list_files)
        self.recent.menuAction().setVisible(True)

    def _list_files(self) -> None:
        self.recent.clear()
        files = self._memory.files if self._memory is not None else []
        for path in files:
            self.recent.addAction(path.name).triggered.connect(lambda _=False, p=path: self.open_file(p))
        if not files:
            self.recent.addAction("No file was opened yet").setEnabled(False)

    def _reopen(self) -> None:
        """The device has changed."""
        every: list[FamilyTab | Page] = [*self._built.values(), *self._pages.values()]
        for tab in every:
            tab.reopen()

    def _apply_theme(self, mode: theme.Mode) -> None:
        theme.apply(_app(), mode)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no focused control wanted."""
        if self.keyboard.handle(event):
            return
        if event.matches(QKeySequence.StandardKey.Paste):
            from playground.ui.pictures import clipboard

            self._incoming.take(clipboard.contents())
            return
        super().keyPressEvent(event)

    def picture_entries(self, picture: np.ndarray) -> Sequence[MenuEntry]:
        """What the menu of a picture offers, whatever shows it."""
        from playground.tabs.picture_menu import PictureMenu

        return PictureMenu(self, self, self._entries, self._cards).entries(picture)

    # --- files

    def ask_file(self) -> None:
        """Open a checkpoint or an exported picture through the system's dialog."""
        from playground.ui.widgets.file_dialogs import ask_to_open

        ask_to_open(self, "Open", "Checkpoints and pictures (*.safetensors *.png)", self.open_file)

    def open_file(self, path: Path) -> None:
        """Open a user's own checkpoint, or a picture that was exported, in the tab of its family.

        What is wrong with it is said in a banner, and what was on the screen stays.  A page may want it for itself.
        """
        from playground.tabs import incoming

        if path.is_dir() and (self.current or self.page) is not None:
            self._incoming.open_folder(path)
            return
        if problem := incoming.problem_with(path):
            self.say(problem)
            return
        if self._memory is not None:
            self._memory.add_file(path)
        if self.lessons.takes(path) or self._incoming.taken(path):
            return
        if incoming.is_picture(path):
            self._incoming.open_picture(path)
            return
        try:
            card = checkpoints.read_card(path)
        except checkpoints.CheckpointError as error:
            self.say(str(error))
            return
        keys = [entry.key for entry in self._entries]
        if card.family not in keys:
            self.say(f"{path.name} belongs to the family {card.family!r}, which has no tab.")
            return
        self.tabs.setCurrentIndex(keys.index(card.family))
        tab = self._built[card.family]
        tab.add_model(card, str(path))
        tab.open_model(str(path))

    def _restore(self, kept: PictureMetadata, name: str) -> None:
        """Go back to the run that a picture was exported of."""
        keys = [entry.key for entry in self._entries]
        known = any(c.id == kept.model and c.family == kept.family for c in self._every)
        page = any(e.key == kept.family and isinstance(e, families.PageEntry) for e in self._entries)
        tab = self._built.get(kept.family)
        if kept.family not in keys or not (known or page or (tab is not None and tab.models.entry_of(kept))):
            ways = [e.how_to_get for e in checkpoints.missing() if e.id == kept.model]
            ways += [f"{kept.model} is not here; open its checkpoint first."]
            self.say(f"{name} cannot be opened: {ways[0]}")
            return
        self.tabs.setCurrentIndex(keys.index(kept.family))
        self._pages[kept.family].restore(kept) if page else self._built[kept.family].restore(kept)

    def say(self, sentence: str) -> None:
        shown = self.current or self.page
        if shown is not None:
            shown.banner.show_error(sentence)

    def _warn(self, sentence: str) -> None:
        shown = self.current or self.page
        if shown is not None:
            shown.banner.show_warning(sentence)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files, pictures and settings may be dropped."""
        from playground.tabs import incoming

        if incoming.is_welcome(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self._incoming.take(event.mimeData())
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop everything; clean-up runs on the worker."""
        for tab in self._built.values():
            tab.exports.close()
        for page in self._pages.values():
            page.leave()
        self.model_cache.close()
        self.ended_in_time = self.stream.close()
        super().closeEvent(event)


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
