"""The second stage of a cascade: 32x32 drawings become 64x64, on the command line and on every tab's canvas."""

from __future__ import annotations

import numpy as np
import torch

from playground import checkpoints
from playground.capabilities import Upscales
from playground.cli.main import main
from playground.data import emoji, emoji_large
from playground.evaluation import reconstruction
from playground.models.upscaling.super_resolution import SuperResolution, SuperResolutionConfig
from playground.ui.pictures.image_grid import ImageGrid
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
    assert np.abs(model.upscale(small[:3]).astype(int) - reconstruction.bicubic(small[:3])).max() <= 1


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
        plain, made = reconstruction.bicubic(images), model.upscale(images)
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
