"""*Continue from here*: a run is held at a frame and goes on with other settings; both runs are shown, compared, and kept."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from playground.export import picture_metadata
from tests.test_undo import go
from tests.windows import WAIT, begun, wait_finished

QUICK = {
    "ddpm-fashion": (
        "diffusion",
        "Generate",
        {"num_steps": 4, "num_samples": 1, "seed": 5, "label": 1},
        2,
        {"label": 8},
    ),
    "rbm-fashion": ("energy", "Chains", {"num_steps": 6, "num_samples": 2, "seed": 5}, 3, {"seed": 6}),
    "made-fashion": (
        "autoregressive",
        "Generate",
        {"num_samples": 1, "seed": 5, "temperature": 1.0},
        300,
        {"temperature": 0.6},
    ),
    "ngram-bible": ("autoregressive", "Write", {"num_tokens": 40, "seed": 5}, 21, {"seed": 6}),
    "vqprior-fashion": ("vae", "Generate", {"num_samples": 1, "seed": 5}, 17, {"seed": 6}),
}


def finished(qtbot, view):
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.timeline.last.step == view.player.timeline.last.total, timeout=WAIT)


def forked(qtbot, window, model):
    """A run, held at a step by the key, and gone on with another setting: the view, and the frames of the first run."""
    tab, name, settings, step, change = QUICK[model]
    view = go(qtbot, window, tab, model, name, **settings)
    view.player.speed = None
    finished(qtbot, view)
    first = [frame.images for frame in view.player.timeline]
    view.player.seek(view.player.timeline.index_of_step(step))
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_C)
    assert view.player.fork.step == step and window.current.transport.branch.isChecked()
    window.current.knobs.set_settings(change)
    finished(qtbot, view)
    return view, first, step


@pytest.mark.parametrize("model", QUICK)
def test_a_run_goes_on_with_another_setting_and_the_first_is_kept(shared_window, qtbot, model):
    window = shared_window
    view, first, step = forked(qtbot, window, model)
    second = [frame.images for frame in view.player.timeline]
    steps = [frame.step for frame in view.player.timeline]
    assert len(second) == len(first)
    at = steps.index(step)
    assert all(np.array_equal(a, b) for a, b in zip(first[: at + 1], second[: at + 1], strict=True))
    assert not np.array_equal(first[-1], second[-1])
    assert [until for _, until in view.trunk] == [step]
    assert view.side_bar.isVisible() and view.side_bar.sides.index() == 1
    # the switch leads back to the first run, knobs included, and forth again
    window.current.transport.first.click()
    view.side_bar.sides.set_index(0)
    assert view.trunk == [] and view.request == window.current.knobs.request()
    assert np.array_equal(view.player.timeline.last.images, first[-1]) and view.player.frame.step == 0
    view.side_bar.sides.set_index(1)
    assert np.array_equal(view.player.timeline.last.images, second[-1])
    # beside each other, at the same step
    view.player.seek(at)
    view.side_bar.both.click()
    over = window.current.canvas.comparison
    before, now = (images for _, images in over.grid.content().panels)
    assert np.array_equal(before, now), "they part behind this step"
    view.player.go_last()
    shown = over.grid.content().panels
    assert [title for title, _ in shown] == ["run 1", "run 2"]
    assert not np.array_equal(shown[0][1], shown[1][1])
    if model == "ddpm-fashion":
        assert not over.grid.content().captions, "the two sides are of different classes"
    view.side_bar.cross.click()
    assert window.current.canvas.comparison is None and not view.side_bar.isVisible()
    assert np.array_equal(view.player.timeline.last.images, second[-1])


@pytest.mark.parametrize("model", ["made-fashion", "ngram-bible"])
def test_a_node_of_a_branch_is_exported_and_opened_again(shared_window, qtbot, tmp_path, model):
    window = shared_window
    view, _, step = forked(qtbot, window, model)
    view.player.seek(view.player.timeline.index_of_step(step + 9))
    images, kept = view.player.frame.images.copy(), window.current.picture_metadata()
    picture_metadata.save_png(tmp_path / "node.png", np.zeros((4, 4), np.uint8), kept)
    window.current.knobs.set_settings({"seed": 77})
    window.current.transport.branch.click()
    window.open_file(tmp_path / "node.png")
    qtbot.waitUntil(lambda: view.request.seed != 77 and begun(view.player), timeout=WAIT)
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.frame.step == step + 9, timeout=WAIT)
    assert (
        np.array_equal(view.player.frame.images, images) and view.settings()["trunk"] == kept.state["trunk"]
    )


def test_pixels_changed_before_and_behind_a_fork_are_kept_in_order(shared_window, qtbot):
    window = shared_window
    view, _, step = forked(qtbot, window, "made-fashion")
    for at, value in ((step + 60, 255), (step - 60, 200)):
        view.player.seek(view.player.timeline.index_of_step(at))
        view.editor.slider.setValue(value)
        finished(qtbot, view)
    assert list(view.edits.values()) == [200] and view.player.fork is None, "the later one was drawn again"
    assert [until for _, until in view.trunk] == [step - 61]
    images, kept = view.player.timeline.last.images, window.current.picture_metadata()
    window.current.restore(kept)
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    finished(qtbot, view)
    assert np.array_equal(view.player.timeline.last.images, images)


def test_another_number_of_steps_is_another_run(shared_window, qtbot):
    window = shared_window
    view, *_ = forked(qtbot, window, "ddpm-fashion")
    window.current.knobs.set_settings({"num_steps": 3})
    finished(qtbot, view)
    assert view.trunk == [] and view.player.fork is None and not view.side_bar.isVisible()
    assert not window.current.transport.branch.isChecked()


def test_nothing_can_be_continued_where_nothing_follows(shared_window, qtbot):
    window = shared_window
    view = go(qtbot, window, "flow", "nice-fashion", "Generate")
    assert not window.current.transport.branch.isVisible(), "all of it is fixed by z"
    view = go(qtbot, window, "diffusion", "ddpm-fashion", "Generate", num_steps=4, num_samples=1)
    view.player.go_last()
    assert window.current.transport.branch.isVisible() and not window.current.transport.branch.isEnabled()


def test_what_is_painted_on_the_noisy_picture_is_denoised_with_it(shared_window, qtbot):
    window = shared_window
    view = go(qtbot, window, "diffusion", "ddpm-fashion", "Generate", num_steps=6, num_samples=2, seed=5)
    view.player.speed = None
    finished(qtbot, view)
    first = view.player.timeline.last.images
    assert not view.brush.isVisible(), "a run that is over is not painted"
    view.player.seek(view.player.timeline.index_of_step(2))
    assert view.brush.isVisible()
    view.brush.tools.set_index(1)  # white
    box = view.grid.picture_rect(0)

    def at(row, column):
        return QPoint(
            int(box.left() + (column + 0.5) * box.width() / 28),
            int(box.top() + (row + 0.5) * box.height() / 28),
        )

    qtbot.mousePress(view.grid, Qt.MouseButton.LeftButton, pos=at(2, 3))
    qtbot.mouseRelease(view.grid, Qt.MouseButton.LeftButton, pos=at(2, 3))
    finished(qtbot, view)
    painted = view.player.timeline.last.images
    assert view.settings()["painted"] and [until for _, until in view.trunk] == [2]
    assert np.array_equal(painted[1], first[1]) and not np.array_equal(painted[0], first[0])
    assert view.side_bar.isVisible(), "the run without paint is kept"
    kept = window.current.picture_metadata()
    window.current.knobs.set_settings({"seed": 9})
    finished(qtbot, view)
    assert "painted" not in view.settings()
    window.current.restore(kept)
    qtbot.waitUntil(lambda: view.request.seed == 5 and begun(view.player), timeout=WAIT)
    finished(qtbot, view)
    assert np.abs(view.player.timeline.last.images.astype(int) - painted).max() <= 1
    view.brush.tools.set_index(0)


@pytest.mark.parametrize(
    "paint", [[[2, 0, 3]], [[2, 0, 3, 99, 255]], [[2, 0, 3, 3, 2.5]], "x", [[9, 0, 3, 3, 255]]]
)
def test_hostile_paint_is_a_sentence(shared_window, qtbot, paint):
    window = shared_window
    view = go(qtbot, window, "diffusion", "ddpm-fashion", "Generate", num_steps=4, num_samples=1)
    finished(qtbot, view)
    with pytest.raises(ValueError, match=r"\w"):
        view.checked({"painted": paint}, view.request, view.model)
