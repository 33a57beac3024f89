"""A grid of generated pictures, or several grids side by side, as large as they fit.

One pixel of the model is one square on the screen.  Where the zoom is not whole, pictures are drawn at the next whole
one and reduced, so that only the edges between pixels are mixed.  Painting a new frame costs one numpy conversion at
the pictures' own size and a scaled ``drawImage`` for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QKeyCombination, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from playground.export.contact_sheet import Content
from playground.ui.pictures import enlarging
from playground.ui.pictures.grid_captions import GridCaptions, Ground, line_height
from playground.ui.pictures.grid_layout import WHOLE_BELOW, WHOLE_BELOW_SOFT, Layout, lay_out
from playground.ui.pictures.grid_marks import GridMarks
from playground.ui.pictures.grid_menu import open_menu
from playground.ui.pictures.painted_pictures import PaintedPictures
from playground.ui.pictures.pixels import check_pictures
from playground.ui.theme import theme
from playground.ui.widgets.controls import ARROWS, claims

_MENU = QKeyCombination(Qt.KeyboardModifier.ShiftModifier, Qt.Key.Key_F10)


class ImageGrid(QWidget):
    """Draws uint8 (B,H,W,C), C 1 or 3.  ``picked`` and ``hovered`` carry (sample, row, column) of a pixel.

    ``hovered`` carries (-1, -1, -1) when the pointer is on no picture.
    """

    picked = Signal(int, int, int)
    hovered = Signal(int, int, int)
    selection_changed = Signal(int)  # sample, -1 for none
    redrawn = Signal()  # there are other pictures

    def __init__(self, parent: QWidget | None = None, columns: int | None = None) -> None:
        super().__init__(parent)
        self.may_show_fewer = False  # in lecture mode, as many as the back row can see
        self.menu_text = ""  # what ``picked`` does, if that is too much for a click: then it is in the menu
        self.may_choose_none = False  # Escape drops the choice
        self.may_be_larger = True  # these are pictures of a model, not maps, nor pixels to be looked at
        self._panels: list[tuple[str, np.ndarray]] = []
        self._columns = columns
        self._captions = GridCaptions()
        self.marks = GridMarks()
        self.drawn = PaintedPictures(self)
        self.drawn.changed.connect(self.update)
        self._known: np.ndarray | None = None
        self._hover = (-1, -1, -1)
        self._layout: Layout | None = None
        self.ground = Ground()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Generated pictures")
        theme.signals.changed.connect(self._relayout)

    # --- what a tab calls

    def set_images(
        self,
        images: np.ndarray,
        columns: int | None = None,
        captions: Sequence[str] | None = None,
        column_captions: Sequence[str] | None = None,
        row_captions: Sequence[str] | None = None,
        title: str | None = None,
    ) -> None:
        """One grid.  ``columns`` None takes the count that lets the pictures be largest."""
        self.set_panels([(title or "", images)], columns, captions, column_captions, row_captions)

    def set_panels(
        self,
        panels: Sequence[tuple[str, np.ndarray]],
        columns: int | None = None,
        captions: Sequence[str] | None = None,
        column_captions: Sequence[str] | None = None,
        row_captions: Sequence[str] | None = None,
        panel_captions: Sequence[Sequence[str]] = (),
    ) -> None:
        """Several grids of equal shape, each with its title (``x_t`` beside ``x_0_pred``) and perhaps captions of its own.

        Raises:
            ValueError: if an array is not uint8 (B,H,W,1 or 3), or the panels differ in shape.
        """
        if len({p.shape[:3] for _, p in panels}) > 1:
            raise ValueError("The panels of a grid must hold equally many pictures of one size.")
        for _, images in panels:
            check_pictures(images)
        before = self._geometry_key()
        self._panels = [(title, images) for title, images in panels if len(images)]
        self._columns = columns
        self._captions = GridCaptions(
            tuple(title for title, _ in self._panels),
            tuple(captions or ())[: self.count()],  # memory may have capped the count
            tuple(column_captions or ()),
            tuple(row_captions or ()),
            tuple(tuple(texts)[: self.count()] for texts in panel_captions),
        )
        if self._layout is None or self._geometry_key() != before:
            self._relayout()
        else:
            self._expire()

    def set_marker(self, pixel: int | None, size: int = 1) -> None:
        """Outline pixel ``row * W + column`` in every picture, or the square of ``size`` pixels that begins there."""
        if (pixel, size) != (self.marks.pixel, self.marks.pixel_size):
            self.marks.pixel, self.marks.pixel_size = pixel, size
            self.update()

    def set_rule(self, row: int | None) -> None:
        """A line above that row in every picture (what is given ends there); None for none."""
        if row != self.marks.rule:
            self.marks.rule = row
            self.update()

    def set_known(self, known: np.ndarray | None) -> None:
        """Hatch what is not yet drawn: bool (H,W), or (B,H,W) where samples differ; None shows everything."""
        known = None if known is None else np.asarray(known, bool)
        if known is not None or self._known is not None:
            self._known = known
            self._expire()

    def select(self, sample: int) -> None:
        """Highlight one sample, -1 for none."""
        sample = sample if 0 <= sample < self.num_shown else -1
        if sample != self.marks.selected:
            self.marks.selected = sample
            self.selection_changed.emit(sample)
            self.update()

    def selected(self) -> int:
        """The highlighted sample, or -1."""
        return self.marks.selected

    def count(self) -> int:
        """How many pictures a panel has."""
        return len(self._panels[0][1]) if self._panels else 0

    @property
    def num_shown(self) -> int:
        """How many of them there is room for: all, except in lecture mode."""
        return self._layout.count if self._layout else 0

    def one(self, sample: int, panel: int = 0) -> tuple[str, np.ndarray, np.ndarray | None] | None:
        """A picture's words, the picture as uint8 (1,H,W,C), and what is known of it (bool, None: all); None if there is none."""
        if panel >= len(self._panels) or not 0 <= sample < self.count():
            return None
        title, images = self._panels[panel]
        captions = self._captions.under(panel)
        words = captions[sample] if sample < len(captions) else ""
        known = self._known
        mine = known[sample] if known is not None and known.ndim == 3 and sample < len(known) else known
        return " · ".join(filter(None, (words, title))), images[sample : sample + 1], mine

    def enlarge(self, sample: int, panel: int = 0) -> None:
        """Show a picture as large as the stage around this grid is; nothing where there is none."""
        if self.one(sample, panel) is not None:
            enlarging.enlarge(self, sample, panel)

    def content(self) -> Content | None:
        """What is shown, for a sheet; None if that is nothing."""
        if not self._panels:
            return None
        return Content(
            self.accessibleName(),
            tuple((title, shown) for (title, _), shown in zip(self._panels, self.drawn.panels, strict=True)),
            self.columns,
            captions=self._captions.pictures or None,
            panel_captions=self._captions.panels or None,
            column_captions=self._captions.columns or None,
            row_captions=self._captions.rows or None,
            known=self._known,
            across=self._layout is None or self._layout.fit.across,
        )

    @property
    def zoom(self) -> float:
        """Device pixels per picture pixel."""
        return self._layout.fit.zoom if self._layout else 1.0

    @property
    def content_zoom(self) -> float:
        """Device pixels per pixel of what :meth:`content` gives."""
        return self.zoom / self.drawn.times_larger

    @property
    def columns(self) -> int:
        """Pictures in a row."""
        return self._layout.fit.columns if self._layout else 1

    def picture_rect(self, sample: int, panel: int = 0) -> QRectF:
        """Where a picture is drawn, in widget coordinates."""
        assert self._layout is not None, "there are no pictures"
        ratio = self.devicePixelRatioF()
        x, y, w, h = self._layout.rect(sample, panel)
        return QRectF(x / ratio, y / ratio, w / ratio, h / ratio)

    def picture_rects(self) -> list[QRectF]:
        """Where every picture of every panel is drawn, in widget coordinates."""
        if self._layout is None:
            return []
        panels = range(len(self._panels))
        return [self.picture_rect(sample, panel) for panel in panels for sample in range(self.num_shown)]

    def pixel_at(self, point: QPointF) -> tuple[int, int, int]:
        """(sample, row, column) under a point of the widget, or (-1, -1, -1)."""
        at = point * self.devicePixelRatioF()
        return self._layout.pixel_at(at.x(), at.y()) if self._layout else (-1, -1, -1)

    # --- layout

    def sizeHint(self) -> QSize:
        """Takes whatever it gets."""
        return QSize(round(theme.em() * 40), round(theme.em() * 36))

    def minimumSizeHint(self) -> QSize:
        """Small, so that the window can be made small."""
        return QSize(round(theme.em() * 8), round(theme.em() * 6))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again."""
        self._relayout()

    def changeEvent(self, event: QEvent) -> None:
        """Fit again on a screen with other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._relayout()
        super().changeEvent(event)

    def _geometry_key(self) -> tuple[object, ...]:
        return (tuple(p.shape for _, p in self._panels), self._columns, self._captions.extent)

    def _relayout(self) -> None:
        if not self._panels:
            self._layout = None
            self.drawn.replace([], None, False)
            self.update()
            return
        ratio, captions = self.devicePixelRatioF(), self._captions
        soft = theme.lecture() or self._panels[0][1].shape[3] == 3
        self._layout = lay_out(
            self.count(),
            self._panels[0][1].shape[1:3],
            (self.width() * ratio, self.height() * ratio),
            self._columns,
            len(self._panels),
            margin=round(theme.em() * 0.6 * ratio),
            overhead=(captions.row_width(ratio), captions.height_above(ratio)),
            title=captions.widest_title(ratio),
            caption=line_height(ratio) if captions.under_all else 0,
            widest=captions.widest_caption(ratio),
            least=theme.LECTURE_SIDE * ratio if self.may_show_fewer and theme.lecture() else 0,
            whole_below=WHOLE_BELOW_SOFT if soft else WHOLE_BELOW,
        )
        self._expire()

    # --- painting

    def _expire(self) -> None:
        """Compose the pictures anew at the next paint: once, however much was set until then."""
        self.drawn.replace([images for _, images in self._panels], self._known, self.may_be_larger)
        self.update()
        self.redrawn.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The canvas, the sheets, then what stands on them."""
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self.ground.pixmap(self, self._layout, self._captions))
        if self._layout is None:
            return
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)  # from here on in device pixels, so that every edge is sharp
        self.drawn.paint(painter, self._layout)
        accent = theme.accent(self, on_canvas=True)
        for panel in range(len(self._panels)):
            self.marks.paint(painter, self._layout, panel, accent, ratio)

    # --- hands

    def event(self, event: QEvent) -> bool:
        """The arrows move the selection once there is one; until then they belong to the window."""
        escape = (Qt.Key.Key_Escape,) if self.may_choose_none else ()
        return (self.selected() >= 0 and claims(event, *ARROWS, *escape)) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick a pixel."""
        sample, row, column = self.pixel_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton:
            self.select(sample)
            if sample >= 0 and not self.menu_text:
                self.picked.emit(sample, row, column)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Enlarge the picture."""
        sample = self.pixel_at(event.position())[0]
        if event.button() == Qt.MouseButton.LeftButton and sample >= 0:
            self.enlarge(sample, self._panel_at(event.position()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the picture under the pointer (or the chosen one, from the keyboard)."""
        at = QPointF(event.pos())
        if event.reason() != QContextMenuEvent.Reason.Mouse:
            self.open_menu()
        elif not self._open_menu(self.pixel_at(at), self._panel_at(at), event.globalPos()):
            super().contextMenuEvent(event)

    def open_menu(self) -> None:
        """The menu of the chosen picture, or of the first, below its middle."""
        sample = max(self.selected(), 0)
        if sample < self.num_shown and not any(menu.isVisible() for menu in self.findChildren(QMenu)):
            middle = self.picture_rect(sample).center().toPoint()
            self._open_menu((sample, *self._middle()), 0, self.mapToGlobal(middle))

    def _open_menu(self, pixel: tuple[int, int, int], panel: int, at: QPoint) -> bool:
        shown = self.one(pixel[0], panel)
        if shown is None:
            return False
        entries = [("Enlarge (Enter)", lambda: self.enlarge(pixel[0], panel))]
        if self.menu_text:
            entries.append((self.menu_text, lambda: self.picked.emit(*pixel)))
        open_menu(self, at, shown[1], entries)
        return True

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell where the pointer is, once per pixel."""
        self._point(self.pixel_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nowhere."""
        self._point((-1, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the selection; Enter enlarges it (or the first), with Ctrl it is a click in its middle; Menu opens its menu."""
        moves = dict(zip(ARROWS, (-1, 1, -self.columns, self.columns), strict=True))
        chosen = self.selected()
        if chosen >= 0 and event.key() == Qt.Key.Key_Escape and self.may_choose_none:
            self.select(-1)
        elif chosen >= 0 and event.key() in moves:
            to = chosen + moves[Qt.Key(event.key())]
            if 0 <= to < self.num_shown:
                self.select(to)
        elif event.key() == Qt.Key.Key_Menu or event.keyCombination() == _MENU:
            self.open_menu()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._panels:
            if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.enlarge(max(chosen, 0))
            elif chosen < 0:
                self.select(0)
            else:
                self.picked.emit(chosen, *self._middle())
        else:
            super().keyPressEvent(event)

    def _middle(self) -> tuple[int, int]:
        height, width = self._panels[0][1].shape[1:3] if self._panels else (0, 0)
        return height // 2, width // 2

    def _panel_at(self, point: QPointF) -> int:
        panels = range(len(self._panels))
        samples = range(self.num_shown)
        hit = (p for p in panels for s in samples if self.picture_rect(s, p).contains(point))
        return next(hit, 0)

    def _point(self, at: tuple[int, int, int]) -> None:
        if at != self._hover:
            self._hover = at
            self.hovered.emit(*at)


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.image_grid``."""
    from playground import data
    from playground.ui.widgets.demo import application, run

    application()
    grid = ImageGrid()
    grid.setProperty("family", "autoregressive")
    grid.set_images(data.load("fashion", "test")[0][:16], title="The test set")
    grid.set_known(np.arange(784).reshape(28, 28) < 400)
    grid.picked.connect(print)
    run(grid)


if __name__ == "__main__":
    _demo()
