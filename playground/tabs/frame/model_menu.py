"""The menu of a family's models: shipped checkpoints by their id, files of the user's own by their path.

First the data set, then the model: models of one stand together under its name, which cannot be chosen.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QFont, QStandardItemModel
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
            short, said = _names(card) if where == card.id else (card.id, f"{card.id} (your file)")
            size = f"{card.parameters / 1e6:.2f} million parameters" if card.parameters else "trained live"
            tip = f"{card.id}: {card.system}, {size}; {card.dataset_title}"
            tip = "\n".join((tip, *figures.in_short(card.metrics)))
            with QSignalBlocker(self):  # the chosen one stays chosen
                at = self._end_of(card.dataset)
                self.insertItem(at, said, where)
                self.setItemData(at, tip, Qt.ItemDataRole.ToolTipRole)
                self.setItemData(at, short, _SHORT)
                if self.currentData() is None:
                    self.setCurrentIndex(at)
                self._tell(self.currentIndex())

    def closed_text(self, index: int) -> str:
        """The short name: what the model does stands in the open menu, and its id in the tooltip."""
        name = self.itemText(index) if self.itemData(index) else ""  # a heading is never shown then
        return str(self.itemData(index, _SHORT) or name)

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

    def ids(self) -> list[str]:
        """What can be opened, in the order of the menu."""
        return [w for w in (self.itemData(i) for i in range(self.count())) if w in self._cards]

    def row_of(self, where: str) -> int:
        """The row of an entry; that of the first, if there is none of this name."""
        there = self.findData(where) if where else -1
        return there if there >= 0 else self.findData(next(iter(self.ids()), ""))

    def _end_of(self, dataset: str) -> int:
        """The row after the last model of a data set; where it is the first of them, under the data set's name."""
        same = [self.findData(where) for where in self.ids() if self._cards[where].dataset == dataset]
        if same:
            return max(same) + 1
        end = max((self.findData(where) for where in self.ids()), default=-1) + 1
        self._insert_heading(end, labels.heading_of(dataset))
        return end + 1

    def _insert_heading(self, row: int, text: str) -> None:
        self.insertItem(row, text)
        bold = QFont()
        bold.setWeight(QFont.Weight.DemiBold)
        self.setItemData(row, bold, Qt.ItemDataRole.FontRole)
        model = self.model()
        if isinstance(model, QStandardItemModel):
            model.item(row).setFlags(Qt.ItemFlag.NoItemFlags)

    def add_missing(self, entry: Entry) -> None:
        """Name a model that is not installed; whoever chooses it is told how to get it."""
        if not self._missing:
            self._insert_heading(self.count(), "Not installed")
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
                row, dataset = self.findData(where), self._cards.pop(where).dataset
                self.removeItem(row)
                if not self.first_of(dataset):
                    self.removeItem(row - 1)  # the heading of nothing

    def entry_of(self, kept: PictureMetadata) -> str:
        """The entry of the model that a picture was made by, the one with the same weights if there are several; "" if none."""
        found = [where for where, card in self._cards.items() if card.id == kept.model]
        if len(found) > 1:
            with contextlib.suppress(OSError, ValueError):  # a file that has gone since
                found.sort(key=lambda where: weights_hash(resolve(where)) != kept.weights)
        return found[0] if found else ""


def _names(card: Card) -> tuple[str, str]:
    """Short and whole, without what the heading says."""
    whole = labels.of_model(card.id, card.system, card.parameters, card.dataset)
    short = labels.short(card.id, card.system)
    return short.removesuffix(labels.IN_THE_PLANE), whole.replace(labels.IN_THE_PLANE, "", 1)
