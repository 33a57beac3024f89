"""The strip of a whole way, at a desk and in a hall; the numbers of a logarithmic axis."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground.tabs.pictures.way_strip import MOST_IN_HALL, WayStrip
from playground.ui.plots.plot_view import log_ticks
from playground.ui.theme import theme


@pytest.fixture
def strip(qtbot, qapp):
    made = WayStrip()
    qtbot.addWidget(made)
    made.setProperty("family", "flow")
    made.resize(900, 160)
    made.show()
    yield made
    theme.set_lecture(qapp, False)


def test_a_hall_sees_fewer_pictures_of_a_way_and_a_click_still_leads_to_the_right_one(strip, qtbot, qapp):
    way = np.arange(37, dtype=np.uint8)[:, None, None, None] * np.ones((1, 28, 28, 1), np.uint8)
    strip.show_way(way, len(way), 35, columns=19)
    assert strip.count() == 37 and strip.columns == 19 and strip.selected() == 35
    theme.set_lecture(qapp, True)
    assert strip.count() == MOST_IN_HALL
    shown = strip.content().panels[0][1][:, 0, 0, 0]
    assert shown[0] == 0 and shown[-1] == 36 and (np.diff(shown) >= 5).all()
    assert strip.selected() == MOST_IN_HALL - 1, "the nearest of those that are shown is marked"
    with qtbot.waitSignal(strip.went) as gone:
        at = strip.picture_rect(2).center().toPoint()
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=at)
    assert gone.args == [shown[2]]
    theme.set_lecture(qapp, False)
    assert strip.count() == 37


def test_what_is_not_reached_yet_is_hatched(strip, qapp):
    way = np.zeros((9, 28, 28, 1), np.uint8)
    strip.show_way(way, 4, 3)
    known = strip.content().known
    assert known[:4].all() and not known[4:].any()
    strip.show_way(way, 9, 8)
    assert strip.content().known is None


@pytest.mark.parametrize(("low", "high"), [(-0.4, 1.0), (-6.0, 0.0), (0.1, 0.65), (2.0, 2.9), (-12.0, 3.0)])
@pytest.mark.parametrize("most", [4, 7, 12])
def test_numbers_of_a_logarithmic_axis_have_room_and_are_round(low, high, most):
    ticks = log_ticks(low, high, most)
    assert len(ticks) >= 2 and all(low <= at <= high for at in ticks)
    if high - low > 1:
        assert len(ticks) <= most + 1
    firsts = {round(10 ** (at - math.floor(at + 1e-9)), 6) for at in ticks}
    assert firsts <= {float(digit) for digit in range(1, 10)}
