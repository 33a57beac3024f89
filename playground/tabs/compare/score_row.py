"""One model's verdict on one picture as a row: a number with its word, where it falls in two histograms, areas, bytes.

Painted in one go, so that fifteen of them cost little; a header and rows of the same width share their columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from playground.tabs.compare.score_layout import Columns, Histograms, RowContent
from playground.ui.theme import theme
from playground.ui.widgets.controls import claims

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignCenter
_WRAP = Qt.TextFlag.TextWordWrap


class ScoreHeader(QWidget):
    """Names over the columns; a click on the name of a set chooses it."""

    chosen = Signal(int)

    def __init__(self, areas: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._areas, self._index = tuple(areas), 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.signals.changed.connect(self.updateGeometry)

    def choose(self, index: int) -> None:
        """Show which set stands in the histograms."""
        self._index = index
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines of small type."""
        return QSize(round(theme.em() * 44), round(theme.em() * 2.7))

    def columns(self) -> Columns:
        """Those of the rows below."""
        return Columns.of(self.width(), len(self._areas), self._index)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A set is chosen."""
        for i, (left, width) in enumerate(self.columns().areas):
            if left <= event.position().x() < left + width:
                self.chosen.emit(i)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Small and muted; the chosen set in full colour."""
        painter, columns, colours = QPainter(self), self.columns(), theme.palette()
        painter.setFont(theme.scaled_font(0.85))
        painter.setPen(QColor(colours.muted))
        half, low = self.height() / 2, self.height() - 1.0
        for (left, width), text in zip(
            (columns.title, columns.number, columns.histogram),
            ("model", "this picture", "among garments"),
            strict=True,
        ):
            painter.drawText(QRectF(left, half, width, half), int(_LEFT.value), text)
        shown = [(left, width) for left, width in columns.areas if width]
        if shown:
            box = QRectF(shown[0][0], 0, max(shown[-1][0] + shown[-1][1] - shown[0][0], 0), half)
            words = "AUC: garments told from" if len(shown) > 1 else "AUC"
            painter.drawText(box, int(_CENTRE.value), words)
        painter.drawText(QRectF(columns.size[0], half, columns.size[1], half), int(_RIGHT.value), "bytes")
        for i, (left, width) in enumerate(columns.areas):
            if width:
                painter.setFont(theme.scaled_font(0.85))
                painter.setPen(QColor(colours.text if i == self._index else colours.muted))
                painter.drawText(QRectF(left, half, width, half), int(_CENTRE.value), self._areas[i])
                if i == self._index:
                    painter.fillRect(
                        QRectF(left + width * 0.15, low - 1, width * 0.7, 2), QColor(colours.text)
                    )
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(QPointF(0, low), QPointF(self.width(), low))


