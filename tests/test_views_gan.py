"""The GAN tab's views, driven in the real window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground import checkpoints, data
from playground.models.gan import _explore
from tests.test_window import open_window, wait_finished  # noqa: F401

STYLES = "stylegan-fashion"
WAIT = 60_000  # ms


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.tabs.shelf.os.cpu_count", lambda: 1)


def captions(grid):
    return list(grid.content().captions)


def last_frame(view):
    return view.player.timeline.last


def test_each_picture_carries_the_discriminators_opinion(open_window, qtbot):  # noqa: F811
    window = open_window(model_id="gan-fashion", view="Generate")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    frame = last_frame(view)
    opinion = frame.extras["opinion"]
    assert frame.images.shape[0] == len(opinion) == 16 and (opinion > 0).all() and (opinion < 1).all()
    assert captions(view.grid)[3] == f"{opinion[3]:.0%}".replace("%", " % real")
    view.grid.select(5)
    assert f"{opinion[5]:.3f}" in view.plot.legend()
    tab.open_model(STYLES)
    qtbot.waitUntil(lambda: tab.model_id == STYLES and len(view.player.timeline) > 0, timeout=WAIT)
    wait_finished(qtbot, view)
    assert last_frame(view).extras["opinion"].min() < 0 and captions(view.grid)[1] == "Trouser"


def test_truncation_pulls_all_pictures_of_a_class_together(open_window, qtbot):  # noqa: F811
    window = open_window(model_id=STYLES, view="Generate")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)

    def variety(psi):
        tab.knobs.set_settings({"truncation_psi": psi, "label": 7, "noise": False})
        qtbot.waitUntil(lambda: view.request.truncation_psi == psi, timeout=WAIT)
        wait_finished(qtbot, view)
        return last_frame(view).images.astype(float).std(0).mean()

    assert variety(0.0) == 0 < variety(0.5) < variety(1.0)


def test_a_walk_is_closed_and_played_as_a_loop(open_window, qtbot):  # noqa: F811
    window = open_window(model_id="gan-fashion", view="Latent walk")
    tab, view = window.current, window.current.view
    view.player.speed = None
    tab.knobs.set_settings({"num_steps": 12, "num_samples": 2})
    qtbot.waitUntil(lambda: view.request.num_steps == 12 and len(view.player.timeline) == 12, timeout=WAIT)
    pictures = np.stack([f.images for f in view.player.timeline]).astype(float)
    steps = np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3, 4))
    closing = np.abs(pictures[0] - pictures[-1]).mean()
    assert closing <= 1.5 * steps.max(), "the last picture leads on to the first"
    assert view.player.loop


def test_the_lattice_follows_the_pointer(open_window, qtbot):  # noqa: F811
    window = open_window(model_id="gan-fashion", view="Lattice")
    view = window.current.view
    wait_finished(qtbot, view)
    sheet = last_frame(view)
    view.plane.moved.emit(1.0, -1.0)
    qtbot.waitUntil(
        lambda: view.picture.count() and captions(view.picture) == ["(+1.00, −1.00)"], timeout=WAIT
    )
    model = checkpoints.load("gan-fashion")
    expected = next(_explore.lattice_point(model, view.request)).images[0]
    assert np.array_equal(view.picture.content().panels[0][1][0], expected)
    assert last_frame(view) is sheet, "the sheet itself is not drawn again"
    before = view.request.u
    view.plane.setFocus()
    qtbot.keyClick(view.plane, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: view.request.u < before, timeout=WAIT)


def test_a_search_comes_nearer_to_the_test_image(open_window, qtbot):  # noqa: F811
    window = open_window(model_id="gan-fashion", view="Project")
    tab, view = window.current, window.current.view
    qtbot.waitUntil(lambda: len(view.player.timeline) > 0, timeout=WAIT)
    tab.knobs.set_settings({"index": 2, "num_steps": 30})
    qtbot.waitUntil(lambda: view.request.num_steps == 30 and not view.player.is_sampling, timeout=WAIT)
    frames = list(view.player.timeline)
    assert np.array_equal(frames[-1].images[0], data.load("fashion", "test")[0][2])
    assert frames[-1].extras["distance"] < 0.5 * frames[0].extras["distance"]
    with pytest.raises(KeyError):  # a search has no dice
        tab.knobs.row("seed")


def test_mixing_gives_each_cell_the_chosen_layers_of_its_column(open_window, qtbot):  # noqa: F811
    window = open_window(model_id=STYLES, view="Style mixing")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    columns = last_frame(view).extras["columns"]
    tab.knobs.set_settings({"layers": "all"})
    qtbot.waitUntil(lambda: view.request.layers == "all", timeout=WAIT)
    wait_finished(qtbot, view)
    sheet = last_frame(view).images.reshape(-1, columns, 28, 28, 1).astype(int)
    for column in range(1, columns):
        assert np.abs(sheet[1:, column] - sheet[0, column]).max() <= 1, "all layers: the column's own picture"


def test_a_direction_moves_the_picture_and_keeps_its_name(open_window, qtbot, tmp_path):  # noqa: F811
    window = open_window(model_id=STYLES, view="Directions")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    still = last_frame(view).images
    assert np.array_equal(still[0], still[1])
    name = next(n for n in tab.knobs.settings() if n.endswith("1"))
    tab.knobs.set_settings({**tab.knobs.settings(), name: 3.0})
    qtbot.waitUntil(lambda: getattr(view.request, name) == 3.0, timeout=WAIT)
    wait_finished(qtbot, view)
    moved = last_frame(view).images
    assert np.array_equal(moved[0], still[0]) and not np.array_equal(moved[1], moved[0])
    view.which.setCurrentIndex(1)
    view.title.setText("longer sleeves")
    view.title.editingFinished.emit()
    assert view.which.itemText(1) == "direction 2: longer sleeves"
    view.which.setCurrentIndex(0)
    view.which.setCurrentIndex(1)
    assert view.title.text() == "longer sleeves"
