"""The real window for tests: opened as the program opens it, closed as a person closes it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from playground import checkpoints, data, families
from playground.app import MainWindow
from playground.tabs import registry
from playground.tabs.frame.knob_grid import KnobGrid
from playground.tabs.frame.training import Training
from playground.ui.theme import theme

WAIT = 30_000  # ms, for a busy machine; nothing waits for time itself


def picture_cards() -> list[checkpoints.Card]:
    """The shipped checkpoints that draw pictures in a tab."""
    cards = [card for card in checkpoints.cards() if families.has_tab(card.family)]
    return [card for card in cards if data.modality(card.dataset) == "images"]


@lru_cache
def load(model_id: str) -> Any:
    """Each shipped model once in a process: reading a file is tested elsewhere."""
    return checkpoints.load(model_id)


SHARED = (KnobGrid, Training)  # views of all families
# networks of which every view runs the very code of another's: Glow is multiscale too, DCGAN is drawn from by the same class
REPEATED = {"flow/realnvp": "flow/glow", "gan/gan": "gan/dcgan"}
# grids of pictures that another network of the class draws in a third of the time
REPEATED_VIEWS = {("diffusion/ddpm", "Guidance"), ("diffusion/ddpm", "Steps")}


def every_view():
    """Every view of every model (:func:`shows_first` leaves out repetitions); the two that all families share, of the quickest model of each family."""
    shown = [c for c in checkpoints.cards() if families.has_tab(c.family)]
    cards = [c for c in shown if c.network not in REPEATED]
    for card in shown:
        quickest = min((c for c in cards if c.family == card.family), key=_milliseconds)
        for kind in registry.views_of(families.entry(card.family)):
            repeated = (card.network, kind.name) in REPEATED_VIEWS
            if (kind not in SHARED or card == quickest) and not repeated:
                yield pytest.param(card, kind, id=f"{card.id}-{kind.name}")


def _milliseconds(card: checkpoints.Card) -> float:
    """What a picture costs, as ``playground evaluate`` measured it; infinite where it did not."""
    return float(card.metrics.get("fidelity", {}).get("milliseconds", math.inf))


def shows_first(card: checkpoints.Card, kind: Any) -> bool:
    """Whether this is the first checkpoint of its network that the view suits: others differ in their weights only."""
    if kind in SHARED:
        return True
    alike = [c for c in checkpoints.cards() if c.network == card.network]
    alike.sort(key=lambda c: c.id != families.entry(c.family).opens)
    return next((c.id for c in alike if kind.suits(load(c.id))), "") == card.id


@contextmanager
def opened(**how) -> Iterator[MainWindow]:
    """A shown window of 1280x800 in the dark theme, whose worker runs; at the end it must close in time."""
    app = QApplication.instance()
    theme.load_fonts()
    theme.apply(app, "dark")
    window = MainWindow(**how)
    window.resize(1280, 800)
    window.show()
    window.stream.start()
    try:
        yield window
    finally:
        window.close()
        theme.set_scale(app, 1.0)
    assert window.ended_in_time
    window.deleteLater()


def wait_open(qtbot, window):
    qtbot.waitUntil(lambda: window.current is not None and window.current.view is not None, timeout=WAIT)


def wait_finished(qtbot, view):
    qtbot.waitUntil(lambda: len(view.player.timeline) > 0 and not view.player.is_sampling, timeout=WAIT)


def begun(player):
    """The newest request has brought its first frame."""
    return player.has_begun


def plays_steps_and_stops(qtbot, window, tab):
    """The open view has begun; it pauses, goes a step on, stops, and shows something."""
    view = tab.view
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    view.player.pause()
    qtbot.waitUntil(lambda: not view.player.is_sampling, timeout=WAIT)
    before = view.player.timeline.last.step
    if view.player.is_open:
        view.player.go_last()
        view.player.step_forward()
        qtbot.waitUntil(
            lambda: view.player.timeline.last.step > before or not view.player.is_open, timeout=WAIT
        )
    tab.transport.stop.click()
    view.player.stop()
    assert not view.player.is_playing and tab.banner.isHidden()
    picture = window.grab().toImage()
    canvas = picture.copy(tab.canvas.rect().translated(tab.canvas.mapTo(window, QPoint(0, 0))))
    grey = {
        canvas.pixelColor(x, y).lightness()
        for x in range(0, canvas.width(), 7)
        for y in range(0, canvas.height(), 7)
    }
    assert len(grey) > 12, "an empty canvas"
