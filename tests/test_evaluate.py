"""``playground evaluate``: what it measures, keeps and prints, and the figures that travel with the program."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from playground import checkpoints, data, models, paths
from playground.cli.main import main
from playground.evaluation import baselines, report, sample_quality
from playground.tabs.frame import model_card as card_popup
from tests import torchrun_playground

ROOT = paths.PACKAGE.parent
FEATURE_NETWORKS = baselines.classifier_paths("fashion")


@pytest.fixture
def short(monkeypatch):
    import torch

    threads = torch.get_num_threads()
    torchrun_playground.shorten(monkeypatch.setattr)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def copied(tmp_path):
    """A checkpoint of one's own, with the likelihood that was measured of it."""
    for file in paths.folder("pretrained").glob("vae-fashion.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "vae-fashion.safetensors"


def evaluate(capsys, *arguments):
    assert main(["evaluate", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_figures_are_kept_beside_the_weights_and_shown_on_the_card(short, copied, capsys):
    before = checkpoints.read_metrics(copied)
    evaluate(capsys, copied, "--count", "40", "--only", "pictures", "--save", "--set", "temperature=0.5")
    card = checkpoints.read_card(copied)
    assert card.metrics["bits_per_dim"] == before["bits_per_dim"], "older figures stay"
    found = card.metrics[report.PICTURES]
    assert found["num_images"] == 40 and found["settings"]["temperature"] == 0.5
    assert found["quality"]["value"] > 0 and found["judges"] == baselines.classifier_hashes("fashion")
    rows = dict(card_popup.rows(card))
    assert f"{found['fid']['value']:.3f}" in rows["pictures"] and "temperature=0.5" in rows["drawn with"]
    assert f"| `vae-fashion` | 40 | {found['fid']['value']:.3f}" in report.picture_table([card])


def test_settings_for_evaluation_come_from_the_recipe(short, copied, capsys, monkeypatch):
    import dataclasses

    network, recipe = models.recipes()["vae-fashion"]
    recipe = dataclasses.replace(recipe, evaluate={"temperature": 0.25}, num_scored=2)
    monkeypatch.setattr(models, "recipes", lambda: {recipe.id: (network, recipe)})
    drawn = json.loads(evaluate(capsys, copied, "--count", "20", "--only", "pictures", "--json"))
    assert drawn[report.PICTURES]["settings"]["temperature"] == 0.25
    assert (
        json.loads(evaluate(capsys, copied, "--only", "likelihood", "--json"))["bits_per_dim"]["num_images"]
        == 2
    )


def test_copies_and_spoiled_pictures_are_found_out(short):
    ruler = sample_quality.Ruler("fashion")
    real, labels = baselines.held_out("fashion", 200)
    train, _ = data.load("fashion", "train")
    honest, copies = ruler.measure(real, labels), ruler.measure(train[:200])
    assert honest["nearest_ratio"]["value"] == pytest.approx(1) and copies["nearest_ratio"]["value"] < 0.05
    assert honest["accuracy"]["value"] > 0.8 and "accuracy" not in copies
    one_class = ruler.measure(real[labels == 3])
    assert one_class["class_entropy"]["value"] < 0.5 < 0.95 < honest["class_entropy"]["value"]
    assert one_class["coverage"]["value"] < honest["coverage"]["value"] / 2
    blurred = ruler.measure(baselines.blurred(real))
    assert blurred["fid"]["value"] > 2 * honest["fid"]["value"]


def test_a_decision_is_not_kept_as_a_result(capsys):
    assert main(["evaluate", "vae-fashion", "--split", "validation", "--save"]) == 1
    assert "test set" in capsys.readouterr().err
    assert main(["evaluate"]) == 1
    assert "--table" in capsys.readouterr().err


# --- what travels with the program


def test_judges_are_no_models():
    assert not set(models.FEATURE_NETWORKS) & set(models.networks())
    assert not set(models.feature_network_recipes()) & {c.id for c in checkpoints.cards()}
    for (_, recipe), path in zip(
        models.feature_network_recipes().values(), FEATURE_NETWORKS.values(), strict=False
    ):
        assert path.stat().st_size <= 2 * 2**20
        card = checkpoints.check(path)
        assert (card.family, card.id, card.recipe["steps"]) == ("judge", recipe.id, recipe.steps)


def test_the_judge_knows_garments():
    judge = checkpoints.load(FEATURE_NETWORKS["judge"])
    images, labels = (part[:1000] for part in baselines.reference("fashion"))
    features = sample_quality.features_of(judge, images)
    right = sample_quality.classes_of(judge, features) == labels
    assert right.mean() > 0.92  # it is 0.937 over all 10,000


@pytest.mark.parametrize("name", FEATURE_NETWORKS)
def test_a_judge_gives_the_same_features_whatever_the_batch(name):
    judge = checkpoints.load(FEATURE_NETWORKS[name])
    images = baselines.reference("fashion")[0][:12]
    whole, parts = sample_quality.features_of(judge, images), sample_quality.features_of(judge, images, 5)
    assert whole.shape == (12, judge.num_features) and np.allclose(whole, parts, atol=1e-4)


def test_the_measured_marks_are_those_of_the_shipped_judges_and_in_order():
    found = baselines.read("fashion", sample_quality.COUNT)
    assert found.keys() == baselines.BASELINES.keys(), "run: playground evaluate baselines --save"
    second = {name: mark["second"] for name, mark in found.items() if "second" in mark}
    for figures in (found, second) if second else (found,):
        fids = {name: mark["fid"]["value"] for name, mark in figures.items()}
        assert fids["held_out"] < fids["noise"] and 10 * fids["held_out"] < fids["blur"]


def test_every_measured_checkpoint_was_measured_by_the_shipped_judges():
    for card in checkpoints.cards():
        figures = card.metrics.get(report.PICTURES)
        if figures:
            assert figures["judges"] == baselines.classifier_hashes(card.dataset), card.id
            written = baselines.read(card.dataset, figures["num_images"])
            assert written, f"run: playground evaluate baselines --count {figures['num_images']} --save"
            fraction = figures["fid"]["value"] / written[baselines.BLUR]["fid"]["value"]
            assert figures["quality"]["value"] == pytest.approx(fraction), card.id


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="not a checkout")
def test_the_readme_shows_the_measured_tables(capsys):
    printed = evaluate(capsys, "--table")
    text = (ROOT / "README.md").read_text()
    for part in printed.strip().split("\n\n"):
        assert part in text, "copy the output of: playground evaluate --table"


@pytest.mark.parametrize("word", ["baselines", "marks"])  # the second is their name of version 0.1
def test_baselines_are_measured_under_either_name(monkeypatch, capsys, word):
    figures = {baselines.BLUR: {"fid": 1.0, "num_images": 25}}
    monkeypatch.setattr(sample_quality.Ruler, "__init__", lambda self, dataset: None)
    monkeypatch.setattr(sample_quality.Ruler, "measure_baselines", lambda self, count, tell: figures)
    assert main(["evaluate", word, "--count", "25", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures
