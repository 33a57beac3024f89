"""The shared widgets do what a hand expects of them: knobs answer, pixels are exact, planes map there and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QMenu, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from playground.contract import EACH_CLASS, Request, knob
from playground.export.contact_sheet import compose
from playground.tabs.frame.explain_panel import ExplainPanel
from playground.ui.formulas.rich_text import to_html
from playground.ui.knobs.panel import MAX_VISIBLE, KnobPanel
from playground.ui.pictures.dots import dots
from playground.ui.pictures.grid_layout import best_fit, lay_out
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.pictures.plane_layers import Plane, places_of_names
from playground.ui.pictures.stage import Stage
from playground.ui.plots.line_plot import BarPlot, LinePlot
from playground.ui.theme import theme
from playground.ui.widgets import glossary
from playground.ui.widgets.banner import Banner
from playground.ui.widgets.controls import Slider
from playground.ui.widgets.demo import DemoRequest
from playground.ui.widgets.help_panel import HelpPanel

CLASSES = ("T-shirt", "Trouser", "Bag")


@dataclass(frozen=True)
class OtherRequest(Request):
    """Shares ``eta`` and ``label`` with the demo's request; its ``num_steps`` has another range."""

    eta: float = knob(0.5, label="eta", low=0.0, high=1.0, step=0.05, help="Noise.")
    num_steps: int = knob(5, label="num_steps", low=1, high=10, help="Steps.")
    label: int = knob(0, label="class", choices="classes", help="Class.")


@dataclass(frozen=True)
class ManyRequest(Request):
    """More knobs than fit."""

    a: int = knob(1, label="a", low=0, high=9, help="A.")
    b: int = knob(1, label="b", low=0, high=9, help="B.")
    c: int = knob(1, label="c", low=0, high=9, help="C.")
    d: int = knob(1, label="d", low=0, high=9, help="D.")
    e: int = knob(1, label="e", low=0, high=9, help="E.")
    f: int = knob(1, label="f", low=0, high=9, help="F.")
    g: int = knob(1, label="g", low=0, high=9, help="G.")
    h: int = knob(1, label="h", low=0, high=9, help="H.")
    words: str = knob("red shoe", label="words", help="A text.")


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> Iterator[None]:
    """Every test starts in the light theme at normal size."""
    theme.apply(qapp, "light")
    theme.set_scale(qapp, 1.0)
    yield
    theme.apply(qapp, "light")
    theme.set_scale(qapp, 1.0)


def show(qtbot: QtBot, widget: QWidget, width: int = 500, height: int = 400) -> None:
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()


def panel_of(qtbot: QtBot, request: type[Request] = DemoRequest) -> KnobPanel:
    panel = KnobPanel()
    panel.set_request(request, CLASSES)
    show(qtbot, panel, panel.sizeHint().width(), 700)
    return panel


# --- knobs


