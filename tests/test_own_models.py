"""A model from a file outside the package (``tests/own_models``, which the README shows) is found by everything that lists models."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import playground
from playground import checkpoints, models
from playground.cli.main import main
from playground.tabs.frame.page import LinkTarget
from tests.windows import WAIT, load, opened

FILE = Path(__file__).parent / "own_models" / "diffusion" / "even_ddpm.py"
README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder: the file, and a checkpoint of it with the weights of ddpm-fashion, whose network it shares."""
    (tmp_path / "diffusion").mkdir()
    (tmp_path / "diffusion" / FILE.name).write_text(FILE.read_text())
    monkeypatch.setenv("PLAYGROUND_MODELS", str(tmp_path))
    model = load("ddpm-fashion")
    kind = models.network_class("diffusion/even_ddpm")
    card = dataclasses.replace(
        model.card, id="even-fashion", network="diffusion/even_ddpm", system=kind.system, metrics={}
    )
    checkpoints.save(tmp_path / "even-fashion.safetensors", model, card)
    return tmp_path


def test_the_command_line_lists_draws_and_checks_it(folder, tmp_path, capsys):
    assert main(["list", "--json"]) == 0
    (found,) = [c for c in json.loads(capsys.readouterr().out) if c["id"] == "even-fashion"]
    assert found["system"] == "Diffusion, noise levels drawn evenly" and found["family"] == "diffusion"
    assert main(["check"]) == 0
    assert "even-fashion" in capsys.readouterr().out
    how = ["--count", "2", "--set", "num_steps=2", "--out", str(tmp_path / "x.npy")]
    assert main(["sample", "even-fashion", *how]) == 0
    assert np.load(tmp_path / "x.npy").shape == (2, 28, 28, 1)


def test_it_has_a_recipe_and_its_line_is_the_one_that_runs(folder):
    network, recipe = models.recipes()["even-fashion"]
    assert network == "diffusion/even_ddpm" and recipe.steps == 8000
    model = playground.load("even-fashion")
    drawn = model.training_log_snr(4000, torch.Generator().manual_seed(0))
    assert -10 <= drawn.min() < -9.5 and 9.5 < drawn.max() <= 10
    assert ((drawn > 0).float().mean() - 0.5).abs() < 0.05 and drawn.std() == pytest.approx(
        20 / 12**0.5, rel=0.05
    )
    assert load("ddpm-fashion").training_log_snr(4000, torch.Generator().manual_seed(0)).std() < 5


def test_the_menu_has_it_and_opens_it(folder, qtbot):
    with opened(tab="diffusion") as window:
        window.go(LinkTarget("diffusion", "even-fashion", "Generate"))
        qtbot.waitUntil(lambda: window.current.view is not None, timeout=WAIT)
        assert window.current.model.card.id == "even-fashion"
        assert type(window.current.model).__name__ == "EvenDiffusion"


def test_the_contract_tests_know_it(folder):
    """The ones that every shipped model goes through, in a process of their own."""
    names = "even-fashion and (keeps_its_promises and not sampler) or even-fashion and early"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/test_contracts.py", "-k", names],
        cwd=FILE.parents[3],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "passed" in done.stdout, done.stdout[-2000:]


def test_without_the_variable_nothing_of_it_is_known_or_run(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("PLAYGROUND_MODELS")
    assert "diffusion/even_ddpm" not in models.networks()
    with pytest.raises(
        checkpoints.CheckpointError, match="wants the network 'diffusion/even_ddpm', which this version"
    ):
        playground.load(tmp_path / "even-fashion.safetensors")  # as if dropped on the window
    assert main(["sample", "even-fashion", "--out", str(tmp_path / "x.png")]) == 1
    assert "There is no checkpoint 'even-fashion'" in capsys.readouterr().err


def test_a_file_that_fails_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "diffusion").mkdir()
    (tmp_path / "diffusion" / "broken.py").write_text("import nothing_like_this\nMODEL = None\n")
    monkeypatch.setenv("PLAYGROUND_MODELS", str(tmp_path))
    with pytest.raises(ValueError, match=r"broken\.py cannot be used as a model \(ModuleNotFoundError"):
        models.network_class("diffusion/broken")


def test_a_folder_that_is_none_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("PLAYGROUND_MODELS", "/nowhere")
    assert main(["list"]) == 1
    assert capsys.readouterr().err == "PLAYGROUND_MODELS names /nowhere, which is not a folder.\n"


def test_the_readme_shows_the_file_as_it_is():
    shown = [line.removeprefix("+") for line in README.read_text().splitlines()]
    assert (
        FILE.read_text().splitlines()
        == shown[shown.index("```diff") + 1 :][: len(FILE.read_text().splitlines())]
    )
