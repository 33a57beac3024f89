"""The VAE tab's views: the mathematics behind them against oracles, and the gestures in the real window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from playground import checkpoints, data
from playground.experiments import interpolation
from playground.experiments.vae import latent_sliders, reconstruction
from playground.experiments.vae.latent_sliders import SlidersRequest, read_moves, write_moves
from playground.experiments.vae.reconstruction import ReconstructRequest
from playground.tabs.vae.slider_panel import LatentSliders
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.theme import theme
from tests.windows import WAIT, wait_finished

IMAGES, LABELS = data.load("fashion", "test")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


def as_tensor(*indices):
    return torch.from_numpy(IMAGES[list(indices)].transpose(0, 3, 1, 2).copy())


@pytest.fixture(scope="module")
def load():
    models = {}
    return lambda name: (
        models.setdefault(name, None) or models.__setitem__(name, checkpoints.load(name)) or models[name]
    )


# --- mathematics


@pytest.mark.parametrize("name", ["vae2d-fashion", "vae-fashion"])
def test_the_two_parts_of_the_elbo_sum_to_the_score(load, name):
    model = load(name)
    *_, frame = reconstruction.reconstruct(model, ReconstructRequest(index=4, seed=3))
    (score,) = model.score(as_tensor(4), seed=3)
    assert frame.extras["reconstruction"] + frame.extras["kl"] == pytest.approx(score.value, abs=1e-9)
    assert frame.extras["standard_error"] == pytest.approx(score.standard_error, abs=1e-9)
    mu, sigma = (frame.extras[n].astype(float) for n in ("mu", "sigma"))
    kl = 0.5 * (mu**2 + sigma**2 - 1 - np.log(sigma**2))  # the closed form, written out
    assert frame.extras["kl"] == pytest.approx(kl.sum() / (784 * np.log(2)), rel=1e-4)


def test_the_bound_tightens_with_more_weights(load):
    model, request = load("vae-fashion"), ReconstructRequest(index=4, seed=3)
    *_, last = found = [message.payload for message in reconstruction.bounds(model, request)]
    assert [len(k) for k, _ in found] == list(range(1, 10)) and last.k[-1] == 256
    bits = last.bits
    assert (np.diff(bits) < 0).all()
    whole = model.importance_weighted_bound(as_tensor(4), 256, 3).item()
    assert bits[-1] == pytest.approx(whole, abs=1e-9)
    pairs = [w.item() for w in model.weights_in_turn(as_tensor(4), 256, 3)]
    by_hand = -np.mean(
        [np.log((np.exp(a - b) + 1) / 2) + b for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
    )
    assert bits[1] == pytest.approx(by_hand / (784 * np.log(2)), abs=1e-9)
    (score,) = model.score(as_tensor(4), seed=3)
    assert bits[0] == pytest.approx(score.value, abs=6 * score.standard_error)


def test_draws_of_the_code_are_draws_of_the_posterior(load):
    model = load("vae-fashion")
    few, many = (
        list(reconstruction.reconstruct(model, ReconstructRequest(index=9, draws=n, seed=5)))[-1]
        for n in (2, 8)
    )
    assert len(few.images) == 4 and len(many.images) == 10
    assert np.array_equal(few.extras["latent"], many.extras["latent"][:3])
    assert np.array_equal(few.images[0], IMAGES[9]) and few.extras["label"] == LABELS[9]
    standard = (many.extras["latent"][1:] - many.extras["mu"]) / many.extras["sigma"]
    assert abs(standard.mean()) < 0.2 and 0.8 < standard.std() < 1.2
    (decoded,) = model.decode_frames(many.extras["mu"][None])
    assert np.abs(decoded.images.astype(int) - many.images[1]).max() <= 1


def test_an_autoencoder_has_a_point_and_no_kl(load):
    *_, frame = reconstruction.reconstruct(load("ae2d-fashion"), ReconstructRequest(index=1))
    assert len(frame.images) == 2 and not frame.extras["sigma"].any() and "kl" not in frame.extras
    assert 1.0 < frame.extras["reconstruction"] < 5.0


@pytest.mark.parametrize("name", ["vae2d-fashion", "vae-fashion"])
def test_information_is_the_mean_kl_over_the_test_images(load, name):
    model = load(name)
    messages = list(latent_sliders.information(model))
    assert messages[-1].step == messages[-1].total == 20
    sample = model.kl_per_dimension(as_tensor(*range(500))).mean(0).numpy()
    assert np.allclose(messages[0].payload, sample, rtol=1e-4)
    assert np.corrcoef(sample, messages[-1].payload)[0, 1] > 0.99


def test_a_collapsed_dimension_changes_next_to_nothing_and_an_informative_one_a_lot(load):
    model = load("vae-fashion")
    kl = next(latent_sliders.information(model)).payload
    (start,) = latent_sliders.slide(model, SlidersRequest(index=2))

    def change(dimension):
        z = start.extras["start"][0, dimension]
        move = write_moves({dimension: z + 1.0 if z < 2 else z - 1.0})
        (moved,) = latent_sliders.slide(model, SlidersRequest(index=2, moved=move))
        return np.abs(moved.images.astype(int) - start.images).mean()

    assert kl.min() < latent_sliders.COLLAPSED < kl.max()
    assert change(int(kl.argmax())) > 5 * change(int(kl.argmin()))


def test_moves_are_written_and_read_back():
    moves = {4: -0.5, 0: 1.25}
    assert write_moves(moves) == "1=1.25; 5=-0.5" and read_moves(write_moves(moves), 5) == moves
    assert read_moves("", 3) == {}


@pytest.mark.parametrize(
    "text, said",
    [
        ("x", "written like"),
        ("9=1", "no dimension 9"),
        ("1=5", "±4"),
        ("1=nan", "written like"),
        ("0=1", "no dimension 0"),
    ],
)
def test_broken_moves_are_one_sentence(text, said):
    with pytest.raises(ValueError, match=said):
        read_moves(text, 2)


@pytest.mark.parametrize("name", ["vae2d-fashion", "vae-fashion", "ae2d-fashion"])
def test_sliders_start_where_they_say(load, name):
    model = load(name)
    (image,) = latent_sliders.slide(model, SlidersRequest(index=7))
    with torch.no_grad():
        mu = model.encode(as_tensor(7))[0].numpy()
    assert np.allclose(image.extras["latent"], mu, atol=1e-5) and np.array_equal(
        image.extras["origin"][0], IMAGES[7]
    )
    (zero,) = latent_sliders.slide(model, SlidersRequest(start="origin"))
    assert not zero.extras["latent"].any() and np.array_equal(zero.extras["origin"], zero.images)
    (moved,) = latent_sliders.slide(model, SlidersRequest(start="sample", moved="2=1.5"))
    assert moved.extras["latent"][0, 1] == np.float32(1.5)
    assert moved.extras["latent"][0, 0] == moved.extras["start"][0, 0] != 0


def test_the_test_set_is_encoded_once(load):
    model = checkpoints.load("vae2d-fashion")
    first, again = list(interpolation.encodings(model)), list(interpolation.encodings(model))
    assert len(first) == 20 and len(again) == 1
    assert np.array_equal(first[-1].payload.points, again[0].payload.points)


def test_a_plane_is_whole_at_once_and_then_exact(load):
    """Each tile that is not there yet is stood in for by a neighbour; draws have each tile's dice."""
    model, n = load("vae2d-fashion"), 7
    for output in ("mean", "sample"):
        request = interpolation.PlaneRequest(tiles=n, output=output)
        coarse, *_, whole = interpolation.manifold(model, request)
        tiles = [frame.images.reshape(n, n, 28, 28, 1) for frame in (coarse, whole)]
        along = np.array([0, 0, 3, 3, 3, 6, 6])  # a ninth of the work; rows are drawn together
        columns = along if output == "mean" else np.arange(n)
        seen = tiles[1][along[:, None], columns]
        assert np.abs(tiles[0].astype(int) - seen).max() <= 1 and np.abs(tiles[0] - tiles[1]).any()
        (alone,) = model.decode_frames(LatentPlane.grid_points(n), output, request.seed)
        assert np.abs(alone.images.astype(int) - whole.images).max() <= 1  # other batches, so not to the bit
        *_, again = interpolation.manifold(model, request, coarse.state)
        assert np.array_equal(again.images, whole.images)


