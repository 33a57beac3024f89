"""What can be done with any picture on the screen: the entries of its menu, and where it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from playground import data
from playground.checkpoints import Card
from playground.data import emoji, fashion
from playground.evaluation import neighbours
from playground.experiments.arithmetic_request import LETTERS
from playground.export import picture_metadata
from playground.families import Family, PageEntry
from playground.tabs import registry
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import LinkTarget, Page, Scene
from playground.tabs.frame.view import View
from playground.tabs.incoming import Window
from playground.tabs.pictures.nearest import Nearest
from playground.ui.pictures.grid_menu import MenuEntry
from playground.ui.pictures.pixels import argb, qimage
from playground.ui.widgets.file_dialogs import ask_to_save


class Place(NamedTuple):
    """Where a picture can be taken: the words of the entry, the tab, a model and the view that takes it."""

    words: str
    tab: str
    view: str
    model: str = ""


# of every picture, whatever draws it
FIRST = (
    Place("Score it with every model", "compare", "One image"),
    Place("Encode it and back, in every family", "compare", "Round trip"),
    Place("Complete a part of it in every family", "compare", "Complete"),
)
ARITHMETIC = Place("Arithmetic: A − B + C", "compare", "Arithmetic")
# views of one model; the picture is fitted to what the model draws
SEND = (
    Place("Search: emoji like it", "compare", "Search"),
    Place("Image to image: emoji from it and words", "diffusion", "Image to image", "ldm-emoji"),
    Place("Inpaint: paint over a part", "diffusion", "Inpaint", "ldm-emoji"),
    Place("Colourise", "diffusion", "Colourise", "ldm-emoji"),
    Place("Super-resolution", "diffusion", "Super-resolution", "ldm-emoji"),
    Place("Translate: a drawing into colours", "gan", "Translate", "pix2pix-emoji"),
)


class PictureMenu:
    """The entries, for one window.

    Args:
        window: where tabs are opened.
        owner: what a dialog stands over.
        tabs: what there is.
        cards: of the models that are here.
    """

    def __init__(
        self, window: Window, owner: QWidget, tabs: Sequence[Family | PageEntry], cards: Sequence[Card]
    ) -> None:
        self._window, self._owner = window, owner
        self._tabs, self._ids = tabs, {card.id for card in cards}

    def _has(self, place: Place) -> bool:
        tab = next((tab for tab in self._tabs if tab.key == place.tab), None)
        there = not place.model or place.model in self._ids
        return tab is not None and there and place.view in registry.view_names(tab)

    def entries(self, picture: np.ndarray) -> list[MenuEntry]:
        """For uint8 (H,W,C)."""
        shown = self._shown
        found: list[MenuEntry] = []
        fork = shown.transport.branch if isinstance(shown, FamilyTab) else None
        if fork is not None and fork.isVisible() and fork.isEnabled() and not fork.isChecked():
            found.append(("Continue from this step (C)", fork.click))
        if self._takes(shown):
            found.append(("Use it here", lambda: self._give(picture)))
        found += [self._entry(place, picture) for place in FIRST if self._has(place)]
        if self._has(ARITHMETIC):
            uses = [(f"Use as {letter}", partial(self._use_as, letter, picture)) for letter in LETTERS]
            found.append((ARITHMETIC.words, uses))
        dataset = dataset_of(picture)
        if dataset and not neighbours.why_not(dataset):
            found.append(("Nearest training pictures", lambda: self._show_nearest(picture, dataset)))
        send = [self._entry(place, picture) for place in SEND if self._has(place)]
        if send:
            found.append(("Send to", send))
        found.append(("Save this picture …", lambda: self._ask_to_save(picture)))
        return found

    # --- where it goes

    @property
    def _shown(self) -> FamilyTab | Page | None:
        return self._window.current or self._window.page

    @staticmethod
    def _takes(shown: FamilyTab | Page | None) -> bool:
        if isinstance(shown, FamilyTab):
            return shown.view is not None and type(shown.view).take_picture is not View.take_picture
        return shown is not None and type(shown.scene).take_picture is not Scene.take_picture

    def _entry(self, place: Place, picture: np.ndarray) -> MenuEntry:
        return place.words, lambda: self.send(place, picture)

    def send(self, place: Place, picture: np.ndarray) -> None:
        """Open a view, and give it the picture as soon as it is there."""
        self._window.go(LinkTarget(place.tab, place.model, place.view))
        tab = self._window.current
        if tab is None:
            self._give(picture)
            return

        def arrived() -> None:
            tab.opened.disconnect(arrived)
            if tab is self._window.current and tab.view is not None and tab.view.name == place.view:
                self._give(picture)

        tab.opened.connect(arrived)

    def _use_as(self, letter: str, picture: np.ndarray) -> None:
        """As one of the three of a sum."""
        from playground.tabs.pictures.arithmetic import Arithmetic  # of Compare, whose page imports it

        self._window.go(LinkTarget(ARITHMETIC.tab, "", ARITHMETIC.view))
        page = self._window.page
        if page is not None and isinstance(page.scene, Arithmetic):
            page.scene.take_as(letter, as_image(picture))

    def _give(self, picture: np.ndarray) -> None:
        """To what is on the screen."""
        shown, image = self._shown, as_image(picture)
        if isinstance(shown, FamilyTab) and shown.view is not None:
            shown.view.take_picture(image)
        elif isinstance(shown, Page):
            shown.take_picture(image)

    def _show_nearest(self, picture: np.ndarray, dataset: str) -> None:
        shown = self._shown
        if shown is not None:
            Nearest(self._owner, shown.stream, picture, dataset).show()

    # --- a file

    def _ask_to_save(self, picture: np.ndarray) -> None:
        ask_to_save(
            self._owner,
            "Save this picture",
            "picture.png",
            "PNG (*.png)",
            lambda path: self.save(path, picture),
        )

    def save(self, path: Path, picture: np.ndarray) -> None:
        """As PNG, with the settings of the run that it came from, so that it can be opened again."""
        shown = self._shown
        if shown is None:
            return
        kept = shown.picture_metadata() if isinstance(shown, FamilyTab) else shown.scene.metadata()
        pixels = picture[..., 0] if picture.shape[2] == 1 else picture
        try:
            if kept is None:
                raise OSError("there is no run")
            picture_metadata.save_png(path, np.ascontiguousarray(pixels), kept)
        except OSError as error:
            shown.banner.show_error(f"{path.name} could not be written: {error}.")


def as_image(picture: np.ndarray) -> QImage:
    """uint8 (H,W,C) as Qt has pictures."""
    return qimage(argb(picture[None])[0])


def dataset_of(picture: np.ndarray) -> str:
    """The data set whose pictures have this shape; "" for none."""
    names = (fashion.FASHION.name, emoji.EMOJI.name)
    return next((name for name in names if data.DATASETS[name].image_shape == picture.shape), "")
