"""An animation of the window: ``playground --screenshot tour.gif --after 15`` walks through the tabs while they sample.

The README's moving picture is made by this.  Nothing is staged: the frames are grabs of the real window, and the one
thing done to it is what a hand would do (change tabs, move the pointer over the latent plane).
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QImage

from playground.app import MainWindow
from playground.tabs.vae.latent_plane import Plane

FRAMES_PER_SECOND = 8
WIDTH = 760  # of the animation, in pixels


class Tour(QObject):
    """Grabs the window at a steady pace, giving each tab an equal share of ``seconds``, then hands over a GIF's bytes."""

    def __init__(self, window: MainWindow, seconds: float, then: Callable[[bytes], object]) -> None:
        super().__init__(window)
        self.window, self.seconds, self.then = window, seconds, then
        self.frames: list[Image.Image] = []
        self.began = 0.0
        self.shown_tab = -1
        self.timer = QTimer(self)
        self.timer.timeout.connect(self._tick)
        self.timer.start(round(1000 / FRAMES_PER_SECOND))

    def _tick(self) -> None:
        view = self.window.current.view if self.window.current else None
        loading = view is None or not len(view.player.timeline)
        if self.window.page is None and loading:
            return  # the animation begins with the first picture
        self.began = self.began or time.perf_counter()
        elapsed = time.perf_counter() - self.began
        tab = int(elapsed / self.seconds * self.window.tabs.count())
        if tab >= self.window.tabs.count():
            self._finish()
            return
        if tab != self.shown_tab:
            self.shown_tab = tab
            self.window.tabs.setCurrentIndex(tab)
        if isinstance(view, Plane):
            view.point_at(1.7 * math.cos(1.3 * elapsed), 1.7 * math.sin(1.3 * elapsed))
        grab = self.window.grab().toImage()
        self.frames.append(_picture(grab))

    def _finish(self) -> None:
        self.timer.stop()
        chosen = self.frames[:: max(1, len(self.frames) // 6)]  # one palette for all tabs' colours
        together = Image.fromarray(np.concatenate([np.asarray(f) for f in chosen]))
        palette = together.quantize(128)
        pictures = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in self.frames]
        pace = round(1000 / FRAMES_PER_SECOND)
        made, how = io.BytesIO(), {"duration": pace, "loop": 0, "optimize": True}
        pictures[0].save(made, format="GIF", save_all=True, append_images=pictures[1:], **how)
        self.then(made.getvalue())


def _picture(grab: QImage) -> Image.Image:
    small = grab.scaledToWidth(WIDTH, Qt.TransformationMode.SmoothTransformation)
    small = small.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(small.constBits(), np.uint8).reshape(small.height(), small.bytesPerLine())
    return Image.fromarray(rows[:, : WIDTH * 3].reshape(small.height(), WIDTH, 3).copy())
