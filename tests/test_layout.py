"""What gives way to what: planes fill the canvas and go back, tall formulas stay tall, the map fits a hall, buttons leave the keys."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from playground.export import picture_metadata
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.frame.exporter import metadata_of
from playground.tabs.frame.page import LinkTarget
from playground.ui.formulas.label import FormulaLabel
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.pictures.stage import Stage
from playground.ui.theme import theme
from playground.ui.widgets.key_home import leave_keys
from playground.ui.widgets.lecture_strip import LectureStrip
from playground.ui.widgets.stepper import Stepper
from tests.windows import WAIT, begun, wait_finished


def test_a_plane_fills_the_stage_and_comes_back(qtbot):
    stage, view = Stage(), QWidget()
    plane, grid = LatentPlane(), ImageGrid()
    row = QHBoxLayout(view)
    row.addWidget(plane, 1)
    row.addWidget(grid, 1)
    stage.addWidget(view)
    stage.resize(900, 600)
    qtbot.addWidget(stage)
    with qtbot.waitActive(stage):
        stage.show()
        stage.activateWindow()
    plane.set_manifold(np.zeros((9, 28, 28, 1), np.uint8), 3)
    before = plane.width()
    qtbot.mouseDClick(plane, Qt.MouseButton.LeftButton, pos=plane.rect().center())
    assert plane.width() == 900 and plane.height() == 600 and plane.hasFocus()
    assert view.findChildren(LatentPlane) == [plane], "whoever exports the view still finds it"
    moved = plane.pointer()
    qtbot.keyClick(plane, Qt.Key.Key_Right)
    assert plane.pointer() != moved, "it goes on working"
    stage.resize(800, 500)
    assert plane.size() == stage.size()
    assert stage.close_enlargement() and row.indexOf(plane) == 0
    qtbot.waitUntil(lambda: plane.width() < before)
    qtbot.keyClick(plane, Qt.Key.Key_Return)
    assert plane.size() == stage.size()
    qtbot.keyClick(plane, Qt.Key.Key_Return)
    assert row.indexOf(plane) == 0 and not stage.close_enlargement()


def test_a_tall_formula_stays_as_large(qtbot):
    strip, alone = LectureStrip(), FormulaLabel(wraps=False)
    qtbot.addWidget(strip)
    qtbot.addWidget(alone)
    strip.resize(900, 60)
    low = strip.sizeHint().height()
    tex = r"p(x) = \frac{\exp(-E(x))}{Z}"
    alone.set_formula(tex, 1.2)
    strip.show_line("An energy for every picture. And more.", tex)
    assert strip.formula.sizeHint() == alone.sizeHint()
    assert strip.sizeHint().height() >= max(low, alone.sizeHint().height())


def test_the_map_fits_a_hall_without_scroll_bars(shared_window, qapp):
    window = shared_window
    window.go(LinkTarget("guide", "", "Map"))
    scene = window.page.scene
    window.lecture.begin(full_screen=False)
    try:
        qapp.processEvents()
        assert (window.width(), window.height()) == (1280, 800)
        room, tree = scene.scroller.viewport().size(), scene.tree
        assert tree.width() <= room.width() and tree.height() <= room.height()
        assert not scene.scroller.verticalScrollBar().isVisible()
        assert not scene.scroller.horizontalScrollBar().isVisible()
        last = tree.cards[-1]
        assert last.geometry().bottom() <= tree.height() and last.height() > 2.5 * theme.em()
    finally:
        window.lecture.end()
    qapp.processEvents()
    assert scene.tree.minimumSizeHint().width() > 0


def test_buttons_leave_the_keys_to_the_picture(qtbot):
    host = QWidget()
    button = QPushButton("Back to the start", host)
    leave_keys(host)
    qtbot.addWidget(host)
    assert button.focusPolicy() == Qt.FocusPolicy.TabFocus


def test_buttons_of_views_and_pages_do(shared_window):
    window = shared_window
    window.go(LinkTarget("compare", "", "Race"))
    window.page.scene.race.stop()
    taking = Qt.FocusPolicy.ClickFocus
    for button in window.page.scene.findChildren(QPushButton):
        assert not button.focusPolicy() & taking, button.text()


def test_a_reopened_picture_is_there_at_once(shared_window, qtbot, tmp_path):
    window = shared_window
    window.go(LinkTarget("gan", "dcgan-fashion", "Generate", {"seed": 31}))
    tab = window.current
    qtbot.waitUntil(
        lambda: tab.view is not None and tab.model_id == "dcgan-fashion" and tab.view.request.seed == 31,
        timeout=WAIT,
    )
    wait_finished(qtbot, tab.view)
    qtbot.waitUntil(lambda: begun(tab.view.player), timeout=WAIT)
    images = tab.view.player.frame.images
    picture_metadata.save_png(tmp_path / "kept.png", images[0, ..., 0], metadata_of(tab.view))
    tab.knobs.set_settings({"seed": 32})
    wait_finished(qtbot, tab.view)
    window.open_file(tmp_path / "kept.png")
    assert tab.canvas.has_stand_in, "before its model has been asked for anything"
    qtbot.waitUntil(lambda: not tab.canvas.has_stand_in, timeout=WAIT)
    assert tab.view.request.seed == 31 and np.array_equal(tab.view.player.frame.images, images)
    broken = PictureMetadata("gan", "dcgan-fashion", "", "No such view", {})
    picture_metadata.save_png(tmp_path / "broken.png", images[0, ..., 0], broken)
    window.open_file(tmp_path / "broken.png")
    qtbot.waitUntil(lambda: not tab.banner.isHidden(), timeout=WAIT)
    assert not tab.canvas.has_stand_in


def test_the_number_of_a_test_image_can_be_typed(qtbot):
    stepper = Stepper("test image", 10_000)
    qtbot.addWidget(stepper)
    stepper.show()
    qtbot.mouseClick(stepper.label, Qt.MouseButton.LeftButton)
    assert stepper.field.isVisible()
    stepper.field.setText("")
    qtbot.keyClicks(stepper.field, "1234")
    with qtbot.waitSignal(stepper.stepped) as caught:
        qtbot.keyClick(stepper.field, Qt.Key.Key_Return)
    assert caught.args == [1234] and not stepper.field.isVisible()
