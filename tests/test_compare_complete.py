"""Compare's *Complete*: one picture and one mask before several models, painted, undone, kept and opened again."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from playground import data
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.compare.complete import MASKS, preset
from tests.windows import WAIT, opened

QUICK = ["vae2d-fashion", "gan-toofast-fashion", "rbm-fashion"]


@pytest.fixture(scope="module")
def window(qapp):
    """One window for all tests here, with three quick models, one of which cannot."""
    with opened(tab="compare", view="Table") as one:
        yield one


@pytest.fixture
def scene(window, qtbot):
    """Filled in, in a few steps."""
    page = window.page
    page.show_scene("Complete")
    scene = page.scene
    scene.stop()
    scene.index, scene.own, scene.said, scene.unknown = 0, None, "", preset(0)
    scene.models.choose(QUICK)
    scene.knobs.set_silently({"effort": 0.05, "num_samples": 2, "seed": 3})
    return filled(qtbot, scene, scene.start)


def filled(qtbot, scene, act):
    """Do something that begins a filling, and wait for its end."""
    act()
    qtbot.waitUntil(lambda: scene.is_settled and not scene.race.is_empty, timeout=WAIT)
    return scene


def shown(scene, model):
    """The fillings in a panel, uint8 (B,28,28,1)."""
    return scene.race.stand(scene.ids.index(model)).frame.images


def test_every_model_fills_in_the_same_part_and_one_says_why_it_cannot(scene):
    picture = data.load("fashion", "test")[0][0]
    for model in ("vae2d-fashion", "rbm-fashion"):
        found = shown(scene, model)
        assert found.shape == (2, 28, 28, 1) and (found[:, ~scene.unknown] == picture[~scene.unknown]).all()
        assert not np.array_equal(found[0], found[1])
    refused = scene.race.stand(scene.ids.index("gan-toofast-fashion"))
    assert refused.frame is None and refused.outcome == "failed"
    panel = scene.board.panels[scene.ids.index("rbm-fashion")]
    assert "chain" in panel.head.toolTip()


def test_another_mask_is_a_preset_or_painted_and_can_be_taken_back(scene, qtbot, window):
    window.history.settle()
    before = scene.unknown.copy()
    filled(qtbot, scene, lambda: scene.masks.set_index(MASKS.index("hole")))
    assert np.array_equal(scene.unknown, preset(1)) and scene.unknown.sum() < before.sum()
    window.history.settle()
    grid = scene.slot.grid
    corner = grid.picture_rect(0).topLeft().toPoint() + QPoint(4, 4)
    with qtbot.waitSignal(grid.masked, timeout=WAIT):
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=corner)
    qtbot.waitUntil(lambda: scene.is_settled, timeout=WAIT)
    assert scene.unknown[0, 0] and not preset(1)[0, 0]
    window.history.settle()
    assert window.history.stack is not None and window.history.stack.canUndo()
    window.history.undo()
    qtbot.waitUntil(lambda: not scene.unknown[0, 0] and scene.is_settled, timeout=WAIT)
    assert np.array_equal(scene.unknown, preset(1))


def test_nothing_hidden_is_said(scene, window):
    scene.slot.none.click()
    assert "Nothing is hidden" in window.page.banner.text()


def test_what_was_filled_in_is_kept_and_opened_again(scene, qtbot, window):
    images = shown(scene, "rbm-fashion").copy()
    kept = scene.metadata()
    again = PictureMetadata(**{**vars(kept), "state": dict(kept.state)})
    filled(qtbot, scene, lambda: scene.slot.stepped.emit(4))
    assert scene.index == 4 and not np.array_equal(shown(scene, "rbm-fashion"), images)
    filled(qtbot, scene, lambda: scene.restore(again))
    assert scene.index == 0 and scene.ids == kept.state["models"]
    assert np.array_equal(shown(scene, "rbm-fashion"), images)
    for bad in (
        {"mask": "###"},
        {"index": -1},
        {"models": ["nobody"]},
        {"request": {"effort": 99}},
        {"models": 3},
    ):
        scene.restore(PictureMetadata(**{**vars(kept), "state": {**kept.state, **bad}}))
        assert "cannot be opened" in window.page.banner.text(), bad
        window.page.banner.clear()
