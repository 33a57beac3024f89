"""A window on a projector of 1280x800 pixels never needs more than that, whatever is opened beside the picture."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton

from playground.lessons import library
from playground.ui.theme import theme
from tests.windows import WAIT, begun, wait_finished


@pytest.fixture
def window(open_window, qapp):
    made = open_window(model_id="vae-fashion", view="Generate")
    made.resize(1280, 800)
    made.lecture.begin(full_screen=False)
    yield made
    made.lecture.end()


def fits(window):
    least = window.minimumSizeHint()
    return (
        least.width() <= 1280 and least.height() <= 800 and (window.width(), window.height()) == (1280, 800)
    )


def test_keys_and_words_stand_beside_the_picture_and_escape_closes_them_alone(window, qtbot):
    window.current.take_keys()
    window.help.toggle()
    qtbot.waitUntil(window.help.isVisible, timeout=WAIT)
    assert fits(window), (window.minimumSizeHint(), window.size())
    qtbot.keyClick(window.help.field, Qt.Key.Key_Escape)
    assert window.help.isHidden() and theme.lecture(), "Escape closes the innermost thing"
    assert window.focusWidget() is window.current.view.focusProxy() or window.current.view.hasFocus()


def test_the_path_can_be_left_at_every_scene_without_a_wider_window(window, qtbot):
    """The longest title with a question, and the line that leads back."""
    lessons = [library.find(one.name) for one in library.shipped()]
    lesson = max(lessons, key=lambda one: len(one.title))
    player = window.lessons.player
    player.open(lesson)
    bar = window.lessons.bar
    for lesson in lessons:
        for scene in lesson.scenes:
            bar.title.setText(scene.title)
            bar.ask.setVisible(scene.question is not None)
            assert bar.minimumSizeHint().width() <= 1280, scene.title
    player.toggle_path()
    qtbot.waitUntil(lambda: not player.is_on_path and bar.path.isVisible(), timeout=WAIT)
    assert fits(window), (window.minimumSizeHint(), window.size())
    player.close()


def test_the_pictures_have_the_keys_when_a_scene_opens(window, qtbot):
    """Not the button beside whatever was pressed: Space would open a menu there."""
    menu = window.tabs.cornerWidget().findChildren(QAbstractButton)[-1]
    menu.setFocus()
    window.lessons.player.open(library.find("gan"))
    qtbot.waitUntil(lambda: not window.lessons.player.is_busy, timeout=WAIT)
    inside = window.focusWidget()
    assert window.current.canvas.isAncestorOf(inside), inside
    qtbot.waitUntil(lambda: begun(window.current.view.player), timeout=WAIT)
    wait_finished(qtbot, window.current.view)
    qtbot.keyClick(inside, Qt.Key.Key_Return)
    assert window.current.canvas.close_enlargement(), "Enter has enlarged a picture"
    window.lessons.player.close()
