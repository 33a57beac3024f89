"""Every edit can be undone and done again, many steps; what it changed can be looked at before and after."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground.tabs.frame.page import LinkTarget
from playground.ui.pictures import comparison
from tests.windows import WAIT, begun, wait_finished


def go(qtbot, window, tab, model, view, **settings):
    with qtbot.waitSignal(
        window.current.opened if window.current else window.tabs.currentChanged, raising=False
    ):
        window.go(LinkTarget(tab, model, view, settings))
    shown = window.current
    qtbot.waitUntil(
        lambda: shown.view is not None and shown.model_id == model and shown.view.name == view, timeout=WAIT
    )
    qtbot.waitUntil(
        lambda: all(getattr(shown.view.request, k) == v for k, v in settings.items()), timeout=WAIT
    )
    qtbot.waitUntil(lambda: begun(shown.view.player), timeout=WAIT)
    wait_finished(qtbot, shown.view)
    window.history.settle()
    return shown.view


def edits(window):
    """How many steps can be taken back."""
    window.history.settle()
    stack = window.history.stack
    return stack.index() if stack is not None else 0


def press(qtbot, window, key="Z", shift=False):
    modifiers = Qt.KeyboardModifier.ControlModifier
    if shift:
        modifiers |= Qt.KeyboardModifier.ShiftModifier
    window.activateWindow()
    qtbot.keyClick(window, getattr(Qt.Key, f"Key_{key}"), modifiers)


def stands(qtbot, view, images):
    """The picture comes back, to the bit."""
    qtbot.waitUntil(
        lambda: (
            begun(view.player)
            and view.player.frame is not None
            and view.player.frame.images.shape == images.shape
            and np.array_equal(view.player.frame.images, images)
        ),
        timeout=WAIT,
    )


def test_knobs_are_undone_one_by_one_and_done_again(shared_window, qtbot):
    view = go(qtbot, shared_window, "gan", "dcgan-fashion", "Generate")
    knobs = shared_window.current.knobs
    first, seeds, pictures = knobs.request().seed, (11, 12, 13), []
    before = edits(shared_window)
    for seed in seeds:
        knobs.set_settings({"seed": seed})
        wait_finished(qtbot, view)
        qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
        pictures.append(view.player.frame.images)
        assert edits(shared_window) == before + len(pictures)
    for seed in (12, 11, first):
        shared_window.history.undo()
        assert knobs.request().seed == view.request.seed == seed
    shared_window.history.redo()
    assert knobs.request().seed == 11
    stands(qtbot, view, pictures[0])
    shared_window.history.redo()
    stands(qtbot, view, pictures[1])


def test_the_keys_and_the_words_of_the_menu(shared_window, qtbot):
    view = go(qtbot, shared_window, "gan", "dcgan-fashion", "Generate")
    knobs = shared_window.current.knobs
    seed = knobs.request().seed
    knobs.set_settings({"seed": seed + 1})
    wait_finished(qtbot, view)
    assert edits(shared_window) and shared_window.history.stack.undoText() == knobs.row("seed").knob.label
    press(qtbot, shared_window)
    assert knobs.request().seed == seed
    press(qtbot, shared_window, shift=True)
    assert knobs.request().seed == seed + 1


def test_a_drag_is_one_step(shared_window, qtbot):
    view = go(qtbot, shared_window, "vae", "vae-fashion", "Sliders")
    before, moved = edits(shared_window), view.request.moved
    picture = view.player.frame.images
    for value in (0.2, 0.6, 1.4):
        view.sliders.moved.emit(0, value)
    wait_finished(qtbot, view)
    assert edits(shared_window) == before + 1 and view.request.moved != moved
    shared_window.history.undo()
    assert view.request.moved == moved
    stands(qtbot, view, picture)


def test_an_edit_comes_back_at_once_and_its_run_is_whole_again(shared_window, qtbot):
    view = go(qtbot, shared_window, "vae", "vqprior-fashion", "Generate", num_samples=2)
    player = view.player
    whole = player.timeline.last.images
    view.grid.select(1)
    player.seek(player.timeline.index_of_step(20))  # row 2, column 5 of 7 x 7 cells
    player.show_now()
    shown = player.frame.images
    before = edits(shared_window)
    assert view.editor.place == (1, 2, 5, 0)
    slider = view.editor.slider
    slider.setValue(3 if slider.value() != 3 else 5)
    wait_finished(qtbot, view)
    changed = dict(view.edits)
    assert edits(shared_window) == before + 1 and list(changed) == [(1, 2, 5, 0)]
    assert view.grid.marks.edited == ((1, 8, 20, 4),), "the place stays marked"
    shared_window.history.undo()
    assert not view.edits and np.array_equal(view.grid.content().panels[0][1], shown)  # before any new frame
    stands(qtbot, view, shown)
    qtbot.waitUntil(lambda: not player.is_sampling, timeout=WAIT)
    assert np.array_equal(player.timeline.last.images, whole) and not player.is_playing
    shared_window.history.redo()
    wait_finished(qtbot, view)
    assert view.edits == changed


def test_opening_something_is_no_edit(shared_window, qtbot):
    go(qtbot, shared_window, "gan", "dcgan-fashion", "Generate")
    before = edits(shared_window)
    go(qtbot, shared_window, "gan", "dcgan-fashion", "Generate", seed=99)
    assert edits(shared_window) == before
    go(qtbot, shared_window, "gan", "stylegan-fashion", "Generate")
    go(qtbot, shared_window, "gan", "dcgan-fashion", "Generate")
    assert edits(shared_window) == before


def test_what_changed_in_three_ways(shared_window, qtbot):
    view = go(qtbot, shared_window, "gan", "dcgan-fashion", "Generate")
    tab, knobs = shared_window.current, shared_window.current.knobs
    was = view.player.frame.images
    knobs.set_settings({"seed": knobs.request().seed + 1})
    wait_finished(qtbot, view)
    assert edits(shared_window) and tab.change_button.isVisible()
    now = view.player.frame.images
    qtbot.keyClick(shared_window, Qt.Key.Key_B)
    over = tab.canvas.comparison
    assert np.array_equal(over.grid.content().panels[0][1], comparison.difference(was, now))
    qtbot.keyClick(shared_window, Qt.Key.Key_B)
    assert over.mode == comparison.BLINK
    with qtbot.waitSignal(over.grid.redrawn, timeout=WAIT):
        pass
    qtbot.waitUntil(lambda: np.array_equal(over.grid.content().panels[0][1], was), timeout=WAIT)
    qtbot.keyClick(shared_window, Qt.Key.Key_B)
    assert [len(p) for _, p in over.grid.content().panels] == [len(was), len(now)]
    qtbot.keyClick(shared_window, Qt.Key.Key_B)
    assert tab.canvas.comparison is None
    tab.change_button.click()
    qtbot.keyClick(tab.canvas.comparison, Qt.Key.Key_Escape)
    assert tab.canvas.comparison is None
    shared_window.history.undo()


def test_the_difference_says_which_way():
    before = np.full((1, 1, 3, 1), 100, np.uint8)
    now = np.array([100, 180, 20], np.uint8).reshape(1, 1, 3, 1)
    same, lighter, darker = comparison.difference(before, now)[0, 0].astype(int)
    assert not same.any() and lighter[0] > lighter[2] and darker[2] > darker[0]
    colours = comparison.difference(
        np.array([[[[255, 0, 0]]]], np.uint8), np.array([[[[0, 255, 0]]]], np.uint8)
    )
    assert colours.max() > 100  # of one lightness, yet another colour


@pytest.mark.parametrize("act", ("paint", "invert", "blank"))
def test_one_image_takes_strokes_back(shared_window, qtbot, act):
    shared_window.go(LinkTarget("compare", "", "One image"))
    scene = shared_window.page.scene
    qtbot.waitUntil(lambda: scene.grid.count() > 0, timeout=WAIT)
    shared_window.history.settle()
    before, said, count = scene.grid.picture(), scene.said.text(), edits(shared_window)
    if act == "paint":
        at = scene.grid.picture_rect(0).center().toPoint()
        qtbot.mouseMove(scene.grid, at)
        scene.grid.setFocus()
        qtbot.keyClick(scene.grid, Qt.Key.Key_Down)
        qtbot.keyClick(scene.grid, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    else:
        getattr(scene.panel, act).click()
    after = scene.grid.picture()
    assert not np.array_equal(before, after) and edits(shared_window) == count + 1
    shared_window.history.undo()
    assert np.array_equal(scene.grid.picture(), before) and scene.said.text() == said
    shared_window.history.redo()
    assert np.array_equal(scene.grid.picture(), after)
    scene.scores.stop()


def test_a_branch_is_undone(shared_window, qtbot):
    window = shared_window
    settings = {"num_steps": 4, "num_samples": 1, "label": 1, "seed": 5}
    view = go(qtbot, window, "diffusion", "ddpm-fashion", "Generate", **settings)
    whole = view.player.timeline.last.images
    view.player.seek(view.player.timeline.index_of_step(2))
    window.history.settle()
    before = edits(window)
    window.current.knobs.set_settings({"label": 8})
    wait_finished(qtbot, view)
    assert edits(window) == before + 1 and len(view.trunk) == 1
    branched = view.player.timeline.last.images
    window.history.undo()
    assert view.trunk == [] and view.request.label == 1
    qtbot.waitUntil(lambda: begun(view.player) and view.player.timeline.last.step == 4, timeout=WAIT)
    assert view.player.frame.step == 2 and np.array_equal(view.player.timeline.last.images, whole)
    window.history.redo()
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: begun(view.player) and view.player.timeline.last.step == 4, timeout=WAIT)
    assert np.array_equal(view.player.timeline.last.images, branched) and view.request.label == 8
