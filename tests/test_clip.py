"""CLIP of emoji: its loss by hand, what search finds, and that training sees nothing held out."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from playground import checkpoints, models
from playground.checkpoints import judges
from playground.cli.main import main
from playground.data import emoji
from playground.data.emoji import words as emoji_words
from playground.evaluation.clip import CLIP, CLIPConfig, found_among
from playground.tabs.compare.page import Compare
from playground.tabs.compare.search import Search
from playground.ui.pictures.pixels import picture
from tests.windows import WAIT, opened, wait_finished, wait_open

TINY = CLIPConfig(width=8, num_features=16, word_width=16, embedding=8, drawing_blocks=37)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return CLIP(TINY).eval().requires_grad_(False)


def pictures(count):
    return emoji.load("new-concepts").images[:count]


def test_directions_have_length_one_and_words_matter(model):
    seen, said = (
        model.of_pictures(pictures(4)),
        model.of_prompts(["cat", "dog", "cat", "cat"], ["", "", "", "noto"]),
    )
    for directions in (seen, said):
        assert torch.allclose(directions.norm(dim=1), torch.ones(4), atol=1e-5)
    assert torch.equal(said[0], said[2])
    assert not torch.allclose(said[0], said[1]) and not torch.allclose(said[0], said[3])


def test_the_loss_is_that_of_the_paper(model):
    """Figure 3 with nothing called the same, and twins that count as each other's."""
    x = torch.from_numpy(pictures(3).transpose(0, 3, 1, 2).copy())
    tokens = torch.from_numpy(emoji_words.encode(["cat", "dog", "red heart"], ["", "", ""]))
    found = model.loss(x, tokens, torch.Generator())
    words = model.of_prompts(["cat", "dog", "red heart"])
    logits = model.of_pictures(pictures(3)) @ words.T * model.log_scale.exp()
    own = torch.arange(3)
    expected = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    assert float(found["loss"]) == pytest.approx(float(expected), rel=1e-4)
    twins = model.loss(x, tokens[[0, 0, 2]], torch.Generator())
    logits = model.of_pictures(pictures(3)) @ words[[0, 0, 2]].T * model.log_scale.exp()
    halves = torch.tensor([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    both = (-(halves * side.log_softmax(1)).sum(1).mean() for side in (logits, logits.T))
    assert float(twins["loss"]) == pytest.approx(float(sum(both)) / 2, rel=1e-4)


def test_search_finds_the_drawing_itself_first(model):
    every = emoji.drawings()
    which = np.linspace(0, len(every) - 1, 50).astype(int)
    assert len(every) <= len(model.drawn)
    model.drawn[which] = model.of_pictures(every.images[which])
    direction = model.of_pictures(every.images[which[7:8]])[0]
    name, style, score = model.search(direction, 5)[0]
    assert (name, style) == (every.names[which[7]], every.styles[which[7]])
    assert score == pytest.approx(1, abs=1e-4)
    assert [s for *_, s in model.search(direction, 5)] == sorted([s for *_, s in model.search(direction, 5)])[
        ::-1
    ]


def test_without_an_index_the_first_search_makes_it(monkeypatch):
    torch.manual_seed(0)
    unfinished, every = CLIP(TINY).eval().requires_grad_(False), emoji.drawings()
    few = every[np.arange(40)]
    monkeypatch.setattr(emoji, "drawings", lambda: few)
    direction = unfinished.of_pictures(few.images[11:12])[0]
    assert unfinished.search(direction, 1)[0][:2] == (few.names[11], few.styles[11])
    assert not unfinished.drawn[40:].any()


def test_an_untrained_one_finds_pairs_by_chance(model):
    found = found_among(model)
    assert found.shape == (len(emoji.load("new-pairs")),) and found.mean() < 0.3


def test_its_recipe_keeps_every_drawing_and_every_word():
    _, recipe = models.feature_network_recipes()["clip-emoji"]
    assert recipe.config.num_words == len(emoji_words.vocabulary())
    assert 0 <= 256 * recipe.config.drawing_blocks - len(emoji.drawings()) < 256


def test_it_is_saved_and_read_again(tmp_path):
    network, recipe = models.feature_network_recipes()["clip-emoji"]
    card = dataclasses.replace(
        checkpoints.load("kl-emoji").card,
        id="clip-emoji",
        family="judge",
        network=network,
        config=dataclasses.asdict(recipe.config),
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe))),
    )
    torch.manual_seed(1)
    kept, path = CLIP(recipe.config).eval(), tmp_path / "clip-emoji.safetensors"
    checkpoints.save(path, kept, card, "float16")
    again = checkpoints.load(path)
    assert torch.allclose(again.of_prompts(["cat"]), kept.of_prompts(["cat"]), atol=1e-2)
    assert path.stat().st_size < 5 * 2**20


# --- searching


@pytest.fixture
def found(tmp_path, monkeypatch, model):
    """A search among drawings by a model that has learned nothing, so that only a picture finds itself."""
    network, recipe = models.feature_network_recipes()["clip-emoji"]
    card = dataclasses.replace(
        checkpoints.load("kl-emoji").card,
        id="clip-emoji",
        family="judge",
        network=network,
        config=dataclasses.asdict(TINY),
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe))),
    )
    model.drawn[:300] = model.of_pictures(emoji.drawings().images[:300])
    checkpoints.save(tmp_path / "clip-emoji.safetensors", model, card, "float32")
    monkeypatch.setattr(judges, "path", lambda name: tmp_path / f"{name}.safetensors")


