"""The VAE tab's views of codes in the real window: change a code, take one back, and see the picture follow."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from playground import checkpoints, models
from playground.experiments import branching
from playground.models.vae.vqprior import VQPrior, VQPriorConfig
from playground.tabs.vae.code_generate import CodeGenerate
from playground.tabs.vae.code_table import CodeTable
from playground.tabs.vae.codes import Codes
from tests.windows import WAIT, wait_finished


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory):
    """A prior that has learned nothing, built on the VQ-VAE that is shipped: as quick as a small one, and a user's own file."""
    torch.manual_seed(0)
    config = VQPriorConfig(width=16, depth=1, heads=2)
    model, shipped = VQPrior(config), checkpoints.load("vqvae-fashion")
    torch.nn.init.normal_(model.head)
    recipe = dataclasses.asdict(models.recipes()["vqprior-fashion"][1])
    card = dataclasses.replace(
        shipped.card,
        id="own-fashion",
        network="vae/vqprior",
        config=dataclasses.asdict(config),
        recipe=json.loads(json.dumps(recipe)),
        built_on=[f"vqvae-fashion@{shipped.weights_hash}"],
    )
    path = tmp_path_factory.mktemp("own") / "own-fashion.safetensors"
    checkpoints.save(path, model, card, "float32")
    return path


def go(qtbot, window, model, view):
    """Open a model (or a file) and one of its views."""
    window.tabs.setCurrentIndex([window.tabs.tabText(i) for i in range(window.tabs.count())].index("VAE"))
    tab = window.current
    tab.open_model(str(model)) if isinstance(model, str) else window.open_file(model)
    name = str(model).rpartition("/")[2].removesuffix(".safetensors")
    opened = lambda: tab.model is not None and tab.model.card.id == name  # noqa: E731
    qtbot.waitUntil(lambda: opened() or not tab.banner.isHidden(), timeout=WAIT)
    assert opened(), tab.banner.text()
    tab.show_view([v.name for v in tab.suitable].index(view))
    qtbot.waitUntil(lambda: len(tab.view.player.timeline) > 0, timeout=WAIT)
    wait_finished(qtbot, tab.view)
    return tab, tab.view


def settled(qtbot, view, moved):
    qtbot.waitUntil(lambda: view.request.moved == moved and not view.player.is_sampling, timeout=WAIT)
    qtbot.waitUntil(lambda: view.player.frame.step == 2, timeout=WAIT)
    return view.player.frame


def press(qtbot, table, *keys):
    for key in keys:
        qtbot.keyClick(table, key)


