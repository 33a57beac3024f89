"""What an edit changed, over the view: the pictures before and now as a difference, in turn (blink), or side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from playground.export.contact_sheet import Content
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton, Segmented, claims

MODES = ("Difference", "Blink", "Side by side")
DIFFERENCE, BLINK, SIDE_BY_SIDE = range(3)
BLINK_MS = 700  # slow enough to see what moves; far below what is called flicker
BEFORE, NOW = "before the change", "now"
# lighter now, darker now: orange and blue are told apart by colour-blind eyes too
LIGHTER, DARKER = np.array([1.0, 0.62, 0.0]), np.array([0.1, 0.55, 1.0])


def difference(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """How much lighter (orange) or darker (blue) each pixel is now; black where it is as before.

    Args:
        before: uint8 (B,H,W,C).
        now: of the same shape.

    Returns:
        uint8 (B,H,W,3).
    """
    change = (now.astype(np.float32) - before).mean(axis=3, keepdims=True)  # (B,H,W,1)
    colours = np.where(change > 0, LIGHTER, DARKER) * np.abs(change)
    if now.shape[3] == 3:  # two colours of one lightness differ, too
        shift = np.abs(now.astype(np.float32) - before).max(axis=3, keepdims=True)
        colours = np.maximum(colours, 0.6 * shift)
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


Pair = tuple[Content | None, Content | None]  # before and now


class Comparison(QWidget):
    """Stands over a view until Escape, B or its cross closes it; the pictures of the view go on changing behind it.

    Args:
        source: what shows the pictures, and takes the keys back at the end.
        pair: what is compared now.
        redrawn: tells that the pictures have changed.
        names: of the two sides.
    """

    closed = Signal()

    def __init__(
        self,
        around: QWidget,
        source: QWidget,
        pair: Callable[[], Pair],
        redrawn: SignalInstance,
        mode: int,
        names: tuple[str, str] = (BEFORE, NOW),
    ) -> None:
        super().__init__(around)
        self._source, self._pair, self._redrawn, self._names = source, pair, redrawn, names
        self._shows_before = False
        self.grid = ImageGrid()
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.grid.setAccessibleName("What the last change did")
        self.modes = Segmented(MODES)
        self.modes.set_index(mode)
        self.modes.chosen.connect(lambda _: self.refresh())
        cross = IconButton("close", "Back (B, Escape)")
        cross.clicked.connect(self.closed)
        self._blink = QTimer(self, interval=BLINK_MS)
        self._blink.timeout.connect(self._turn)
        self._lay_out(cross)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(f"Comparison {{ background: {theme.CANVAS}; }}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("What changed; Escape goes back")
        redrawn.connect(self.refresh)
        self.refresh()

    def _lay_out(self, cross: QWidget) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(6, 6, 6, 0)
        top.addStretch(1)
        top.addWidget(self.modes)
        top.addWidget(cross)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.grid, 1)

    @property
    def mode(self) -> int:
        """Which of MODES."""
        return self.modes.index()

    def show_mode(self, mode: int) -> None:
        """Another of MODES."""
        self.modes.set_index(mode)
        self.refresh()

    def refresh(self) -> None:
        """Show the pictures as they are now, beside or against those from before."""
        before, now = self._pair()
        if before is None or now is None or not is_comparable(before, now):
            self.closed.emit()
            return
        before_images, images = before.panels[-1][1], now.panels[-1][1]
        panels: Sequence[tuple[str, np.ndarray]]
        if self.mode == DIFFERENCE:
            said = "the difference: orange is lighter now, blue is darker, black is as before"
            panels = [(said, difference(before_images, images))]
        elif self.mode == SIDE_BY_SIDE:
            panels = list(zip(self._names, (before_images, images), strict=True))
        else:
            at = 0 if self._shows_before else 1
            panels = [(self._names[at], (before_images, images)[at])]
        self._blink.start() if self.mode == BLINK else self._blink.stop()
        self.grid.set_panels(panels, captions=now.captions)

    def _turn(self) -> None:
        self._shows_before = not self._shows_before
        self.refresh()

    def leave(self) -> None:
        """Give the focus back and go."""
        self._blink.stop()
        self._redrawn.disconnect(self.refresh)
        if self.hasFocus():
            self._source.setFocus()
        self.hide()
        self.deleteLater()

    def event(self, event: QEvent) -> bool:
        """The keys that close it are its own."""
        return claims(event, Qt.Key.Key_Escape) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close, or leave the key to the window."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing behind it is meant."""


def is_comparable(before: Content | None, now: Content | None) -> bool:
    """Whether there are two sets of pictures of one shape."""
    if before is None or now is None or not before.panels or not now.panels:
        return False
    return before.panels[-1][1].shape == now.panels[-1][1].shape


def _demo() -> None:
    """Run me: ``python -m playground.ui.pictures.comparison``."""
    from playground import data
    from playground.ui.widgets.demo import application, run

    application()
    pictures = data.load("fashion", "test")[0][:8]
    grid = ImageGrid()
    grid.set_images(pictures)
    before = grid.content()
    grid.set_images(255 - pictures)
    assert before is not None
    run(Comparison(grid, grid, lambda: (before, grid.content()), grid.redrawn, SIDE_BY_SIDE))


if __name__ == "__main__":
    _demo()
