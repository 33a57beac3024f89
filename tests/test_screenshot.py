"""``--screenshot``, ``--after``, ``--model``, ``--view``: what cannot be is refused before a window opens, what fails is said."""

from __future__ import annotations

import os

import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget

from playground.cli.gui.screenshot import Screenshot
from playground.cli.main import main
from tests.test_platforms import files_at_most


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--screenshot", "a.tiff"], "ends in .png, .jpg, .jpeg or .gif"),
        (["--screenshot", "a"], "ends in"),
        (["--screenshot", "folder.png"], "folder.png is a folder"),
        (["--screenshot", "missing/a.png"], "no folder"),
        (["--screenshot", "a.png", "--after", "-1"], "--after takes 0 to 3600 seconds, not -1"),
        (["--screenshot", "a.png", "--after", "1e12"], "not 1e+12"),
        (["--screenshot", "a.gif", "--after", "0"], "--after takes 0.5 to 3600"),
        (["--model", "nosuch"], "no checkpoint 'nosuch'"),
        (["--model", "../vae-fashion"], "no checkpoint"),
        (["--view", "nosuch"], "no view called 'nosuch'; there are Generate"),
        (["--tab", "gan", "--view", "Plane"], "GAN has no view called 'Plane'"),
        (["--tab", "compare", "--view", "Plane"], "no view called 'Plane'"),
        (["--tab", "gan", "--model", "vae-fashion"], "belongs to the tab vae"),
        (["--tab", "vae", "--model", "gan-plane"], "gan-plane belongs to the tab gan"),
        (["--model", "gan-plane", "--view", "Latent walk"], "trained live: it has the view 'In the plane'"),
    ],
)
def test_impossible_wishes_are_one_sentence(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder.png")
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and told.out == ""
    assert os.listdir() == ["folder.png"]


@pytest.mark.parametrize("arguments", [["--open", ""], ["--after", "nan"], ["--after", "soon"]])
def test_words_that_mean_nothing_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "takes" in capsys.readouterr().err


@pytest.fixture
def window(qtbot):
    widget = QWidget()
    widget.resize(320, 240)
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.mark.parametrize("ending", ["png", "jpg", "PNG"])
def test_the_picture_is_written_and_the_window_closed(ending, window, qtbot, tmp_path, capsys):
    target = tmp_path / f"a.{ending}"
    shot = Screenshot(window, target, 0.0)
    qtbot.waitUntil(lambda: not window.isVisible())
    assert shot.code() == 0 and capsys.readouterr().err == ""
    with Image.open(target) as picture:
        assert picture.size == (320, 240) and picture.format == ("JPEG" if ending == "jpg" else "PNG")


def test_a_full_disk_is_an_error_and_leaves_nothing(window, qtbot, tmp_path, capsys):
    with files_at_most(100):
        shot = Screenshot(window, tmp_path / "a.png", 0.0)
        qtbot.waitUntil(lambda: not window.isVisible())
    assert shot.code() == 1 and capsys.readouterr().err.startswith(f"{tmp_path / 'a.png'}: ")
    assert os.listdir(tmp_path) == []


def test_a_window_closed_before_its_time_has_no_picture(window, tmp_path, capsys):
    shot = Screenshot(window, tmp_path / "a.png", 60.0)
    window.close()
    assert shot.code() == 1 and "closed before" in capsys.readouterr().err
