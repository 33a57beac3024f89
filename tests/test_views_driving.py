"""Driving in the dream as a person does: keys, the wheel given back, back in time and another way, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground.cli.main import main
from playground.tabs.vae.driving.dream import FRAMES_PER_SECOND, RANGE
from tests.windows import WAIT, opened, wait_open


@pytest.fixture(scope="module")
def window(qapp):
    with opened(tab="vae") as one:
        yield one


def go(qtbot, window, view):
    wait_open(qtbot, window)
    tab = window.current
    if tab.model is None or tab.model.card.id != "worldmodel-car":
        tab.open_model("worldmodel-car")
    qtbot.waitUntil(lambda: tab.model is not None and tab.model.card.id == "worldmodel-car", timeout=WAIT)
    tab.show_view([v.name for v in tab.suitable].index(view))
    if view == "Dream":
        tab.knobs.set_settings({"num_frames": 90})
    return tab, tab.view


def came(view, step):
    return lambda: view.player.timeline.last is not None and view.player.timeline.last.step >= step


def test_it_has_views_of_its_own_and_none_of_pictures(window, qtbot):
    tab, _ = go(qtbot, window, "Dream")
    names = [v.name for v in tab.suitable]
    assert names[:3] == ["Dream", "Controller", "World and dream"]
    assert not {"Generate", "Reconstruct", "Grid", "Neighbours", "Interpolate"} & set(names)


def test_the_controller_drives_until_a_key_is_pressed_and_takes_the_wheel_back(window, qtbot):
    _, view = go(qtbot, window, "Dream")
    assert view.player.speed == FRAMES_PER_SECOND
    qtbot.waitUntil(came(view, 3), timeout=WAIT)
    window.current.take_keys()
    assert window.focusWidget() is view and "controller" in view.who.text() and not view.let_drive.isEnabled()
    view.player.speed = None
    begun = len(view.wheel.past)
    qtbot.keyPress(view, Qt.Key.Key_Left)
    assert "You" in view.who.text()
    qtbot.waitUntil(lambda: len(view.wheel.past) > begun + 8, timeout=WAIT)
    qtbot.keyRelease(view, Qt.Key.Key_Left)
    assert min(row[0] for row in view.wheel.past) == -1.0, "the wheel has come to its end"
    view.let_drive.click()
    assert view.wheel.held is None and "controller" in view.who.text()
    qtbot.waitUntil(lambda: view.player.timeline.last.step == view.request.num_frames, timeout=WAIT)


def test_back_in_time_it_goes_another_way(window, qtbot):
    _, view = go(qtbot, window, "Dream")
    view.player.speed = None
    view.player.play()
    qtbot.waitUntil(lambda: view.is_settled, timeout=WAIT)
    before = [frame.images.copy() for frame in view.player.timeline]
    view.player.seek(view.player.timeline.index_of_step(40))
    qtbot.keyPress(view, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: view.is_settled and view.player.timeline.last.step > 60, timeout=WAIT)
    qtbot.keyRelease(view, Qt.Key.Key_Right)
    now = [frame.images for frame in view.player.timeline]
    assert all(np.array_equal(a, b) for a, b in zip(before[:41], now[:41], strict=True))
    assert not np.array_equal(before[60], now[60])


def test_temperature_and_a_number_of_the_code_are_turned_on_the_way(window, qtbot):
    tab, view = go(qtbot, window, "Dream")
    view.player.speed = FRAMES_PER_SECOND
    tab.knobs.set_settings({"seed": 12})
    qtbot.waitUntil(
        lambda: view.request.seed == 12 and 2 <= view.player.timeline.last.step < 50, timeout=WAIT
    )
    tab.knobs.set_settings({"temperature": 1.4})
    view.number.setCurrentIndex(4)
    view.value.sliderMoved.emit(50)
    view.player.speed = None
    qtbot.waitUntil(lambda: view.is_settled, timeout=WAIT)
    heats = [row[3] for row in view.wheel.past]
    assert heats[0] != heats[-1] == pytest.approx(1.4) and len(heats) == view.request.num_frames
    assert len(view.wheel.edits) == 1 and view.wheel.edits[0][1:] == (4, RANGE / 2)


def test_world_and_dream_part_and_it_is_said(window, qtbot):
    _, view = go(qtbot, window, "World and dream")
    view.player.speed = None
    qtbot.waitUntil(lambda: view.is_settled and came(view, 92)(), timeout=WAIT)
    parted = view.player.timeline.last.extras["parted"]
    assert parted > 3, "it has learned to foresee a little"
    qtbot.waitUntil(lambda: f"up to frame {parted}" in view.meaning.text(), timeout=WAIT)


def test_a_sampled_drive_and_a_sampled_sound_open_where_they_are_shown(window, qtbot, tmp_path):
    film, sound = tmp_path / "drive.gif", tmp_path / "word.wav"
    assert main(["sample", "worldmodel-car", "--set", "num_frames=3", "--seed", "9", "--out", str(film)]) == 0
    assert main(["sample", "wavenet-words", "--set", "word=seven", "--seed", "8", "--out", str(sound)]) == 0
    for file, view, seed in ((film, "Controller", 9), (sound, "Speak", 8)):
        window.open_file(file)
        qtbot.waitUntil(
            lambda view=view, seed=seed: (
                window.current.view is not None
                and window.current.view.name == view
                and window.current.view.request is not None
                and window.current.view.request.seed == seed
            ),
            timeout=WAIT,
        )
        assert window.current.banner.isHidden(), window.current.banner.text()
