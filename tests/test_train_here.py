"""Train here: pictures are learned in a process of its own, which is paused, stopped, resumed; the model stands in the menu."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QUrl

from playground import paths
from playground.tabs.frame.page import LinkTarget
from playground.tabs.incoming import Incoming
from playground.tabs.train_here.scene import duration
from playground.training import own_runs
from tests.windows import WAIT, opened

STARTING = 4 * WAIT  # a process that imports torch, on a machine that may be busy


@pytest.fixture
def own_folder(tmp_path):
    """Fifty pictures and a file that is none."""
    rng = np.random.default_rng(1)
    for i in range(50):
        Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def scene(qtbot, monkeypatch, tmp_path_factory):
    """The page with its example, in a window whose user has no runs and no models."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    with opened(tab="guide", view="Train here") as window:
        qtbot.waitUntil(lambda: window.page.scene.source is not None, timeout=STARTING)
        scene = window.page.scene
        scene.window_of_test = window
        yield scene


def test_a_model_is_trained_paused_kept_and_goes_on(qtbot, scene):
    look = scene.look
    assert look.train.isEnabled() and look.grid.count() == 60 and not look.pause.isVisible()
    scene.train()
    qtbot.waitUntil(lambda: "drawn by the model" in str(look.grid.content().panels[-1]), timeout=STARTING)
    assert look.pause.isVisible() and not look.train.isVisible()
    scene.pause()
    assert look.pause.text() == "Go on"
    scene.pause()
    with qtbot.waitSignal(scene.page.model_made, timeout=WAIT) as made:
        scene.stop()
    qtbot.waitUntil(lambda: not scene.trainer.is_running, timeout=WAIT)
    id = "vae-own-garments"
    assert made.args[0] == paths.trained_models() / f"{id}.safetensors" and made.args[0].is_file()
    assert look.runs.count() == 1 and look.runs.itemText(0).startswith(f"{id}, step ")
    before = own_runs.unfinished()[0][2]
    assert before > 0
    scene.open_model()
    window = scene.window_of_test
    qtbot.waitUntil(lambda: window.current is not None and window.current.model_id == id, timeout=WAIT)
    window.go(LinkTarget("guide", "", "Train here"))
    scene.go_on()
    qtbot.waitUntil(
        lambda: len(look.progress.text()) > 0 and _step(look.progress.text()) > before, timeout=STARTING
    )
    scene.trainer.close()  # as when the window closes: what was saved last waits, a busy machine's last seconds are lost
    ((_, run, step),) = own_runs.unfinished()
    assert run.id == id and step >= before


def _step(words):
    found = words.removeprefix("step ").partition(" of ")[0].replace(",", "")
    return int(found) if found.isdigit() else 0


def test_a_folder_is_dropped_read_and_what_is_no_picture_is_listed(qtbot, scene, own_folder):
    window, look = scene.window_of_test, scene.look
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(own_folder))])
    Incoming(window, lambda *_: None).take(dropped)
    qtbot.waitUntil(lambda: scene.source is not None and scene.folder == own_folder, timeout=WAIT)
    assert look.grid.count() == 50 and "50 pictures; 1 file left out" in look.words.text()
    assert [look.left_out.item(i).text() for i in range(look.left_out.count())] == [
        "notes.txt is not a picture."
    ]
    (own_folder / "0.png").unlink()
    scene.take_file(own_folder)
    qtbot.waitUntil(lambda: scene.page.banner.isVisible(), timeout=WAIT)
    assert "at least 50 are needed" in scene.page.banner.text() and not look.train.isEnabled()


def test_colour_is_another_example_and_pixelcnn_has_none(qtbot, scene):
    look = scene.look
    look.knobs.set_settings({"colour": True})
    qtbot.waitUntil(lambda: scene.source is not None, timeout=WAIT)
    assert scene.source.pictures.images.shape[1:] == (32, 32, 3)
    look.knobs.set_settings({"recipe": "pixelcnn-own"})
    qtbot.waitUntil(lambda: scene.source is not None, timeout=WAIT)
    assert scene.source.pictures.images.shape[1:] == (28, 28, 1)


def test_a_training_that_fails_says_why(qtbot, scene):
    scene.trainer.begin({"kind": "resume", "folder": str(paths.training_runs() / "nowhere")})
    qtbot.waitUntil(lambda: scene.page.banner.isVisible(), timeout=STARTING)
    assert "holds no run on pictures of your own to continue" in scene.page.banner.text()
    qtbot.waitUntil(lambda: not scene.trainer.is_running, timeout=WAIT)
    assert scene.look.train.isEnabled()


@pytest.mark.parametrize("seconds, said", [(40.2, "40 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_how_long_is_said_as_people_say_it(seconds, said):
    assert duration(seconds) == said
