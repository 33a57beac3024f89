"""The real window, driven as a person would: every tab and view, keys, drags, drops, errors, and closing mid-run."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMenu

from playground import checkpoints, paths
from playground.app import MainWindow
from playground.tabs.frame.page import LinkTarget
from playground.ui.theme import theme
from tests.windows import (
    REPEATED,
    WAIT,
    every_view,
    opened,
    plays_steps_and_stops,
    shows_first,
    wait_finished,
)


@pytest.mark.parametrize("card, kind", [p for p in every_view() if p.values[0].network in REPEATED])
def test_every_view_that_is_not_kept_opens_plays_steps_and_stops(shared_window, qtbot, card, kind):
    """The others do so in ``test_exported_pictures``, where they are open anyway."""
    if not shows_first(card, kind):
        pytest.skip("this view does not suit this model, or another of its network shows it")
    window = shared_window
    window.go(LinkTarget(card.family, card.id, kind.name))
    tab = window.current
    qtbot.waitUntil(
        lambda: tab.view is not None and tab.model.card.id == card.id and tab.view.name == kind.name,
        timeout=WAIT,
    )
    assert tab.family.key == card.family and type(tab.view) is kind and tab.model.card.id == card.id
    plays_steps_and_stops(qtbot, window, tab)


def test_space_and_arrows_drive_the_run(open_window, qtbot):
    window = open_window(tab="autoregressive")
    player = window.current.view.player
    window.current.view.grid.setFocus()
    qtbot.waitUntil(lambda: len(player.timeline) > 30, timeout=WAIT)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not player.is_playing, timeout=WAIT)
    player.seek(20)
    for key, step in ((Qt.Key.Key_Left, 19), (Qt.Key.Key_Right, 20), (Qt.Key.Key_Right, 21)):
        qtbot.keyClick(window, key)
        assert player.frame.step == step
    qtbot.keyClick(window, Qt.Key.Key_End)
    at = player.frame.step
    assert at == player.timeline.last.step < 784
    qtbot.keyClick(window, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: player.frame.step > at, timeout=WAIT)  # frames already made may come with it
    assert not player.is_playing
    qtbot.keyClick(window, Qt.Key.Key_Home)
    assert player.frame.step == 0
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: player.frame.step == 784, timeout=WAIT)


def test_rewind_edit_and_fork(open_window, qtbot):
    window = open_window(tab="autoregressive")
    view = window.current.view
    wait_finished(qtbot, view)
    before = view.player.timeline.last.images.copy()
    pixel = 12 * 28 + 14
    view.player.seek(view.player.timeline.index_of_step(pixel + 1))
    view.grid.select(2)
    assert view.editor.isVisible() and view.editor.pixel == (2, 12, 14)
    old = int(before[2, 12, 14, 0])
    view.editor.slider.setValue(255 if old < 128 else 0)
    qtbot.waitUntil(lambda: view.player.is_sampling or view.player.frame.step > pixel + 1, timeout=WAIT)
    wait_finished(qtbot, view)
    after = view.player.timeline.last.images
    assert after[2, 12, 14, 0] == (255 if old < 128 else 0)
    flat_before, flat_after = before.reshape(len(before), -1), after.reshape(len(after), -1)
    assert np.array_equal(flat_before[:, :pixel], flat_after[:, :pixel])
    assert not np.array_equal(flat_before[2], flat_after[2])
    others = [i for i in range(len(before)) if i != 2]
    assert np.array_equal(flat_before[others], flat_after[others]), "only the edited picture changes its mind"
    assert [f.step for f in view.player.timeline] == list(range(785))


def test_a_pixel_is_gone_back_to_from_the_menu_and_never_by_a_click(open_window, qtbot):
    window = open_window(tab="autoregressive")
    view = window.current.view
    wait_finished(qtbot, view)
    corner = view.grid.picture_rect(4)
    size = corner.width() / 28
    spot = QPointF(corner.x() + 10.5 * size, corner.y() + 20.5 * size).toPoint()
    qtbot.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=spot)
    assert view.player.frame.step == 784 and view.grid.selected() == 4
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, view.grid.mapToGlobal(spot))
    QApplication.sendEvent(view.grid, event)
    menu = view.grid.findChild(QMenu)
    next(action for action in menu.actions() if action.text() == view.grid.menu_text).trigger()
    assert view.player.frame.step == 20 * 28 + 10 + 1
    assert view.editor.pixel == (4, 20, 10)


def test_a_denoising_run_branches_where_it_rests(open_window, qtbot):
    window = open_window(tab="diffusion")
    tab, view = window.current, window.current.view
    view.player.speed = None
    wait_finished(qtbot, view)
    trunk = [f.images.copy() for f in view.player.timeline]
    view.player.seek(6)
    tab.knobs.set_settings({"label": 8})
    qtbot.waitUntil(lambda: view.player.frame.step > 6, timeout=WAIT)
    wait_finished(qtbot, view)
    branch = [f.images for f in view.player.timeline]
    assert [f.step for f in view.player.timeline] == list(range(13))
    assert all(np.array_equal(a, b) for a, b in zip(trunk[:7], branch[:7], strict=True))
    assert not np.array_equal(trunk[-1], branch[-1])
    assert view.class_names() == ["Bag"] * 10


def test_the_pointer_on_the_plane_decodes_live(open_window, qtbot):
    window = open_window(model_id="vae2d-fashion", view="Latent plane")
    view = window.current.view
    qtbot.waitUntil(lambda: view.decoded is not None and len(view.points) == 10_000, timeout=WAIT)
    for z in ((1.0, -0.5), (-1.2, 0.7)):
        qtbot.mouseMove(view.plane, view.plane.point_of(z).toPoint())
        view.plane.moved.emit(*z)
        qtbot.waitUntil(lambda z=z: np.allclose(view.decoded, z, atol=1e-6), timeout=WAIT)
        (expected,) = checkpoints.load("vae2d-fashion").decode_frames(np.array([z], np.float32))
        shown = view.picture.content().panels[0][1]
        assert np.abs(shown.astype(int) - expected.images).max() <= 1


def test_a_dragged_knob_ends_on_its_last_value(open_window, qtbot):
    window = open_window(tab="diffusion")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    for value in np.linspace(1.0, 4.0, 31):
        tab.knobs.set_settings({"guidance_scale": float(value), "num_steps": 3, "num_samples": 2})
        QApplication.processEvents()
    qtbot.waitUntil(lambda: view.player.timeline.last.total == 3, timeout=WAIT)
    wait_finished(qtbot, view)
    *_, expected = tab.model.sample(
        tab.knobs.request()
    )  # the window's own copy: its precision is chosen by a probe
    assert tab.knobs.request().guidance_scale == pytest.approx(4.0)
    assert np.abs(view.player.timeline.last.images.astype(int) - expected.images).max() <= 1
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert view.request.seed == tab.knobs.request().seed


def test_keys_change_views_explain_and_type(open_window, qtbot):
    window = open_window(model_id="vae2d-fashion", view="Latent plane")
    tab = window.current
    tab.view.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_PageDown)
    assert tab.view.name == tab.suitable[1].name != "Latent plane"
    qtbot.keyClick(window, Qt.Key.Key_PageUp)
    assert tab.view.name == "Latent plane"
    qtbot.keyClick(window, Qt.Key.Key_E)
    assert tab.explain.isHidden()
    qtbot.keyClick(window, Qt.Key.Key_E)
    assert not tab.explain.isHidden()
    qtbot.keyClick(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert theme.scale() > 1.05
    qtbot.keyClick(window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert theme.scale() == 1.0
    window.resize(1280, 800)
    window.lecture.toggle()
    assert theme.scale() > 1.3
    if (
        window.width() < 1300
    ):  # in large type the words leave the room to the picture, until they are asked for
        qtbot.waitUntil(tab.explain.isHidden, timeout=WAIT)
        qtbot.keyClick(window, Qt.Key.Key_E)
        assert not tab.explain.isHidden()
    window.lecture.toggle()
    window.resize(1280, 800)
    assert theme.scale() == 1.0
    qtbot.waitUntil(lambda: not tab.explain.isHidden(), timeout=WAIT)


def test_knobs_without_effect_stay_hidden_when_one_comes_back(open_window, qtbot):
    window = open_window(model_id="vae2d-fashion", view="Latent plane")
    tab = window.current
    for _ in range(2):
        assert not tab.knobs.row("extent").isHidden() and tab.knobs.row("seed").isHidden()
        tab.turn_page(1)
        tab.turn_page(-1)
        assert tab.view.name == "Latent plane"


def drop(window, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(100, 100),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)


def test_hostile_files_get_a_banner_and_nothing_is_lost(open_window, qtbot, tmp_path):
    from tests.test_checkpoints import HOSTILE

    window = open_window(model_id="vae-fashion", view="Generate")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    picture = view.player.frame.images.copy()
    file = tmp_path / "bad.safetensors"
    for kind, content in HOSTILE.items():
        file.write_bytes(content())
        tab.banner.clear()
        drop(window, file)
        qtbot.waitUntil(lambda: not window.current.banner.isHidden(), timeout=WAIT)
        said = window.current.banner.text()
        assert "bad.safetensors" in said and said.count(".") >= 2 and "Traceback" not in said, kind
        window.tabs.setCurrentWidget(tab)
    assert np.array_equal(view.player.frame.images, picture)
    tab.open_model("vae-fashion")
    qtbot.waitUntil(lambda: tab.model is not None and tab.model.card.id == "vae-fashion", timeout=WAIT)


def test_a_file_of_ones_own_is_opened(open_window, qtbot, tmp_path):
    own = tmp_path / "mine.safetensors"
    own.write_bytes((paths.folder("pretrained") / "ddpm-fashion.safetensors").read_bytes())
    window = open_window(tab="autoregressive")
    drop(window, own)
    tab = window.current
    assert tab.family.key == "diffusion" and tab.models.currentData() == str(own)
    qtbot.waitUntil(lambda: tab.view is not None and len(tab.view.player.timeline) > 0, timeout=WAIT)
    assert tab.banner.isHidden()


def test_a_model_that_raises_leaves_a_banner_and_a_living_worker(open_window, qtbot, monkeypatch):
    window = open_window(model_id="vae-fashion", view="Generate")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)

    def broken(model, request):
        yield from ()
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(view, "sampler", broken)
    tab.knobs.reseed()
    qtbot.waitUntil(lambda: not tab.banner.isHidden(), timeout=WAIT)
    assert "shapes do not fit" in tab.banner.text()
    monkeypatch.undo()
    latent = view.player.frame.extras["latent"].copy()
    tab.banner.button.click()  # "Try again"
    qtbot.waitUntil(lambda: not np.array_equal(view.player.frame.extras["latent"], latent), timeout=WAIT)
    assert tab.banner.isHidden()


def test_a_gpu_without_memory_halves_the_batch_and_says_so():
    import torch

    from playground.contract import Frame, Request
    from playground.tabs.frame import model_cache

    def greedy(model, request):
        if request.num_samples > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        yield Frame(1, 1, 1, np.zeros((request.num_samples, 2, 2, 1), np.uint8))

    model = checkpoints.load("vae-fashion")
    (frame,) = model_cache.memory_guarded(model, Request(num_samples=16), greedy)
    assert len(frame.images) == 4 and "4 pictures" in frame.extras["notice"]


def test_a_cpu_without_memory_gets_what_fits_and_says_so(monkeypatch):
    from playground.tabs.frame import model_cache

    model = checkpoints.load("vae-fashion")
    monkeypatch.setattr("playground.machine.free_memory", lambda: 6 * model.sample_bytes)
    (frame,) = model_cache.memory_guarded(model, model.Request(num_samples=16), type(model).sample)
    assert len(frame.images) == 3 and "memory for 3 pictures" in frame.extras["notice"]


def test_an_unknown_device_is_a_sentence(open_window, qtbot):
    app = QApplication.instance()
    theme.apply(app, "dark")
    window = MainWindow(device="cuda:9")
    window.show()
    window.stream.start()
    qtbot.waitUntil(lambda: window.current is not None and not window.current.banner.isHidden(), timeout=WAIT)
    assert "no device 'cuda:9'" in window.current.banner.text()
    window.close()


def test_a_hidden_tab_rests(open_window, qtbot):
    window = open_window(tab="autoregressive")
    view = window.current.view
    qtbot.waitUntil(lambda: len(view.player.timeline) > 5, timeout=WAIT)
    here = window.tabs.currentIndex()
    window.tabs.setCurrentIndex(here + 1)
    assert not view.player.is_playing
    window.tabs.setCurrentIndex(here)
    qtbot.waitUntil(lambda: view.player.frame.step == 784, timeout=WAIT)


@pytest.mark.parametrize("seconds", [0.3, 6.0], ids=["while torch is imported", "mid-sampling"])
def test_closing_exits_at_once_with_code_0(seconds):
    code = (
        "import sys, time\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from playground.cli.main import main\n"
        "app = QApplication([])\n"
        "def close():\n"
        "    print(time.time(), flush=True)\n"
        "    [w.close() for w in app.topLevelWidgets() if w.isVisible()]\n"
        f"QTimer.singleShot({int(seconds * 1000)}, close)\n"
        "sys.exit(main(['--tab', 'autoregressive']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    took = time.time() - float(done.stdout.split()[0])
    assert done.returncode == 0, done.stderr
    assert took < 4.0, "2 s for closing, and some for a busy machine"


def test_screenshot_option(tmp_path):
    target = tmp_path / "window.png"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "playground",
            "--size",
            "900x600",
            "--screenshot",
            str(target),
            "--after",
            "0.5",
        ],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        timeout=60,
    )
    from PIL import Image

    assert done.returncode == 0
    with Image.open(target) as picture:
        assert picture.size == (900, 600)


def test_lecture_mode_keeps_a_size_of_its_own_however_it_is_left(qtbot, qapp):
    with opened(tab="guide") as window:
        window.lecture.toggle()
        assert window.isFullScreen() and theme.scale() == theme.LECTURE_SCALE
        window.setWindowState(Qt.WindowState.WindowNoState)  # as the system's own keys do
        qtbot.waitUntil(lambda: not window.lecture.is_on, timeout=WAIT)
        assert theme.scale() == 1.0, "full screen was left another way, and type stayed large"
        window.lecture.toggle()
        assert theme.scale() == theme.LECTURE_SCALE
        qtbot.keyClick(window, Qt.Key.Key_Minus, Qt.KeyboardModifier.ControlModifier)
        smaller = theme.scale()
        assert smaller < theme.LECTURE_SCALE
        window.lecture.toggle()
        assert theme.scale() == 1.0
        window.lecture.toggle()
        assert theme.scale() == smaller, "what was set in the hall is for the hall"
        qtbot.keyClick(window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
        assert theme.scale() == theme.LECTURE_SCALE
        window.lecture.toggle()


def test_a_maximised_window_comes_back_maximised_from_lecture_mode(qtbot):
    with opened(tab="guide") as window:
        window.showMaximized()
        window.lecture.toggle()
        assert window.isFullScreen()
        window.lecture.toggle()
        assert window.isMaximized() and not window.isFullScreen()


def test_page_keys_turn_views_whatever_has_the_focus(open_window, qtbot):
    window = open_window(tab="vae")
    tab = window.current
    first = tab.view.name
    slider = tab.knobs.row("extent").slider
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(slider, Qt.Key.Key_PageDown)
    assert tab.view.name != first
    tab.models.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(tab.models, Qt.Key.Key_PageUp)
    assert tab.view.name == first
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.page is not None and window.current is None


def test_a_control_that_the_mouse_lets_go_gives_the_keys_back(open_window, qtbot):
    window = open_window(tab="vae")
    tab = window.current
    slider = tab.knobs.row("extent").slider
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    assert slider.hasFocus(), "the Tab key leads there"
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton)
    assert tab.view.hasFocus()
    menu = tab.models
    menu.setFocus(Qt.FocusReason.TabFocusReason)
    before = menu.currentText()
    qtbot.keyClick(menu, Qt.Key.Key_E)
    assert menu.currentText() == before and tab.explain.isHidden(), "a letter is the window's key"
    tab.take_keys()
    qtbot.keyClick(tab.view, Qt.Key.Key_Tab)
    assert tab.knobs.isAncestorOf(QApplication.focusWidget()), "the first knob is one step away"


def test_escape_closes_the_enlarged_picture_and_then_the_full_screen(open_window, qtbot):
    window = open_window(tab="vae", view="Generate")
    tab = window.current
    qtbot.waitUntil(lambda: tab.view.grid.count() > 0, timeout=WAIT)
    window.lecture.toggle()
    tab.view.grid.enlarge(0)
    assert tab.canvas.enlargement is not None
    qtbot.keyClick(tab.knobs, Qt.Key.Key_Escape)
    assert tab.canvas.enlargement is None and window.lecture.is_on
    qtbot.keyClick(tab.knobs, Qt.Key.Key_Escape)
    assert not window.lecture.is_on and not window.isFullScreen()


def test_in_a_hall_a_line_the_formula_and_the_plot_stay(open_window, qtbot):
    window = open_window(tab="vae", view="Latent plane")
    tab = window.current
    plot = tab.view.plot
    assert tab.explain.isAncestorOf(plot) and tab.strip.isHidden()
    window.lecture.toggle()
    window.resize(1280, 800)
    assert tab.explain.isHidden() and plot.isVisible()
    assert tab.strip.line.isVisible() and tab.strip.formula.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_E)
    assert tab.explain.isAncestorOf(plot) and plot.isVisible() and tab.strip.isHidden()
    qtbot.keyClick(window, Qt.Key.Key_E)
    window.lecture.toggle()
    window.resize(1280, 800)
    assert tab.explain.isAncestorOf(plot) and plot.isVisible() and tab.strip.isHidden()


def test_the_model_menu_keeps_the_models_of_a_data_set_together(qtbot):
    from playground.tabs.frame.model_menu import ModelMenu

    menu = ModelMenu()
    qtbot.addWidget(menu)
    cards = [card for card in checkpoints.cards() if card.family == "autoregressive"]
    pictures = [card for card in cards if card.dataset == "fashion"]
    texts = [card for card in cards if card.dataset == "bible"]
    assert len(pictures) > 1 and len(texts) > 1
    for card in (pictures[0], texts[0], pictures[1], texts[1]):
        menu.add(card, card.id)
    assert menu.currentData() == pictures[0].id, "the first model, not the name above it"
    entries = [menu.itemData(i) for i in range(menu.count())]
    assert entries == [None, pictures[0].id, pictures[1].id, None, texts[0].id, texts[1].id]
    assert (menu.itemText(0), menu.itemText(3)) == ("Garments", "Text")
    assert menu.ids() == [pictures[0].id, pictures[1].id, texts[0].id, texts[1].id]
    assert menu.row_of("") == menu.row_of("nosuch") == 1 and menu.row_of(texts[1].id) == 5
    menu.setFocus()
    for _ in range(2):
        qtbot.keyClick(menu, Qt.Key.Key_Down)
    assert menu.currentData() == texts[0].id, "the names of data sets are passed over"
    menu.setCurrentIndex(1)
    menu.setCurrentIndex(menu.findData(texts[0].id))
    with qtbot.assertNotEmitted(menu.currentIndexChanged):
        for card in pictures[2:3]:
            menu.add(card, card.id)
    assert menu.currentData() == texts[0].id
    mine = dataclasses.replace(texts[0], id="mine", dataset="letters")
    menu.add(mine, "mine.safetensors")
    assert menu.itemText(menu.count() - 2) == "letters"
    assert menu.itemText(menu.count() - 1) == "mine (your file)"
    rows = menu.count()
    menu.drop_own("mine.safetensors")
    assert menu.count() == rows - 2, "the name of its data set goes with it"
