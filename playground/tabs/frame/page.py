"""A page: a tab that belongs to no family.  It shows one scene of several, and its links lead into the other tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QImage, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from playground.checkpoints import Card
from playground.families import Family, PageEntry
from playground.tabs.frame.model_cache import ModelCache
from playground.ui.pictures.stage import Stage
from playground.ui.playback.stream import Lane, Stream
from playground.ui.theme import theme
from playground.ui.widgets.banner import Banner
from playground.ui.widgets.key_home import leave_keys
from playground.ui.widgets.view_switch import ViewSwitch

if TYPE_CHECKING:
    from playground.export.picture_metadata import PictureMetadata

ViewNames = Callable[[Family | PageEntry], list[str]]


@dataclass(frozen=True)
class LinkTarget:
    """Where a link leads: a tab and, unless they are "", a model and a view in it; ``settings`` turn its knobs."""

    tab: str
    model: str = ""
    view: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


class Scene(QWidget):
    """What a page shows at one time.  Subclasses set ``name`` and override what they need."""

    name: ClassVar[str] = ""
    group: ClassVar[str] = ""  # one of families.GROUPS, where a page has too many scenes for one row
    sentence: ClassVar[str] = ""  # stands at the top of the page
    why_small: ClassVar[str] = ""  # a reason, where its pictures cannot be as large as elsewhere

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.page = page
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.build()

    def build(self) -> None:
        """Make the widgets; called once."""

    def wake(self) -> None:
        """It is on the screen (again): go on."""

    def rest(self) -> None:
        """Nobody sees it: stop sampling."""

    def reopen(self) -> None:
        """The device has changed: whatever holds a model loads it again."""

    def handle_key(self, event: QKeyEvent) -> bool:
        """A key that no focused control wanted; True if it was used."""
        return False

    def take_file(self, path: Path) -> bool:
        """A file was dropped or opened; True if this scene has taken it, or said why it cannot."""
        return False

    def take_picture(self, picture: QImage) -> bool:
        """Pixels were dropped or pasted; True if this scene has taken them."""
        return False

    def restore(self, kept: PictureMetadata) -> None:
        """Show again what a picture was exported of; what is wrong with it is said in the banner."""
        self.page.banner.show_error(f"{self.name} keeps no pictures, so that none of it can be opened.")

    def metadata(self) -> PictureMetadata | None:
        """What :meth:`restore` needs to show this again."""
        from playground.export.picture_metadata import (
            PictureMetadata,  # numpy, which a window need not wait for
        )

        return PictureMetadata(self.page.key, "", "", self.name, {}, state=self.state())

    def state(self) -> dict[str, Any]:
        """What there is to say besides the scene's name, as plain JSON."""
        return {}

    def moment(self) -> Any:
        """What :meth:`put_back` needs to undo an edit, comparable by ==; None where nothing is edited."""
        return None

    def put_back(self, moment: Any) -> None:
        """Show a moment again."""

    @property
    def is_settled(self) -> bool:
        """Whether it shows all that it was asked to show; what is drawn for ever counts once."""
        return True

    def leave(self) -> None:
        """The window closes."""

    def new_lane(self, name: str) -> Lane:
        """A place to play a generator."""
        return self.page.stream.lane(f"{type(self.page).__name__}/{self.name}/{name}")


class Page(QWidget):
    """A row of scenes, of which one is shown.

    Args:
        cards: everything shipped, all families.
        view_names: what can be opened in each tab, for links.
        scene_name: what to open first (default: the first).
    """

    key: ClassVar[str] = ""  # of its tab
    scenes: ClassVar[tuple[type[Scene], ...]] = ()
    changing = Signal()  # a scene is being edited
    link_wanted = Signal(str)  # ``playground:...``: a state, or a lesson
    went = Signal(object)  # Place: a link was followed
    # PictureMetadata and the name of its file: what it was exported of is to be shown
    run_wanted = Signal(object, str)
    model_made = Signal(object)  # Path: a checkpoint of the user's own has been trained here

    def __init__(
        self,
        cards: list[Card],
        stream: Stream,
        model_cache: ModelCache,
        view_names: ViewNames,
        scene_name: str = "",
    ) -> None:
        super().__init__()
        self.cards, self.stream, self.model_cache, self.view_names = cards, stream, model_cache, view_names
        self._built: dict[int, Scene] = {}
        self.sentence = QLabel()
        self.sentence.setProperty("role", "caption")
        self.sentence.setWordWrap(True)
        self.sentence.linkActivated.connect(self.link_wanted)
        self.switch = ViewSwitch(
            [scene.name for scene in self.scenes], [scene.group for scene in self.scenes]
        )
        self.switch.chosen.connect(self._enter)
        self.banner = Banner()
        self.canvas = Stage()
        self._lay_out()
        theme.signals.changed.connect(self._fit_switch)
        self._index = -1
        self.show_scene(scene_name)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.sentence, 1)
        top.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        gap = round(theme.em() * 0.6)
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        column.addLayout(top)
        column.addWidget(self.banner)
        column.addWidget(self.canvas, 1)

    @property
    def scene(self) -> Scene:
        """The scene on show."""
        return self._built[self._index]

    def show_scene(self, name: str) -> None:
        """Show a scene by its name; with an unknown one (or ""), the one that is there, or the first."""
        names = [scene.name.lower() for scene in self.scenes]
        index = names.index(name.lower()) if name.lower() in names else max(self._index, 0)
        self.switch.set_index(index)
        self._enter(index)

    def turn_page(self, by: int) -> None:
        """The next or the previous scene."""
        self.show_scene(self.scenes[(self._index + by) % len(self.scenes)].name)

    def take_keys(self) -> None:
        """The keys are the scene's."""
        self.scene.setFocus()

    def go(self, place: LinkTarget) -> None:
        """Follow a link."""
        self.went.emit(place)

    def _enter(self, index: int) -> None:
        if index == self._index:
            return
        if self._index in self._built:
            self.scene.rest()
        if index not in self._built:
            self._built[index] = self.scenes[index](self)
            self.canvas.addWidget(self._built[index])
            leave_keys(self._built[index])
        self._index = index
        self.canvas.setCurrentWidget(self.scene)
        self.sentence.setText(self.scene.sentence)
        self.banner.clear()
        if self.isVisible():
            self.scene.wake()

    # --- what the window calls

    def handle_key(self, event: QKeyEvent) -> bool:
        """Keys that no focused control wanted."""
        if self.scene.handle_key(event):
            return True
        turns = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
        if event.key() in turns and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.turn_page(turns[Qt.Key(event.key())])
            return True
        return False

    def take_file(self, path: Path) -> bool:
        """See :meth:`Scene.take_file`."""
        return self.scene.take_file(path)

    def take_picture(self, picture: QImage) -> bool:
        """See :meth:`Scene.take_picture`."""
        return self.scene.take_picture(picture)

    def restore(self, kept: PictureMetadata) -> None:
        """Show a kept picture again, in its scene."""
        self.show_scene(kept.view)
        self.scene.restore(kept)

    def leave(self) -> None:
        """The window closes."""
        for scene in self._built.values():
            scene.leave()

    def reopen(self) -> None:
        """The device has changed."""
        for scene in self._built.values():
            scene.reopen()

    def hideEvent(self, event: QHideEvent) -> None:
        """A page that nobody sees does not sample."""
        self.scene.rest()
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Go on."""
        self.scene.wake()
        super().showEvent(event)

    def _fit_switch(self) -> None:
        self.switch.fit(self.width() - theme.em() * 16)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The switch folds when it does not fit."""
        self._fit_switch()
        super().resizeEvent(event)
