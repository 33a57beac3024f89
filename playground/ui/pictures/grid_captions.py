"""The words around the pictures of a grid: titles of its panels, captions above columns, beside rows and under pictures.

How much room they want is in device pixels, as everything in :mod:`playground.ui.pictures.grid_layout`.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from playground.ui.pictures.grid_layout import Layout
from playground.ui.theme import theme

_ALIGN = Qt.AlignmentFlag


@dataclass(frozen=True)
class GridCaptions:
    """All words of a grid; ``titles`` has one entry for each panel, "" for none.

    Under the pictures of all panels stand ``pictures``, or under those of each its own of ``panels``.
    """

    titles: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    panels: tuple[tuple[str, ...], ...] = ()

    def under(self, panel: int) -> tuple[str, ...]:
        """What stands under the pictures of a panel."""
        return self.panels[panel] if panel < len(self.panels) else self.pictures

    @property
    def under_all(self) -> tuple[str, ...]:
        """What stands under any picture."""
        return (*self.pictures, *(text for texts in self.panels for text in texts))

    @property
    def extent(self) -> tuple[object, ...]:
        """Equal for captions that want the same room: letters are counted, not measured."""
        longest = [max(map(len, texts), default=-1) for texts in (self.under_all, self.columns)]
        return (*longest, self.rows, tuple(title != "" for title in self.titles))

    def height_above(self, ratio: float) -> float:
        """Of column captions and a title."""
        line = line_height(ratio)
        return line * bool(self.columns) + line * 1.25 * any(self.titles)

    def widest_title(self, ratio: float) -> float:
        """With a little room beside it."""
        widest = max((theme.text_width(title, _bold(_font())) for title in self.titles), default=0)
        return (widest + theme.em() * 0.6) * ratio

    def widest_caption(self, ratio: float) -> float:
        """Of those under pictures and above columns; 0 without any."""
        texts = (*self.under_all, *self.columns)
        widest = max((theme.text_width(text, _font()) for text in texts), default=0)
        return (widest + theme.em() * 0.6) * ratio if texts else 0

    def row_width(self, ratio: float) -> float:
        """Of the captions beside the rows; 0 without any."""
        if not self.rows:
            return 0
        widest = max(theme.text_width(text, _font()) for text in self.rows)
        return (widest + theme.em() * 0.8 + 2) * ratio  # 2: widths are not whole

    def paint(
        self, painter: QPainter, layout: Layout, panel: int, count: int, width: float, ratio: float
    ) -> None:
        """Write the words of one panel of ``count`` pictures; the painter's unit is the device pixel.

        Args:
            width: of the whole canvas, in device pixels.
            ratio: device pixels per device-independent one.
        """
        font = _font()
        font.setPixelSize(round(font.pixelSize() * ratio))
        painter.setFont(font)
        self._paint_captions(painter, layout, panel, count, width, ratio)
        if self.titles[panel]:
            painter.setFont(_bold(font))
            self._paint_title(painter, layout, panel, width, ratio)

    def _paint_captions(
        self, painter: QPainter, layout: Layout, panel: int, count: int, width: float, ratio: float
    ) -> None:
        line, (pitch, down) = line_height(ratio), layout.pitch
        x, y, w, h = layout.rect(0, panel)
        middle = x + w / 2  # of the only column: its words may take the whole width
        room = pitch if layout.fit.columns > 1 else max(2 * min(middle, width - middle), w)
        for i, text in enumerate(self.columns[: layout.fit.columns]):
            _write(
                painter,
                QRectF(x + i * pitch + (w - room) / 2, y - line, room, line),
                text,
                _ALIGN.AlignHCenter,
            )
        left = self.row_width(ratio)
        for i, text in enumerate(self.rows[: layout.fit.rows]):
            box = QRectF(x - left, y + i * down, left - theme.em() * 0.8 * ratio, h)
            _write(painter, box, text, _ALIGN.AlignRight)
        for i, text in enumerate(self.under(panel)[:count]):
            cx, cy, cw, ch = layout.rect(i, panel)
            _write(painter, QRectF(cx + (cw - room) / 2, cy + ch, room, line), text, _ALIGN.AlignHCenter)

    def _paint_title(self, painter: QPainter, layout: Layout, panel: int, width: float, ratio: float) -> None:
        line, title = line_height(ratio), self.titles[panel]
        x, y, _, _ = layout.rect(0, panel)
        above = line * (2.25 if self.columns else 1.25)
        end = width  # of the room for the words: the next panel's, if there is one beside it
        if layout.fit.across and panel + 1 < len(self.titles):
            end = layout.rect(0, panel + 1)[0] - theme.em() * ratio
        wanted = QFontMetricsF(painter.font()).horizontalAdvance(title) + 4
        room = max(layout.fit.columns * layout.pitch[0], wanted)
        left = max(min(x, end - room), 0) if panel == 0 else x  # over the row captions rather than cut
        box = QRectF(left, y - above, min(room, end - left), line)
        _write(painter, box, title, _ALIGN.AlignLeft, theme.CANVAS_TEXT)


class Ground:
    """The canvas of a grid with every word on it, which a run of hundreds of frames leaves as it is."""

    def __init__(self) -> None:
        self._pixmap, self._key = QPixmap(), ()  # type: tuple[QPixmap, tuple[object, ...]]
        self.times_painted = 0
        self.waiting = ""  # what an empty canvas says

    def pixmap(self, grid: QWidget, layout: Layout | None, captions: GridCaptions) -> QPixmap:
        """Painted anew only if something on it has changed."""
        ratio = grid.devicePixelRatioF()
        key = (grid.size(), ratio, layout, captions, theme.palette(), theme.scale(), self.waiting)
        if key != self._key:
            self._key = key
            self._pixmap = QPixmap(grid.size() * ratio)
            self._pixmap.setDevicePixelRatio(ratio)
            painter = QPainter(self._pixmap)
            theme.paint_canvas(painter, grid)
            painter.scale(1 / ratio, 1 / ratio)
            if layout is not None:
                for panel in range(len(captions.titles)):
                    captions.paint(painter, layout, panel, layout.count, grid.width() * ratio, ratio)
            elif self.waiting:
                painter.setFont(_font())
                painter.scale(ratio, ratio)
                _write(painter, QRectF(grid.rect()), self.waiting, Qt.AlignmentFlag.AlignCenter)
            painter.end()
            self.times_painted += 1
        return self._pixmap


def line_height(ratio: float) -> float:
    """Of a line of captions."""
    return QFontMetricsF(_font()).height() * 1.25 * ratio


def _font() -> QFont:
    return theme.scaled_font(0.92)


def _bold(font: QFont) -> QFont:
    font = QFont(font)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def _write(
    painter: QPainter, box: QRectF, text: str, align: Qt.AlignmentFlag, colour: str = theme.CANVAS_MUTED
) -> None:
    painter.setPen(QColor(colour))
    short = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, align | _ALIGN.AlignVCenter, short)