class ScoreRow(QAbstractButton):
    """A model's row; a click (Enter, Space) leads into its own view, if ``link`` says there is one."""

    def __init__(self, num_areas: int, family: str = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("family", family)
        self._num_areas, self._chosen, self._full, self._png = num_areas, 0, 1, 0
        self.content = RowContent("")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        """Rows grow into room that is left, but not for ever."""
        self.setMaximumHeight(round(theme.em() * (2.6 if self.content.slim else 5.6)))
        self.updateGeometry()

    def set_content(self, content: RowContent, chosen: int = 0) -> None:
        """Say this; ``chosen``: the set whose histogram is drawn."""
        self.content, self._chosen = content, chosen
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if content.link else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if content.link else Qt.CursorShape.ArrowCursor)
        said = [content.title, f"{content.number} {content.unit}".strip(), content.word, content.note]
        self.setAccessibleName(", ".join(part for part in said if part))
        self.setToolTip(content.tip or content.link)
        self._restyle()
        self.update()

    def set_scale(self, full: int, png: int) -> None:
        """The bytes of a full bar, and where the tick of the PNG file stands."""
        self._full, self._png = max(full, 1), png
        self.update()

    def sizeHint(self) -> QSize:
        """Three lines of small type, or one."""
        return QSize(round(theme.em() * 44), round(theme.em() * (2.6 if self.content.slim else 3.9)))

    def minimumSizeHint(self) -> QSize:
        """Never less."""
        return QSize(round(theme.em() * 20), self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Enter and Space are a click."""
        return claims(event, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter) or super().event(event)

    def keyPressEvent(self, event: object) -> None:
        """Enter too."""
        key = getattr(event, "key", int)()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.content.link:
            self.click()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]

    def enterEvent(self, event: QEnterEvent) -> None:
        """The ground answers the pointer."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """And lets it go."""
        self.update()
        super().leaveEvent(event)

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, title, number, histograms, areas, size."""
        painter, colours, content = QPainter(self), theme.palette(), self.content
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        columns = Columns.of(self.width(), self._num_areas, self._chosen)
        painter.setOpacity(0.45 if content.stale else 1.0)
        self._paint_two(
            painter,
            columns.title,
            content.title,
            content.under_title,
            theme.accent(self),
            heavy=True,
        )
        if content.note:
            left = columns.number[0]
            room = QRectF(left, 0, columns.size[0] - left - theme.em(), self.height())
            painter.setFont(theme.scaled_font(0.92))
            painter.setPen(QColor(colours.muted))
            painter.drawText(room, int(_LEFT.value) | int(_WRAP), content.note)
        else:
            self._paint_number(painter, columns.number)
            self._paint_histograms(painter, columns)
            self._paint_areas(painter, columns)
        self._paint_size(painter, columns.size)

    def _paint_ground(self, painter: QPainter) -> None:
        colours, box = theme.palette(), QRectF(self.rect()).adjusted(1, 1, -1, -2)
        if self.content.link and (self.underMouse() or self.hasFocus()):
            painter.setPen(QPen(QColor(colours.muted), 1.5) if self.hasFocus() else QPen(Qt.PenStyle.NoPen))
            painter.setBrush(QColor(colours.hover if self.underMouse() else colours.window))
            painter.drawRoundedRect(box, theme.em() * 0.4, theme.em() * 0.4)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(QPointF(0, self.height() - 0.5), QPointF(self.width(), self.height() - 0.5))
        bar = QRectF(0, self.height() * 0.18, theme.em() * 0.28, self.height() * 0.64)
        painter.fillRect(bar, theme.accent(self))

    def _paint_two(
        self,
        painter: QPainter,
        place: tuple[float, float],
        upper: str,
        lower: str,
        colour: QColor,
        heavy: bool = False,
    ) -> None:
        """A line in colour and a small muted one under it; one alone stands in the middle."""
        left, width = place
        middle = self.height() / 2
        font = theme.scaled_font(1.0, QFont.Weight.DemiBold if heavy else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(colour)
        line = theme.em() * 1.4
        top = QRectF(left, middle - line if lower else middle - line / 2, width, line)
        painter.drawText(top, int(_LEFT.value), self._short(painter, upper, width))
        if lower:
            painter.setFont(theme.scaled_font(0.85))
            painter.setPen(QColor(theme.palette().muted))
            below = QRectF(left, middle, width, line)
            painter.drawText(below, int(_LEFT.value), self._short(painter, lower, width))

    def _short(self, painter: QPainter, text: str, width: float) -> str:
        return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(width) + 1)

    def _paint_number(self, painter: QPainter, place: tuple[float, float]) -> None:
        content, colours = self.content, theme.palette()
        left, width = place
        line, middle = theme.em() * 1.5, self.height() / 2
        painter.setFont(theme.scaled_font(1.25, QFont.Weight.DemiBold))
        painter.setPen(QColor(colours.text))
        top = middle - line if content.word else middle - line / 2
        painter.drawText(QRectF(left, top, width, line), int(_LEFT.value), content.number)
        taken = painter.fontMetrics().horizontalAdvance(content.number) + theme.em() * 0.35
        painter.setFont(theme.scaled_font(0.92))
        painter.setPen(QColor(colours.muted))
        unit = QRectF(left + taken, top + line * 0.06, max(width - taken, 0), line)
        painter.drawText(unit, int(_LEFT.value), content.unit)
        if content.word:
            painter.setFont(theme.scaled_font(0.85))
            text = self._short(painter, content.word, width)
            painter.drawText(QRectF(left, middle + line * 0.02, width, line * 0.9), int(_LEFT.value), text)

    def _paint_histograms(self, painter: QPainter, columns: Columns) -> None:
        content, colours = self.content, theme.palette()
        left, width = columns.histogram
        if content.histograms is None:
            end = columns.size[0] - theme.em()
            painter.setFont(theme.scaled_font(0.85))
            painter.setPen(QColor(colours.muted))
            box = QRectF(left, 0, end - left, self.height())
            painter.drawText(box, int(_LEFT.value) | int(_WRAP), content.no_histograms)
            return
        words = theme.em() * 1.2 if content.under_marker else 0.0
        box = QRectF(left, 4, width, self.height() - words - 8)
        ground = round(box.top() + box.height() * 0.58)  # garments stand on it, the others hang from it
        other = QColor(colours.muted)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_bars(painter, box, content.histograms.first, ground, box.top(), theme.accent(self))
        self._paint_bars(painter, box, content.histograms.second, ground + 1, box.bottom(), other)
        painter.fillRect(QRectF(box.left(), ground, box.width(), 1), QColor(colours.muted))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if content.marker is not None:
            self._paint_marker(painter, box, content.histograms, content.marker)
        if content.under_marker:
            painter.setFont(theme.scaled_font(0.8))
            painter.setPen(QColor(colours.muted))
            below = QRectF(left, box.bottom() + 2, width, words)
            painter.drawText(below, int(_CENTRE.value), self._short(painter, content.under_marker, width))

    def _paint_bars(
        self, painter: QPainter, box: QRectF, heights: np.ndarray, ground: float, end: float, colour: QColor
    ) -> None:
        """Bars from the ground towards ``end``, which the highest of them reaches."""
        ends = np.round(box.left() + np.linspace(0, box.width(), len(heights) + 1))
        for i, share in enumerate(heights):
            if share > 0:
                length = (end - ground) * max(float(share), 0.06)
                wide = max(ends[i + 1] - ends[i] - 1, 1)
                painter.fillRect(QRectF(ends[i], ground, wide, length).normalized(), colour)

    def _paint_marker(self, painter: QPainter, box: QRectF, drawn: Histograms, value: float) -> None:
        x = box.left() + drawn.place(value) * box.width()
        side, colour = theme.em() * 0.34, QColor(theme.palette().text)
        painter.setPen(QPen(colour, max(theme.em() * 0.13, 1.5)))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        if drawn.holds(value):  # a head that points down, or out of the axis
            head = [QPointF(x - side, box.top() - 2), QPointF(x + side, box.top() - 2)]
            painter.drawPolygon(QPolygonF([*head, QPointF(x, box.top() + side * 1.3)]))
        else:
            way = 1 if value > drawn.high else -1
            y = box.center().y()
            ends = [QPointF(x - way * side * 1.6, y - side), QPointF(x - way * side * 1.6, y + side)]
            painter.drawPolygon(QPolygonF([*ends, QPointF(x, y)]))

    def _paint_areas(self, painter: QPainter, columns: Columns) -> None:
        colours = theme.palette()
        for (left, width), area in zip(columns.areas, self.content.areas, strict=False):
            if width:
                wrong = area < 0.5
                painter.setFont(theme.scaled_font(1.0, QFont.Weight.Bold if wrong else QFont.Weight.Normal))
                painter.setPen(QColor(colours.warning if wrong else colours.text))
                painter.drawText(QRectF(left, 0, width, self.height()), int(_CENTRE.value), f"{area:.2f}")

    def _paint_size(self, painter: QPainter, place: tuple[float, float]) -> None:
        content, colours = self.content, theme.palette()
        text = f"{content.size:,}" if content.size is not None else content.size_text
        if not text:
            return
        left, width = place
        line, middle = theme.em() * 1.4, self.height() / 2
        painter.setFont(theme.scaled_font(1.0))
        painter.setPen(QColor(colours.text))
        painter.drawText(QRectF(left, middle - line, width, line), int(_RIGHT.value), text)
        high, top = theme.em() * 0.4, middle + theme.em() * 0.25
        painter.fillRect(QRectF(left, top, width, high), QColor(colours.raised))
        share = 1.0 if content.size is None else min(content.size / self._full, 1.0)
        painter.fillRect(QRectF(left, top, width * share, high), theme.accent(self))
        if self._png:
            x = left + min(self._png / self._full, 1.0) * width
            painter.fillRect(QRectF(x - 1, top - high * 0.5, 2, high * 2), QColor(colours.text))


def _demo() -> None:
    """Run me: ``python -m playground.tabs.compare.score_row``."""
    from PySide6.QtWidgets import QVBoxLayout

    from playground.ui.widgets.demo import application, run

    application()
    page, rng = QWidget(), np.random.default_rng(0)
    column = QVBoxLayout(page)
    column.addWidget(ScoreHeader(["grey", "noise"]))
    for family in ("flow", "vae"):
        row = ScoreRow(2, family)
        sets = Histograms.of(rng.normal(3, 0.5, 200), rng.normal(4, 0.2, 200))
        row.set_content(
            RowContent(
                "A model",
                "its id",
                "2.871",
                "bits/dim",
                "exact",
                histograms=sets,
                marker=2.8,
                areas=(0.4, 0.9),
                size=282,
                link="open",
            )
        )
        row.set_scale(784, 480)
        column.addWidget(row)
    run(page)


if __name__ == "__main__":
    _demo()