def test_a_code_is_clicked_typed_turned_and_taken_back(shared_window, qtbot):
    tab, view = go(qtbot, shared_window, "vqvae-fashion", "Codes")
    assert type(view) is Codes and tab.banner.isHidden()
    table, before = view.table, view.player.frame

    qtbot.mouseClick(table, Qt.MouseButton.LeftButton, pos=table.cell_rect((2, 5, 0)).center().toPoint())
    qtbot.waitUntil(lambda: view.request.place == "3,6,1", timeout=WAIT)
    press(qtbot, table, Qt.Key.Key_4, Qt.Key.Key_7, Qt.Key.Key_Return)
    frame = settled(qtbot, view, "3,6,1=47")
    assert frame.extras["codes"][0, 2, 5, 0] == 47 and frame.extras["nearest"][0] == 47
    difference = np.abs(frame.images.astype(int) - before.images)[0, ..., 0]
    assert difference[8:12, 20:24].mean() > 3 * difference.mean() > 0, (
        "the picture changes where the code stands"
    )
    rank = 1 + list(np.argsort(-frame.extras["usage"][0], kind="stable")).index(47)
    qtbot.waitUntil(lambda: view.bars.legend().startswith(f"{rank}:"), timeout=WAIT)

    wheel = QWheelEvent(
        QPointF(9, 9), table.mapToGlobal(QPointF(9, 9)), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    table.setFocus()
    QApplication.sendEvent(table, wheel)
    settled(qtbot, view, "3,6,1=48")
    press(qtbot, table, Qt.Key.Key_Minus)
    settled(qtbot, view, "3,6,1=47")

    take = view.others.picture_rect(3).center().toPoint()
    qtbot.mouseClick(view.others, Qt.MouseButton.LeftButton, pos=take)
    taken = settled(qtbot, view, f"3,6,1={frame.extras['nearest'][3]}")
    assert np.array_equal(taken.images[0], frame.extras["decoded"][3]), "what was shown is what comes"

    press(qtbot, table, Qt.Key.Key_Delete)
    assert np.array_equal(settled(qtbot, view, "").images, before.images)
    press(qtbot, table, Qt.Key.Key_Plus)
    qtbot.waitUntil(view.back.isEnabled, timeout=WAIT)
    view.back.click()
    settled(qtbot, view, "")


def test_another_picture_begins_with_its_own_codes(shared_window, qtbot):
    _, view = go(qtbot, shared_window, "vqvae-fashion", "Codes")
    qtbot.keyClick(view.table, Qt.Key.Key_Plus)
    qtbot.waitUntil(lambda: view.request.moved != "", timeout=WAIT)
    qtbot.keyClick(view, Qt.Key.Key_N)
    frame = settled(qtbot, view, "")
    assert view.request.index == 1
    assert np.array_equal(frame.extras["codes"], frame.extras["start"])
    corner = view.pictures.picture_rect(0)
    at = QPoint(round(corner.right() - 2), round(corner.top() + 2))
    qtbot.mouseClick(view.pictures, Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: view.request.place.startswith("1,7,"), timeout=WAIT)
    assert view.table.place()[:2] == (0, 6)


def test_without_a_prior_there_is_nothing_to_take_back(shared_window, qtbot):
    _, view = go(qtbot, shared_window, "vqvae-fashion", "Generate")
    assert type(view) is CodeGenerate
    assert view.editor.isHidden() and view.plot is None
    qtbot.mouseClick(
        view.table, Qt.MouseButton.LeftButton, pos=view.table.cell_rect((6, 6, 1)).center().toPoint()
    )
    assert view.editor.isHidden()


def test_a_code_is_taken_back_and_another_put_there(shared_window, qtbot, prior_file):
    tab, view = go(qtbot, shared_window, prior_file, "Generate")
    tab.knobs.set_settings({"num_samples": 3, "seed": 11})
    qtbot.waitUntil(lambda: view.request.num_samples == 3, timeout=WAIT)
    wait_finished(qtbot, view)
    whole = view.player.timeline.last.extras["codes"].copy()
    view.player.pause()
    view.grid.select(1)
    qtbot.mouseClick(
        view.table, Qt.MouseButton.LeftButton, pos=view.table.cell_rect((2, 3, 0)).center().toPoint()
    )
    qtbot.waitUntil(lambda: view.player.frame.step == 2 * 7 + 3 + 1, timeout=WAIT)
    assert not view.editor.isHidden() and view.editor.place == (1, 2, 3, 0)
    code = int(view.editor.order[view.editor.slider.value()])
    assert code == whole[1, 2, 3, 0]
    rank = 1 if view.editor.slider.value() != 1 else 0
    put = int(view.editor.order[rank])
    view.editor.slider.setValue(rank)
    qtbot.waitUntil(
        lambda: not view.player.is_sampling and view.player.timeline.last.step == 49, timeout=WAIT
    )
    found = view.player.timeline.last.extras["codes"]
    assert found[1, 2, 3, 0] == put and np.array_equal(found[[0, 2]], whole[[0, 2]])
    assert np.array_equal(found[1].reshape(-1, 2)[:17], whole[1].reshape(-1, 2)[:17])
    again = list(branching.recoded(checkpoints.load(prior_file), view.request, [(1, 2, 3, 0, put)]))
    assert np.array_equal(again[-1].extras["codes"], found)
    assert view.code().run == f"recoded(model, request, [(1, 2, 3, 0, {put})])"
    kept = view.checked(view.settings(), view.request, view.model)
    assert kept["edits"] == [[1, 2, 3, 0, put]]
    for wrong in ({"edits": [[3, 0, 0, 0, 0]]}, {"edits": [[0, 0, 7, 0, 0]]}, {"place": [0, 0, 2]}):
        with pytest.raises(ValueError, match=r"exist|fit"):
            view.checked(wrong, view.request, view.model)


def test_the_table_goes_from_one_level_to_the_next(qtbot):
    table = CodeTable()
    qtbot.addWidget(table)
    table.resize(300, 700)
    table.set_codes(np.arange(18).reshape(3, 3, 2), 18, ("coarse", "detail"))
    table.point_at((2, 1, 0))
    with qtbot.waitSignal(table.pointed) as heard:
        qtbot.keyClick(table, Qt.Key.Key_Down)
    assert heard.args == [0, 1, 1], "the tables stand one above the other"
    table.resize(900, 300)
    table.point_at((2, 2, 0))
    qtbot.keyClick(table, Qt.Key.Key_Right)
    assert table.place() == (2, 0, 1), "and now side by side"
    rects = [table.cell_rect(p) for p in np.ndindex(3, 3, 2)]
    assert all(not a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
    assert all(table.rect().contains(r.toRect()) for r in rects)
    assert table.place_at(table.cell_rect((1, 2, 1)).center()) == (1, 2, 1)
    with qtbot.waitSignal(table.changed) as heard:
        qtbot.keyClick(table, Qt.Key.Key_5)  # no room for a second figure
    assert heard.args == [2, 0, 1, 5]