def test_two_planes_are_those_of_their_models(load):
    vae, ae = load("vae2d-fashion"), load("ae2d-fashion")
    request = interpolation.BesideRequest(tiles=3)
    *_, both = interpolation.beside(vae, ae, request)
    for model, part in ((vae, both.images[:9]), (ae, both.images[9:])):
        *_, alone = interpolation.manifold(model, request)
        assert np.array_equal(part, alone.images)


# --- the widget


def test_sliders_in_order_with_the_collapsed_under_a_fold(qtbot):
    sliders = LatentSliders()
    qtbot.addWidget(sliders)
    sliders.set_count(4)
    sliders.resize(400, 400)
    sliders.show()
    sliders.set_information([2, 0, 3, 1], np.array([1.0, 0.01, 3.0, 0.02]), {1, 3})
    heights = {d: sliders.rows[d].slider.y() for d in (2, 0)}
    QApplication.processEvents()
    assert sliders.rows[2].slider.y() <= sliders.rows[0].slider.y(), heights
    assert [row.slider.isVisible() for row in sliders.rows] == [True, False, True, False]
    sliders._fold.click()
    assert all(row.slider.isVisible() for row in sliders.rows)
    moved = []
    sliders.moved.connect(lambda *a: moved.append(a))
    sliders.rows[2].slider.setFocus()
    qtbot.keyClick(sliders.rows[2].slider, Qt.Key.Key_Right)
    assert moved == [(2, 0.05)]
    sliders.set_values(np.array([1.0, -1.0, 0.5, 2.0]))
    assert len(moved) == 1 and sliders.rows[1].slider.value() == -100


