"""What the colours of a map mean: the map as a bar, with numbers under it and one line of words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.pictures.pixels import qimage
from playground.ui.theme import theme


def coloured(values: np.ndarray, low: float, high: float, name: str = "viridis") -> np.ndarray:
    """Numbers (...) -> uint8 (..., 3) through a colour map; what lies outside ``low``..``high`` takes the end colour.

    NaN takes the colour of ``low``: cover it (``ImageGrid.set_known``) where it should not be read.
    """
    share = np.nan_to_num((np.asarray(values, float) - low) / (high - low), nan=0.0)
    return theme.colour_map(name)[np.clip(np.round(share * 255), 0, 255).astype(np.uint8)]


class ColourBar(QWidget):
    """A bar with ticks: (value, text) pairs between ``low`` and ``high``."""

    def __init__(
        self,
        words: str,
        low: float,
        high: float,
        ticks: Sequence[tuple[float, str]],
        name: str = "viridis",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._words, self._low, self._high, self._ticks, self._name = words, low, high, list(ticks), name
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(words)
        theme.signals.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """Three lines high."""
        return QSize(round(theme.em() * 30), round(theme.em() * 4.0))

    def minimumSizeHint(self) -> QSize:
        """The bar is never cut."""
        return QSize(round(theme.em() * 18), round(theme.em() * 4.0))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words, bar, ticks."""
        painter, em, font = QPainter(self), theme.em(), theme.scaled_font(0.88)
        painter.setFont(font)
        painter.setPen(QColor(theme.palette().muted))
        metrics = QFontMetricsF(font)
        side = max(metrics.horizontalAdvance(text) for _, text in self._ticks) / 2 + em * 0.2
        wide = min(self.width() - 2 * side, em * 40)
        bar = QRectF((self.width() - wide) / 2, em * 1.55, wide, em * 0.75)
        painter.drawText(
            QRectF(0, 0, self.width(), em * 1.45),
            Qt.AlignmentFlag.AlignCenter,
            metrics.elidedText(self._words, Qt.TextElideMode.ElideRight, self.width()),
        )
        rgb = theme.colour_map(self._name).astype(np.uint32)
        line = np.uint32(0xFF000000) | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
        painter.drawImage(bar, qimage(np.ascontiguousarray(line[None])))
        for value, text in self._ticks:
            x = bar.left() + (value - self._low) / (self._high - self._low) * bar.width()
            painter.drawLine(round(x), round(bar.bottom()), round(x), round(bar.bottom() + em * 0.25))
            box = QRectF(x - em * 12, bar.bottom() + em * 0.25, em * 24, em * 1.3)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _demo() -> None:
    """Run me: ``python -m playground.ui.plots.colour_bar``."""
    from playground.ui.widgets.demo import application, run

    application()
    run(
        ColourBar(
            "surprise of a pixel, in bits", 0, 12, [(0, "0"), (4, "4"), (8, "8: a blind guess"), (12, "12")]
        )
    )


if __name__ == "__main__":
    _demo()
