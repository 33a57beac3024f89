"""One sample at all its steps on a sheet, and the schedules of noise compared, against their formulas."""

from __future__ import annotations

import numpy as np

from playground.experiments.diffusion import schedules
from playground.tabs.diffusion.trajectory import MOST, stations
from playground.tabs.frame.page import LinkTarget
from playground.ui.theme import theme
from tests.windows import WAIT, begun, load, wait_finished


def test_the_schedules_are_those_of_the_papers():
    t = np.linspace(0, 1, 1001)
    linear, cosine = schedules.linear(t), schedules.cosine(t)
    assert linear[0] == cosine[0] == 1
    betas = np.linspace(1e-4, 0.02, 1000)
    assert np.allclose(linear[500], np.prod(1 - betas[:500]))
    assert np.isclose(linear[1000], 4.0e-5, rtol=0.02)  # of the paper: nearly nothing is left
    f = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2
    assert np.allclose(cosine, f / f[0])
    own = schedules.own(-10.0, 10.0)(t)
    inside = (t > 0.05) & (t < 0.95)
    assert np.allclose(own[inside], np.cos(np.pi / 2 * t[inside]) ** 2)
    assert np.isclose(own[-1], 1 / (1 + np.exp(10.0))) and own[0] < 1
    assert (np.diff(linear) < 0).all() and (np.diff(cosine) < 0).all() and (np.diff(own) <= 0).all()
    assert (linear[300:990] < cosine[300:990]).all()  # the linear one destroys the picture earlier


def test_rows_of_one_picture_under_one_noise():
    model = load("ddpm-fashion")
    (frame,) = schedules.compare(model, schedules.SchedulesRequest(index=3, seed=5))
    rows = frame.images.reshape(3, schedules.STATIONS, 28, 28).astype(int)
    assert np.abs(rows[0, 0] - rows[1, 0]).max() <= 1  # all begin with the picture
    assert np.abs(rows[1, -1] - rows[2, -1]).max() <= 2  # and end in the same noise
    assert np.abs(rows[0, 2] - rows[1, 2]).mean() > 10  # at different paces
    assert frame.extras["alpha_bar"].shape == (3, schedules.STATIONS)


def test_stations_hold_both_ends():
    assert stations(5) == [0, 1, 2, 3, 4, 5]
    many = stations(200)
    assert many[0] == 0 and many[-1] == 200 and len(many) == MOST


def test_the_sheet_fills_step_by_step(shared_window, qtbot):
    window = shared_window
    window.go(LinkTarget("diffusion", "ddpm-fashion", "Trajectory", {"num_steps": 4}))
    tab = window.current
    qtbot.waitUntil(lambda: tab.view is not None and tab.view.name == "Trajectory", timeout=WAIT)
    view = tab.view
    qtbot.waitUntil(lambda: begun(view.player) and view.request.num_steps == 4, timeout=WAIT)
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.frame.step == 4 and view.player.frame.total == 4, timeout=WAIT)
    content = view.grid.content()
    assert list(content.captions) == [f"step {i}" for i in range(5)] and content.known is None
    frames = list(view.player.timeline)
    assert np.array_equal(content.panels[0][1], np.concatenate([f.images for f in frames]))
    view.player.seek(2)
    qtbot.waitUntil(lambda: view.grid.content().known is not None, timeout=WAIT)
    assert np.array_equal(view.grid.content().known[:, 0, 0], [True, True, True, False, False])
    window.go(LinkTarget("diffusion", "ddpm-fashion", "Schedules"))
    qtbot.waitUntil(lambda: tab.view.name == "Schedules" and begun(tab.view.player), timeout=WAIT)
    wait_finished(qtbot, tab.view)
    qtbot.waitUntil(lambda: tab.view.is_settled, timeout=WAIT)
    assert tab.view.grid.columns == schedules.STATIONS and len(tab.view.grid.content().panels) == 3
    window.lecture.begin(full_screen=False)
    try:
        qtbot.waitUntil(lambda: tab.view.grid.picture_rect(0).width() >= theme.LECTURE_SIDE, timeout=WAIT)
        assert (
            len(tab.view.grid.content().row_captions) == 3
            and tab.view.grid.num_shown == 3 * schedules.STATIONS
        )
    finally:
        window.lecture.end()
    assert len(tab.view.grid.content().panels) == 3
    assert np.allclose(
        tab.view.plot.curve(schedules.LINEAR)[1], schedules.linear(np.linspace(0, 1, schedules.POINTS))
    )
