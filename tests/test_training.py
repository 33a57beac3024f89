"""The loop: it learns, and a run killed at any moment continues the same curve."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save as to_bytes

from playground import checkpoints, models
from playground.checkpoints import training_record
from playground.cli.main import main
from playground.models import precision
from playground.training import loop, optimizers


@pytest.fixture
def tiny(monkeypatch):
    """The PixelCNN's recipe, made so small that it takes a second or two."""
    from playground.models.autoregressive.pixelcnn import PixelCNNConfig

    network, recipe = models.recipes()["pixelcnn-fashion"]
    small = PixelCNNConfig(width=32, num_blocks=1, context_width=32, num_context_blocks=2, num_mixtures=2)
    recipe = dataclasses.replace(
        recipe,
        config=small,
        steps=12,
        batch_size=8,
        compile=False,
        warmup_steps=2,
        snapshot={"num_samples": 2},
    )
    monkeypatch.setattr(models, "recipes", lambda: {recipe.id: (network, recipe)})
    monkeypatch.setattr(loop, "NUM_VALIDATION_IMAGES", 16)
    monkeypatch.setattr(loop, "NUM_SNAPSHOTS", 3)
    test_split = loop.data.load("fashion", "test")
    monkeypatch.setattr(loop.data, "load", lambda dataset, split: tuple(a[:64] for a in test_split))
    return recipe


def weights(folder, recipe):
    return checkpoints.load(folder / f"{recipe.id}.safetensors").state_dict()


