"""The switch at the top of a tab: groups of views, and the views of the group beside them, or below; a menu when even that does not fit.

Views are grouped by what one asks of a model, the same groups in every tab, so that there is room for more of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import ComboBox, Segmented

_GAP = 0.8  # em between groups and views


class ViewSwitch(QWidget):
    """One of several names is chosen.  Nothing is ever cut: what does not fit in a row takes two, or folds into a menu.

    Args:
        texts: the names, those of a group together.
        groups: the group of each, all "" where there are none.
    """

    chosen = Signal(int)

    def __init__(
        self, texts: Sequence[str], groups: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        groups = groups or [""] * len(texts)
        self._groups = list(dict.fromkeys(groups))
        self._members = [[i for i, g in enumerate(groups) if g == group] for group in self._groups]
        self._index, self._last = 0, [members[0] for members in self._members]
        self.groups = Segmented(self._groups)
        self.groups.setAccessibleName("Group of views")
        self.groups.setToolTip("What to ask of the model (Alt+1, Alt+2 ...)")
        self.views = [Segmented([texts[i] for i in members]) for members in self._members]
        self.menu = _menu(texts, self._groups, self._members)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for part in (self.groups, *self.views, self.menu):
            self._row.addWidget(part, 0, Qt.AlignmentFlag.AlignRight)
        self._folded = self._stacked = False
        self._show_parts()
        self.groups.chosen.connect(self.choose_group)
        for members, segments in zip(self._members, self.views, strict=True):
            segments.setAccessibleName("View")
            segments.chosen.connect(lambda at, members=members: self._take(members[at]))
        self.menu.currentIndexChanged.connect(lambda row: self._take(self.menu.itemData(row)))

    def index(self) -> int:
        """Which one is chosen."""
        return self._index

    def set_index(self, index: int) -> None:
        """Choose one."""
        self._take(index)

    def choose_group(self, group: int) -> None:
        """Choose the view of a group that was seen last; a group that is not there is left alone."""
        if 0 <= group < len(self._groups):
            self._take(self._last[group])

    @property
    def is_folded(self) -> bool:
        """Whether the menu is shown in place of the segments."""
        return self._folded

    @property
    def has_two_rows(self) -> bool:
        """Whether the groups stand above their views."""
        return self._stacked and not self._folded

    def width_in_a_row(self) -> float:
        """What all segments want side by side, for the group that wants most: nothing jumps when another is chosen."""
        return self._widest() + (self._width(self.groups) + theme.em() * _GAP if len(self._groups) > 1 else 0)

    def fit(self, room: float) -> None:
        """Show what fits into ``room``, in device-independent pixels: one row, else two, else a menu."""
        self._stacked = self.width_in_a_row() > room
        self._folded = self._stacked and (
            len(self._groups) < 2 or max(self._widest(), self._width(self.groups)) > room
        )
        two = QBoxLayout.Direction.TopToBottom
        self._row.setDirection(two if self.has_two_rows else QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(round(theme.em() * (_GAP / 4 if self.has_two_rows else _GAP)))
        self._show_parts()

    def minimumSizeHint(self) -> QSize:
        """The menu's width: the window can be made narrower than the segments are, which then fold."""
        return QSize(self.menu.minimumSizeHint().width(), super().minimumSizeHint().height())

    def _widest(self) -> int:
        return max(self._width(segments) for segments in self.views)

    def _width(self, segments: Segmented) -> int:
        return segments.sizeHint().width()

    def _take(self, index: int) -> None:
        group = next(g for g, members in enumerate(self._members) if index in members)
        self._index, self._last[group] = index, index
        views = self.views[group]
        with QSignalBlocker(self.groups), QSignalBlocker(views), QSignalBlocker(self.menu):
            self.groups.set_index(group)
            views.set_index(self._members[group].index(index))
            self.menu.setCurrentIndex(self.menu.findData(index))
        self._show_parts()
        self.update()
        self.chosen.emit(index)

    def _show_parts(self) -> None:
        group = self.groups.index()
        self.menu.setVisible(self._folded)
        self.groups.setVisible(not self._folded and len(self._groups) > 1)
        for i, segments in enumerate(self.views):
            alone = len(self._members[i]) == 1 and len(self._groups) > 1
            _keep_place(segments, alone and i == group and self.has_two_rows)
            segments.setVisible(not self._folded and i == group and not alone)


def _keep_place(segments: Segmented, on: bool) -> None:
    """A group of one needs no second name below, but its row stays, so that nothing jumps."""
    policy = segments.sizePolicy()
    policy.setRetainSizeWhenHidden(on)
    segments.setSizePolicy(policy)


def _menu(texts: Sequence[str], groups: Sequence[str], members: Sequence[Sequence[int]]) -> ComboBox:
    """All of them under the names of their groups, which cannot be chosen."""
    menu = ComboBox()
    menu.setAccessibleName("View")
    menu.setToolTip("What to look at (PageUp, PageDown)")
    model = menu.model()
    for group, inside in zip(groups, members, strict=True):
        if len(groups) > 1:
            menu.addItem(group)
            menu.setItemData(menu.count() - 1, -1)
            if isinstance(model, QStandardItemModel):
                model.item(menu.count() - 1).setFlags(Qt.ItemFlag.NoItemFlags)
        for i in inside:
            menu.addItem(texts[i], i)
    menu.setCurrentIndex(menu.findData(0))
    return menu
