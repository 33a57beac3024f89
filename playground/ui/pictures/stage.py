"""The stage: where a tab puts its views, one at a time, and where any picture of the one on show can be enlarged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, Qt, SignalInstance
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.widgets.controls import claims

if TYPE_CHECKING:
    from playground.export.contact_sheet import Content
    from playground.ui.pictures.comparison import Comparison, Pair
    from playground.ui.pictures.enlarging import ShowsPictures
    from playground.ui.pictures.image_grid import ImageGrid

_CLOSES = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Stage(QStackedWidget):
    """Shows one of several widgets, and over it, when asked, one of its pictures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._enlargement: Enlargement | None = None
        self._comparison: Comparison | None = None
        self._filling: Filling | None = None
        self._stand_in: StandIn | None = None
        self.currentChanged.connect(lambda _: self.close_enlargement())
        self.currentChanged.connect(lambda _: self.close_comparison())

    @property
    def enlargement(self) -> Enlargement | None:
        """The picture that is enlarged, if one is."""
        return self._enlargement

    def enlarge(self, source: ShowsPictures, sample: int, panel: int) -> None:
        """Show one picture as large as there is room, until it is closed or another view is shown."""
        self.close_enlargement()
        self._enlargement = Enlargement(self, source, sample, panel)
        self._enlargement.setGeometry(QRect(0, 0, self.width(), self.height()))
        self._enlargement.show()
        self._enlargement.raise_()
        self._enlargement.setFocus()

    def fill(self, widget: QWidget) -> None:
        """Give a widget of the view on show all the room; done again, put it back."""
        if self._filling is not None and self._filling.widget is widget:
            self.close_enlargement()
            return
        self.close_enlargement()
        self._filling = Filling(self, widget)

    def close_enlargement(self) -> bool:
        """Back to the view; False if nothing was enlarged."""
        filling, self._filling = self._filling, None
        if filling is not None:
            filling.leave()
            return True
        closing, self._enlargement = self._enlargement, None
        if closing is None:
            return False
        closing.leave()
        return True

    @property
    def comparison(self) -> Comparison | None:
        """What shows the pictures before and after an edit, while it does."""
        return self._comparison

    def compare(self, source: ImageGrid, before: Content, mode: int) -> None:
        """Show what has changed in a grid since it showed ``before``, until it is closed or another view is shown."""
        from playground.ui.pictures.comparison import Comparison

        self._show_comparison(
            Comparison(self, source, lambda: (before, source.content()), source.redrawn, mode)
        )

    def compare_pair(
        self, source: QWidget, pair: Callable[[], Pair], redrawn: SignalInstance, names: tuple[str, str]
    ) -> None:
        """Show two sides of anything beside each other, as :meth:`compare` does; ``pair`` is asked at each ``redrawn``."""
        from playground.ui.pictures.comparison import SIDE_BY_SIDE, Comparison

        self._show_comparison(Comparison(self, source, pair, redrawn, SIDE_BY_SIDE, names))

    def _show_comparison(self, comparison: Comparison) -> None:
        self.close_comparison()
        self._comparison = comparison
        self._comparison.closed.connect(self.close_comparison)
        self._comparison.setGeometry(QRect(0, 0, self.width(), self.height()))
        self._comparison.show()
        self._comparison.raise_()
        self._comparison.setFocus()

    @property
    def has_stand_in(self) -> bool:
        """Whether a picture stands there for another that is being made."""
        return self._stand_in is not None

    def stand_in(self, picture: QImage, words: str) -> None:
        """Show a picture, and under it what it stands for, until :meth:`end_stand_in`."""
        self.end_stand_in()
        self._stand_in = StandIn(self, picture, words)

    def end_stand_in(self) -> None:
        """What it stood for is there."""
        if self._stand_in is not None:
            self._stand_in.hide()
            self._stand_in.deleteLater()
            self._stand_in = None

    def close_comparison(self) -> bool:
        """Back to the view; False if nothing was compared."""
        closing, self._comparison = self._comparison, None
        if closing is None:
            return False
        closing.leave()
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What stands over it keeps covering it."""
        super().resizeEvent(event)
        for over in (self._enlargement, self._comparison, self._filling, self._stand_in):
            if over is not None:
                over.setGeometry(QRect(0, 0, self.width(), self.height()))


class StandIn(QWidget):
    """A picture over the view, as large as there is room, and a line of words."""

    def __init__(self, stage: Stage, picture: QImage, words: str) -> None:
        super().__init__(stage)
        self._picture, self._words = picture, words
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(words)
        self.setGeometry(QRect(0, 0, stage.width(), stage.height()))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The canvas, the picture, the words."""
        painter, line = QPainter(self), round(theme.em() * 2)
        theme.paint_canvas(painter, self)
        room = self.rect().adjusted(line // 2, line // 2, -line // 2, -line)
        size = self._picture.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(0, 0, size.width(), size.height())
        place.moveCenter(room.center())
        painter.drawImage(place, self._picture)
        painter.setPen(QColor(theme.CANVAS_MUTED))
        foot = QRect(0, self.height() - line, self.width(), line)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, self._words)


class Filling(QWidget):
    """A widget that fills the stage and goes on working as in its place, which it leaves to a placeholder meanwhile."""

    def __init__(self, stage: Stage, widget: QWidget) -> None:
        super().__init__(stage.currentWidget())  # in the view, where whoever exports it looks for it
        self.widget, self._placeholder = widget, QWidget()
        self._home = widget.parentWidget()
        layout = self._home.layout() if self._home is not None else None
        if layout is not None:
            layout.replaceWidget(widget, self._placeholder)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(widget)
        self.setAutoFillBackground(True)
        self.setGeometry(QRect(0, 0, stage.width(), stage.height()))
        self.show()
        self.raise_()
        widget.setFocus()

    def leave(self) -> None:
        """Put the widget back and go."""
        layout = self._home.layout() if self._home is not None else None
        if layout is not None:
            layout.replaceWidget(self._placeholder, self.widget)
            self.widget.show()
            self.widget.setFocus()
        self._placeholder.deleteLater()
        self.hide()
        self.deleteLater()


class Enlargement(QWidget):
    """One picture of a widget, which goes on changing as it does there.  Escape, Enter or a double click close it."""

    def __init__(self, stage: Stage, source: ShowsPictures, sample: int, panel: int) -> None:
        from playground.ui.pictures.image_grid import ImageGrid  # numpy, which the window need not wait for

        super().__init__(stage)
        self._stage, self._source = stage, source
        self.sample, self.panel = sample, panel
        self.grid = ImageGrid()
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.grid.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Enlarged picture; Escape goes back")
        self.setToolTip("Escape, Enter or a double click: back")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.grid)
        source.redrawn.connect(self._refresh)
        self._refresh()

    def leave(self) -> None:
        """Give the focus back and go."""
        self._source.redrawn.disconnect(self._refresh)
        if self.hasFocus() and isinstance(self._source, QWidget):
            self._source.setFocus()
        self.hide()
        self.deleteLater()

    def _refresh(self) -> None:
        shown = self._source.one(self.sample, self.panel)
        if shown is None:  # there are fewer pictures now
            return
        words, picture, known = shown
        self.grid.set_images(picture, captions=[words] if words else None)
        self.grid.set_known(known)

    def event(self, event: QEvent) -> bool:
        """The keys that close it are its own."""
        return claims(event, *_CLOSES) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close, or leave the key to the window."""
        if event.key() in _CLOSES:
            self._stage.close_enlargement()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back."""
        self._stage.close_enlargement()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing behind it is meant."""
