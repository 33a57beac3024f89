"""The Flow tab's views, driven in the real window with the quickest flow."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground import data
from tests.windows import wait_finished

MODEL = "nice-fashion"
WAIT = 60_000  # ms


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


def test_a_test_image_travels_to_z_and_back_and_its_stops_can_be_clicked(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Layer by layer")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    assert not tab.knobs.row("image").isVisibleTo(tab) and tab.knobs.row("seed").isVisibleTo(tab)
    one_way = view.player.timeline.last.total
    tab.knobs.set_settings({"start": "image", "image": 3})
    qtbot.waitUntil(lambda: view.player.timeline.last.total == 2 * one_way, timeout=WAIT)
    wait_finished(qtbot, view)
    assert tab.knobs.row("image").isVisibleTo(tab) and not tab.knobs.row("seed").isVisibleTo(tab)
    frames = list(view.player.timeline)
    picture = data.load("fashion", "test")[0][3]
    assert np.array_equal(frames[0].images[0], picture) and np.array_equal(frames[-1].images[0], picture)
    qtbot.waitUntil(lambda: view.strip.count() == len(frames), timeout=WAIT)
    assert view.strip.columns == one_way + 1
    view.player.pause()
    view.strip.picked.emit(one_way, 0, 0)
    assert view.player.frame.extras["layer"] == "actnorm" and view.player.frame.extras["at"] == one_way
    x, density = view.plot.curve("these numbers")
    assert 0.5 < density.sum() * (x[1] - x[0]) <= 1.001, "a histogram of nearly all the numbers"


def test_a_turned_temperature_is_answered_by_pictures_and_a_new_seed_by_its_way_there(
    open_window, qtbot, monkeypatch
):
    """All but the last frame of a flow look like noise: a slider that is dragged would show nothing else."""
    window = open_window(model_id=MODEL, view="Generate")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    monkeypatch.setattr(type(view), "answers_within", WAIT / 1000)  # a slow machine, too
    seen = []
    view.player.shown.connect(lambda frame: seen.append(frame.step == frame.total))
    tab.knobs.set_settings({"temperature": 0.3})
    qtbot.waitUntil(lambda: view.request.temperature == 0.3 and view.player.has_begun, timeout=WAIT)
    wait_finished(qtbot, view)
    assert seen and all(seen) and len(view.player.timeline) == view.player.frame.total + 1
    together = []
    monkeypatch.setattr("playground.tabs.frame.view.gathered", lambda frames, _: together.append(1) or frames)
    tab.knobs.set_settings({"seed": 8})
    qtbot.waitUntil(lambda: view.request.seed == 8 and view.player.has_begun, timeout=WAIT)
    assert not together, "a new seed is a run to watch, frame by frame"
    wait_finished(qtbot, view)


def test_a_round_trip_says_what_was_lost(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Round trip")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    tab.knobs.set_settings({"image": 8, "within": "centre"})
    qtbot.waitUntil(
        lambda: np.array_equal(view.player.frame.images[0], data.load("fashion", "test")[0][8]), timeout=WAIT
    )
    assert np.array_equal(view.player.frame.images[2], view.player.frame.images[0])
    assert "no pixel changed" in view.figures.text()
    assert not tab.knobs.row("seed").isVisibleTo(tab)


def test_a_negative_costs_more(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Score")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    plain = view.player.timeline.last.extras["bits"].mean()
    assert f"{plain:.4f}" in view.figures.text()
    tab.knobs.set_settings({"change": "negative"})
    qtbot.waitUntil(
        lambda: not view.player.is_sampling and view.player.timeline.last.images[0, 0, 0, 0] == 255,
        timeout=WAIT,
    )
    assert view.player.timeline.last.extras["bits"].mean() > plain + 0.5


def test_a_picture_becomes_every_class_and_the_arrows_take_another(open_window, qtbot):
    window = open_window(model_id="tarflow-fashion", view="Analogies")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    labels = data.load("fashion", "test")[1]
    assert not tab.knobs.row("seed").isVisibleTo(tab), "no noise, no dice"
    assert view.grid.count() == 10 and view.player.frame.extras["origin_label"] == labels[1]
    qtbot.mouseClick(view.stepper.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.player.frame.extras["origin_label"] == labels[2] != labels[1], timeout=WAIT)
    wait_finished(qtbot, view)
    assert view.stepper.label.text() == "test image 2: Trouser"
    captions = view.grid.content().captions
    assert captions[1] == "Trouser, its own" and captions[9].endswith(" bits") and "+" in captions[9]
    tab.knobs.set_settings({"noise": 0.5})
    assert tab.knobs.row("seed").isVisibleTo(tab)


def test_a_flow_that_knows_no_classes_has_no_analogies(open_window):
    window = open_window(model_id=MODEL)
    assert "Analogies" not in [view.name for view in window.current.suitable]


def test_a_walk_of_a_flow_that_knows_classes_can_be_told_them_or_not(open_window, qtbot):
    window = open_window(model_id="tarflow-fashion", view="Interpolate")
    tab, view = window.current, window.current.view
    tab.knobs.set_settings({"num_steps": 3})
    qtbot.waitUntil(lambda: view.player.frame is not None and view.player.frame.total == 3, timeout=WAIT)
    wait_finished(qtbot, view)
    told = np.concatenate([frame.images for frame in view.player.timeline])
    tab.knobs.set_settings({"class_label": "none"})
    qtbot.waitUntil(lambda: view.request.class_label == "none" and not view.player.is_sampling, timeout=WAIT)
    wait_finished(qtbot, view)
    assert not np.array_equal(told, np.concatenate([frame.images for frame in view.player.timeline]))
    assert "class_label" not in open_window(model_id=MODEL, view="Interpolate").current.knobs.settings()
