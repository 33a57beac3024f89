"""Light, dark and zoom of a window with many tabs: what nobody sees is dressed when it is shown, and no sooner."""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QTabWidget, QVBoxLayout, QWidget

from playground.ui.theme import theme
from playground.ui.theme.hidden_pages import dress_when_shown


class Told(QLabel):
    """A label that counts how often it is told of another style."""

    def __init__(self, text):
        super().__init__(text)
        self.times = 0

    def changeEvent(self, event):
        self.times += event.type() == QEvent.Type.StyleChange
        super().changeEvent(event)


class Tabs(QTabWidget):
    """Pages of labels with a role, fields and buttons; the second half wait for their look."""

    def __init__(self):
        super().__init__()
        self.labels = []
        for at in range(4):
            page, label = QWidget(), Told("a caption")
            label.setProperty("role", ("caption", "title")[at % 2])
            column = QVBoxLayout(page)
            for part in (label, QLineEdit("1"), QPushButton("Go"), QWidget()):
                column.addWidget(part)
            self.addTab(page, str(at))
            self.labels.append(label)
            if at > 1:
                dress_when_shown(page)


@pytest.fixture
def tabs(qtbot, qapp):
    theme.apply(qapp, "light")
    made = Tabs()
    qtbot.addWidget(made)
    made.resize(300, 300)
    made.show()
    for at in (0, 1, 2, 3, 0):  # all have been seen
        made.setCurrentIndex(at)
        qapp.processEvents()
    yield made
    theme.set_scale(qapp, 1.0)
    theme.apply(qapp, "light")


def looks(tabs, qapp):
    """The pages as they are painted, first to last."""
    shown = []
    for at in range(tabs.count()):
        tabs.setCurrentIndex(at)
        qapp.processEvents()
        shown.append(tabs.currentWidget().grab().toImage())
    return shown


def test_hidden_pages_are_left_out_and_dressed_when_they_come_into_sight(tabs, qapp):
    for label in tabs.labels:
        label.times = 0
    theme.apply(qapp, "dark")
    theme.set_scale(qapp, 1.4)
    times = [label.times for label in tabs.labels]
    assert times[0] and times[1] and times[2:] == [0, 0]
    tabs.setCurrentIndex(3)
    assert [label.times for label in tabs.labels[2:]] == [0, 1]
    qapp.processEvents()
    assert tabs.labels[3].palette().windowText().color() == QColor(theme.DARK.text)
    assert tabs.labels[3].height() > 13 * 1.4


@pytest.mark.parametrize("changes", ["dark", "dark, larger", "dark, light", "larger, dark, smaller, light"])
def test_they_look_as_if_they_had_been_dressed_at_once(tabs, qapp, changes):
    """Page 2 waited for its look, page 0 did not; so with 3 and 1."""
    for change in changes.split(", "):
        if change in ("dark", "light"):
            theme.apply(qapp, change)
        else:
            theme.set_scale(qapp, 1.3 if change == "larger" else 0.9)
    shown = looks(tabs, qapp)
    assert shown[0] == shown[2] and shown[1] == shown[3]
    again = looks(tabs, qapp)
    assert shown == again


def test_a_role_that_changes_leaves_nothing_of_an_older_look(tabs, qapp):
    theme.apply(qapp, "dark")
    for at in (3, 1):
        tabs.setCurrentIndex(at)
        label = tabs.labels[at]
        label.setProperty("role", "")
        label.style().unpolish(label)
        label.style().polish(label)
        qapp.processEvents()
    assert tabs.labels[3].palette().windowText().color() == tabs.labels[1].palette().windowText().color()
    assert tabs.labels[3].font().pixelSize() == tabs.labels[1].font().pixelSize()


def test_what_is_added_to_a_page_that_waits_is_dressed_too(tabs, qapp):
    theme.apply(qapp, "dark")
    late = QLabel("late")
    late.setProperty("role", "caption")
    tabs.widget(2).layout().addWidget(late)
    tabs.setCurrentIndex(2)
    qapp.processEvents()
    assert late.palette().windowText().color() == QColor(theme.DARK.muted)


def test_a_page_of_a_window_that_was_closed_is_passed_over(qapp):
    page = QWidget()
    dress_when_shown(page)
    shiboken6.delete(page)
    theme.set_scale(qapp, 1.2)
    theme.set_scale(qapp, 1.0)
    assert theme.scale() == 1.0 and not shiboken6.isValid(page)
