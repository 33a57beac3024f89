"""The second stage of a cascade: 32x32 drawings become 64x64, on the command line and on every tab's canvas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from playground import checkpoints
from playground.capabilities import Upscales
from playground.cli.main import main
from playground.data import emoji
from playground.data.emoji import large as emoji_large
from playground.evaluation import reconstruction
from playground.experiments.diffusion.super_resolution import SuperResolutionViewRequest, compare
from playground.models.upscaling.super_resolution import SuperResolution, SuperResolutionConfig, bicubic
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.pixels import picture
from tests.windows import WAIT, load, wait_finished, wait_open

SOME = slice(0, 400, 8)  # of the held-out drawings: 50 of both splits


def small_and_large():
    held = np.concatenate([emoji.load("new-pairs").images, emoji.load("new-concepts").images])
    return held[SOME], emoji_large.held_out()[SOME]


def test_both_sizes_show_the_same_drawings():
    small, large = small_and_large()
    halved = large.reshape(len(large), 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(halved - small).mean((1, 2, 3)).max() < 6
    assert np.abs(halved - np.roll(small, 1, 0)).mean((1, 2, 3)).min() > 6


def test_an_untrained_network_is_bicubic_interpolation():
    small, _ = small_and_large()
    torch.manual_seed(0)
    model = SuperResolution(SuperResolutionConfig())
    assert np.abs(model.upscale(small[:3]).astype(int) - bicubic(small[:3])).max() <= 1


def test_training_changes_both_sizes_alike():
    small, large = (torch.from_numpy(x.transpose(0, 3, 1, 2).copy()) for x in small_and_large())
    torch.manual_seed(0)
    model = SuperResolution(SuperResolutionConfig()).train()
    for seed in range(8):
        assert model.loss(large, small, torch.Generator().manual_seed(seed))["psnr"] > 20


def test_the_shipped_one_is_six_decibels_above_bicubic_and_mends_what_was_decoded():
    model, (small, large) = load("sr-emoji"), small_and_large()
    assert isinstance(model, Upscales) and model.file.stat().st_size < 2 * 2**20

    def gain(images):
        plain, made = bicubic(images), model.upscale(images)
        return reconstruction.psnr(made, large)["value"] - reconstruction.psnr(plain, large)["value"]

    assert gain(small) > 6
    assert gain(reconstruction.reconstructed(load("kl-emoji"), small)) > 2


def test_training_without_its_drawings_says_what_to_install(tmp_path, capsys):
    assert main(["train", "sr-emoji", "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert "@iconify-json" in said and "draw_large.py" in said and len(said.strip().splitlines()) == 1


def test_the_command_line_makes_pictures_larger(tmp_path, capsys):
    own, larger = tmp_path / "own.npy", tmp_path / "larger.npy"
    command = ["sample", "kl-emoji", "--count", "2", "--precision", "fp32", "--out"]
    assert main([*command, str(own)]) == 0
    assert main([*command, str(larger), "--set", "upscale=64"]) == 0
    assert np.load(own).shape == (2, 32, 32, 3)
    assert np.array_equal(np.load(larger), load("sr-emoji").upscale(np.load(own)))
    assert main([*command, str(larger), "--set", "upscale=128"]) == 0
    assert np.load(larger).shape == (2, 128, 128, 3)
    assert main([*command, str(larger), "--set", "upscale=50"]) == 1 and "64" in capsys.readouterr().err
    assert main(["sample", "ae2d-fashion", "--set", "upscale=64", "--out", str(own)]) == 1
    assert "leave out upscale" in capsys.readouterr().err
    assert main(["sample", "sr-emoji", "--count", "3", "--out", str(own)]) == 0
    assert np.load(own).shape == (3, 64, 64, 3)


def test_it_has_no_tab_and_says_so(capsys):
    assert main(["--model", "sr-emoji"]) == 1
    assert "no tab" in capsys.readouterr().err
    assert "sr-emoji" in {card.id for card in checkpoints.cards()}


def test_pictures_at_rest_are_larger_until_that_is_switched_off(qtbot, open_window):
    window = open_window(model_id="kl-emoji", view="Generate")
    wait_open(qtbot, window)
    tab = window.current
    wait_finished(qtbot, tab.view)
    grid = tab.view.findChild(ImageGrid)
    assert not tab.larger_button.isHidden() and tab.larger_button.isChecked()
    qtbot.waitUntil(lambda: grid.drawn.times_larger > 1, timeout=WAIT)
    shown = grid.content().panels[0][1]
    assert shown.shape[1] in (64, 128)
    tab.larger_button.click()
    own = grid.content().panels[0][1]
    assert own.shape[1:] == (32, 32, 3)
    if shown.shape[1] == 64:
        assert np.abs(load("sr-emoji").upscale(own).astype(int) - shown).max() <= 8  # bfloat16, perhaps
    tab.larger_button.click()
    qtbot.waitUntil(lambda: grid.drawn.times_larger > 1, timeout=WAIT)
    tab.open_model("ae2d-fashion")
    qtbot.waitUntil(lambda: tab.model_id == "ae2d-fashion", timeout=WAIT)
    assert tab.larger_button.isHidden(), "grey pictures stay what they are"


# --- the view that compares


def compared(picture=None, **settings):
    request = SuperResolutionViewRequest(**settings)
    (frame,) = compare(load("ldm-emoji"), load("sr-emoji"), request, picture)
    return frame


def test_a_held_out_drawing_is_measured_against_itself_at_64():
    frame = compared(index=40)
    truth = emoji_large.held_out()[len(emoji.load("new-pairs")) + 40]
    assert np.array_equal(frame.extras["truth"][0], truth)
    assert np.array_equal(frame.extras["origin"][0], emoji.load("new-concepts").images[40])
    for made, decibels in zip((frame.extras["bicubic"], frame.images), frame.extras["psnr"], strict=True):
        error = np.square(made[0].astype(float) - truth).mean()
        assert decibels == pytest.approx(10 * np.log10(255**2 / error))
    assert frame.extras["psnr"][1] > frame.extras["psnr"][0] + 3
    assert frame.extras["larger"].shape == frame.extras["bicubic_larger"].shape == (1, 128, 128, 3)
    decoded = compared(index=40, source="decoded")
    assert np.array_equal(decoded.extras["truth"], frame.extras["truth"])
    assert 0 < np.abs(decoded.extras["origin"].astype(int) - frame.extras["origin"]).mean() < 30


def test_of_other_pictures_nobody_knows_the_truth():
    own = np.full((32, 32, 3), 90, np.uint8)
    frame = compared(own, index=40)
    assert np.array_equal(frame.extras["origin"][0], own) and "truth" not in frame.extras
    drawn = compared(source="drawn", prompt="red heart")
    assert "truth" not in drawn.extras and drawn.extras["readings"]["prompt"][0].words == ("red", "heart")
    assert np.array_equal(drawn.images, load("sr-emoji").upscale(drawn.extras["origin"]))


def test_the_view_shows_errors_where_the_truth_is_known(qtbot, open_window):
    window = open_window(tab="diffusion", model_id="ldm-emoji", view="Super-resolution")
    wait_open(qtbot, window)
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    assert view.name == "Super-resolution" and view.grid.count() == 6
    qtbot.waitUntil(lambda: len(view.bars.values) == 2, timeout=WAIT)  # a plot comes after its pictures
    said = [view.grid.one(i)[0] for i in range(6)]
    assert (
        "dB" in said[0]
        and "dB" in said[1]
        and "errs" in said[5]
        and view.bars.values[1] > view.bars.values[0]
    )
    assert tab.knobs.row("prompt").isHidden()
    shown = view.grid.one(1)[1]
    assert np.array_equal(shown[:, ::2, ::2], view.player.frame.images)
    view.take_picture(picture(np.zeros((32, 32, 3), np.uint8)))
    qtbot.waitUntil(lambda: view.picture is not None and view.grid.count() == 4, timeout=WAIT)
    qtbot.waitUntil(lambda: view.bars.isHidden() and tab.knobs.row("source").isHidden(), timeout=WAIT)
    view.slot.stepped.emit(9)
    qtbot.waitUntil(lambda: view.picture is None and view.grid.count() == 6, timeout=WAIT)
    assert view.request.index == 9
    qtbot.waitUntil(lambda: not view.bars.isHidden(), timeout=WAIT)  # a plot comes after its pictures
