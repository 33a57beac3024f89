"""A table of figures: sorted as numbers by any column, blanks last, families in their colours.

What a row and a column are is the caller's affair: cells come in as values, texts and tips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QKeyEvent, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from playground.ui.theme import theme
from playground.ui.widgets.controls import claims

Index = QModelIndex | QPersistentModelIndex
MOST_NAMES = 0.4  # of the width, for the first column of a table that does not fit


@dataclass(frozen=True)
class Cell:
    """``value`` sorts (None is a blank), ``text`` is shown."""

    value: float | str | None = None
    text: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Line:
    """A row; with a ``key`` it can be opened, and a ``quiet`` one stands for reference."""

    key: str
    family: str
    cells: tuple[Cell, ...]
    quiet: bool = False


@dataclass(frozen=True)
class Heading:
    """A column."""

    title: str
    tip: str = ""
    numeric: bool = False
    rising_first: bool = field(default=True)  # what the first click on it gives


class _Model(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self.headings: tuple[Heading, ...] = ()
        self.lines: list[Line] = []
        self._icons: dict[tuple[object, ...], QIcon] = {}

    def fill(self, headings: Sequence[Heading], lines: Sequence[Line]) -> None:
        self.beginResetModel()
        self.headings, self.lines = tuple(headings), list(lines)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.headings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.lines[index.row()]
        cell, roles = line.cells[index.column()], Qt.ItemDataRole
        if role == roles.DisplayRole:
            return cell.text
        if role == roles.ToolTipRole:
            return cell.tip or None
        if role == roles.TextAlignmentRole:
            numeric = self.headings[index.column()].numeric
            side = Qt.AlignmentFlag.AlignRight if numeric else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == roles.ForegroundRole and line.quiet:
            return QColor(theme.palette().muted)
        if role == roles.FontRole and index.column() == 0:
            font = theme.scaled_font(1.0, QFont.Weight.Normal if line.quiet else QFont.Weight.DemiBold)
            font.setItalic(line.quiet)
            return font
        if role == roles.DecorationRole and index.column() == 0:
            return self._dot(line.family)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.headings):
            return None
        heading = self.headings[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return heading.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return heading.tip or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if heading.numeric else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if not 0 <= column < len(self.headings):
            return
        falling = order == Qt.SortOrder.DescendingOrder

        def key(line: Line) -> Any:
            value = line.cells[column].value
            return value.lower() if isinstance(value, str) else value

        self.layoutAboutToBeChanged.emit()
        filled = [line for line in self.lines if line.cells[column].value is not None]
        blank = [line for line in self.lines if line.cells[column].value is None]
        self.lines = [*sorted(filled, key=key, reverse=falling), *blank]
        self.layoutChanged.emit()

    def _dot(self, family: str) -> QIcon:
        """A disc in the family's accent."""
        key = (family, theme.palette().name, theme.scale())
        if key not in self._icons:
            side = round(theme.em() * 2)
            pixels = QPixmap(side, side)
            pixels.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixels)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.accent(family))
            painter.drawEllipse(side // 4, side // 4, side // 2, side // 2)
            painter.end()
            self._icons[key] = QIcon(pixels)
        return self._icons[key]


class _Frozen(QTableView):
    """The first column once more, over a table that is wider than its room: names stay while figures scroll."""

    def __init__(self, table: FigureTable) -> None:
        super().__init__(table)
        self._table = table
        self.setProperty("role", "frozen")
        self.setModel(table.model())
        self.setSelectionModel(table.selectionModel())
        _style(self)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for bar in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            bar(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        here, there = self.verticalScrollBar(), table.verticalScrollBar()
        here.valueChanged.connect(lambda value: there.setValue(value))
        there.valueChanged.connect(lambda value: here.setValue(value))
        self.horizontalHeader().sectionClicked.connect(table.sort_by)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.horizontalHeader().sortIndicatorChanged.connect(lambda *how: header.setSortIndicator(*how))
        table.horizontalHeader().sectionResized.connect(lambda *_: self.place())
        table.horizontalScrollBar().rangeChanged.connect(lambda *_: self.place())
        self.pressed.connect(lambda _: table.setFocus())
        self.doubleClicked.connect(table.doubleClicked)
        self.hide()

    def place(self) -> None:
        """Over the first column, if there is anything to scroll."""
        table, wide = self._table, self._table.columnWidth(0)
        for column in range(1, table.model().columnCount()):
            self.setColumnHidden(column, True)
        self.setColumnWidth(0, wide)
        self.setIconSize(table.iconSize())
        self.verticalHeader().setDefaultSectionSize(table.verticalHeader().defaultSectionSize())
        frame, head = table.frameWidth(), table.horizontalHeader().height()
        self.horizontalHeader().setFixedHeight(head)
        self.setGeometry(frame, frame, wide, table.viewport().height() + head)
        self.setVisible(table.horizontalScrollBar().maximum() > 0)
        self.raise_()


def _style(view: QTableView) -> None:
    """What both views of a table have."""
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setCornerButtonEnabled(False)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.verticalHeader().hide()
    header = view.horizontalHeader()
    header.setSectionsClickable(True)
    header.setSortIndicatorShown(True)
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)


class FigureTable(QTableView):
    """Click on a heading (or S on a cell) sorts by that column; Return or a double click opens a row."""

    opened = Signal(str)  # the row's key

    def __init__(self) -> None:
        super().__init__()
        self._model = _Model()
        self.setModel(self._model)
        self.setTabKeyNavigation(False)
        _style(self)
        self.horizontalHeader().sectionClicked.connect(self.sort_by)
        self._names_want = 0  # pixels for the first column, if there is room
        self.frozen = _Frozen(self)
        self.doubleClicked.connect(lambda index: self._open(index.row()))
        theme.signals.changed.connect(self._fit)

    def fill(self, headings: Sequence[Heading], lines: Sequence[Line]) -> None:
        """Show other rows; the order and the row in hand stay if the columns are the same."""
        header, held = self.horizontalHeader(), self.current_name()
        column, order = header.sortIndicatorSection(), header.sortIndicatorOrder()
        same = [h.title for h in headings] == [h.title for h in self._model.headings]
        self._model.fill(headings, lines)
        if same and column >= 0:
            self._model.sort(column, order)
        else:
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._hold(held)
        self._fit()

    def sort_by(self, column: int) -> None:
        """By this column; again turns the order round."""
        header, heading = self.horizontalHeader(), self._model.headings[column]
        order = Qt.SortOrder.AscendingOrder if heading.rising_first else Qt.SortOrder.DescendingOrder
        if self._sorted == (column, order):
            turned = order == Qt.SortOrder.AscendingOrder
            order = Qt.SortOrder.DescendingOrder if turned else Qt.SortOrder.AscendingOrder
        self._sorted = (column, order)
        held = self.current_name()
        header.setSortIndicator(column, order)
        self._model.sort(column, order)
        self._hold(held)

    _sorted: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)

    def texts(self) -> list[list[str]]:
        """What is shown, row by row."""
        return [[cell.text for cell in line.cells] for line in self._model.lines]

    def current_name(self) -> str:
        """The first cell of the row in hand, "" if there is none."""
        row = self.currentIndex().row()
        return self._model.lines[row].cells[0].text if 0 <= row < len(self._model.lines) else ""

    def _hold(self, name: str) -> None:
        for row, line in enumerate(self._model.lines):
            if name and line.cells[0].text == name:
                self.setCurrentIndex(self._model.index(row, max(self.currentIndex().column(), 0)))
                return

    def _open(self, row: int) -> None:
        if 0 <= row < len(self._model.lines) and self._model.lines[row].key:
            self.opened.emit(self._model.lines[row].key)

    def _fit(self) -> None:
        em = theme.em()
        self.verticalHeader().setDefaultSectionSize(round(em * 2.05))
        self.setIconSize(QSize(round(em * 1.2), round(em * 1.2)))
        self.horizontalHeader().setMinimumSectionSize(round(em * 3))
        for i, heading in enumerate(self._model.headings):
            texts = [line.cells[i].text for line in self._model.lines]
            widest = max((theme.text_width(t, self._font(i)) for t in texts), default=0)
            widest = max(widest + (em * 2.2 if i == 0 else 0), theme.text_width(heading.title) + em * 1.1)
            self.setColumnWidth(i, round(min(widest, em * 34) + em * 1.5))
        self._names_want = self.columnWidth(0)
        self._share()

    def _share(self) -> None:
        """Where the columns do not fit, names leave most of the room to figures."""
        room = self.viewport().width()
        rest = sum(self.columnWidth(i) for i in range(1, len(self._model.headings)))
        self.setColumnWidth(
            0,
            self._names_want
            if self._names_want + rest <= room
            else min(self._names_want, round(room * MOST_NAMES)),
        )
        self.frozen.place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names share the room again."""
        super().resizeEvent(event)
        self._share()

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Bring a cell out from under the names as well."""
        bar = self.horizontalScrollBar()
        before = bar.value()
        super().scrollTo(index, hint)
        if index.column() == 0:
            bar.setValue(before)  # names are always there
        elif index.isValid() and not self.frozen.isHidden():
            bar.setValue(bar.value() - max(self.frozen.width() - self.visualRect(index).left(), 0))

    def _font(self, column: int) -> QFont:
        return theme.scaled_font(1.0, QFont.Weight.DemiBold if column == 0 else QFont.Weight.Normal)

    def event(self, event: QEvent) -> bool:
        """Arrows and pages are the table's while it has the focus."""
        keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_S)
        return claims(event, *keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, S sorts; letters are no search here, and pages turn scenes."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex().row())
        elif event.key() == Qt.Key.Key_S and plain and self.currentIndex().isValid():
            self.sort_by(self.currentIndex().column())
        elif event.key() in (
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
        ):
            super().keyPressEvent(event)
        else:
            event.ignore()
