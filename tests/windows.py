"""The real window for tests: opened as the program opens it, closed as a person closes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from PySide6.QtWidgets import QApplication

from playground import checkpoints, data, families
from playground.app import MainWindow
from playground.ui import theme

WAIT = 30_000  # ms, for a busy machine; nothing waits for time itself


def picture_cards() -> list[checkpoints.Card]:
    """The shipped checkpoints that draw pictures."""
    return [card for card in checkpoints.cards() if data.modality(card.dataset) == "images"]


@lru_cache
def load(model_id: str) -> Any:
    """Each shipped model once in a process: reading a file is tested elsewhere."""
    return checkpoints.load(model_id)


def shows_first(card: checkpoints.Card, kind: Any) -> bool:
    """Whether this is the first checkpoint of its network that the view suits: others differ in their weights only."""
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
