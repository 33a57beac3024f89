"""What is dropped on the window or pasted into it: a file, a picture, settings as text, or a sentence about what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from playground.data import file_kinds
from playground.export import picture_metadata
from playground.export.picture_metadata import PictureMetadata, PictureMetadataError
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import LinkTarget, Page
from playground.tabs.frame.view import View

_LONGEST_TEXT = 2**20  # characters that may be settings


class Window(Protocol):
    """What the window lets be done with what comes in."""

    @property
    def current(self) -> FamilyTab | None:
        """The family's tab on screen."""

    @property
    def page(self) -> Page | None:
        """The page on screen."""

    def go(self, place: LinkTarget) -> None:
        """Open a tab."""

    def open_file(self, path: Path) -> None:
        """Open a file of any kind."""


class Incoming:
    """Opens what comes in, or says what it is and what could be done with it."""

    def __init__(self, window: Window, restore: Callable[[PictureMetadata, str], None]) -> None:
        self._window, self._restore = window, restore

    def take(self, mime: QMimeData) -> None:
        """Something was dropped or pasted."""
        path, picture = file_in(mime), picture_in(mime)
        try:
            kept = settings_in(mime)
        except PictureMetadataError as error:
            self._say(str(error))
            return
        if path is not None:
            self._window.open_file(path)
        elif kept is not None:
            self._restore(kept, "The text")
        elif picture is None:
            self._say(refusal(mime))
        elif self._view is not None and self._view.take_picture(picture):
            return
        elif self._window.page is None or not self._window.page.take_picture(picture):
            said = "That is a picture, and no file with settings inside."
            self._offer_to_score(said, lambda page: page.take_picture(picture))

    def taken(self, path: Path) -> bool:
        """Whether what is on screen has taken a file for itself; points of a CSV are a target in the plane, or nothing here."""
        if self._window.page is not None and self._window.page.take_file(path):
            return True
        if path.suffix.lower() != ".csv":
            return False
        if self._view is None or not self._view.take_file(path):
            self._say(f"{path.name} may hold points: open In the plane in any tab, and drop it there.")
        return True

    def open_folder(self, path: Path) -> None:
        """A folder of pictures can be learned from, and nothing else is done with one."""
        if self._window.page is not None and self._window.page.take_file(path):
            return
        shown = self._window.current or self._window.page
        if shown is not None:
            shown.banner.show_notice(
                problem_with(path), lambda: self._learn_from(path), "Learn from its pictures"
            )

    def _learn_from(self, path: Path) -> None:
        self._window.go(LinkTarget("guide", "", "Train here"))
        if self._window.page is not None:
            self._window.page.take_file(path)

    def open_picture(self, path: Path) -> None:
        """Show the run that a picture or film was exported of."""
        try:
            kept = picture_metadata.read(path)
        except PictureMetadataError as error:
            if self._view is not None and self._view.take_file(path):
                return
            if file_kinds.kind_of(path) in file_kinds.CARRIERS:
                return self._say(str(error))
            return self._offer_to_score(str(error), lambda page: page.take_file(path))
        self._restore(kept, path.name)
        if self._window.current is not None:
            self._window.current.stand_in(QImage(str(path)))

    @property
    def _view(self) -> View | None:
        """What is on screen, if it is a family's."""
        return self._window.current.view if self._window.current is not None else None

    def _offer_to_score(self, sentence: str, give: Callable[[Page], object]) -> None:
        """A picture that is no export of ours is still a picture: Compare says what every model thinks of it."""
        shown = self._window.current or self._window.page
        if shown is not None:
            shown.banner.show_notice(sentence, lambda: self._score(give), "Score it in Compare")

    def _score(self, give: Callable[[Page], object]) -> None:
        self._window.go(LinkTarget("compare", "", "One image"))
        if self._window.page is not None:
            give(self._window.page)

    def _say(self, sentence: str) -> None:
        shown = self._window.current or self._window.page
        if shown is not None:
            shown.banner.show_error(sentence)


def is_welcome(mime: QMimeData) -> bool:
    """Whether it may be dropped: what it is good for is said afterwards."""
    return mime.hasUrls() or mime.hasImage() or mime.hasText()


def file_in(mime: QMimeData) -> Path | None:
    """The first file of this machine in it."""
    for url in mime.urls() if mime.hasUrls() else []:
        if url.isLocalFile() and Path(url.toLocalFile()).name:
            return Path(url.toLocalFile())
    return None


def picture_in(mime: QMimeData) -> QImage | None:
    """The pixels in it, which a browser gives along with the address of a picture."""
    image = mime.imageData() if mime.hasImage() else None
    return image if isinstance(image, QImage) and not image.isNull() else None


def settings_in(mime: QMimeData) -> PictureMetadata | None:
    """Settings that were copied as text; None if there is no text that begins as they do.

    Raises:
        PictureMetadataError: one sentence, if they are not whole.
    """
    text = mime.text().strip() if mime.hasText() else ""
    if not text.startswith("{") or len(text) > _LONGEST_TEXT:
        return None
    return picture_metadata.from_json(text, "the text")


def refusal(mime: QMimeData) -> str:
    """One sentence about something that is none of these."""
    urls: list[QUrl] = mime.urls() if mime.hasUrls() else []
    if urls and urls[0].scheme() in ("http", "https", "ftp"):
        return "That is an address on the web, and nothing is fetched from there: save it as a file, and drop that."
    if urls and urls[0].isLocalFile():
        return "That is a folder: drop a file."
    if urls:
        return "That is no file of this machine: save it as a file, and drop that."
    return "There is no file, no picture and no settings in it."


def problem_with(path: Path) -> str:
    """One sentence about a file that cannot be opened, whatever is in it; "" for a file that may be."""
    if path.is_dir():
        return f"{path.name or path} is a folder: open a file in it."
    if not path.is_file():
        return f"There is no file {path}."
    kind = file_kinds.kind_of(path)
    if kind in file_kinds.UNOPENED and not is_picture(path):
        return f"{path.name} is {file_kinds.article(kind)}, which is not opened here: save it as PNG or JPEG."
    if kind and not is_picture(path):
        return f"{path.name} is neither a checkpoint nor a picture: it is {file_kinds.article(kind)}."
    return ""


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture does that can be opened, or as a film, sound or drawing that may have settings inside."""
    return file_kinds.kind_of(path) in (*file_kinds.OPENED, *file_kinds.CARRIERS)
