"""What the autoregressive views show: completion, surprise and receptive fields, against oracles and in the window."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt

from playground import checkpoints, data
from playground.contract import EACH_CLASS
from playground.experiments.autoregressive import pixelwise
from playground.models.autoregressive.pixelcnn import PixelCNN, PixelCNNConfig, PixelRequest
from playground.models.autoregressive.pixelcnn0 import PlainPixelCNN, PlainPixelCNNConfig
from playground.ui.plots.colour_bar import coloured
from tests.test_pixelcnn0 import reachable
from tests.windows import WAIT, wait_finished

SIZE = 8
CARDS = [c for c in checkpoints.cards() if c.family == "autoregressive"]


def small(kind):
    torch.manual_seed(0)
    if kind == "gated":
        config = PixelCNNConfig(
            image_size=SIZE, width=32, num_blocks=4, context_width=32, num_context_blocks=4, num_mixtures=3
        )
        model = PixelCNN(config)
    else:
        model = PlainPixelCNN(
            PlainPixelCNNConfig(image_size=SIZE, width=16, num_blocks=2, stem_kernel=5, num_mixtures=3)
        )
    for parameter in model.requires_grad_(False).parameters():
        if parameter.abs().max() == 0:
            parameter.normal_(std=0.3)
    return model.eval()


@pytest.fixture(params=["gated", "plain"])
def model(request):
    return small(request.param)


@pytest.fixture(scope="module")
def shipped():
    return checkpoints.load("pixelcnn-fashion")


# --- completion


def test_completing_a_sample_draws_the_same_sample(model):
    """With its own first pixels given, the rest is drawn by the same dice: the very same picture."""
    request = PixelRequest(num_samples=3, seed=5)
    whole = list(model.sample(request))[-1].images
    for count in (0, 3, SIZE * 3, SIZE * 4 + 5, SIZE**2 - 1, SIZE**2):
        known = torch.arange(SIZE**2).reshape(SIZE, SIZE) < count
        x = torch.from_numpy(whole.transpose(0, 3, 1, 2).copy())
        frames = list(model.complete(x, known, request))
        read = count // SIZE * SIZE  # whole rows, a frame each
        assert [f.step for f in frames] == [*range(0, read, SIZE), *range(read, SIZE**2 + 1)]
        assert np.array_equal(frames[-1].images, whole)
        first = frames[0].images.reshape(3, -1)
        assert (
            np.array_equal(first[:, :count], whole.reshape(3, -1)[:, :count]) and not first[:, count:].any()
        )


def test_known_pixels_stay_and_the_rest_differs(model):
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 1, SIZE, SIZE), dtype=np.uint8))
    known = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    known[:3] = True
    request = PixelRequest(num_samples=4, seed=1)
    frames = list(model.complete(x, known, request))
    for frame in frames:
        assert (frame.images[:, :3, :, 0] == x[0, 0, :3].numpy()).all()
    assert len(np.unique(frames[-1].images[:, 3:].reshape(4, -1), axis=0)) == 4
    origin = next(f for f in frames[1:] if f.state)
    rest = list(model.sample(request, origin.state))
    assert np.array_equal(rest[-1].images, frames[-1].images), "a completion can be resumed"


def test_known_pixels_below_a_hole_stay_too_and_are_not_seen(model):
    request = PixelRequest(num_samples=3, seed=5)
    hole = torch.ones(SIZE, SIZE, dtype=torch.bool)
    hole[2, 1:4] = False
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(0, 256, (1, 1, SIZE, SIZE), dtype=np.uint8))
    frames = list(model.complete(x, hole, request))
    for frame in frames:
        assert (frame.images[:, hole.numpy(), 0] == x[0, 0][hole].numpy()).all()
    origin = next(f for f in frames[1:] if f.state)
    assert np.array_equal(list(model.sample(request, origin.state))[-1].images, frames[-1].images)
    other = x.clone()
    other[0, 0, 3:] = 255 - other[0, 0, 3:]
    drawn = list(model.complete(other, hole, request))[-1].images
    assert np.array_equal(drawn[:, :3], frames[-1].images[:, :3])
    with pytest.raises(ValueError, match="mask"):
        list(model.complete(x, hole[:4], PixelRequest()))


def test_the_model_is_told_the_class_that_was_asked_for(shipped, monkeypatch):
    told = []

    def spy(x, known, request):
        told.append((request.label, request.num_samples, request.temperature, int(known.sum())))
        assert request.guidance_scale == 1, "its completions are draws of the density"
        return iter(())

    monkeypatch.setattr(shipped, "complete", spy, raising=False)
    own = int(data.load("fashion", "test")[1][4])
    ask = pixelwise.CompleteRequest(image=4, known_rows=3, temperature=0.5, num_samples=2, label=8)
    list(pixelwise.complete(shipped, ask))
    list(pixelwise.complete(shipped, dataclasses.replace(ask, given="chosen")))
    assert told == [(own, 2, 0.5, 84), (8, 2, 0.5, 84)]


# --- surprise


@pytest.mark.parametrize("given", ["own", "chosen", "nothing"])
@pytest.mark.parametrize("variant", [v for v, _ in pixelwise.VARIANTS])
def test_the_bits_of_all_pixels_add_up_to_the_score(shipped, given, variant):
    if given == "chosen" and variant != "plain":
        pytest.skip("the same sum")
    request = pixelwise.SurpriseRequest(image=7, given=given, variant=variant, label=2)
    *_, frame = pixelwise.surprise(shipped, request)
    x = torch.from_numpy(frame.images.transpose(0, 3, 1, 2).copy())
    own = int(data.load("fashion", "test")[1][7])
    labels = {"own": torch.tensor([own]), "chosen": torch.tensor([2]), "nothing": None}[given]
    (score,) = shipped.score(x, labels=labels)
    assert frame.extras["bits"].mean() == pytest.approx(score.value, abs=2e-5)


def test_each_class_in_turn_is_to_be_told_nothing(shipped):
    each = pixelwise.SurpriseRequest(image=2, given="chosen", label=EACH_CLASS)
    (*_, a), (*_, b) = (
        pixelwise.surprise(shipped, each),
        pixelwise.surprise(shipped, dataclasses.replace(each, given="nothing")),
    )
    assert np.array_equal(a.extras["bits"], b.extras["bits"])


def test_beliefs_are_bayes_rule(shipped):
    *_, frame = pixelwise.surprise(shipped, pixelwise.SurpriseRequest(image=1, given="nothing"))
    x = torch.from_numpy(frame.images.transpose(0, 3, 1, 2).copy())
    nats = (
        np.array([shipped.score(x, labels=torch.tensor([c]))[0].value for c in range(10)]) * 784 * math.log(2)
    )
    posterior = np.exp(-(nats - nats.min()))
    assert np.allclose(frame.extras["belief"], posterior / posterior.sum(), atol=1e-3)


def test_the_distribution_of_a_pixel_is_that_of_the_map(shipped):
    for given in ("own", "nothing"):
        frames = list(pixelwise.surprise(shipped, pixelwise.SurpriseRequest(given=given)))
        assert [f.step for f in frames] == list(range(1, 29))
        for row, frame in enumerate(frames):
            assert np.isnan(frame.extras["bits"][row + 1 :]).all()
            probabilities = np.exp(frame.extras["log_probs"].astype(float))
            assert np.allclose(probabilities.sum(-1), 1, atol=1e-3)
            values = frame.images[0, row, :, 0]
            p = probabilities[np.arange(28), values]
            assert np.allclose(p, 2.0 ** -frame.extras["bits"][row], atol=1e-5)


def test_odd_pictures_are_what_they_say(shipped):
    original = data.load("fashion", "test")[0][3]
    made = {
        v: pixelwise.odd_picture(shipped, pixelwise.SurpriseRequest(image=3, variant=v))[0]
        for v, _ in pixelwise.VARIANTS
    }
    assert np.array_equal(made["plain"], original)
    assert np.array_equal(made["flipped"][::-1], original)
    assert np.array_equal(255 - made["inverted"], original)
    assert np.array_equal(np.sort(made["shuffled"].ravel()), np.sort(original.ravel()))
    assert not np.array_equal(made["shuffled"], original)
    assert abs(made["noise"].mean() - 127.5) < 15 and not made["black"].any()
    other = pixelwise.odd_picture(shipped, pixelwise.SurpriseRequest(image=3, variant="noise", seed=8))
    assert not np.array_equal(other[0], made["noise"])


# --- receptive field


def test_the_gradient_is_the_mask_of_a_masked_network():
    model, field = small("plain"), reachable(small("plain"))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("weight"):
                p.abs_()  # nothing cancels and no ReLU is dead: what is connected has a gradient
    picture = np.random.default_rng(0).integers(1, 256, (1, SIZE, SIZE, 1), dtype=np.uint8)
    for row, column in ((0, 0), (3, 2), (5, 7), (7, 4)):
        seen = pixelwise.gradient_field(model, picture, 1, row, column) > 0
        for y in range(SIZE):
            for x in range(SIZE):
                assert seen[y, x] == ((row - y, x - column) in field), (row, column, y, x)


def test_the_gradient_is_a_difference_quotient():
    model = small("gated")
    model.head.weight *= 100  # a fresh head hardly moves
    picture = np.random.default_rng(0).integers(2, 254, (1, SIZE, SIZE, 1), dtype=np.uint8)
    row, column = 6, 3
    field = pixelwise.gradient_field(model, picture, 1, row, column)
    x = torch.from_numpy(picture.transpose(0, 3, 1, 2).copy()).float()

    def centre(x):
        weights, means, _ = model(x, torch.tensor([1]))[0, row, column].chunk(3)
        return float((weights.softmax(0) * means).sum() * 127.5)

    places = ((0, 0), (2, 7), (5, 3), (6, 2), (6, 3), (7, 7))
    assert [bool(field[place]) for place in places] == [True] * 4 + [False] * 2
    for y, z in places:
        up, down = x.clone(), x.clone()
        up[0, 0, y, z] += 1
        down[0, 0, y, z] -= 1
        assert abs(centre(up) - centre(down)) / 2 == pytest.approx(float(field[y, z]), rel=0.03, abs=1e-4)


def test_nothing_later_has_a_gradient_and_grad_mode_is_left_alone(shipped):
    picture = data.load("fashion", "test")[0][:1]
    with torch.no_grad():
        for row, column in ((0, 0), (9, 20), (27, 27)):
            field = pixelwise.gradient_field(shipped, picture, 9, row, column).ravel()
            assert not field[row * 28 + column :].any()
            assert (field[: (row - row % 2) * 28] > 0).all(), "every finished pair of rows is seen whole"
        assert not torch.is_grad_enabled()
    assert not any(p.requires_grad for p in shipped.parameters())


# --- in the window


def test_dragging_over_the_pictures_gives_rows(open_window, qtbot):
    window = open_window(model_id="pixelcnn-fashion", view="Complete")
    tab, view = window.current, window.current.view
    qtbot.waitUntil(lambda: len(view.player.timeline) > 0, timeout=WAIT)
    tab.knobs.set_settings({"num_samples": 2, "image": 12})
    qtbot.waitUntil(lambda: view.grid.count() == 3, timeout=WAIT)
    box = view.grid.picture_rect(1)

    def at(row):
        return QPointF(box.x() + box.width() / 2, box.y() + (row + 0.5) * box.height() / 28).toPoint()

    qtbot.mousePress(view.grid, Qt.MouseButton.LeftButton, pos=at(10))
    assert tab.knobs.request().known_rows == 10
    qtbot.mouseRelease(view.grid, Qt.MouseButton.LeftButton, pos=at(10))
    tab.knobs.set_settings({"known_rows": 24})
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.frame.step == 784, timeout=WAIT)
    original = data.load("fashion", "test")[0][12]
    assert (view.player.frame.images[:, :24] == original[:24]).all()
    assert [f.step for f in view.player.timeline][:26] == [*range(0, 24 * 28, 28), 24 * 28, 24 * 28 + 1]
    assert view.grid.content().captions[0] == "original" and np.array_equal(
        view.grid.content().panels[0][1][0], original
    )
    tab.knobs.set_settings({"given": "chosen", "label": EACH_CLASS, "known_rows": 27})
    assert tab.knobs.row("label").isVisible()
    qtbot.waitUntil(lambda: view.grid.content().captions[1:] == ("T-shirt", "Trouser"), timeout=WAIT)


def test_pointing_at_a_pixel_shows_what_it_costs(open_window, qtbot):
    window = open_window(model_id="pixelcnn-fashion", view="Surprise")
    tab, view = window.current, window.current.view
    view.player.speed = None
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.frame.step == 28 and "bits/dim" in view.total.text(), timeout=WAIT)
    bits = view.player.frame.extras["bits"]
    assert f"{bits.mean():.3f} bits/dim" in view.total.text()
    frames, expected = len(view.player.timeline), coloured(bits, 0, 12)
    assert np.array_equal(view.grid.content().panels[0][1][1], expected)
    box = view.grid.picture_rect(1)
    spot = QPointF(box.x() + 11.5 * box.width() / 28, box.y() + 9.5 * box.height() / 28).toPoint()
    qtbot.mouseMove(view.grid, spot)
    view.grid.hovered.emit(1, 9, 11)  # a window that is not on a screen hears of moves late
    assert (tab.knobs.request().row, tab.knobs.request().column) == (10, 12)
    assert f"costs {bits[9, 11]:.2f} bits" in view.plot.title
    view.grid.setFocus()
    qtbot.keyClick(view.grid, Qt.Key.Key_Down)
    qtbot.keyClick(view.grid, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert (tab.knobs.request().row, tab.knobs.request().column) == (11, 7)
    assert f"costs {bits[10, 6]:.2f} bits" in view.plot.title
    assert len(view.player.timeline) == frames and not view.player.is_playing, "nothing is read again"


def test_the_field_follows_the_pixel(open_window, qtbot):
    window = open_window(model_id="pixelcnn-fashion", view="Receptive field")
    tab, view = window.current, window.current.view
    qtbot.waitUntil(lambda: view.player.frame is not None, timeout=WAIT)
    view.grid.setFocus()
    qtbot.keyClick(view.grid, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert tab.knobs.request().row == 10
    qtbot.waitUntil(
        lambda: not view.player.is_sampling and view.grid.marks.pixel == 9 * 28 + 14, timeout=WAIT
    )
    picture, label = data.load("fashion", "test")[0][:1], int(data.load("fashion", "test")[1][0])
    expected = pixelwise.gradient_field(checkpoints.load("pixelcnn-fashion"), picture, label, 9, 14)
    qtbot.waitUntil(
        lambda: np.allclose(view.player.frame.extras["fields"][0], expected, rtol=1e-2, atol=1e-7),
        timeout=WAIT,
    )
    assert view.grid.count() == 1 + len({c.network for c in CARDS if c.dataset == "fashion"})
    assert np.array_equal(view.grid.content().known[1], view.player.frame.extras["fields"][0] > 0)
    assert view.grid.content().captions[1].startswith("Gated PixelCNN: ")
