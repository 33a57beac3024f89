"""How large the pictures of every view are in the painted window: ``playground measure-views``.

The window is the real one.  Each view is opened with the first model of the menu that suits it, its first pictures are
waited for, the window is painted, and of every picture only what is really there counts: the part that no scroll area or
neighbour cuts off, and only if that place of the painted window shows something else than the empty ground.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

PATIENCE = 60.0  # seconds until a view shows its first picture
PAGE_PATIENCE = 8.0  # the same for a page, which may have none
SETTLING = 1.0  # seconds in which it may fill further: where pictures stand no longer changes
LEAST_SHARE = 0.55  # of a square whose side is the canvas's shorter side
LEAST_SIDE = 96  # pixels of a picture, in lecture mode
_GROUND = 0.9  # of a place's pixels that may be empty ground, more is no picture


@dataclass(frozen=True)
class ViewSizes:
    """One view.  Sides are those of its smallest and largest picture in pixels; all None where it has no pictures."""

    tab: str
    view: str
    smallest: int | None
    largest: int | None
    share: float | None  # summed area, as a share of a square whose side is the canvas's shorter side
    why: str | None  # the reason why it asks to be excused, if it misses what is asked for

    def is_large(self, lecture: bool) -> bool:
        """Whether the pictures are as large as they should be (or there are none)."""
        if self.share is None or self.smallest is None:
            return True
        return self.share >= LEAST_SHARE and (not lecture or self.smallest >= LEAST_SIDE)


def measure_views(
    size: tuple[int, int], lecture: bool = False, only: str = "", patience: float = PATIENCE
) -> Iterator[ViewSizes]:
    """Every view of every tab, in a window of ``size``.

    Args:
        size: (width, height) of the window in device-independent pixels.
        lecture: as in a hall.
        only: leave out the views whose "tab/view" does not contain this.
        patience: seconds to wait for the first picture of a view.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # no screen may make the window smaller
    from PySide6.QtWidgets import QApplication

    from playground.app import MainWindow
    from playground.ui.theme import theme

    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    theme.load_fonts()
    theme.apply(app, "dark")
    window = MainWindow()
    window.resize(*size)
    if lecture:
        window.lecture.begin(full_screen=False)
    window.show()
    window.stream.start()
    try:
        for tab, name, shown, why in _each(window, app, only.lower(), patience):
            yield _measured(window, tab, name, shown, why, lecture)
    finally:
        window.close()
        window.lecture.end()


def _each(window: Any, app: Any, only: str, patience: float) -> Iterator[tuple[str, str, Any, str]]:
    """Open one view after another: the tab's key, the view's name, the canvas and the view's excuse."""
    from playground import families
    from playground.tabs import registry
    from playground.tabs.frame.page import LinkTarget

    for entry in families.row({card.family for card in _cards()}):
        kinds = (
            registry.views_of(entry) if isinstance(entry, families.Family) else registry.page_of(entry).scenes
        )
        for kind in kinds:
            name = kind.name
            if only not in f"{entry.key}/{name}".lower():
                continue
            if isinstance(entry, families.Family):
                shown = _show_view(window, app, entry, kind, patience)
                canvas = window.current.canvas if shown else None
            else:
                shown = _show_scene(window, app, LinkTarget(entry.key, "", name), patience)
                canvas = window.page.canvas
            if shown is not None:
                yield entry.key, name, canvas, shown.why_small


def _show_view(window: Any, app: Any, entry: Any, kind: Any, patience: float) -> Any:
    """Open a view with the first model that suits it, and wait for its pictures; None if none suits."""
    from playground.tabs.frame.page import LinkTarget

    model = _first_model(window, entry, kind)
    if not model:
        return None
    window.go(LinkTarget(entry.key, model, kind.name))
    tab = window.current
    _wait(app, lambda: type(tab.view) is kind and tab.view.player.frame is not None, patience)
    _wait(app, lambda: not tab.view.player.is_playing and tab.view.is_settled, SETTLING)
    tab.view.player.pause()
    app.processEvents()
    return tab.view


def _show_scene(window: Any, app: Any, target: Any, patience: float) -> Any:
    """Open a page's scene and wait for its first pictures."""
    window.go(target)
    _race(app, window.page.scene, patience)
    _wait(app, lambda: any(_boxes(window, window.page.canvas)), PAGE_PATIENCE)
    _wait(
        app, lambda: window.page.scene.is_settled, patience
    )  # what it was asked for comes after what it begins with
    _wait(app, lambda: False, SETTLING)
    return window.page.scene


def _race(app: Any, scene: Any, patience: float) -> None:
    """A race shows nothing before it is started."""
    from playground.tabs.compare.race import Race

    if isinstance(scene, Race):
        scene.start()
        _wait(app, lambda: not scene.is_loading, 2 * patience)
        _wait(app, lambda: all(panel.grid.count() for panel in scene.board.panels), patience)


def _cards() -> list[Any]:
    from playground import checkpoints

    return checkpoints.cards()


def _first_model(window: Any, entry: Any, kind: Any) -> str:
    """The first checkpoint of the family that the view suits."""
    cards = [c for c in _cards() if c.family == entry.key]
    cards.sort(key=lambda card: card.id != entry.opens)
    return next((c.id for c in cards if kind.suits(window.model_cache.get(c.id))), "")


def _wait(app: Any, until: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while not until() and time.perf_counter() < end:
        app.processEvents()
        time.sleep(0.005)


def _measured(window: Any, tab: str, name: str, canvas: Any, why: str, lecture: bool) -> ViewSizes:
    picture = window.grab().toImage()
    pixels = _array(picture)
    boxes = [box for box in _boxes(window, canvas) if _is_painted(pixels, box, picture.devicePixelRatioF())]
    if not boxes:
        return ViewSizes(tab, name, None, None, None, None)
    sides = [min(box.width(), box.height()) for box in boxes]
    side = min(canvas.width(), canvas.height())
    share = sum(box.width() * box.height() for box in boxes) / side**2
    sizes = ViewSizes(tab, name, round(min(sides)), round(max(sides)), round(share, 3), None)
    if sizes.is_large(lecture):
        return sizes
    return ViewSizes(tab, name, sizes.smallest, sizes.largest, sizes.share, why or None)


def _boxes(window: Any, canvas: Any) -> Iterator[Any]:
    """What can be seen of every picture, in the window's coordinates."""
    from PySide6.QtCore import QPoint, QRect
    from PySide6.QtWidgets import QWidget

    for widget in canvas.findChildren(QWidget):
        if not hasattr(widget, "picture_rects") or not widget.isVisible():
            continue
        seen = widget.visibleRegion().boundingRect()
        for rect in widget.picture_rects():
            box = QRect(rect.toRect()).intersected(seen)
            if not box.isEmpty():
                yield box.translated(widget.mapTo(window, QPoint(0, 0)))


def _array(picture: Any) -> np.ndarray:
    from playground.ui.pictures.pixels import array

    return array(picture)


def _is_painted(pixels: np.ndarray, box: Any, ratio: float) -> bool:
    """Whether the place shows anything but the canvas's ground."""
    from PySide6.QtGui import QColor

    from playground.ui.theme import theme

    top, left = round(box.top() * ratio), round(box.left() * ratio)
    place = pixels[top : top + round(box.height() * ratio), left : left + round(box.width() * ratio)]
    ground = QColor(theme.CANVAS)
    empty = (place == (ground.red(), ground.green(), ground.blue())).all(axis=-1)
    return bool(empty.mean() < _GROUND)