def test_a_request_is_a_frozen_snapshot(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    request = panel.request()
    assert request == DemoRequest()
    with pytest.raises(FrozenInstanceError):
        request.seed = 3  # type: ignore[misc]
    panel.set_settings({"eta": 0.5})
    assert request == DemoRequest() and panel.request() == DemoRequest(eta=0.5)


def test_dragging_a_slider_sends_a_request_at_every_move(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    slider = panel.row("guidance_scale").slider  # type: ignore[attr-defined]
    seen: list[DemoRequest] = []
    panel.changed.connect(seen.append)
    start, y = slider.handle_centre().toPoint(), slider.height() // 2
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for dx in (30, 60, 90):
        move = QPointF(start.x() + dx, y)
        QApplication.sendEvent(slider, _mouse(QEvent.Type.MouseMove, move, held=True))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton)
    values = [request.guidance_scale for request in seen]
    assert len(values) >= 3 and values == sorted(values) and len(set(values)) == len(values)
    assert values[-1] == panel.request().guidance_scale == pytest.approx(round(values[-1], 1))


def test_the_same_request_is_not_sent_twice(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    seen: list[Request] = []
    panel.changed.connect(seen.append)
    panel.set_settings({"eta": 0.0})
    panel.row("num_steps").field.setValue(50)  # type: ignore[attr-defined]
    assert seen == []
    panel.set_settings({"eta": 0.3, "clip": False, "unknown": 1})
    assert seen == [DemoRequest(eta=0.3, clip=False)]


def test_double_click_on_slider_or_label_resets_one_knob(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    panel.set_settings({"eta": 0.5, "num_steps": 100})
    row = panel.row("eta")
    with qtbot.waitSignal(panel.changed):
        qtbot.mouseDClick(row.label, Qt.MouseButton.LeftButton)
    assert panel.request() == DemoRequest(num_steps=100)
    slider = panel.row("num_steps").slider  # type: ignore[attr-defined]
    with qtbot.waitSignal(panel.changed):
        qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=slider.handle_centre().toPoint())
    assert panel.request() == DemoRequest()


def test_a_log_slider_reaches_both_ends_and_round_numbers(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    row = panel.row("num_steps")
    row.slider.setValue(row.slider.minimum())  # type: ignore[attr-defined]
    assert row.value() == 1
    row.slider.setValue(row.slider.maximum())  # type: ignore[attr-defined]
    assert row.value() == 1000
    row.slider.setValue(row.slider.maximum() // 3)  # type: ignore[attr-defined]
    assert row.value() == 10


def test_every_kind_of_knob_keeps_what_it_is_given(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    given = {
        "label": 2,
        "num_steps": 37,
        "guidance_scale": 2.3,
        "eta": 0.35,
        "sampler": "heun",
        "clip": False,
        "step_size": 0.0025,
        "seed": 123_456_789,
        "num_samples": 9,
    }
    panel.set_settings(given)
    assert panel.settings() == given
    assert [type(v) for v in panel.settings().values()] == [type(given[k]) for k in panel.settings()]
    panel.reset()
    assert panel.request() == DemoRequest()


def test_a_wrong_setting_changes_nothing(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    with pytest.raises(ValueError, match="eta must lie between"):
        panel.set_settings({"num_steps": 5, "eta": 7.0})
    assert panel.request() == DemoRequest()


def test_another_request_type_keeps_values_of_the_same_name_if_they_fit(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    panel.set_settings({"eta": 0.25, "num_steps": 400, "label": 2, "seed": 99, "sampler": "heun"})
    with qtbot.assertNotEmitted(panel.changed):
        panel.set_request(OtherRequest, CLASSES)
    assert panel.request() == OtherRequest(eta=0.25, num_steps=5, label=2, seed=99)
    panel.set_request(OtherRequest, CLASSES[:2])
    assert panel.request().label == 0  # the third class is gone
    panel.set_request(DemoRequest, CLASSES)
    assert panel.request().sampler == "heun"  # remembered although the other request had none


def test_only_what_was_turned_is_carried_to_another_default(qtbot: QtBot) -> None:
    @dataclass(frozen=True)
    class Colder(Request):
        temperature: float = knob(0.9, label="temperature", low=0.0, high=2.0, step=0.05, help="")

    @dataclass(frozen=True)
    class Plain(Request):
        temperature: float = knob(1.0, label="temperature", low=0.0, high=2.0, step=0.05, help="")

    panel = KnobPanel()
    qtbot.addWidget(panel)
    for request in (Colder, Plain, Colder):
        panel.set_request(request)
        assert panel.request() == request()
    panel.set_settings({"temperature": 1.0})  # the other's default, but chosen
    for request in (Plain, Colder):
        panel.set_request(request)
        assert panel.request().temperature == 1.0  # type: ignore[attr-defined]
    panel.reset()
    panel.set_request(Plain)
    assert panel.request().temperature == 0.9, "resetting is turning, too"  # type: ignore[attr-defined]


def test_hidden_knobs_leave_no_row_and_stand_at_their_default(qtbot: QtBot) -> None:
    panel = KnobPanel()
    panel.set_request(DemoRequest, CLASSES, hidden={"num_samples", "eta"})
    show(qtbot, panel, 260, 700)
    assert "eta" not in panel.settings() and panel.request() == DemoRequest()
    top = panel.row("sampler").geometry().top()
    panel.set_shown("guidance_scale", False)
    qtbot.waitUntil(lambda: panel.row("sampler").geometry().top() < top)


def test_at_most_eight_knobs_are_visible_and_the_rest_unfold(qtbot: QtBot) -> None:
    panel = panel_of(qtbot, ManyRequest)
    visible = [name for name in panel.settings() if panel.row(name).isVisible()]
    assert len(visible) == MAX_VISIBLE and {"seed", "num_samples"} <= set(visible)
    panel.more.click()
    assert all(panel.row(name).isVisible() for name in panel.settings())
    assert panel.request() == ManyRequest()


def test_both_ways_to_a_new_seed_draw_another_seed(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    with qtbot.waitSignal(panel.changed) as caught:
        panel.reseed()
    first = caught.args[0].seed
    with qtbot.waitSignal(panel.changed) as caught:
        qtbot.mouseClick(panel.row("seed").new_seed, Qt.MouseButton.LeftButton)  # type: ignore[attr-defined]
    assert len({7, first, caught.args[0].seed}) >= 2 and caught.args[0].seed != first


def test_classes_come_as_a_menu_that_starts_with_each_in_turn(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    control = panel.row("label").control  # type: ignore[attr-defined]
    assert [control.itemText(i) for i in range(control.count())] == ["each in turn", *CLASSES]
    assert control.itemData(0) == EACH_CLASS


@pytest.mark.parametrize("scale", [1.0, 1.8])
def test_the_panel_is_never_cut_at_its_side(qtbot: QtBot, qapp: QApplication, scale: float) -> None:
    theme.set_scale(qapp, scale)
    panel = panel_of(qtbot)
    panel.resize(panel.minimumSizeHint().width(), 500)
    scroller = panel.findChild(QScrollArea)
    assert scroller.widget().minimumSizeHint().width() <= scroller.viewport().width()
    if scale == 1.0:
        assert 200 <= panel.sizeHint().width() <= 280


# --- image grid


def pictures(count: int = 6, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 6, channels)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pixel_of_a_picture_is_a_square_of_exactly_its_colour(qtbot: QtBot, channels: int) -> None:
    grid, images = ImageGrid(), pictures(6, channels)
    grid.set_images(images, captions=[str(i) for i in range(6)], title="x_0")
    show(qtbot, grid)
    shot, ratio = grid.grab().toImage(), grid.devicePixelRatioF()
    assert grid.zoom >= 2
    for k, r, c in [(0, 0, 0), (2, 7, 5), (3, 3, 2), (5, 7, 0)]:
        box = grid.picture_rect(k)
        left, top = round(box.left() * ratio) + c * grid.zoom, round(box.top() * ratio) + r * grid.zoom
        want = tuple(images[k, r, c]) if channels == 3 else (images[k, r, c, 0],) * 3
        first, last = 1.5, grid.zoom - 1.5  # only the line between two pixels may be mixed of both
        for dx, dy in [(first, first), (last, last)]:
            assert QColor(shot.pixel(int(left + dx), int(top + dy))).getRgb()[:3] == want


def test_the_grid_takes_the_columns_that_let_the_pictures_be_largest() -> None:
    wide = best_fit(10, (28, 28), (1000, 120))
    assert wide.columns == 10 and 3 < wide.zoom < 4
    tall = best_fit(10, (28, 28), (120, 1000))
    assert tall.columns == 1 and 3 < tall.zoom < 4
    assert best_fit(16, (28, 28), (560, 560)).columns == 4
    for width in range(60, 700, 37):
        fit = best_fit(9, (28, 28), (width, 400), columns=3)
        assert fit.columns == 3 and (fit.zoom == 1 or (fit.columns * 28) * fit.zoom <= width)
        assert fit.zoom > 3 or fit.zoom == int(fit.zoom)
        assert fit.zoom * 28 == pytest.approx(round(fit.zoom * 28), abs=1e-9), "a picture's width is whole"


def test_no_last_row_has_a_single_picture_and_few_places_stay_empty() -> None:
    for count in range(2, 26):
        for width in range(200, 1400, 90):
            fit = best_fit(count, (28, 28), (width, 500))
            assert fit.columns == 1 or fit.rows == 1 or count % fit.columns != 1, (count, width)
    assert best_fit(16, (28, 28), (900, 560)).rows * best_fit(16, (28, 28), (900, 560)).columns <= 18


def test_pictures_fill_their_room_and_stay_in_it() -> None:
    for count, width, caption in [(1, 500, 0), (16, 700, 0), (16, 700, 20), (12, 1300, 30), (5, 650, 0)]:
        layout = lay_out(count, (28, 28), (width, 500), None, 1, margin=8, caption=caption)
        boxes = [layout.rect(i) for i in range(count)]
        assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= 500 for x, y, w, h in boxes)
        area = sum(w * h for _, _, w, h in boxes)
        assert area > (0.55 if caption else 0.7) * min(width, 500) ** 2
        assert layout.pixel_at(*[v + 1 for v in boxes[-1][:2]]) == (count - 1, 0, 0)
        x, y, w, h = boxes[0]
        assert layout.pixel_at(x + w - 1, y + h - 1) == (0, 27, 27)


def test_a_hall_sees_fewer_but_larger_pictures(qtbot: QtBot, qapp: QApplication) -> None:
    grid = ImageGrid()
    grid.may_show_fewer = True
    grid.set_images(np.zeros((16, 28, 28, 1), np.uint8))
    grid.resize(320, 240)
    qtbot.addWidget(grid)
    grid.show()
    assert grid.num_shown == grid.count() == 16 and grid.picture_rect(0).width() < theme.LECTURE_SIDE
    theme.set_lecture(qapp, True)
    sides = {box.width() for box in grid.picture_rects()}
    theme.set_lecture(qapp, False)
    assert len(sides) == 1 and sides.pop() >= theme.LECTURE_SIDE
    assert grid.num_shown == 16, "all are back"


def test_a_hall_sees_fewer_rows_where_columns_are_given(qtbot: QtBot, qapp: QApplication) -> None:
    grid = ImageGrid()
    grid.may_show_fewer = True
    grid.set_images(np.zeros((24, 28, 28, 1), np.uint8), columns=6)
    show(qtbot, grid)
    grid.resize(800, 330)
    assert grid.num_shown == 24
    theme.set_lecture(qapp, True)
    shown, side, columns = grid.num_shown, grid.picture_rect(0).width(), grid.columns
    theme.set_lecture(qapp, False)
    assert (shown % 6, columns) == (0, 6) and 0 < shown < 24 and side >= theme.LECTURE_SIDE


def test_each_panel_may_have_captions_of_its_own(qtbot: QtBot) -> None:
    grid = ImageGrid()
    grid.set_panels(
        [("as it was", pictures(2)), ("what came back", pictures(2))],
        panel_captions=[["", ""], ["30 dB", "28 dB"]],
    )
    show(qtbot, grid)
    assert grid.one(1, 0)[0] == "as it was" and grid.one(1, 1)[0] == "28 dB · what came back"
    content = grid.content()
    assert content.captions is None and content.panel_captions == (("", ""), ("30 dB", "28 dB"))
    plain = dataclasses.replace(content, panel_captions=None)
    assert compose([content], 4, words=True).shape[0] > compose([plain], 4, words=True).shape[0]


def test_captions_at_the_edges_have_the_room_of_the_others(qtbot: QtBot) -> None:
    """The first began to the left of the widget, so that its beginning was cut."""
    for width in range(300, 1000, 35):
        layout = lay_out(8, (28, 28), (width, 300), 4, 1, margin=8, caption=20, widest=260)
        x, _, w, _ = layout.rect(0)
        last, _, _, _ = layout.rect(3)
        assert x + w / 2 - layout.pitch[0] / 2 >= 0 and last + w / 2 + layout.pitch[0] / 2 <= width


def test_names_on_a_plane_stand_among_their_own_points() -> None:
    """A name that was pushed out of the crowd ended on another class's points."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1, 2], 200)
    z = rng.normal(0, 0.25, (600, 2))
    z[labels == 2] += (0, -2)
    plane = Plane(QRectF(0, 0, 400, 400), 3.0, 1.0)
    boxes = places_of_names(plane, z, labels, [(60.0, 20.0)] * 3)
    points = plane.points(z)
    for label, box in enumerate(boxes):
        if box is not None:
            at = np.array([box.center().x(), box.center().y()])
            nearest = labels[np.argsort(((points - at) ** 2).sum(1))[:15]]
            assert (nearest == label).any()
    assert boxes[0] is not None and boxes[2] is not None
    assert not any(a.intersects(b) for a in boxes for b in boxes if a and b and a is not b)
    crowded = places_of_names(plane, z[:400] * 0.02, labels[:400], [(60.0, 20.0)] * 2)
    assert crowded[0] is not None and crowded[1] is None, "no free place among its own"


def test_clicks_and_moves_find_the_right_pixel(qtbot: QtBot) -> None:
    grid = ImageGrid()
    grid.set_panels([("x_t", pictures(4)), ("x_0_pred", pictures(4))])
    show(qtbot, grid)
    box = grid.picture_rect(3, panel=1)
    at = box.topLeft() + QPointF(2.5 * grid.zoom, 4.5 * grid.zoom) / grid.devicePixelRatioF()
    with qtbot.waitSignal(grid.picked) as caught:
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert caught.args == [3, 4, 2] and grid.selected() == 3
    with qtbot.waitSignal(grid.hovered) as caught:
        QApplication.sendEvent(grid, _mouse(QEvent.Type.MouseMove, at))
    assert caught.args == [3, 4, 2]
    assert grid.pixel_at(QPointF(0, 0)) == (-1, -1, -1)


def test_a_double_click_or_enter_enlarges_a_picture_and_escape_closes_it(qtbot: QtBot) -> None:
    stage, grid, images = Stage(), ImageGrid(), pictures(6)
    stage.addWidget(grid)
    grid.set_images(images, columns=3, captions=list("abcdef"))
    show(qtbot, stage)
    small = grid.picture_rect(4)
    qtbot.mouseDClick(grid, Qt.MouseButton.LeftButton, pos=small.center().toPoint())
    large = stage.enlargement
    assert large is not None and large.sample == 4 and large.geometry() == stage.rect()
    assert large.grid.picture_rect(0).width() > 2 * small.width()
    words, picture, _ = large.grid.one(0)
    assert words == "e" and (picture == images[4:5]).all()
    grid.set_images(255 - images, columns=3, captions=list("abcdef"))
    assert (large.grid.one(0)[1] == 255 - images[4:5]).all(), "it goes on as the run does"
    qtbot.keyClick(large, Qt.Key.Key_Escape)
    assert stage.enlargement is None and not large.isVisible()
    grid.select(2)
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert stage.enlargement.sample == 2
    stage.addWidget(QWidget())
    stage.setCurrentIndex(1)
    assert stage.enlargement is None, "another view is shown"


def test_what_goes_too_far_for_a_click_is_in_the_menu(qtbot: QtBot) -> None:
    grid = ImageGrid()
    grid.menu_text = "Go back to here"
    grid.set_images(pictures(4), columns=2)
    show(qtbot, grid)
    at = grid.picture_rect(3).center().toPoint()
    with qtbot.assertNotEmitted(grid.picked):
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=at)
    assert grid.selected() == 3
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, grid.mapToGlobal(at))
    QApplication.sendEvent(grid, event)
    entries = {action.text(): action for action in grid.findChild(QMenu).actions()}
    assert {"Enlarge (Enter)", "Copy this picture", "Go back to here"} <= set(entries)
    with qtbot.waitSignal(grid.picked) as caught:
        entries["Go back to here"].trigger()
    assert caught.args[0] == 3


def test_arrows_move_the_selection(qtbot: QtBot) -> None:
    grid = ImageGrid()
    grid.set_images(pictures(6), columns=3)
    show(qtbot, grid)
    grid.select(0)
    for key, want in [("Right", 1), ("Down", 4), ("Down", 4), ("Left", 3), ("Up", 0), ("Up", 0)]:
        qtbot.keyClick(grid, getattr(Qt.Key, f"Key_{key}"))
        assert grid.selected() == want


def test_what_is_not_yet_drawn_is_hatched_and_not_black(qtbot: QtBot) -> None:
    grid, known = ImageGrid(), np.zeros((8, 6), bool)
    known[:4] = True
    grid.set_images(np.zeros((1, 8, 6, 1), np.uint8))
    grid.set_known(known)
    show(qtbot, grid)
    shot, z, ratio = grid.grab().toImage(), grid.zoom, grid.devicePixelRatioF()
    x, y = (round(v * ratio) for v in (grid.picture_rect(0).left(), grid.picture_rect(0).top()))
    assert QColor(shot.pixel(x + z // 2, y + z // 2)).getRgb()[:3] == (0, 0, 0)
    below = {QColor(shot.pixel(x + z // 2 + i * z, y + z // 2 + 5 * z)).rgb() for i in range(4)}
    assert len(below) == 2 and QColor(0, 0, 0).rgb() not in below
    grid.set_marker(4 * 6 + 1)
    edge = QColor(grid.grab().toImage().pixel(x + z + z // 2, y + 4 * z - 1))
    assert edge == theme.accent(grid, on_canvas=True)


def test_captions_name_the_pictures_that_are_there(qtbot: QtBot) -> None:
    grid = ImageGrid()
    qtbot.addWidget(grid)
    grid.set_images(pictures(2), captions=["T-shirt", "Trouser", "Bag"])
    assert grid.content().captions == ("T-shirt", "Trouser")


def test_the_grid_refuses_what_is_not_a_picture(qtbot: QtBot) -> None:
    grid = ImageGrid()
    qtbot.addWidget(grid)
    with pytest.raises(ValueError, match="uint8"):
        grid.set_images(np.zeros((2, 8, 8, 1), np.float32))
    with pytest.raises(ValueError, match="equally many"):
        grid.set_panels([("a", pictures(2)), ("b", pictures(3))])


# --- latent plane


def plane_of(qtbot: QtBot) -> LatentPlane:
    plane = LatentPlane()
    tiles = np.arange(25, dtype=np.uint8).repeat(64).reshape(25, 8, 8, 1) * 10
    plane.set_manifold(tiles, 5, extent=2.5)
    show(qtbot, plane)
    return plane


def test_a_z_maps_to_the_screen_and_back(qtbot: QtBot) -> None:
    plane = plane_of(qtbot)
    for z in [(0.0, 0.0), (1.3, -2.2), (-2.5, 2.5)]:
        assert plane.z_at(plane.point_of(z)) == pytest.approx(z, abs=1e-6)
    assert plane.z_at(QPointF(-900, 900)) == pytest.approx((-2.5, -2.5))


def test_each_tile_lies_at_its_z(qtbot: QtBot) -> None:
    plane = plane_of(qtbot)
    shot, ratio = plane.grab().toImage(), plane.devicePixelRatioF()
    assert plane.zoom >= 2
    for k in (0, 3, 12, 20, 24):
        at = plane.point_of(LatentPlane.grid_points(5, 2.5)[k]) * ratio
        # away from the tile's middle, where a circle of the prior or its name may pass
        colour = QColor(shot.pixel(int(at.x() + 3 * plane.zoom), int(at.y() + 3 * plane.zoom)))
        assert colour.getRgb()[:3] == (10 * k,) * 3


def test_hovering_and_arrows_move_the_pointer(qtbot: QtBot) -> None:
    plane = plane_of(qtbot)
    with qtbot.waitSignal(plane.moved) as caught:
        QApplication.sendEvent(plane, _mouse(QEvent.Type.MouseMove, plane.point_of((1.0, -0.5))))
    assert caught.args == pytest.approx([1.0, -0.5], abs=0.05)
    with qtbot.assertNotEmitted(plane.moved):
        plane.set_pointer((0.0, 0.0))
    with qtbot.waitSignal(plane.moved) as caught:
        qtbot.keyClick(plane, Qt.Key.Key_Up)
    assert caught.args[0] == 0 and caught.args[1] > 0


def test_a_click_on_plane_picture_or_slider_has_a_key(qtbot: QtBot) -> None:
    plane, grid, slider = plane_of(qtbot), ImageGrid(), Slider()
    with qtbot.waitSignal(plane.pressed) as caught:
        qtbot.keyClick(plane, Qt.Key.Key_Right)
        qtbot.keyClick(plane, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert tuple(caught.args) == plane.pointer() and plane.pointer()[0] > 0
    show(qtbot, grid)
    grid.set_images(np.zeros((4, 8, 6, 1), np.uint8), columns=2)
    with qtbot.assertNotEmitted(grid.picked):
        qtbot.keyClick(grid, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert grid.selected() == 0
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    with qtbot.waitSignal(grid.picked) as caught:
        qtbot.keyClick(grid, Qt.Key.Key_Enter, Qt.KeyboardModifier.ControlModifier)
    assert caught.args == [2, 4, 3]
    show(qtbot, slider)
    with qtbot.waitSignal(slider.reset):
        qtbot.keyClick(slider, Qt.Key.Key_Delete)


def test_ten_thousand_points_are_painted_once(qtbot: QtBot) -> None:
    plane = plane_of(qtbot)
    random = np.random.default_rng(0)
    plane.set_scatter(random.normal(size=(10_000, 2)), random.integers(0, 3, 10_000), CLASSES)
    plane.set_mode("both")
    plane.grab()
    points, back = plane.foreground, plane.background
    plane.set_pointer((0.4, 0.4))
    plane.grab()
    assert plane.foreground is points and plane.background is back
    plane.set_manifold(np.zeros((25, 8, 8, 1), np.uint8), 5, extent=2.5)
    plane.grab()
    assert plane.foreground is points and plane.background is not back
    plane.set_extent(2.5)  # as it is: nothing is painted again
    assert plane.foreground is points
    plane.set_extent(2.0)
    assert plane.foreground is None


def test_columns_and_panels_make_room_for_long_words() -> None:
    room, size = (600, 300), (10, 10)
    close = lay_out(4, size, room, 2, 1, margin=5)
    wide = lay_out(4, size, room, 2, 1, margin=5, widest=250)
    assert wide.fit == close.fit and close.column_gap == 8
    assert wide.pitch[0] >= 250 and wide.rect(1)[0] + wide.rect(1)[2] <= 600
    assert wide.pixel_at(wide.rect(1)[0] + 1, wide.rect(1)[1] + 1) == (1, 0, 0)
    assert wide.pixel_at(wide.rect(1)[0] - 2, wide.rect(1)[1] + 1) == (-1, -1, -1), "between the columns"
    most = lay_out(4, size, room, 2, 1, margin=5, widest=9000)
    assert most.rect(0)[0] >= 0 and most.rect(1)[0] + most.rect(1)[2] <= 600, "as far as there is room"
    two = lay_out(4, size, room, 2, 2, margin=5, title=290)
    assert two.fit.across and two.rect(0, 1)[0] - two.rect(0)[0] >= 280
    assert two.rect(1, 1)[0] + two.rect(1, 1)[2] <= 600


def test_dots_have_their_places_their_colours_and_smooth_edges(qapp: QApplication) -> None:
    red, blue = QColor(255, 0, 0), QColor(0, 0, 255)
    at = np.array([[10.5, 5.5], [30.5, 20.5], [-4.0, 8.0], [39.9, 39.9], [31.5, 20.5]])
    image = dots(at, np.array([0, 1, 0, 0, 0]), [red, blue], 4.0, 40, opacity=1.0)
    assert image.pixelColor(10, 5).getRgb() == (255, 0, 0, 255)
    assert image.pixelColor(30, 20).getRgb() == (0, 0, 255, 255), (
        "the edge of a later dot covered this middle"
    )
    assert image.pixelColor(31, 20).getRgb() == (255, 0, 0, 255)
    assert 0 < image.pixelColor(12, 5).alpha() < 255 and image.pixelColor(14, 5).alpha() == 0
    assert image.pixelColor(39, 39).alpha() == 255, "half a dot is seen at the rim"
    covered = sum(image.pixelColor(x, 5).alphaF() for x in range(20))
    assert covered == pytest.approx(4.0, abs=0.3)


# --- plots, words, banner


def test_plots_take_new_numbers_without_new_items(qtbot: QtBot) -> None:
    bars, lines = BarPlot("p", "grey level", "log-probability (nats)"), LinePlot("Loss", "step", "bits/dim")
    for plot in (bars, lines):
        show(qtbot, plot)
    for highlight in (3, 200, None):
        bars.set_values(np.linspace(-9, -1, 256), highlight=highlight, low=-10)
    bars.set_values(np.array([0.2, 0.5, 0.3]), highlight=1, names=["a", "b", "c"], high=1.0)
    assert bars.legend() == "b: 0.500"
    bars.set_values(np.array([-np.inf, -2.0]), low=-10)
    lines.set_curves({"training": np.arange(9.0), "validation": np.arange(9.0) + 1})
    lines.set_marker(4)
    assert lines._dots["validation"].data["y"][0] == 5 and lines._legend.isVisible()
    lines.set_curve("training", np.arange(20.0))
    assert len(lines.curve("training")[1]) == 20
    lines.clear()
    bars.grab()
    lines.grab()


def test_bars_stand_as_high_as_their_values(qtbot: QtBot) -> None:
    bars = BarPlot()
    bars.set_values([0.25, 1.0, 0.5], highlight=2, high=1.0)
    show(qtbot, bars, 320, 300)
    shot, ratio = bars.grab().toImage(), bars.devicePixelRatioF()

    def colour(x: float, y: float) -> QColor:
        at = bars.point_of(x, y) * ratio
        return QColor(shot.pixel(round(at.x()), round(at.y())))

    lit, soft = theme.accent(bars), colour(1, 0.5)
    assert colour(2, 0.45) == lit
    assert soft not in (lit, QColor(theme.LIGHT.window))
    for x, y in [(0, 0.3), (2, 0.55), (0.5, 0.1)]:
        assert colour(x, y).name().upper() == theme.LIGHT.window


def test_bars_of_negative_values_hang_from_zero(qtbot: QtBot) -> None:
    theme.apply(QApplication.instance(), "light")
    bars = BarPlot()
    show(qtbot, bars, 320, 300)
    bars.set_values([-0.5, 0.2, 0.0, -0.2], signed=True)
    shot, ratio = bars.grab().toImage(), bars.devicePixelRatioF()

    def is_ground(x: float, y: float) -> bool:
        at = bars.point_of(x, y) * ratio
        return QColor(shot.pixel(round(at.x()), round(at.y()))).name().upper() == theme.LIGHT.window

    assert [is_ground(0, y) for y in (-0.45, -0.1, 0.1)] == [False, False, True]
    assert [is_ground(1, y) for y in (-0.1, 0.1)] == [True, False]
    assert is_ground(2, -0.1) and is_ground(2, 0.1)
    assert [is_ground(3, y) for y in (-0.15, -0.3, -0.45)] == [False, True, True], (
        "it hangs, too, and less far"
    )
    assert bars.point_of(0, 0.2).y() < bars.point_of(0, 0).y() < bars.point_of(0, -0.5).y() <= bars.height()


def test_the_axis_of_bars_stands_on_round_numbers_and_seldom_moves(qtbot: QtBot) -> None:
    bars = BarPlot()
    show(qtbot, bars, 320, 300)
    foot = set()
    for top in (0.11, 0.13, 0.19):
        bars.set_values([0.01, top])
        foot.add(bars.point_of(0, 0.1).y())
    assert len(foot) == 1 and [t for _, t in bars._y_ticks()][-1] == "0.20"
    bars.set_values([0.0, 0.0])
    bars.set_values([-12.0, -1.5], low=-12)
    assert bars.point_of(0, -12).y() > bars.point_of(0, -2).y() > 0
    bars.grab()


def test_the_explain_panel_shows_words_formula_and_one_plot(qtbot: QtBot) -> None:
    panel, first, second = ExplainPanel(), LinePlot(), LinePlot()
    qtbot.addWidget(first)
    qtbot.addWidget(second)
    show(qtbot, panel, 300, 500)
    panel.set_content("Words.", r"\alpha_t", first)
    assert first.isVisible()
    panel.set_content("Words.", "", second)
    assert second.isVisible() and not first.isVisible() and not panel.formula_ground.isVisible()
    panel.set_content("Words.")
    assert not second.isVisible()


def test_formulas_become_rich_text() -> None:
    assert "<sub>" in to_html("x_t") and "<sup>" in to_html("x^{2}")
    assert "α" in to_html(r"\alpha") and "√(" in to_html(r"\sqrt{1 - x}")
    assert "&lt;" in to_html("a < b") and to_html("<b>x</b>") == "<b>x</b>"
    assert "α</span>\u0304" in to_html(r"\bar{\alpha}_t") or "α\u0304" in to_html(r"\bar{\alpha}_t")


def test_the_banner_hides_without_a_gap_and_offers_a_way_on(qtbot: QtBot) -> None:
    host, banner, below, tried = QWidget(), Banner(), QWidget(), []
    column = QVBoxLayout(host)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(banner)
    column.addWidget(below, 1)
    show(qtbot, host)
    assert not banner.isVisible() and below.y() == 0
    banner.show_error("There is not enough memory.", lambda: tried.append(1))
    qtbot.waitUntil(lambda: below.y() > 0)
    assert banner.kind() == "error" and "not enough" in banner.text()
    qtbot.mouseClick(banner.button, Qt.MouseButton.LeftButton)
    assert tried == [1] and not banner.isVisible()
    qtbot.waitUntil(lambda: below.y() == 0)
    banner.show_notice("Loaded.")
    assert not banner.button.isVisible()
    with qtbot.waitSignal(banner.closed):
        qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    assert not banner.isVisible() and banner.text() == ""


# --- theme


def test_a_theme_switch_recolours_everything(qtbot: QtBot, qapp: QApplication) -> None:
    host, plot = QWidget(), LinePlot("Loss", "step", "bits/dim")
    host.setProperty("family", "gan")
    QVBoxLayout(host).addWidget(plot)
    plot.set_curve("loss", [1, 2, 3])
    show(qtbot, host)
    light = plot._curves["loss"].opts["pen"].color().name().upper()
    ground = QColor(host.grab().toImage().pixel(1, 1)).name().upper()
    with qtbot.waitSignal(theme.signals.changed):
        theme.apply(qapp, "dark")
    dark = plot._curves["loss"].opts["pen"].color().name().upper()
    assert (light, dark) == (theme.LIGHT.accents["gan"], theme.DARK.accents["gan"])
    assert ground == theme.LIGHT.window
    assert QColor(host.grab().toImage().pixel(1, 1)).name().upper() == theme.DARK.window


def test_scale_makes_type_and_controls_larger(qtbot: QtBot, qapp: QApplication) -> None:
    panel = panel_of(qtbot)
    before = panel.sizeHint().width(), qapp.font().pixelSize()
    theme.set_scale(qapp, 1.8)
    assert panel.sizeHint().width() > 1.6 * before[0] and qapp.font().pixelSize() == round(13 * 1.8)


def test_every_text_colour_has_contrast_enough() -> None:
    for colours in (theme.LIGHT, theme.DARK):
        words = [colours.text, colours.muted, colours.good, colours.warning, colours.error]
        for colour in [*words, *colours.accents.values()]:
            assert min(_contrast(colour, g) for g in (colours.window, colours.surface)) >= 4.5, colour
    for colour in (*theme.DARK.accents.values(), theme.CANVAS_TEXT, theme.CANVAS_MUTED):
        assert _contrast(colour, theme.CANVAS) >= 4.5
    assert all(_contrast(c, theme.CANVAS) >= 3 for c in theme.CLASS_COLOURS)


def _contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""

    def luminance(name: str) -> float:
        shares = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in QColor(name).getRgbF()[:3]
        ]
        return 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _mouse(kind: QEvent.Type, at: QPointF, held: bool = False) -> QMouseEvent:
    button = Qt.MouseButton.LeftButton if held else Qt.MouseButton.NoButton
    return QMouseEvent(kind, at, at, Qt.MouseButton.NoButton, button, Qt.KeyboardModifier.NoModifier)


def test_free_text_is_not_carried_into_another_kind_of_request(qtbot: QtBot) -> None:
    @dataclass(frozen=True)
    class One(Request):
        values: str = knob("1, 2", label="values", help="")
        strength: float = knob(1.0, label="strength", low=0.0, high=9.0, help="")

    @dataclass(frozen=True)
    class Other(Request):
        values: str = knob("ddim", label="values", help="")
        strength: float = knob(1.0, label="strength", low=0.0, high=9.0, help="")

    panel = KnobPanel()
    qtbot.addWidget(panel)
    panel.set_request(One)
    panel.set_settings({"values": "3", "strength": 5.0})
    panel.set_request(Other)
    assert panel.settings()["values"] == "ddim" and panel.settings()["strength"] == 5.0
    panel.set_request(One)
    assert panel.settings()["values"] == "3"


def test_the_same_look_is_not_put_on_again(qapp):
    theme.apply(qapp, "dark")
    theme.set_scale(qapp, 1.0)
    seen = []

    def dressed():
        seen.append((theme.palette() is theme.DARK, theme.scale()))

    theme.signals.changed.connect(dressed)
    theme.apply(qapp, "dark")
    theme.set_scale(qapp, 1.0)
    assert seen == []
    theme.apply(qapp, "light")
    theme.set_scale(qapp, 1.5)
    theme.set_scale(qapp, 1.0)
    theme.apply(qapp, "dark")
    theme.signals.changed.disconnect(dressed)
    assert seen == [(False, 1.0), (False, 1.5), (False, 1.0), (True, 1.0)]


# --- words


def test_the_glossary_knows_the_words_that_stand_on_the_screen() -> None:
    for word in (
        "eta",
        "top_k",
        "truncation_psi",
        "nats",
        "bits/dim",
        "AUC",
        "alpha-bar",
        "FID",
        "guidance_scale",
    ):
        assert len(glossary.meaning(word)) > 30, word
    assert glossary.meaning("no such word", "ETA") == glossary.meaning("eta")
    assert glossary.meaning("no such word") == ""
    assert glossary.search("lang")[0].name == "Langevin"
    assert "FID" in {term.name for term in glossary.search("blur")}, "found by what it means"


def test_a_term_in_a_text_is_linked_once_and_mark_up_is_left_alone() -> None:
    said = glossary.linked("A <b>latent</b>, a latent, latents; AUC and log_AUC <i>latent</i>")
    assert said.count("term:latent") == 1 and said.count("term:AUC") == 1
    assert "latents" in said and "log_AUC" in said


def test_keys_and_words_stand_beside_the_picture_and_can_be_searched(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QWidget())
    window.resize(900, 500)
    panel = HelpPanel(window)
    window.show()
    assert panel.isHidden()
    panel.toggle()
    assert panel.isVisible() and not panel.isModal() and "PageUp" in panel.page.text()
    panel.field.setText("langevin")
    assert "Langevin" in panel.page.text() and "PageUp" not in panel.page.text()
    panel.field.setText("qqqq")
    assert "Nothing here is called" in panel.page.text()
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert panel.isHidden()


def test_a_knob_that_is_a_term_says_what_it_means(qtbot: QtBot) -> None:
    @dataclass(frozen=True)
    class Asked(Request):
        eta: float = knob(0.0, label="eta", low=0.0, high=1.0, help="More of it, more variety.")

    panel = KnobPanel()
    qtbot.addWidget(panel)
    panel.set_request(Asked)
    assert glossary.meaning("eta")[:40] in panel.row("eta").label.toolTip()


def test_figures_follow_the_size_of_type(qtbot: QtBot, qapp: QApplication) -> None:
    label = QLabel("0123")
    qtbot.addWidget(label)
    label.show()
    assert [tag.toString() for tag in label.font().featureTags()] == ["tnum"], "figures of one width"
    small = label.fontMetrics().height()
    theme.set_scale(qapp, 2.0)
    assert label.fontMetrics().height() > 1.7 * small
    theme.set_scale(qapp, 1.0)
    assert label.fontMetrics().height() == small


def test_a_plot_that_was_given_back_is_shown_again_when_it_returns(qtbot):
    from playground.ui.widgets.lecture_strip import PlotPlace

    place, first, second = PlotPlace(), QWidget(), QWidget()
    qtbot.addWidget(place)
    for plot, other in ((first, second), (second, first), (first, second)):
        place.set_plot(plot)
        assert plot.isVisibleTo(place) and not other.isVisibleTo(place)
