"""What is remembered from one time to the next, what who is new is shown, and that no window is larger than its screen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QByteArray, QSettings, QSize, Qt
from PySide6.QtWidgets import QMainWindow

from playground.export.window_state import WindowState
from playground.tabs.welcome import Welcome
from playground.tabs.window_memory import MOST_FILES, WindowMemory, fitted
from playground.ui.theme import theme
from tests.windows import WAIT


@pytest.fixture
def memory(tmp_path):
    def again():
        return WindowMemory(QSettings(str(tmp_path / "kept.ini"), QSettings.Format.IniFormat))

    return again


def test_a_window_fits_its_screen():
    laptop = QSize(1366, 768)
    assert fitted(QSize(1280, 800), laptop) == QSize(1280, 768)
    assert fitted(QSize(3000, 2000), laptop) == laptop
    assert fitted(QSize(900, 700), laptop) == QSize(900, 700)


def test_the_window_itself_can_be_as_small_as_a_laptop(shared_window):
    least = shared_window.minimumSizeHint()
    assert least.width() <= 1366 and least.height() <= 768


def test_theme_state_and_place_come_back(memory, qapp):
    window = QMainWindow()
    shows = WindowState("gan", "dcgan-fashion", "Generate", {"seed": 42})
    window.resize(700, 500)
    first = memory()
    assert first.state() is None and first.mode == "system" and first.is_new
    first.watch(window, lambda: shows)
    before = theme.mode()
    theme.apply(qapp, "light")
    try:
        window.close()
    finally:
        theme.apply(qapp, before)
    again, other = memory(), QMainWindow()
    assert again.state() == shows and again.mode == "light"
    again.place(other)
    screen = other.screen().availableGeometry()
    assert other.width() <= screen.width() and other.height() <= screen.height()
    assert other.size() == fitted(QSize(700, 500), screen.size())


@pytest.mark.parametrize("key, value", [
    ("window/state", "playground:nowhere/at-all"),
    ("window/state", "rubbish"),
    ("window/state", ["a", "list"]),
    ("window/theme", "plaid"),
    ("window/geometry", QByteArray(b"\x00\x01junk")),
    ("window/geometry", "text"),
    ("files/recent", "gone.png"),
])  # fmt: skip
def test_what_cannot_be_read_is_left_out(memory, tmp_path, key, value):
    settings = QSettings(str(tmp_path / "kept.ini"), QSettings.Format.IniFormat)
    settings.setValue(key, value)
    settings.sync()
    found, window = memory(), QMainWindow()
    assert found.state() is None and found.mode == "system" and found.files == []
    found.place(window)
    assert window.width() > 300


def test_files_the_newest_first_and_only_those_that_are_there(memory, tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(MOST_FILES + 3)]
    for path in paths:
        path.touch()
        memory().add_file(path)
    memory().add_file(paths[-2])
    assert memory().files[:2] == [paths[-2], paths[-1]] and len(memory().files) == MOST_FILES
    paths[-2].unlink()
    assert memory().files[0] == paths[-1]


def test_new_people_are_greeted_until_they_say_enough(shared_window, memory, qtbot):
    kept = memory()
    welcome = Welcome(shared_window, shared_window, kept)
    assert welcome.line.isVisible() and list(welcome.line.links) == ["Diffusion", "GPT", "Map", "Tour"]
    welcome.line.links["Map"].click()
    assert shared_window.page.scene.name == "Map"
    welcome.line.links["Tour"].click()
    overlay = welcome.overlay
    qtbot.waitUntil(
        lambda: shared_window.current is not None and shared_window.current.view is not None, timeout=WAIT
    )
    titles = []
    for _ in range(4):
        titles.append(overlay.title.text())
        qtbot.keyClick(overlay, Qt.Key.Key_Right)
    assert len(set(titles)) == 4 and not overlay.isVisible()
    assert not welcome.line.isVisible() and not kept.is_new and not memory().is_new
