"""What measures colour pictures: the classifier, the index of nearest training pictures, and the view that shows them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from playground import checkpoints
from playground.cli.main import main
from playground.data import emoji, fashion
from playground.evaluation import emoji_features, emoji_fidelity, emoji_report, neighbours, prompts
from playground.ui.pictures.image_grid import ImageGrid
from tests.windows import WAIT, load, wait_finished, wait_open

ACROSS = 1 + neighbours.NUM_NEAREST


@pytest.fixture(scope="module")
def new_pairs():
    return emoji.load("new-pairs")


def test_the_classifier_knows_concepts_that_it_never_saw_in_this_style(new_pairs):
    names = new_pairs.names.tolist()
    right = emoji_features.concepts_right(new_pairs.images, names).mean()
    assert right > 0.85
    assert emoji_features.concepts_right(np.roll(new_pairs.images, 7, 0), names).mean() < right / 3
    styles = new_pairs.styles.tolist()
    assert emoji_features.styles_right(new_pairs.images, styles).mean() > 0.5, "one in six is chance"


def test_concepts_that_nobody_learned_are_told_by_their_other_drawings():
    held = emoji.load("new-concepts")
    some = held[np.arange(0, len(held), 5)]
    places = list(zip(some.styles.tolist(), some.names.tolist(), strict=True))
    assert emoji_features.new_concepts_right(some.images, places).mean() > 0.5, "one in twenty is chance"


def test_marks_are_measured_by_the_shipped_classifier_and_in_order():
    marks = emoji_report.marks()
    assert marks, "run: playground evaluate baselines --dataset emoji --save"
    fid = {name: figures["fid"]["value"] for name, figures in marks.items()}
    assert all(3 * fid["other_half"] < fid[name] for name in ("held_out", "noise", "blur"))
    assert marks["held_out"]["near_by_pixels"]["value"] == pytest.approx(0.01, abs=0.006)
    reference, other = emoji_fidelity.halves()
    places = [set(zip(d.names.tolist(), d.styles.tolist(), strict=True)) for d in (reference, other)]
    assert not places[0] & places[1]


def test_what_was_measured_of_emoji_was_measured_by_the_shipped_classifier():
    measured = [c for c in checkpoints.cards() if emoji_report.PICTURES in c.metrics]
    assert measured
    for card in measured:
        assert card.metrics[emoji_report.PICTURES]["classifier"] == emoji_features.weights_hash(), card.id
    printed = "\n".join(emoji_report.tables(measured))
    assert "drawings, through a 3x3 blur" in printed and f"`{measured[0].id}`" in printed


def test_prompts_are_measured_with_and_without_the_order_of_words():
    found = prompts.measure(load("ldm-emoji"), 2, {"num_steps": 2}, lambda line: None)
    wanted = {
        "colour_obeyed",
        "both_colours_bound",
        "both_colours_bound_without_word_order",
        "new_concepts_real",
    }
    assert wanted < set(found)
    assert all(0 <= figure["value"] <= 1 for figure in found.values())


# --- neighbours


def test_the_index_is_of_the_shipped_drawings_and_classifier():
    train = emoji.load("train").images
    for by in ("pixels", "features"):
        usual = neighbours.usual_distances("emoji", by)
        assert len(usual) == len(neighbours.held_out("emoji")) and (np.diff(usual) >= 0).all()
        some = neighbours.held_out("emoji")[:3]
        found = neighbours.find(some, "emoji", by)
        apart = np.abs(usual[:, None] - found.distances[:, 0]).min(0)
        assert (apart < 0.02 * usual.mean()).all(), "run: python -m playground.evaluation.neighbours"
        copied = neighbours.find(train[40:43], "emoji", by)
        assert (copied.percentiles == 0).all()
        assert list(copied.indices[:, 0]) == [40, 41, 42]


def test_features_find_a_copy_that_was_shifted():
    known = emoji.load("train").images[100:140]
    shifted = np.concatenate([np.full_like(known[:, :, :2], 255), known[:, :, :-2]], axis=2)
    by_features = neighbours.find(shifted, "emoji", "features").percentiles
    by_pixels = neighbours.find(shifted, "emoji", "pixels").percentiles
    assert np.median(by_features) < np.median(by_pixels)


def test_a_percentile_in_words():
    assert neighbours.in_words(60).startswith("nearer to a training picture than 40 % of held-out")
    assert "no copy" in neighbours.in_words(60) and "perhaps a copy" in neighbours.in_words(0.2)


def test_neighbours_by_features_and_what_cannot_be_compared(capsys):
    assert main(["neighbours", "kl-emoji", "--count", "2", "--by", "features", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 and all(len(row["nearest"]) == neighbours.NUM_NEAREST for row in rows)
    assert all(np.diff([n["distance"] for n in row["nearest"]]).min() >= 0 for row in rows)
    assert main(["neighbours", "vae-fashion", "--by", "features"]) == 1
    assert "Only emoji" in capsys.readouterr().err
    assert fashion.missing(), "tests see no training pictures"
    assert main(["neighbours", "vae-fashion", "--count", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert "dataset-fashion-mnist" in said.err and "principal components" in said.err
    rows = json.loads(said.out)
    assert len(rows) == 2 and all(0 <= row["percentile"] <= 100 for row in rows)
    assert all(0 <= n["id"] < 55_000 for row in rows for n in row["nearest"])


def test_garments_are_told_from_held_out_ones_without_the_training_pictures():
    real = neighbours.held_out("fashion")[:40]
    found = neighbours.find(real, "fashion")
    assert 30 < found.percentiles.mean() < 70, "held-out pictures are as near as held-out pictures are"
    shaken = np.clip(real + np.random.default_rng(0).normal(0, 60, real.shape), 0, 255).astype(np.uint8)
    assert neighbours.find(shaken, "fashion").percentiles.mean() > found.percentiles.mean() + 10


def test_the_view_shows_what_is_nearest_and_says_what_that_means(qtbot, open_window):
    window = open_window(model_id="kl-emoji", view="Neighbours")
    wait_open(qtbot, window)
    tab = window.current
    view = tab.view
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: "distances" in view.player.frame.extras, timeout=WAIT)
    frame, grid = view.player.frame, view.findChild(ImageGrid)
    assert len(frame.images) == 4 * ACROSS and grid.columns == ACROSS
    samples = frame.images[::ACROSS]
    found = neighbours.find(samples, "emoji")
    train = emoji.load("train").images
    assert np.array_equal(frame.images[1], train[found.indices[0, 0]])
    grid.select(2 * ACROSS + 1)
    assert view.line.text().startswith("Sample 3: nearer to a training picture than")
    assert "So what:" in view.line.text() and "of these 4" in view.line.text()
    tab.open_model("ae2d-fashion")
    qtbot.waitUntil(lambda: tab.model_id == "ae2d-fashion", timeout=WAIT)
    assert "Neighbours" not in tab.view_names, "its training pictures are not on this machine"


def test_a_codebook_is_counted_over_all_drawings_of_training(monkeypatch):
    """Of a tokenizer that knows three brightnesses two occur in a white and a black drawing, equally often."""
    from playground.evaluation import reconstruction

    black_and_white = emoji.load("train")[np.arange(2)]
    images = np.stack([np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)])
    some = emoji.Drawings(images, black_and_white.names, black_and_white.styles, black_and_white.groups)
    real = emoji.load
    monkeypatch.setattr(emoji, "load", lambda split: some if split == "train" else real(split)[np.arange(20)])

    model = load("vqgan-emoji")
    monkeypatch.setattr(model, "num_codes", 4)
    monkeypatch.setattr(model, "encode_codes", lambda x: (x[:, 0] > 0).long())
    monkeypatch.setattr(reconstruction, "reconstructed", lambda model, images: images ^ 1)
    figures = reconstruction.measure(model)
    assert figures["codebook_use"]["value"] == 0.5
    assert figures["codebook_perplexity"]["value"] == pytest.approx(2)
    assert figures["codebook_use"]["num_images"] == 2


def test_first_stages_stand_beside_each_other_with_their_codebooks():
    cards = [c for c in checkpoints.cards() if c.id in ("kl-emoji", "vqgan-emoji")]
    table = next(t for t in emoji_report.tables(cards) if t.startswith("| first stage"))
    for card in cards:
        assert f"`{card.id}`" in table
    vqgan = next(c for c in cards if c.id == "vqgan-emoji")
    assert vqgan.metrics["codebook_use"]["value"] >= 0.9