def test_a_picture_finds_itself_from_the_command_line(found, tmp_path, capsys):
    every = emoji.drawings()
    Image.fromarray(every.images[100]).save(tmp_path / "one.png")
    assert main(["search", "--image", str(tmp_path / "one.png"), "--count", "3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [set(row) for row in rows] == [{"name", "style", "score"}] * 3
    assert (rows[0]["name"], rows[0]["style"]) == (every.names[100], every.styles[100])
    assert rows[0]["score"] > 0.99 and rows[0]["score"] >= rows[1]["score"] >= rows[2]["score"]
    assert main(["search", "red", "heart", "--count", "2"]) == 0
    assert capsys.readouterr().out.count("\n") == 2


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "search takes words"),
        (["zzyzx"], "None of the words is known"),
        (["--image", "nowhere.png"], "nowhere.png"),
    ],
)
def test_what_cannot_be_searched_is_a_sentence(found, capsys, arguments, said):
    assert main(["search", *arguments]) == 1
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not told.out


def test_it_is_listed_without_a_family_and_draws_nothing(found, tmp_path, capsys):
    assert main(["list", "--json"]) == 0
    (card,) = [c for c in json.loads(capsys.readouterr().out) if c["id"] == "clip-emoji"]
    assert card["family"] == ""
    assert main(["sample", "clip-emoji", "--out", str(tmp_path / "x.png")]) == 2
    assert "playground search" in capsys.readouterr().err and not (tmp_path / "x.png").exists()


def test_it_is_measured_by_the_pairs_that_training_never_saw(found, capsys):
    assert main(["evaluate", "clip-emoji", "--json"]) == 0
    figure = json.loads(capsys.readouterr().out)["found_among_20"]
    assert figure["num_images"] == len(emoji.load("new-pairs")) and 0 <= figure["value"] < 0.3


def test_without_its_checkpoint_search_says_how_to_make_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(judges, "path", lambda name: tmp_path / "nothing.safetensors")
    assert main(["search", "cat"]) == 1
    assert "playground train clip-emoji" in capsys.readouterr().err


def test_zero_shot_probabilities_are_a_softmax_of_hot_cosines(model):
    direction, classes = model.of_pictures(pictures(1))[0], ["cat", "dog", "red heart"]
    cosine = (model.of_prompts(classes) @ direction).double().numpy()
    hot = np.exp(cosine * float(model.log_scale.exp()))
    assert model.zero_shot(direction, classes) == pytest.approx(hot / hot.sum(), rel=1e-4)


def test_the_window_searches_by_words_by_picture_and_for_more_like_one(found, qtbot, monkeypatch):
    monkeypatch.setattr(Compare, "scenes", (Search,))
    with opened(tab="compare", view="Search") as window:
        scene = window.page.scene
        qtbot.waitUntil(lambda: scene.found is not None, timeout=WAIT)
        assert scene.grid.count() == 24 and scene.bars.values.sum() == pytest.approx(1)
        every = emoji.drawings()
        assert scene.take_picture(picture(every.images[7]))
        name = every.names[7].replace("-", " ")
        qtbot.waitUntil(lambda: scene.found.names[0].startswith(name) and scene.is_settled, timeout=WAIT)
        assert scene.by.index() == 1 and scene.found.scores[0] > 0.99
        before = scene.moment()
        scene.grid.picked.emit(3, 0, 0)
        wanted = scene.found.names[3]
        qtbot.waitUntil(lambda: scene.is_settled and scene.found.names[0] == wanted, timeout=WAIT)
        scene.classes.setText("cat; dog")
        scene.ask()
        qtbot.waitUntil(lambda: scene.found.classes == ("cat", "dog"), timeout=WAIT)
        scene.put_back(before)
        qtbot.waitUntil(lambda: scene.found.names[0].startswith(name) and scene.is_settled, timeout=WAIT)
        scene.by.set_index(0)
        scene.words.setText("zzyzx")
        scene.ask()
        assert "zzyzx" in scene.remark.text() and not scene.remark.isHidden()
        scene.restore(dataclasses.replace(scene.metadata(), state={"by": 9}))
        assert "no such search" in window.page.banner.text()


def test_prompted_pictures_have_a_bar_each_once_they_are_done(found, qtbot):
    with opened(tab="diffusion", model_id="ldm-emoji") as window:
        wait_open(qtbot, window)
        tab, view = window.current, window.current.view
        tab.knobs.set_settings({"num_samples": 2, "num_steps": 3, "prompt": "cat; red heart"})
        qtbot.waitUntil(lambda: view.request.num_samples == 2 and len(view.scores.values) == 2, timeout=WAIT)
        wait_finished(qtbot, view)
        qtbot.waitUntil(lambda: len(view.scores.values) == 2, timeout=WAIT)
        clip = window.model_cache.get("clip-emoji")
        expected = clip.fits(view.player.timeline.last.images, ["cat", "red heart"])
        qtbot.waitUntil(lambda: np.allclose(view.scores.values, expected, atol=1e-4), timeout=WAIT)
        view.player.pause()
        view.player.seek(0)
        view.player.show_now()
        assert not view.scores.values, "noise fits nothing"