# --- the window


def test_a_dragged_slider_moves_its_dimension_and_the_picture(open_window, qtbot):
    window = open_window(model_id="vae-fashion", view="Sliders")
    view, model = window.current.view, checkpoints.load("vae-fashion")
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.kl is not None and not view.measurer.is_open, timeout=WAIT)
    kl = list(latent_sliders.information(model))[-1].payload
    assert view.sliders.order == np.argsort(-kl, kind="stable").tolist()
    dimension = view.sliders.order[0]
    slider = view.sliders.rows[dimension].slider
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=slider.handle_centre().toPoint())
    for share in (0.3, 0.5, 0.8):
        at = QPointF(slider.width() * share, slider.height() / 2)
        QApplication.sendEvent(
            slider,
            QMouseEvent(
                QEvent.Type.MouseMove,
                at,
                QPointF(slider.mapToGlobal(at)),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            ),
        )
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at.toPoint())
    value = slider.value() / 100
    qtbot.waitUntil(
        lambda: view.player.frame.extras["latent"][0, dimension] == pytest.approx(value, abs=1e-6),
        timeout=WAIT,
    )
    assert read_moves(view.request.moved, 32) == {dimension: pytest.approx(value)}
    (expected,) = latent_sliders.slide(model, view.request)
    assert np.abs(view.picture.content().panels[0][1].astype(int) - expected.images).max() <= 1
    qtbot.keyClick(view.sliders.rows[view.sliders.order[1]].slider, Qt.Key.Key_Right)
    assert len(read_moves(view.request.moved, 32)) == 2
    slider.reset.emit()
    assert list(read_moves(view.request.moved, 32)) == [view.sliders.order[1]]
    view.back.click()
    assert view.request.moved == "" == window.current.knobs.request().moved


def test_another_start_forgets_what_was_moved(open_window, qtbot):
    window = open_window(model_id="vae2d-fashion", view="Sliders")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    tab.knobs.set_settings({"moved": "1=1.5"})
    assert view.request.moved == "1=1.5"
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_N)
    assert (view.request.index, view.request.moved) == (1, "")
    qtbot.keyClick(view, Qt.Key.Key_P)
    assert view.request.index == 0
    tab.knobs.set_settings({"moved": "1=1.5"})
    tab.open_model("vae-fashion")
    qtbot.waitUntil(lambda: tab.model.card.id == "vae-fashion" and view.model is tab.model, timeout=WAIT)
    assert view.request.moved == "" and len(view.sliders.rows) == 32


def test_images_are_walked_over_and_taken_from_the_plane(open_window, qtbot):
    window = open_window(model_id="vae2d-fashion", view="Reconstruct")
    view = window.current.view
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: len(view.points) == 10_000, timeout=WAIT)
    assert view.plane.isVisible() and "KL" in view.price.text()
    qtbot.waitUntil(lambda: "k = 256" in view.curve.title, timeout=WAIT)
    view.plane.pressed.emit(*view.points[1234].tolist())
    assert view.request.index == 1234
    qtbot.waitUntil(lambda: np.array_equal(view.player.frame.images[0], IMAGES[1234]), timeout=WAIT)
    mu, sigma = view.plane.ellipse
    assert np.allclose(mu, view.points[1234], atol=1e-5) and (sigma > 0).all()
    view.stepper.next.click()
    assert view.request.index == 1235
    qtbot.waitUntil(lambda: np.array_equal(view.player.frame.images[0], IMAGES[1235]), timeout=WAIT)
    original, back = view.player.frame.images[:2].astype(float)
    qtbot.waitUntil(
        lambda: f"off by {np.abs(original - back).mean():.1f} of" in view.meaning.text(), timeout=WAIT
    )
    window.lecture.begin(full_screen=False)
    try:
        qtbot.waitUntil(
            lambda: min(b.width() for b in view.pictures.picture_rects()) >= theme.LECTURE_SIDE, timeout=WAIT
        )
        assert not view.posterior.isVisible() and view.plane.isVisible()
    finally:
        window.lecture.end()
    assert view.posterior.isVisible()
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_D)
    assert view.request.index != 1235


