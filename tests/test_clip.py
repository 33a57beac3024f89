"""CLIP of emoji: its loss by hand, what search finds, and that training sees nothing held out."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from playground import checkpoints, models
from playground.data import emoji, emoji_words
from playground.evaluation.clip import CLIP, CLIPConfig, found_among

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
