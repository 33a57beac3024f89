"""The GAN tab's *Translate*, as a person uses it: draw, dab, mirror, erase, undo, an empty sheet, another drawing, a kept picture."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from playground.data.emoji import pairs as emoji_pairs
from playground.tabs.gan.translate import Paint
from tests.windows import WAIT, wait_finished


@pytest.fixture
def tab(open_window, qtbot):
    """Pix2pix in its view, with its first drawing."""
    window = open_window(model_id="pix2pix-emoji", view="Translate")
    tab = window.current
    wait_finished(qtbot, tab.view)
    return tab


def place(sheet, row, column):
    """Where a pixel of the drawing lies on the widget."""
    box = sheet.picture_rect(0)
    return box.topLeft().toPoint() + QPoint(
        round((column + 0.5) * box.width() / 32), round((row + 0.5) * box.height() / 32)
    )


def stroke(qtbot, view, start, end, button=Qt.MouseButton.LeftButton):
    """Drag over the drawing, and wait for what is made of it."""
    with qtbot.waitSignal(view.sheet.sketched, timeout=WAIT):
        qtbot.mousePress(view.sheet, button, pos=place(view.sheet, *start))
        qtbot.mouseMove(view.sheet, place(view.sheet, *end))
        qtbot.mouseRelease(view.sheet, button, pos=place(view.sheet, *end))
    wait_finished(qtbot, view)


def test_what_is_drawn_is_painted_while_the_pen_moves(tab, qtbot):
    view = tab.view
    assert np.array_equal(view.sheet.paper, emoji_pairs.lines_and_colours("test").before[view.request.index])
    before = view.player.frame.images.copy()
    with qtbot.waitSignal(view.sheet.sketched, timeout=WAIT):
        qtbot.mouseClick(view.tools.clear, Qt.MouseButton.LeftButton)
    wait_finished(qtbot, view)
    assert view.picture is not None and view.picture.min() == 255
    assert not np.array_equal(view.player.frame.images, before) and "truth" not in view.player.frame.extras
    empty = view.player.frame.images.copy()
    stroke(qtbot, view, (8, 8), (8, 24))
    assert view.picture[8, 8].max() < 60 and view.picture[20].min() == 255
    assert not np.array_equal(view.player.frame.images, empty)
    assert np.array_equal(view.player.frame.extras["drawing"][0], view.picture)
    drawn = view.picture.copy()
    stroke(qtbot, view, (8, 8), (8, 8), Qt.MouseButton.RightButton)
    assert view.picture[8, 8].min() > drawn[8, 8].min(), "the right button erases"


def test_a_dab_gives_its_region_a_colour_and_is_no_part_of_the_drawing(tab, qtbot):
    view = tab.view
    paper = view.sheet.paper.copy()
    green = next(s for s in view.tools.swatches if s.accessibleName() == "green")
    qtbot.mouseClick(green, Qt.MouseButton.LeftButton)
    assert view.sheet.tool == "colour" and view.tools.tool.index() == 2
    before = view.player.frame.images[0].astype(int)
    stroke(qtbot, view, (16, 16), (16, 17))
    assert np.array_equal(view.sheet.paper, paper) and view.picture is None
    assert tuple(view.dabs[16, 16]) == (*green.rgb, 255)
    after = view.player.frame.images[0].astype(int)
    target = np.array(green.rgb)
    nearer = np.abs(before[14:19, 14:19] - target).sum() - np.abs(after[14:19, 14:19] - target).sum()
    assert nearer > 0, "the region has taken the colour"


def test_a_mirrored_stroke_is_symmetric_and_can_be_undone(tab, qtbot):
    view, window = tab.view, tab.window()
    with qtbot.waitSignal(view.sheet.sketched, timeout=WAIT):
        qtbot.mouseClick(view.tools.clear, Qt.MouseButton.LeftButton)
    wait_finished(qtbot, view)
    window.history.settle()
    qtbot.mouseClick(view.tools.mirror, Qt.MouseButton.LeftButton)
    stroke(qtbot, view, (10, 4), (20, 12))
    assert np.array_equal(view.picture, view.picture[:, ::-1]) and view.picture.min() < 60
    window.history.settle()
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: view.picture is not None and view.picture.min() == 255, timeout=WAIT)


def test_noise_gives_several_colourings_and_levels_are_those_of_the_network(tab, qtbot):
    view = tab.view
    frame = view.player.frame
    assert len(frame.images) == 1 and frame.extras["sides"] == [16, 8, 4, 8, 16, 32]
    assert view.levels.count() == 6 and tab.knobs.row("num_samples").isHidden()
    tab.knobs.set_settings({"noise": 0.6, "num_samples": 3})
    qtbot.waitUntil(lambda: len(view.player.frame.images) == 3, timeout=WAIT)
    assert not tab.knobs.row("num_samples").isHidden()
    assert len({one.tobytes() for one in view.player.frame.images}) == 3


def test_another_drawing_takes_the_place_of_the_own_one(tab, qtbot):
    view = tab.view
    stroke(qtbot, view, (2, 2), (2, 28))
    assert view.picture is not None and "hand" in view.slot.said.text()
    view.slot.stepped.emit(5)
    qtbot.waitUntil(lambda: view.request.index == 5, timeout=WAIT)
    wait_finished(qtbot, view)
    assert view.picture is None and not view.dabs.any()
    assert np.array_equal(view.sheet.paper, emoji_pairs.lines_and_colours("test").before[5])


def test_a_drawing_is_kept_with_its_dabs_and_comes_back(tab, qtbot):
    view = tab.view
    stroke(qtbot, view, (6, 6), (26, 26))
    view.sheet.tool = "colour"
    stroke(qtbot, view, (12, 20), (12, 21))
    made, kept = view.player.frame.images.copy(), tab.picture_metadata()
    own, dabs = view.picture.copy(), view.dabs.copy()
    view.slot.stepped.emit(3)
    wait_finished(qtbot, view)
    tab.restore(kept)
    qtbot.waitUntil(lambda: view.picture is not None, timeout=WAIT)
    wait_finished(qtbot, view)
    assert np.array_equal(view.picture, own) and np.array_equal(view.dabs, dabs)
    assert np.array_equal(view.player.frame.images, made)
    bomb = base64.b64encode(zlib.compress(b"\0" * 10**7)).decode()
    for bad in ({"drawing": "###"}, {"dabs": 7}, {"drawing": bomb}, {"said": ["x"]}):
        with pytest.raises(ValueError):
            Paint.checked(view, bad, view.request, tab.model)