def test_a_killed_run_continues_the_same_curve(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_SAVE_EVERY", 0.0)
    whole = list(loop.train(tiny.id, tmp_path / "whole", every=2))
    assert [p.step for p in whole] == [2, 4, 6, 8, 10, 12]
    assert whole[-1].figures["loss"] < whole[0].figures["loss"]

    killed = loop.train(tiny.id, tmp_path / "killed", every=2)
    for progress in killed:
        if progress.step == 6:
            killed.close()
    rest = list(loop.train(tiny.id, tmp_path / "killed", resume=True, every=2))
    assert [p.step for p in rest] == [8, 10, 12]
    assert [p.figures["loss"] for p in rest] == [p.figures["loss"] for p in whole[3:]]
    first, second = weights(tmp_path / "whole", tiny), weights(tmp_path / "killed", tiny)
    assert all(first[n].equal(second[n]) for n in first)
    film = json.loads((tmp_path / "killed" / f"{tiny.id}.film.json").read_text())
    assert film["snapshot_steps"] == sorted(set(film["snapshot_steps"])) and film["snapshot_steps"][-1] == 12


def test_a_folder_with_a_run_is_not_overwritten(tiny, tmp_path):
    for _ in loop.train(tiny.id, tmp_path, every=6):
        pass
    with pytest.raises(ValueError, match="--resume"):
        next(loop.train(tiny.id, tmp_path))


def test_a_later_leg_sees_the_pictures_in_another_order(tiny, tmp_path, monkeypatch):
    seen = []
    batch_of = loop.batch_indices
    monkeypatch.setattr(loop, "batch_indices", lambda *asked: seen.append(batch_of(*asked)) or seen[-1])
    list(loop.train(tiny.id, tmp_path / "first", every=6))
    path = tmp_path / "first" / f"{tiny.id}.safetensors"
    list(loop.train(tiny.id, tmp_path / "second", start_from=path, every=6))
    first, second = seen[: tiny.steps], seen[tiny.steps :]
    assert len(second) == tiny.steps and not torch.equal(first[0], second[0])
    assert all(not torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_run_can_start_from_a_checkpoint(tiny, tmp_path):
    list(loop.train(tiny.id, tmp_path / "first", every=6))
    path = tmp_path / "first" / f"{tiny.id}.safetensors"
    list(loop.train(tiny.id, tmp_path / "second", start_from=path, every=6))
    card = checkpoints.read_card(tmp_path / "second" / f"{tiny.id}.safetensors")
    assert card.recipe["continued_from"] == f"{tiny.id}@{checkpoints.weights_hash(path)}"
    assert card.images_seen == 2 * tiny.steps * tiny.batch_size
    assert card.training_seconds > checkpoints.read_card(path).training_seconds > 0
    first, both = (
        training_record.read(tmp_path / leg / f"{tiny.id}.film.json") for leg in ("first", "second")
    )
    assert both.last_step == 2 * tiny.steps == 2 * first.last_step
    steps, losses = both.curves["loss"]
    assert np.array_equal(losses[: len(first.curves["loss"][1])], first.curves["loss"][1])
    assert (
        steps[-1] == 2 * tiny.steps
        and both.snapshot_steps[: len(first.snapshot_steps)] == first.snapshot_steps
    )
    assert np.array_equal(both.pictures[: len(first.pictures)], first.pictures)


def test_a_loss_that_is_not_finite_stops_the_run_with_a_sentence(tiny, tmp_path, monkeypatch, capsys):
    network = models.network_class("autoregressive/pixelcnn")
    nan = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr(network, "loss", lambda *_: {"loss": nan * 1.0})
    assert main(["train", tiny.id, "--out", str(tmp_path / "run")]) == 1
    assert "not finite" in capsys.readouterr().err


def test_an_unknown_recipe_is_a_sentence(capsys, tmp_path):
    assert main(["train", "nothing-fashion", "--out", str(tmp_path)]) == 1
    assert "no recipe called 'nothing-fashion'" in capsys.readouterr().err


def test_orthogonalize_keeps_the_directions_and_evens_out_their_sizes():
    torch.manual_seed(0)
    matrix = torch.randn(32, 96) @ torch.diag(torch.logspace(0, -0.5, 96))
    values = torch.linalg.svdvals(optimizers.orthogonalize(matrix))
    assert values.min() > 0.5 and values.max() < 1.5
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = optimizers.orthogonalize(matrix)
    assert torch.cosine_similarity((u @ v).flatten(), found.flatten(), dim=0) > 0.95


def test_the_learning_rate_rises_and_falls(tiny):
    recipe = dataclasses.replace(tiny, steps=1000, warmup_steps=100, final_learning_rate=0.02)
    factors = [optimizers.learning_rate_factor(s, recipe) for s in range(1001)]
    assert factors[0] == pytest.approx(0.01) and max(factors) == 1.0 and factors.index(1.0) in (99, 100)
    assert factors[-1] == pytest.approx(0.02)
    assert all(a >= b for a, b in itertools.pairwise(factors[100:]))


@pytest.mark.parametrize(("ramp", "centre"), [(2, 0.5), (4, 0.75), (10, 0.9)])
def test_the_average_reaches_as_far_back_as_the_ramp_says(tiny, tmp_path, ramp, centre):
    """Weights s^(ramp - 2) have their centre at (ramp - 1) / ramp of the way; ``ema`` bounds how far back that is."""

    def centre_of(ema):
        recipe = dataclasses.replace(tiny, ema_ramp=ramp, ema=ema)
        run = loop.Run("autoregressive/pixelcnn", recipe, tmp_path, loop.distributed.World())
        mine, average = next(run.model.parameters()), next(run.average.parameters())
        for run.step in range(1000):
            mine.data.fill_(run.step)
            run._update_average()
        return average.flatten()[0].item() / 1000

    assert centre_of(0.99999) == pytest.approx(centre, abs=0.01)
    assert centre_of(0.9) == pytest.approx(0.99, abs=0.003)


def test_numbers_of_a_recipe_can_be_changed_and_stand_on_the_card(tiny, tmp_path):
    folder = tmp_path / "run"
    list(loop.train(tiny.id, folder, changes={"steps": "3", "learning_rate": "0.001"}))
    card = checkpoints.load(folder / f"{tiny.id}.safetensors").card
    assert card.recipe["steps"] == 3 and card.recipe["learning_rate"] == 0.001 and card.images_seen == 24


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"config": "1"}, "recipe has no number"),
        ({"stepz": "1"}, "recipe has no number"),
        ({"steps": "many"}, "takes a whole number"),
        ({"steps": "1.5"}, "takes a whole number"),
        ({"steps": "0"}, "steps must be at least 1"),
        ({"steps": "-5"}, "steps must be at least 1"),
        ({"batch_size": "0"}, "batch_size must be at least 1"),
        ({"batch_size": "60000"}, "A batch of 60,000 is more than the 64 training pictures"),
        ({"learning_rate": "nan"}, "learning_rate takes a number"),
        ({"learning_rate": "1e999"}, "learning_rate must be at least 0"),
        ({"learning_rate": "-1"}, "learning_rate must be at least 0"),
        ({"ema": "1.5"}, "ema must be at least 0 and at most 1"),
        ({"seed": "-1"}, "seed must be at least 0"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(changes, said, tiny, tmp_path, capsys):
    arguments = [f"--change={name}={value}" for name, value in changes.items()]
    assert main(["train", tiny.id, "--out", str(tmp_path / "run"), *arguments]) == 1
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and "Traceback" not in told.err
    assert not (tmp_path / "run").exists()


def test_only_a_run_that_is_there_is_resumed(tiny, tmp_path, capsys):
    assert main(["train", tiny.id, "--out", str(tmp_path / "mistyped"), "--resume"]) == 1
    assert "mistyped holds no run to continue" in capsys.readouterr().err
    list(loop.train(tiny.id, tmp_path / "run", every=6))
    state = tmp_path / "run" / "state.safetensors"
    for spoiled in (state.read_bytes()[:1000], b"", to_bytes({"x": torch.zeros(1)}, {"run": "{}"})):
        state.write_bytes(spoiled)
        assert main(["train", tiny.id, "--out", str(tmp_path / "run"), "--resume"]) == 1
        said = capsys.readouterr().err
        assert "cannot be continued" in said and said.count("\n") == 1


def test_a_kill_leaves_the_pictures_of_the_record_whole(tiny, tmp_path, monkeypatch):
    """They are replaced, never written in place: a kill in the midst left a file of no bytes."""
    list(loop.train(tiny.id, tmp_path / "run", every=6))
    picture = tmp_path / "run" / f"{tiny.id}.film.png"
    before = picture.read_bytes()
    written = []

    def killed(image, target, *_, **__):
        Path(target).write_bytes(b"half of it")
        written.append(picture.read_bytes())
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        list(loop.train(tiny.id, tmp_path / "run", start_from=None, resume=True, changes={"steps": "18"}))
    assert written == [before] and picture.read_bytes() == before


@pytest.mark.parametrize(("slower", "pays"), [(0.5, True), (0.95, False), (40.0, False)])
def test_bfloat16_is_used_only_where_its_products_are_quicker(tiny, tmp_path, monkeypatch, slower, pays):
    now = [0.0]

    def product(a, b):
        now[0] += slower if a.dtype == torch.bfloat16 else 1.0
        return a

    run = loop.Run("autoregressive/pixelcnn", tiny, tmp_path, loop.distributed.World())
    precision.bfloat16_pays.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "__matmul__", product)
        patch.setattr(precision.time, "perf_counter", lambda: now[0])
        assert precision.bfloat16_pays("cpu") is pays
    matrix = torch.eye(4) + 0.1
    rounded = optimizers.orthogonalize(matrix).bfloat16().float().equal(optimizers.orthogonalize(matrix))
    with run._precision():
        assert torch.is_autocast_enabled("cpu") is rounded is pays
    precision.bfloat16_pays.cache_clear()
