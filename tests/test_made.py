"""MADE: its masks against its Jacobian, its probabilities against their sum, its sampler against its forward pass."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt

from playground.experiments import branching
from playground.experiments.autoregressive.masks import trace
from playground.models import discretized_logistic
from playground.models.autoregressive.made import MADE, ORDERINGS, MADEConfig, MADERequest, orders
from tests.windows import WAIT

SIZE = 6
NAMES = [name for name, _ in ORDERINGS]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = MADE(MADEConfig(image_size=SIZE, hidden=40, num_mixtures=2)).requires_grad_(False)
    for parameter in made.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    return made.eval()


@pytest.mark.parametrize("ordering", range(3))
def test_the_jacobian_is_strictly_triangular_in_the_ordering(model, ordering):
    """Every output depends on earlier pixels alone, and on all of those that the masks leave it."""
    x = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 255
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x, torch.tensor([3]), ordering), x)
    depends = jacobian.abs().sum((0, 3, 4, 5)).reshape(SIZE**2, SIZE**2) > 0  # (output pixel, input pixel)
    order = orders(SIZE)[NAMES[ordering]]
    sorted_ = depends[order][:, order].numpy()
    assert not np.triu(sorted_).any(), "an output sees itself or a later pixel"
    assert sorted_[-1].mean() > 0.9 and sorted_[SIZE**2 // 2, : SIZE**2 // 2].mean() > 0.85
    masks = [mask.numpy() for mask in model.masks(ordering)]
    for pixel in (order[0], order[7], order[-1]):
        paths, sees = trace(*masks, int(pixel))
        assert np.array_equal(sees, depends[pixel].numpy()), "the drawn paths are those of the gradient"
        assert all(not (path & ~mask).any() for path, mask in zip(paths, masks, strict=True))


def test_orderings_are_permutations_and_differ():
    for order in orders(SIZE).values():
        assert np.array_equal(np.sort(order), np.arange(SIZE**2))
    assert all(not np.array_equal(a, b) for a, b in itertools.combinations(orders(SIZE).values(), 2))
    middle = orders(28)["middle"]
    assert {divmod(int(p), 28) for p in middle[:4]} == {(13, 13), (13, 14), (14, 13), (14, 14)}


@pytest.mark.parametrize("ordering", range(3))
def test_the_probabilities_of_all_pictures_sum_to_one(ordering):
    """Of two pixels with 256 levels each, all 65,536 pictures; the other two pixels hold still and come last or not at all."""
    torch.manual_seed(1)
    made = MADE(MADEConfig(image_size=2, hidden=12)).requires_grad_(False)
    for parameter in made.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    first, second = orders(2)[NAMES[ordering]][:2]
    levels = torch.arange(256, dtype=torch.uint8)
    x = torch.full((256, 4), 90, dtype=torch.uint8)
    x[:, first] = levels
    raw = made(x.view(256, 1, 2, 2), torch.zeros(256, dtype=torch.long), ordering).flatten(1, 2)
    assert torch.equal(raw[:, first].amax(0), raw[:, first].amin(0))  # the first knows nothing
    of_first = discretized_logistic.all_log_probs(raw[0, first]).double()
    of_second = discretized_logistic.all_log_probs(raw[:, second]).double()  # (256, 256), given each level
    assert (of_first[:, None] + of_second).exp().sum() == pytest.approx(1, abs=1e-5)
    assert (of_second[0] - of_second[255]).abs().max() > 0.01, "the second listens to the first"


@pytest.mark.parametrize("ordering", NAMES)
def test_a_drawn_pixel_has_the_distribution_of_the_forward_pass(model, ordering):
    request = MADERequest(num_samples=3, seed=5, ordering=ordering)
    frames = list(model.sample(request))
    x = torch.from_numpy(frames[-1].images.transpose(0, 3, 1, 2).copy())
    raw = model(x, torch.arange(3), NAMES.index(ordering))
    order = orders(SIZE)[ordering]
    assert [f.step for f in frames] == list(range(SIZE**2 + 1)) == [f.passes for f in frames]
    before = frames[0].images
    for frame in frames[1:]:
        row, column = divmod(int(order[frame.step - 1]), SIZE)
        expected = discretized_logistic.all_log_probs_to_draw(raw[:, row, column]).exp()
        assert np.abs(np.exp(frame.extras["logits"]) - expected.numpy()).max() < 1e-5
        changed = (frame.images != before).reshape(3, -1).any(0)
        assert set(np.flatnonzero(changed)) <= {order[frame.step - 1]}
        before = frame.images


@pytest.mark.parametrize("ordering", NAMES)
def test_every_state_leads_to_the_same_picture(model, ordering):
    request = MADERequest(num_samples=2, seed=9, ordering=ordering)
    frames = list(model.sample(request))
    states = [f for f in frames if f.state is not None]
    assert [f.step for f in states] == [0, 24]
    for frame in states:
        rest = list(model.sample(request, frame.state))
        assert np.array_equal(rest[-1].images, frames[-1].images)
        assert [f.step for f in rest] == list(range(frame.step + 1, SIZE**2 + 1))


def test_a_changed_pixel_changes_what_comes_later_in_its_ordering_only(model):
    request = MADERequest(num_samples=2, seed=3, ordering="scattered")
    plain = list(model.sample(request))[-1].images
    order = orders(SIZE)["scattered"]
    row, column = divmod(int(order[10]), SIZE)
    value = (int(plain[1, row, column, 0]) + 128) % 256
    frames = list(branching.edited(model, request, [(1, row, column, value)]))
    assert [f.step for f in frames] == list(range(SIZE**2 + 1))
    changed = (frames[-1].images != plain).reshape(2, -1)
    assert not changed[0].any() and changed[1, order[10]] and not changed[1, order[:10]].any()
    assert changed[1, order[11:]].any()
    assert frames[-1].images[1, row, column, 0] == value


def test_a_picture_is_completed_row_by_row_whatever_the_ordering(model):
    request = MADERequest(num_samples=2, seed=4)
    whole = list(model.sample(request))[-1].images
    x = torch.from_numpy(whole.transpose(0, 3, 1, 2).copy())
    for count in (0, 3, SIZE * 4 + 2, SIZE**2):
        known = torch.arange(SIZE**2).reshape(SIZE, SIZE) < count
        scattered = dataclasses.replace(request, ordering="scattered")
        frames = list(model.complete(x, known, scattered))
        assert np.array_equal(frames[-1].images, whole)
        assert [f.step for f in frames] == [0, *range(max(count, 1), SIZE**2 + 1)]


def test_one_set_of_weights_learns_all_orderings(model):
    """The loss draws an ordering for each batch, and its gradient reaches what only that one uses."""
    learner = MADE(model.config)
    x = torch.randint(0, 256, (4, 1, SIZE, SIZE), dtype=torch.uint8)
    met = set()
    for seed in range(12):
        learner.zero_grad()
        learner.loss(x, torch.zeros(4, dtype=torch.long), torch.Generator().manual_seed(seed))[
            "loss"
        ].backward()
        met |= set(learner.ordering.weight.grad.abs().sum(1).nonzero().flatten().tolist())
    assert met == {0, 1, 2}


def test_what_the_masks_view_shows_follows_pointer_keys_and_ordering(open_window, qtbot):
    window = open_window(model_id="made-fashion", view="Masks")
    tab, view = window.current, window.current.view

    def shows(ordering, row, column):
        """Everything on the canvas is of this output."""
        masks = [mask.numpy() for mask in view.model.masks(NAMES.index(ordering))]
        _, sees = trace(*masks, row * 28 + column)
        frame = view.player.frame
        return (
            frame is not None
            and view.is_settled
            and np.array_equal(view.grid.content().known[2], sees.reshape(28, 28))
            and view.grid.content().captions[2] == f"its output sees {np.count_nonzero(sees)}"
            and view.plot.title.startswith(f"Row {row + 1}, column {column + 1}:")
            and np.allclose(view.plot.values, np.exp(frame.extras["log_probs"]))
        )

    qtbot.waitUntil(lambda: shows("rows", 14, 14), timeout=WAIT)
    lit, bars = view.matrices[1].content().panels[0][1].copy(), view.plot.values.copy()
    box = view.grid.picture_rect(2)
    spot = QPointF(box.x() + 9.5 * box.width() / 28, box.y() + 5.5 * box.height() / 28).toPoint()
    qtbot.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=spot)
    qtbot.waitUntil(lambda: shows("rows", 5, 9), timeout=WAIT)
    assert not np.array_equal(view.matrices[1].content().panels[0][1], lit), "other connections lead to it"
    assert not np.array_equal(view.plot.values, bars)
    view.grid.setFocus()
    qtbot.keyClick(view.grid, Qt.Key.Key_Left)
    qtbot.keyClick(view.grid, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: shows("rows", 10, 8), timeout=WAIT)
    when = view.grid.content().panels[0][1][0].copy()
    tab.knobs.set_settings({"ordering": "scattered"})
    qtbot.waitUntil(lambda: shows("scattered", 10, 8), timeout=WAIT)
    assert not np.array_equal(view.grid.content().panels[0][1][0], when), "the picture of what comes when"
    assert tab.knobs.request().ordering == "scattered"
