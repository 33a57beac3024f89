"""The menu of a family's models: shipped checkpoints by their id, files of the user's own by their path."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QWidget

from playground import labels
from playground.checkpoints import Card, figures, resolve, weights_hash
from playground.checkpoints.catalogue import Entry
from playground.ui.theme import theme
from playground.ui.widgets.controls import ComboBox

if TYPE_CHECKING:
    from playground.export.picture_metadata import PictureMetadata

_SHORT = Qt.ItemDataRole.UserRole + 1


class ModelMenu(ComboBox):
    """Each entry stands for a card; ``currentData()`` is its id, or the path of a user's own file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: dict[str, Card] = {}
        self._missing: dict[str, Entry] = {}
        self.setAccessibleName("Model")
        self.currentIndexChanged.connect(self._tell)

    def _tell(self, index: int) -> None:
        self.setToolTip(str(self.itemData(index, Qt.ItemDataRole.ToolTipRole) or "") if index >= 0 else "")

    def add(self, card: Card, where: str) -> None:
        """Put a model into the menu; ``where`` is its id, or the path of a user's own file."""
        new = where not in self._cards
        self._cards[where] = card
        if new:
            own = "" if where == card.id else " (your file)"
            said = (
                labels.of_model(card.id, card.system, card.parameters, card.dataset) if not own else card.id
            )
            size = f"{card.parameters / 1e6:.2f} million parameters" if card.parameters else "trained live"
            tip = f"{card.id}: {card.system}, {size}; {card.dataset_title}"
            tip = "\n".join((tip, *figures.in_short(card.metrics)))
            with QSignalBlocker(self):  # the chosen one stays chosen
                at = self._end_of(card.dataset)
                self.insertItem(at, f"{said}{own}", where)
                self.setItemData(at, tip, Qt.ItemDataRole.ToolTipRole)
                self.setItemData(at, labels.short(card.id, card.system) if not own else said, _SHORT)
                self._tell(self.currentIndex())

    def closed_text(self, index: int) -> str:
        """The short name: what the model does stands in the open menu, and its id in the tooltip."""
        return str(self.itemData(index, _SHORT) or self.itemText(index))

    def showPopup(self) -> None:
        """Wide enough for the whole sentence of each."""
        texts = [self.itemText(i) for i in range(self.count())]
        wide = max((theme.text_width(text, self.font()) for text in texts), default=0.0)
        self.view().setMinimumWidth(round(wide + 3 * theme.em()))
        super().showPopup()

    def first_of(self, dataset: str) -> str:
        """The first entry whose model is of a data set; "" if there is none."""
        rows = (self.itemData(i) for i in range(self.count()))
        return next((str(w) for w in rows if w in self._cards and self._cards[w].dataset == dataset), "")

    def _end_of(self, dataset: str) -> int:
        """Where the models of a data set end: they stand together, with a line before those of another."""
        rows = [i for i in range(self.count()) if self.itemData(i) in self._cards]
        same = [i for i in rows if self._cards[self.itemData(i)].dataset == dataset]
        if not same and rows:
            self.insertSeparator(rows[-1] + 1)
            return rows[-1] + 2
        return same[-1] + 1 if same else self.count()

    def add_missing(self, entry: Entry) -> None:
        """Name a model that is not installed; whoever chooses it is told how to get it."""
        self._missing[entry.id] = entry
        self.addItem(f"{entry.id} (not installed)", entry.id)
        self.setItemData(self.count() - 1, entry.how_to_get, Qt.ItemDataRole.ToolTipRole)

    def how_to_get(self, where: str) -> str:
        """One sentence of a model that is not installed, empty of one that is."""
        return self._missing[where].how_to_get if where in self._missing else ""

    def card(self, where: str) -> Card:
        """The card behind an entry."""
        return self._cards[where]

    def choose_silently(self, where: str) -> None:
        """Show an entry without opening its model; none if there is no such entry."""
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findData(where))
        self._tell(self.currentIndex())
        self.update()

    def drop_own(self, where: str) -> None:
        """Take out a file of the user's own that is no good; shipped models stay."""
        if where != self._cards[where].id:
            with QSignalBlocker(self):
                self.removeItem(self.findData(where))
            del self._cards[where]

    def entry_of(self, kept: PictureMetadata) -> str:
        """The entry of the model that a picture was made by, the one with the same weights if there are several; "" if none."""
        found = [where for where, card in self._cards.items() if card.id == kept.model]
        if len(found) > 1:
            with contextlib.suppress(OSError, ValueError):  # a file that has gone since
                found.sort(key=lambda where: weights_hash(resolve(where)) != kept.weights)
        return found[0] if found else ""
