"""Causal attention as a map: its weights against the network's own output, who asks for a pixel, and the view."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt

from playground import checkpoints, data
from playground.experiments.autoregressive import attention
from playground.models.autoregressive.pixelcnn import PixelCNN, PixelCNNConfig
from playground.tabs.autoregressive.attention import Attention, lit
from playground.ui.plots.colour_bar import coloured
from tests.windows import WAIT

SIZE, CELLS = 8, 4


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = PixelCNNConfig(
        image_size=SIZE,
        width=16,
        num_blocks=1,
        context_width=16,
        num_context_blocks=4,
        num_heads=2,
        num_mixtures=2,
    )
    model = PixelCNN(config).requires_grad_(False).eval()
    for parameter in model.parameters():
        if parameter.abs().max() == 0:
            parameter.normal_(std=0.3)
    for layer in model.context.attention:
        layer.qkv.weight *= 4  # far from even
    return model


def picture(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (2, 1, SIZE, SIZE), dtype=np.uint8))


def asked_one_by_one(layer, x):
    """Softmax of q.k for each cell over those of its own and earlier rows, in plain loops: (heads, cells, cells)."""
    columns = x.shape[3]
    size = x.shape[1] // layer.num_heads
    q, k, _ = layer.qkv(layer.norm(x))[0].double().flatten(1).split(x.shape[1])
    out = torch.zeros(layer.num_heads, q.shape[1], q.shape[1], dtype=torch.float64)
    for head in range(layer.num_heads):
        mine = slice(head * size, (head + 1) * size)
        for i in range(q.shape[1]):
            allowed = (i // columns + 1) * columns
            scores = torch.stack([q[mine, i] @ k[mine, j] / math.sqrt(size) for j in range(allowed)])
            out[head, i, :allowed] = scores.softmax(0)
    return out


def test_the_weights_are_those_that_made_the_output(model):
    x, labels, seen = picture(), torch.tensor([3, 5]), []
    hooks = [
        layer.register_forward_hook(lambda layer, given, out: seen.append((layer, given[0], out)))
        for layer in model.context.attention
    ]
    weights = attention.attention_weights(model, x, labels)
    for hook in hooks:
        hook.remove()
    assert weights.shape == (2, 2, 2, CELLS**2, CELLS**2)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 2, 2, CELLS**2), atol=1e-5)
    row = torch.arange(CELLS**2) // CELLS
    assert not weights[..., row[None] > row[:, None]].any(), "a later row is looked at"
    assert weights.std() > 0.02
    for found, (layer, given, out) in zip(weights, seen, strict=True):
        v = layer.qkv(layer.norm(given)).reshape(2, 3, 2, 8, CELLS**2)[:, 2]
        mixed = (v @ found.transpose(-1, -2)).reshape(given.shape)
        assert torch.allclose(given + layer.out(mixed), out, atol=1e-4)
        assert torch.allclose(found[0].double(), asked_one_by_one(layer, given[:1]), atol=1e-5)
    assert not any(layer._forward_pre_hooks for layer in model.context.attention)


def test_the_asking_cell_is_the_one_whose_context_the_pixel_gets(model):
    """Change the context of one cell, and the pixels that move first are those whose asking cell it is."""
    from playground.models.autoregressive.pixel_model import features_of

    x, labels = picture()[:1], torch.tensor([1])
    context = model.context
    plain = context(features_of(x), labels)
    for cell in ((0, 0), (1, 2), (2, 3)):
        attended = context.attention[-1].register_forward_hook(lambda layer, given, out: _poke(out, cell))  # noqa: B023
        given = torch.nn.functional.pad(context(features_of(x), labels) - plain, (0, 0, 2, 0))[:, :, :-2]
        attended.remove()
        reached = {tuple(at) for at in given[0].abs().amax(0).nonzero().tolist()}
        asking = {(r, c) for r in range(SIZE) for c in range(SIZE) if attention.asking_cell(r, c) == cell}
        assert reached == asking and len(asking) == 4
    assert [attention.asking_cell(r, 5) for r in (0, 1, 2, 3)] == [None, None, (0, 2), (0, 2)]


def _poke(out, cell):
    out = out.clone()
    out[:, :, cell[0], cell[1]] += 1.0
    return out


@pytest.fixture(scope="module")
def shipped():
    return checkpoints.load("pixelcnn-fashion")


def test_a_look_needs_the_finished_rows_only(shipped):
    request = attention.attention_request(3, 4)
    images, classes = data.load("fashion", "test")
    x = torch.from_numpy(images[4:5].transpose(0, 3, 1, 2).copy())
    whole = attention.attention_weights(shipped, x, torch.tensor([int(classes[4])]))
    for row, column in ((3, 1), (19, 15), (28, 28)):
        (frame,) = attention.look(shipped, request(image=4, row=row, column=column))
        maps, pairs = frame.extras["weights"], (row - 1) // 2
        asked = whole[:, 0, :, (pairs - 1) * 14 + (column - 1) // 2].reshape(3, 4, 14, 14).numpy()
        assert np.allclose(maps, asked, atol=1e-3) and not maps[:, :, pairs:].any()
        assert np.allclose(maps.sum((2, 3)), 1, atol=1e-5)
    (frame,) = attention.look(shipped, request(row=2, column=9))
    assert not frame.extras["weights"].any()


def test_only_models_that_attend_have_the_view():
    cards = [card for card in checkpoints.cards() if card.family == "autoregressive"]
    suited = [card.id for card in cards if Attention.suits(checkpoints.load(card.id))]
    assert suited == ["imagetransformer-fashion", "pixelcnn-fashion"]


def test_the_view_of_a_transformer_shows_what_each_layer_may_see(open_window, qtbot):
    window = open_window(model_id="imagetransformer-fashion", view="Attention")
    tab, view = window.current, window.current.view
    qtbot.waitUntil(lambda: view.player.frame is not None and view.is_settled, timeout=WAIT)
    model, (row, column) = view.model, (view.player.frame.extras[name] for name in ("row", "column"))
    layers, heads = len(model.attention_layers), model.config.num_heads
    pattern = model.pattern(row, column)
    assert pattern[0].sum() == 2 * 28 + column + 1 and pattern[1].sum() == row + 1
    assert np.array_equal(view.player.frame.extras["pattern"], pattern)
    assert view.maps.count() == layers * (2 + heads) and view.grid.marks.rule is None
    assert np.array_equal(view.maps.content().known, np.concatenate([pattern] * (2 + heads)))

    qtbot.mouseClick(view.maps, Qt.MouseButton.LeftButton, pos=view.maps.picture_rect(1).center().toPoint())
    assert (tab.knobs.request().layer, tab.knobs.request().head) == (2, attention.PATTERN)
    qtbot.waitUntil(lambda: "strided, what it may look at" in view.plot.title, timeout=WAIT)
    picture = view.player.frame.images
    assert np.array_equal(view.grid.content().panels[0][1], lit(picture, pattern[1].astype(float)))
    assert np.allclose(view.plot.values[: row + 1], 1 / (row + 1)) and not view.plot.values[row + 1 :].any()


def test_the_view_follows_pointer_keys_and_choice(open_window, qtbot):
    window = open_window(model_id="pixelcnn-fashion", view="Attention")
    tab, view = window.current, window.current.view

    def shows(row, column):
        frame = view.player.frame
        return frame is not None and (frame.extras["row"], frame.extras["column"]) == (row, column)

    def light():
        frame, request = view.player.frame, view.request
        chosen = attention.shown(frame.extras["weights"], request.layer, request.head)
        return lit(frame.images, np.kron(chosen / max(chosen.max(), 1e-30), np.ones((2, 2))))

    qtbot.waitUntil(lambda: shows(18, 14), timeout=WAIT)
    assert view.maps.count() == 15 and view.grid.marks.rule == 18
    before, bars = view.grid.content().panels[0][1].copy(), view.plot.values.copy()
    assert np.array_equal(before, light())

    box = view.grid.picture_rect(0)
    spot = QPointF(box.x() + 5.5 * box.width() / 28, box.y() + 9.5 * box.height() / 28).toPoint()
    qtbot.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=spot)
    assert (tab.knobs.request().row, tab.knobs.request().column) == (10, 6)
    qtbot.waitUntil(lambda: shows(9, 5) and view.is_settled, timeout=WAIT)
    assert np.array_equal(view.grid.content().panels[0][1], light()) and view.grid.marks.rule == 8
    known = view.maps.content().known  # of each map
    assert known[:, :4].all() and not known[:, 4:].any()
    assert not np.array_equal(view.plot.values, bars) and not view.plot.values[4:].any()

    view.grid.setFocus()
    qtbot.keyClick(view.grid, Qt.Key.Key_Right)
    qtbot.keyClick(view.grid, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: shows(14, 6) and view.is_settled, timeout=WAIT)

    small = view.maps.picture_rect(3 * 3 + 1).center().toPoint()  # third head, second layer
    qtbot.mouseClick(view.maps, Qt.MouseButton.LeftButton, pos=small)
    assert (tab.knobs.request().layer, tab.knobs.request().head) == (2, 3)
    qtbot.waitUntil(lambda: "layer 2, head 3" in view.plot.title and view.is_settled, timeout=WAIT)
    of_head = view.player.frame.extras["weights"][1, 2]
    assert np.array_equal(view.grid.content().panels[0][1], light())
    assert np.array_equal(
        view.maps.content().panels[0][1][10], coloured(of_head / of_head.max(), 0, 1, "magma")
    )
    assert np.allclose(view.plot.values[:7], of_head.sum(1)[:7][::-1], atol=1e-6)
    qtbot.keyClick(view.maps, Qt.Key.Key_Up)
    assert (tab.knobs.request().layer, tab.knobs.request().head) == (2, 2)
    qtbot.keyClick(view.maps, Qt.Key.Key_Escape)
    assert view.maps.selected() == 2 * 3 + 1, "one is always chosen"

    tab.knobs.set_settings({"row": 2})
    qtbot.waitUntil(lambda: shows(1, 6) and view.is_settled, timeout=WAIT)
    assert "no pair" in view.grid.content().captions[0] and view.grid.marks.rule is None
    assert not view.plot.values.any() and not view.maps.content().known.any()
