"""Words to codes in the real window: cells are marked and drawn anew, and both orders run on one clock."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from playground import checkpoints, models
from playground.data import emoji
from playground.models.autoregressive.maskgit import MaskGIT, MaskGITConfig
from playground.models.autoregressive.vqtransformer import VQTransformer, VQTransformerConfig
from playground.models.vae.vqgan import VQGAN, VQGANConfig
from playground.tabs import prompt_remarks
from playground.tabs.autoregressive.prompted_codes import CodesFromWords
from playground.tabs.autoregressive.two_orders import TwoOrders
from tests.windows import WAIT, wait_finished

SHAPE = {"num_codes": 24, "width": 16, "depth": 1, "heads": 2}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, own):
    """Two threads that wait for each other crawl where others are at work; and the user's own models are found."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)
    monkeypatch.setenv("PLAYGROUND_MODELS", str(own))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A tokenizer and both samplers on it that have learned nothing, as a user's own files."""
    folder = tmp_path_factory.mktemp("own")
    torch.manual_seed(0)
    config = VQGANConfig(width=8, num_codes=24, code_dim=4, discriminator_width=8)
    tokenizer = VQGAN(config)
    tokenizer.quantizer.codebook.normal_()
    tokenizer.quantizer.usage.fill_(1 / 24)
    write(folder, "own-vqgan", tokenizer, "vqgan-emoji")
    built_on = [f"own-vqgan@{checkpoints.weights_hash(folder / 'own-vqgan.safetensors')}"]
    for name, kind, asked in (
        ("maskgit", MaskGIT, MaskGITConfig(**SHAPE)),
        ("vqtransformer", VQTransformer, VQTransformerConfig(**SHAPE)),
    ):
        model = kind(asked)
        torch.nn.init.normal_(model.head, std=0.3)
        write(folder, f"own-{name}", model, f"{name}-emoji", built_on)
    return folder


def write(folder, name, model, recipe_id, built_on=()):
    network, recipe = models.recipes()[recipe_id]
    card = dataclasses.replace(
        checkpoints.load("kl-emoji").card,
        id=name,
        family=model.family,
        system=model.system,
        paper=model.paper,
        network=network,
        config=dataclasses.asdict(model.config),
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe))),
        parameters=sum(p.numel() for p in model.parameters()),
        built_on=list(built_on),
    )
    checkpoints.save(folder / f"{name}.safetensors", model, card, "float32")


def go(qtbot, window, folder, name, view):
    window.open_file(folder / f"{name}.safetensors")
    tab = window.current
    opened = lambda: tab.model is not None and tab.model.card.id == name  # noqa: E731
    qtbot.waitUntil(lambda: opened() or not tab.banner.isHidden(), timeout=WAIT)
    assert opened(), tab.banner.text()
    tab.show_view([v.name for v in tab.suitable].index(view))
    wait_finished(qtbot, tab.view)
    return tab, tab.view


def click(qtbot, view, sample, row, column):
    """On the middle of a cell of a picture."""
    rect = view.grid.picture_rect(sample)
    at = rect.topLeft() + (rect.bottomRight() - rect.topLeft()) * 0
    at.setX(rect.left() + (column + 0.5) * rect.width() / 8)
    at.setY(rect.top() + (row + 0.5) * rect.height() / 8)
    from PySide6.QtCore import Qt

    qtbot.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=at.toPoint())


def turned(qtbot, tab, view, **settings):
    tab.knobs.set_settings(settings)
    wanted = lambda: all(getattr(view.request, k) == v for k, v in settings.items())  # noqa: E731
    qtbot.waitUntil(lambda: wanted() and view.player.has_begun and not view.player.is_sampling, timeout=WAIT)
    view.player.go_last()
    return view.player.frame


def test_only_marked_cells_are_drawn_anew_and_the_edit_comes_back(shared_window, qtbot, own):
    tab, view = go(qtbot, shared_window, own, "own-maskgit", "Generate")
    assert type(view) is CodesFromWords and not view.again.isVisible()
    before = turned(qtbot, tab, view, seed=3, num_samples=2, num_steps=3).extras["codes"]
    for row, column in ((2, 2), (2, 3), (5, 6)):
        click(qtbot, view, 1, row, column)
    click(qtbot, view, 1, 5, 6)  # and back
    assert view.marked == ((1, 2, 2), (1, 2, 3)) and view.again.isVisible()
    mask = np.zeros(before.shape[:3], bool)
    mask[1, 2, 2:4] = True
    found = {}
    for seed in (4, 5, 6):
        after = turned(qtbot, tab, view, seed=seed).extras["codes"]
        assert np.array_equal(after[~mask], before[~mask])
        found[seed] = after
    assert len({tuple(codes[mask].ravel()) for codes in found.values()}) > 1
    kept, request = view.settings(), view.request
    assert [edit["cells"] for edit in kept["edits"]] == [[[1, 2, 2], [1, 2, 3]]]
    view.clear.click()
    assert not view.marked and not view.again.isVisible()
    turned(qtbot, tab, view, seed=70, prompt="red heart")
    view.restore(request, view.checked(json.loads(json.dumps(kept)), request, view.model))
    wait_finished(qtbot, view)
    view.player.go_last()
    assert np.array_equal(view.player.frame.extras["codes"], found[6])
    assert view.settings() == kept


