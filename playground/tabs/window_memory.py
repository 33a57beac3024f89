"""What the program remembers from one time to the next: where the window stood, its theme, what it showed, recent files.

Kept in the user's settings (``QSettings``), read when the program starts and written when its window closes.  Nothing there is
trusted: what cannot be read is left out, and the window opens as for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from PySide6.QtCore import QByteArray, QEvent, QObject, QSettings, QSize
from PySide6.QtWidgets import QMainWindow

from playground import families
from playground.ui.theme import theme

if TYPE_CHECKING:  # numpy comes with it
    from playground.export.window_state import WindowState

MOST_FILES = 8
FIRST_SIZE = QSize(1280, 800)
EDGE = QSize(16, 40)  # what a window's frame takes of a screen
_GEOMETRY, _THEME, _STATE, _FILES, _WELCOMED = (
    "window/geometry",
    "window/theme",
    "window/state",
    "files/recent",
    "window/welcomed",
)


class WindowMemory(QObject):
    """Reads and writes the settings of one window.

    Args:
        settings: where; the user's own unless others are given.
    """

    def __init__(self, settings: QSettings | None = None) -> None:
        super().__init__()
        self._settings = settings if settings is not None else QSettings()
        self._shows: Callable[[], WindowState | None] = lambda: None

    # --- when the program starts

    @property
    def mode(self) -> theme.Mode:
        """The theme that was chosen last."""
        found, modes = self._settings.value(_THEME, "system"), get_args(theme.Mode)
        return next((mode for mode in modes if mode == found), "system")

    def state(self) -> WindowState | None:
        """What the window showed last; None if nothing is known, or it names no tab of today."""
        text = self._settings.value(_STATE, "")
        if not isinstance(text, str) or not text:
            return None
        from playground.export.window_state import LinkError, read_link

        try:
            state = read_link(text)
            families.entry(state.tab)
        except (LinkError, ValueError):
            return None
        return state

    def place(self, window: QMainWindow) -> None:
        """Put the window where it stood last; never larger than its screen."""
        kept = self._settings.value(_GEOMETRY)
        if not (isinstance(kept, QByteArray) and window.restoreGeometry(kept)):
            window.resize(FIRST_SIZE)
        window.resize(fitted(window.size(), window.screen().availableGeometry().size() - EDGE))

    def watch(self, window: QMainWindow, shows: Callable[[], WindowState | None]) -> None:
        """Remember how the window is when it closes; ``shows`` says what is in it."""
        self._shows = shows
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window closes."""
        if event.type() == QEvent.Type.Close and isinstance(watched, QMainWindow):
            self.keep(watched)
        return False

    def keep(self, window: QMainWindow) -> None:
        """Write down how the window is."""
        from playground.export.window_state import link_of

        if not theme.lecture():
            self._settings.setValue(_GEOMETRY, window.saveGeometry())
        self._settings.setValue(_THEME, theme.mode())
        state = self._shows()
        if state is not None:
            self._settings.setValue(_STATE, link_of(state))
        self._settings.sync()

    # --- files, and being new

    @property
    def files(self) -> list[Path]:
        """Those opened last that are still there, the newest first."""
        found = self._settings.value(_FILES, [])
        names = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        return [Path(name) for name in names if isinstance(name, str) and name and Path(name).is_file()]

    def add_file(self, path: Path) -> None:
        """A file was opened."""
        path = path.resolve()
        names = [str(path), *(str(other) for other in self.files if other != path)]
        self._settings.setValue(_FILES, names[:MOST_FILES])

    @property
    def is_new(self) -> bool:
        """Whether nobody has said yet that they know their way."""
        return str(self._settings.value(_WELCOMED, "false")).lower() != "true"

    def end_welcome(self) -> None:
        """Never greet again."""
        self._settings.setValue(_WELCOMED, True)


def fitted(wanted: QSize, room: QSize) -> QSize:
    """A size that fits into a room; as wanted where it does."""
    return wanted.boundedTo(room) if room.isValid() else wanted
