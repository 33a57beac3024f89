"""A grid of generated pictures, or several grids side by side, at the largest whole zoom in device pixels.

Nothing is ever interpolated: one pixel of the model is one square on the screen.  Painting a new frame costs one
numpy composition at the pictures' own size and one scaled ``drawImage`` per panel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.export.contact_sheet import Content
from playground.ui.pictures.grid_captions import GridCaptions, line_height
from playground.ui.pictures.grid_layout import Layout, lay_out
from playground.ui.pictures.pixels import argb, check_pictures, hatch, qimage, sheet
from playground.ui.theme import theme
from playground.ui.widgets.controls import ARROWS, claims


class ImageGrid(QWidget):
    """Draws uint8 (B,H,W,C), C 1 or 3.  ``picked`` and ``hovered`` carry (sample, row, column) of a pixel.

    ``hovered`` carries (-1, -1, -1) when the pointer is on no picture.
    """

    picked = Signal(int, int, int)
    hovered = Signal(int, int, int)
    selection_changed = Signal(int)  # sample, -1 for none

    def __init__(self, parent: QWidget | None = None, columns: int | None = None) -> None:
        super().__init__(parent)
        self._panels: list[tuple[str, np.ndarray]] = []
        self._sheets: list[QImage] = []
        self._columns = columns
        self._captions = GridCaptions()
        self._marker: int | None = None
        self._marker_size = 1  # pixels
        self._rule: int | None = None
        self._known: np.ndarray | None = None
        self._selected = -1
        self._hover = (-1, -1, -1)
        self._layout: Layout | None = None
        self.ground, self._ground_key = QPixmap(), ()  # type: tuple[QPixmap, tuple[object, ...]]
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
    ) -> None:
        """Several grids of equal shape, each with its title (``x_t`` beside ``x_0_pred``).

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
        )
        if self._layout is None or self._geometry_key() != before:
            self._relayout()
        else:
            self._expire()

    def set_marker(self, pixel: int | None, size: int = 1) -> None:
        """Outline pixel ``row * W + column`` in every picture, or the square of ``size`` pixels that begins there."""
        if (pixel, size) != (self._marker, self._marker_size):
            self._marker, self._marker_size = pixel, size
            self.update()

    def set_rule(self, row: int | None) -> None:
        """A line above that row in every picture (what is given ends there); None for none."""
        if row != self._rule:
            self._rule = row
            self.update()

    def set_known(self, known: np.ndarray | None) -> None:
        """Hatch what is not yet drawn: bool (H,W), or (B,H,W) where samples differ; None shows everything."""
        known = None if known is None else np.asarray(known, bool)
        if known is not None or self._known is not None:
            self._known = known
            self._expire()

    def select(self, sample: int) -> None:
        """Highlight one sample, -1 for none."""
        sample = sample if 0 <= sample < self.count() else -1
        if sample != self._selected:
            self._selected = sample
            self.selection_changed.emit(sample)
            self.update()

    def selected(self) -> int:
        """The highlighted sample, or -1."""
        return self._selected

    def count(self) -> int:
        """How many pictures a panel has."""
        return len(self._panels[0][1]) if self._panels else 0

    def content(self) -> Content | None:
        """What is shown, for a sheet; None if that is nothing."""
        if not self._panels:
            return None
        return Content(
            self.accessibleName(),
            tuple(self._panels),
            self.columns,
            captions=self._captions.pictures or None,
            column_captions=self._captions.columns or None,
            row_captions=self._captions.rows or None,
            known=self._known,
            across=self._layout is None or self._layout.fit.across,
        )

    @property
    def marker(self) -> int | None:
        """The outlined pixel, ``row * W + column``."""
        return self._marker

    @property
    def rule(self) -> int | None:
        """The row above which a line is drawn."""
        return self._rule

    @property
    def zoom(self) -> int:
        """Device pixels per picture pixel."""
        return self._layout.fit.zoom if self._layout else 1

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
        return QSize(round(theme.em() * 12), round(theme.em() * 10))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again."""
        self._relayout()

    def changeEvent(self, event: QEvent) -> None:
        """Fit again on a screen with other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._relayout()
        super().changeEvent(event)

    def _geometry_key(self) -> tuple[object, ...]:
        shapes = tuple(images.shape[:3] for _, images in self._panels)
        return (shapes, self._columns, self._captions.extent)

    def _relayout(self) -> None:
        if not self._panels:
            self._layout = None
            self.update()
            return
        ratio, captions = self.devicePixelRatioF(), self._captions
        self._layout = lay_out(
            self.count(),
            self._panels[0][1].shape[1:3],
            (self.width() * ratio, self.height() * ratio),
            self._columns,
            len(self._panels),
            margin=round(theme.em() * 0.6 * ratio),
            overhead=(captions.row_width(ratio), captions.height_above(ratio)),
            title=captions.widest_title(ratio),
            caption=line_height(ratio) if captions.pictures else 0,
            widest=captions.widest_caption(ratio),
        )
        self._expire()

    # --- painting

    def _expire(self) -> None:
        """Compose the pictures anew at the next paint: once, however much was set until then."""
        self._sheets = []
        self.update()

    def _compose(self) -> None:
        assert self._layout is not None
        down, across = self._layout.row_gap - 1, self._layout.column_gap - 1
        self._sheets = []
        for _, images in self._panels:
            pictures = argb(images)
            known = self._known
            if known is not None and known.shape in (pictures.shape[1:], pictures.shape):
                hatch(pictures, known)
            if down or across:  # captions go between the rows, and long ones want room
                pictures = np.pad(pictures, ((0, 0), (0, down), (0, across)))
            self._sheets.append(qimage(sheet(pictures, self.columns)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The canvas, the sheets, then what stands on them."""
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground_with_words())
        if self._layout is None:
            return
        if not self._sheets:
            self._compose()
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)  # from here on in device pixels, so that every edge is sharp
        for (x, y), image in zip(self._layout.origins, self._sheets, strict=True):
            painter.drawImage(QRectF(x, y, image.width() * self.zoom, image.height() * self.zoom), image)
        accent = theme.accent(self, on_canvas=True)
        for panel in range(len(self._panels)):
            self._paint_marks(painter, panel, accent, ratio)

    def _ground_with_words(self) -> QPixmap:
        """The canvas with every caption on it, which a run of hundreds of frames leaves as it is."""
        ratio, layout = self.devicePixelRatioF(), self._layout
        key = (self.size(), ratio, layout, self._captions, theme.palette(), theme.scale())
        if key != self._ground_key:
            self._ground_key = key
            self.ground = QPixmap(self.size() * ratio)
            self.ground.setDevicePixelRatio(ratio)
            painter = QPainter(self.ground)
            theme.paint_canvas(painter, self)
            painter.scale(1 / ratio, 1 / ratio)
            for panel in range(len(self._panels)):
                if layout is not None:
                    self._captions.paint(painter, layout, panel, self.count(), self.width() * ratio, ratio)
            painter.end()
        return self.ground

    def _paint_marks(self, painter: QPainter, panel: int, accent: QColor, ratio: float) -> None:
        assert self._layout is not None
        w = self._panels[0][1].shape[2]
        thick = max(round(1.5 * ratio), 1)
        if self._marker is not None:
            row, column = divmod(self._marker, w)
            painter.setPen(QPen(accent, thick, j=Qt.PenJoinStyle.MiterJoin))
            grow = thick / 2
            boxes = []
            for sample in range(self.count()):
                x, y, _, _ = self._layout.rect(sample, panel)
                side = self._marker_size * self.zoom
                box = QRectF(x + column * self.zoom, y + row * self.zoom, side, side)
                boxes.append(box.adjusted(-grow, -grow, grow, grow))
            painter.drawRects(boxes)
        if self._rule is not None:
            painter.setPen(QPen(accent, thick))
            for sample in range(self.count()):
                x, y, w, _ = self._layout.rect(sample, panel)
                line = y + self._rule * self.zoom
                painter.drawLine(x, line, x + w - 1, line)
        if 0 <= self._selected < self.count():
            thick = max(min(round(2 * ratio), self.zoom), 1)
            painter.setPen(QPen(accent, thick, j=Qt.PenJoinStyle.MiterJoin))
            grow = thick / 2
            painter.drawRect(
                QRectF(*self._layout.rect(self._selected, panel)).adjusted(-grow, -grow, grow, grow)
            )

    # --- hands

    def event(self, event: QEvent) -> bool:
        """The arrows move the selection once there is one; until then they belong to the window."""
        return (self._selected >= 0 and claims(event, *ARROWS, Qt.Key.Key_Escape)) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick a pixel."""
        sample, row, column = self.pixel_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton:
            self.select(sample)
            if sample >= 0:
                self.picked.emit(sample, row, column)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell where the pointer is, once per pixel."""
        self._point(self.pixel_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nowhere."""
        self._point((-1, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the selection, Escape drops it; Enter makes one, and then is a click on it (in its middle)."""
        moves = dict(zip(ARROWS, (-1, 1, -self.columns, self.columns), strict=True))
        if self._selected >= 0 and event.key() in moves:
            to = self._selected + moves[Qt.Key(event.key())]
            if 0 <= to < self.count():
                self.select(to)
        elif self._selected >= 0 and event.key() == Qt.Key.Key_Escape:
            self.select(-1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._panels:
            height, width = self._panels[0][1].shape[1:3]
            self.select(0) if self._selected < 0 else self.picked.emit(
                self._selected, height // 2, width // 2
            )
        else:
            super().keyPressEvent(event)

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
    grid.set_marker(400)
    grid.picked.connect(print)
    run(grid)


if __name__ == "__main__":
    _demo()