@pytest.mark.parametrize(
    "settings",
    [
        {"marked": [[0, 8, 0]]},
        {"marked": [[0, 0.5, 0]]},
        {"edits": "all"},
        {"edits": [{"request": {"prompt": 5}, "cells": []}]},
        {"edits": [{"request": {"num_samples": 1}, "cells": []}]},
    ],
)
def test_hostile_edits_are_a_sentence(shared_window, qtbot, own, settings):
    _, view = go(qtbot, shared_window, own, "own-maskgit", "Generate")
    with pytest.raises(ValueError, match=r"\.$"):
        view.checked(settings, view.request, view.model)


def test_both_orders_run_on_one_clock(shared_window, qtbot, own):
    tab, view = go(qtbot, shared_window, own, "own-vqtransformer", "Two orders")
    assert type(view) is TwoOrders
    turned(qtbot, tab, view, num_samples=2, num_steps=4, guidance_scale=2.0)
    frames = [view.player.timeline[i] for i in range(len(view.player.timeline))]
    assert frames[-1].step == frames[-1].total == 64
    at = {f.step: f.extras["passes_of"].tolist() for f in frames}
    assert at[0] == [0, 0] and at[4] == [8, 8] and at[64] == [8, 128]
    assert (frames[-1].extras["other_confidence"] > 0).all()
    view.player.show_now()
    assert "8 network passes" in view.cost.text() and "128 network passes" in view.cost.text()
    titles = [title for title, _ in view.grid.content().panels]
    assert titles[:2] == ["in parallel", "in reading order"]


def test_a_prompt_that_is_not_understood_is_a_sentence(shared_window, qtbot, own):
    tab, view = go(qtbot, shared_window, own, "own-vqtransformer", "Generate")
    assert not view.hint.isVisible(), "nothing can be masked in reading order"
    turned(qtbot, tab, view, prompt="zzyzx", num_samples=1)
    read = view.player.timeline[0].extras["readings"]["prompt"]
    assert read[0].unknown[0][0] == "zzyzx" and "zzyzx" in prompt_remarks.sentence(read)
    assert prompt_remarks.show(tab.knobs, view.player.timeline[0])


def test_first_stages_stand_under_each_other_with_both_errors(shared_window, qtbot, own):
    tab, view = go(qtbot, shared_window, own, "own-vqgan", "First stages")
    frame = turned(qtbot, tab, view, index=334, num_samples=2)
    held_out = emoji.load("new-concepts").images[[334, 0]]  # after the last comes the first
    assert np.array_equal(frame.extras["originals"], held_out)
    for name, images in (("kl-emoji", frame.images), ("own-vqgan", frame.extras["others"])):
        (again,) = checkpoints.load(name).reconstruct_frames(held_out)
        assert np.abs(again.images.astype(int) - images).max() <= 1, name
    error = ((frame.images[1].astype(float) - held_out[1]) ** 2).mean()
    assert frame.extras["psnr"][1] == pytest.approx(10 * np.log10(255**2 / error))
    assert next(title for title, _ in view.grid.content().panels) == "test images"
    originals, numbers, codes = view.grid.content().panel_captions
    assert originals == ("", "") and numbers[1] == f"{frame.extras['psnr'][1]:.1f} dB" and codes != numbers
    assert "times as far off" in view.meaning.text()
    qtbot.keyClick(view, "N")
    qtbot.waitUntil(lambda: view.request.index == 0, timeout=WAIT)


def test_a_run_of_codes_goes_on_with_another_prompt(shared_window, qtbot, own):
    tab, view = go(qtbot, shared_window, own, "own-maskgit", "Generate")
    first = turned(qtbot, tab, view, seed=4, num_samples=1, num_steps=4, prompt="red heart").extras["codes"]
    view.player.seek(2)
    half = view.player.frame.extras["codes"]
    tab.transport.branch.click()
    other = turned(qtbot, tab, view, prompt="blue car").extras["codes"]
    assert (other[half >= 0] == half[half >= 0]).all() and not np.array_equal(other, first)
    kept = tab.picture_metadata()
    turned(qtbot, tab, view, num_steps=3)
    assert view.trunk == []
    tab.restore(kept)
    qtbot.waitUntil(lambda: view.request.num_steps == 4 and view.player.has_begun, timeout=WAIT)
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.timeline.last.step == 4, timeout=WAIT)
    assert np.array_equal(view.player.timeline.last.extras["codes"], other)
    # cells that are drawn anew are a run of their own: of a branch it would take all of them to make it again
    click(qtbot, view, 0, 1, 1)
    assert not view.marked and "branched off" in tab.banner.text()
    turned(qtbot, tab, view, seed=5)
    click(qtbot, view, 0, 1, 1)
    view.again.click()
    qtbot.waitUntil(lambda: view.player.has_begun and not view.player.is_sampling, timeout=WAIT)
    assert view.trunk == [] and view.edits and not tab.transport.branch.isVisible()
