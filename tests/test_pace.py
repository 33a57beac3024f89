"""The window's share of the time, with clocks that the test turns, and what one delivery may cost in paints."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from playground.contract import Frame
from playground.ui.pictures import pixels
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.playback.pace import REFRESH, SLOWEST, Pace
from playground.ui.playback.player import Player
from playground.ui.playback.stream import Stream
from playground.ui.playback.transport import Transport


class Clocks:
    """A wall clock and a processor clock."""

    def __init__(self) -> None:
        self.now = self.spent = 1000.0

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.spent += seconds


def deliveries(cost: float, seconds: float, hurried: bool = False) -> tuple[int, float]:
    """How many there are in so much time if slots and paints cost ``cost``, and the share of time they take."""
    clocks = Clocks()
    pace, end, count = Pace(lambda: clocks.now, lambda: clocks.spent), clocks.now + seconds, 0
    before = clocks.spent
    while clocks.now < end:
        clocks.now += max(pace.wait, 0)
        pace.begin()
        clocks.work(cost / 4)  # the slots
        pace.end(hurried)
        clocks.work(cost * 3 / 4)  # the paints that follow
        count += 1
    return count, (clocks.spent - before) / seconds


@pytest.mark.parametrize("cost", [0.002, 0.004, 0.007])
def test_the_window_takes_less_than_a_tenth_of_the_time(cost: float) -> None:
    count, share = deliveries(cost, 20)
    assert share < 0.1
    assert count > 20 / SLOWEST * 0.95


def test_cheap_paints_come_at_every_refresh_and_dear_ones_still_make_a_moving_picture() -> None:
    assert deliveries(0.0005, 10)[0] >= 10 / REFRESH * 0.99
    assert 10 / SLOWEST * 0.9 <= deliveries(0.05, 10)[0] <= 10 / SLOWEST * 1.1


def test_under_a_finger_every_refresh_counts() -> None:
    assert deliveries(0.006, 10, hurried=True)[0] >= 10 / REFRESH * 0.99
    clocks = Clocks()
    pace = Pace(lambda: clocks.now, lambda: clocks.spent)
    for _ in range(30):
        pace.begin()
        pace.end()
        clocks.work(0.006)
    assert pace.wait > REFRESH
    pace.hurry()
    assert pace.wait <= REFRESH


class Requests(QObject):
    """Counts what makes a window lay itself out or paint."""

    def __init__(self) -> None:
        super().__init__()
        self.layouts = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.layouts += event.type() == QEvent.Type.LayoutRequest
        return False


def test_one_delivery_composes_the_pictures_once(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []
    real = pixels.argb
    monkeypatch.setattr(pixels, "argb", lambda images: composed.append(1) or real(images))
    grid = ImageGrid()
    qtbot.addWidget(grid)
    grid.resize(300, 300)
    grid.show()
    grid.set_images(np.zeros((4, 8, 8, 1), np.uint8))
    grid.grab()
    composed.clear()
    for step in range(5):
        grid.set_images(np.full((4, 8, 8, 1), step, np.uint8), captions=list("abcd"))
        grid.set_known(np.arange(64).reshape(8, 8) < step)
        grid.set_marker(step)
        grid.grab()
    assert len(composed) == 5
    painted = grid.ground.times_painted
    grid.set_images(np.zeros((4, 8, 8, 1), np.uint8), captions=list("abcd"))
    grid.grab()
    assert grid.ground.times_painted == painted, "captions that stay are not painted again"
    grid.set_images(np.zeros((4, 8, 8, 1), np.uint8), captions=list("abcx"))
    grid.grab()
    assert grid.ground.times_painted == painted + 1


def test_new_figures_do_not_lay_the_window_out_again(qtbot: QtBot) -> None:
    player = Player(Stream().lane("run"))
    bar = Transport(player)
    qtbot.addWidget(bar)
    bar.resize(900, 60)
    bar.show()
    frames = [Frame(i, 99, i, np.zeros((1, 8, 8, 1), np.uint8)) for i in range(1, 60)]
    player.store(frames[:1])
    qtbot.wait(1)
    counted, app = Requests(), QApplication.instance()
    app.installEventFilter(counted)
    before = bar.label.text()
    player.store(frames[1:])
    app.sendPostedEvents()
    app.removeEventFilter(counted)
    assert bar.label.text() != before and counted.layouts == 0
