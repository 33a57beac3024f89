"""One menu on every picture, by mouse and by keys: it is scored, completed, sent to another tab, compared with training, saved."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMenu

from playground.export import picture_metadata
from playground.ui.pictures.pixels import array_of
from tests.test_undo import go
from tests.windows import WAIT


def menu_of(qtbot, grid, sample=None):
    """By the mouse over a picture, or by Shift+F10."""
    if sample is None:
        qtbot.keyClick(grid, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    else:
        spot = grid.picture_rect(sample).center().toPoint()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, grid.mapToGlobal(spot))
        QApplication.sendEvent(grid, event)
    return next(menu for menu in grid.findChildren(QMenu) if menu.isVisible())


def choose(menu, *words):
    """An entry, or one of a menu in it, by the beginning of its words."""
    action = next(a for a in menu.actions() if a.text().startswith(words[0]))
    if len(words) > 1:
        choose(action.menu(), *words[1:])
    else:
        action.trigger()
    menu.close()


@pytest.fixture
def drawn(shared_window, qtbot):
    """A grid of three garments."""
    view = go(qtbot, shared_window, "vae", "vae-fashion", "Generate", num_samples=3, seed=5)
    view.grid.select(1)
    return shared_window, view


def test_the_menu_is_the_same_by_mouse_and_by_key_and_opens_once(drawn, qtbot):
    _, view = drawn
    by_mouse = menu_of(qtbot, view.grid, 1)
    words = [a.text() for a in by_mouse.actions() if a.text()]
    by_mouse.close()
    by_key = menu_of(qtbot, view.grid)
    assert [a.text() for a in by_key.actions() if a.text()] == words
    view.grid.open_menu()
    assert len([m for m in view.grid.findChildren(QMenu) if m.isVisible()]) == 1
    by_key.close()
    for word in ("Enlarge", "Score", "Complete", "Nearest", "Send to", "Save", "Copy"):
        assert any(text.startswith(word) for text in words), word
    assert "Use it here" not in words, "nothing of this view begins with a picture"


@pytest.mark.parametrize("words, scene", [("Score", "One image"), ("Complete", "Complete")])
def test_a_picture_is_taken_to_compare(drawn, qtbot, words, scene):
    window, view = drawn
    picture = view.player.frame.images[1]
    choose(menu_of(qtbot, view.grid, 1), words)
    assert window.page.scene.name == scene
    shown = window.page.scene
    where = shown.grid if scene == "One image" else shown.slot.grid
    qtbot.waitUntil(lambda: np.array_equal(where.picture(), picture), timeout=WAIT)
    shown.rest()


def test_a_garment_is_sent_to_a_view_of_another_family_and_used_there(drawn, qtbot):
    window, view = drawn
    choose(menu_of(qtbot, view.grid), "Send to", "Translate")
    qtbot.waitUntil(
        lambda: window.current is not None and getattr(window.current.view, "picture", None) is not None,
        timeout=WAIT,
    )
    tab = window.current
    assert (tab.model_id, tab.view.name) == ("pix2pix-emoji", "Translate")
    assert tab.view.picture.shape == (32, 32, 3)


def test_the_nearest_training_pictures_are_found(drawn, qtbot):
    window, view = drawn
    choose(menu_of(qtbot, view.grid), "Nearest")
    dialog = window.findChild(QDialog)
    qtbot.waitUntil(lambda: "held-out pictures" in dialog.said.text(), timeout=WAIT)
    assert dialog.grid.count() in (1, 6) and "The nearest:" in dialog.said.text()
    dialog.close()


def test_a_picture_is_saved_with_its_settings_and_copied(drawn, qtbot, tmp_path):
    window, view = drawn
    choose(menu_of(qtbot, view.grid), "Copy")
    picture = view.player.frame.images[1]
    assert np.array_equal(array_of(QGuiApplication.clipboard().image())[..., :1], picture)
    choose(menu_of(qtbot, view.grid), "Save")
    dialog = window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "one.png"))
    dialog.close()
    kept = picture_metadata.read(tmp_path / "one.png")
    assert (kept.model, kept.settings["seed"]) == ("vae-fashion", 5)


def test_a_run_is_continued_from_the_menu(shared_window, qtbot):
    view = go(qtbot, shared_window, "energy", "rbm-fashion", "Chains", num_samples=2, num_steps=4)
    view.player.seek(2)
    choose(menu_of(qtbot, view.grid), "Continue from this step")
    assert view.player.fork.step == 2