@pytest.mark.parametrize("name", ["vae2d-fashion", "ae2d-fashion"])
def test_pointing_in_one_plane_points_in_the_other(open_window, qtbot, name):
    window = open_window(model_id=name, view="Side by side")
    view = window.current.view
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: all(len(p) > 0 for p in view.points), timeout=WAIT)
    assert "VAE, 2 numbers" in view.titles[0].text() and "Autoencoder" in view.titles[1].text()
    assert [title.toolTip().partition(":")[0] for title in view.titles] == ["vae2d-fashion", "ae2d-fashion"]
    qtbot.mouseMove(view.planes[1], view.planes[1].point_of((1.2, -0.9)).toPoint())
    view.planes[1].moved.emit(1.2, -0.9)
    assert view.planes[0].pointer() == view.planes[1].pointer() == (1.2, -0.9)
    qtbot.waitUntil(lambda: np.allclose(view.decoded, (1.2, -0.9), atol=1e-6), timeout=WAIT)
    for picture, model in zip(view.pictures, ("vae2d-fashion", "ae2d-fashion"), strict=True):
        (alone,) = checkpoints.load(model).decode_frames(np.array([[1.2, -0.9]], np.float32))
        assert np.abs(picture.content().panels[0][1].astype(int) - alone.images).max() <= 1
    view.planes[0].setFocus()
    qtbot.keyClick(view.planes[0], Qt.Key.Key_Up)
    assert view.planes[0].pointer() == view.planes[1].pointer() != (1.2, -0.9)


def test_traversals_move_one_number_of_the_code(load):
    from playground.experiments.vae import traversals

    beta, plain = load("betavae-fashion"), load("vae-fashion")
    (frame,) = traversals.traverse(beta, plain, traversals.TraversalsRequest(index=6))
    count = traversals.DIMENSIONS * len(traversals.VALUES)
    for model, part, rows in zip(
        (beta, plain), np.split(frame.images, [count]), frame.extras["dimensions"], strict=True
    ):
        z = model.encode(as_tensor(6))[0].repeat(2, 1)
        z[0, rows[2]], z[1, rows[5]] = -3.0, 1.5
        (alone,) = model.decode_frames(z.numpy())
        chosen = part[[2 * len(traversals.VALUES), 5 * len(traversals.VALUES) + 3]]
        assert np.abs(chosen.astype(int) - alone.images).max() <= 1
        kl = model.kl_per_dimension(torch.from_numpy(IMAGES[:500].transpose(0, 3, 1, 2).copy())).mean(0)
        assert rows.tolist() == kl.argsort(descending=True)[: len(rows)].tolist()
    heavy, light = frame.extras["measured"]
    assert heavy["active"] < light["active"] and heavy["kl"].sum() < light["kl"].sum() / 2
    assert heavy["reconstruction"] > light["reconstruction"]


def test_a_cell_is_chosen_on_both_sides(open_window, qtbot):
    window = open_window(model_id="betavae-fashion", view="Traversals")
    view = window.current.view
    wait_finished(qtbot, view)
    view.grids[1].setFocus()
    view.grids[1].select(13)
    assert view.grids[0].selected() == 13 and view.picture.count() == 5
    half = len(view.player.frame.images) // 2
    shown = view.picture.content().panels[0][1]
    assert np.array_equal(shown[3:], view.player.frame.images[[13, half + 13]])
    assert "beta-VAE, β = 8" in view.said.text()
    window.lecture.begin(full_screen=False)
    grid = view.grids[0]
    try:
        qtbot.waitUntil(
            lambda: min(b.width() for b in grid.picture_rects()) >= theme.LECTURE_SIDE, timeout=WAIT
        )
        assert grid.columns == 3 and np.array_equal(grid.one(4)[1][0], view.player.frame.images[5 + 2])
    finally:
        window.lecture.end()
    assert grid.columns == 5
    window.current.open_model("vae-fashion")
    qtbot.waitUntil(lambda: window.current.view is not view, timeout=WAIT)
    names = [kind.name for kind in window.current.suitable]
    assert "Traversals" not in names and "Sliders" in names


def test_bars_of_collapsed_dimensions_stay_under_the_fold(qtbot):
    sliders = LatentSliders()
    qtbot.addWidget(sliders)
    sliders.set_count(3)
    sliders.show()
    for _ in range(2):  # a second figure for the same order, as a measurement that goes on gives
        sliders.set_information([0, 1, 2], np.array([2.0, 1.0, 0.01]), {2})
        assert [row.bar.isVisible() for row in sliders.rows] == [True, True, False]
    sliders.unfold()
    assert sliders.rows[2].bar.isVisible()
