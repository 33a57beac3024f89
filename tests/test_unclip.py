"""unCLIP: words to directions to pictures; its two foundations, its losses, and what its directions are for."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from playground import checkpoints, models
from playground.capabilities import BuildsOn, DenoisesPrompts, ReadsPrompts
from playground.checkpoints import judges
from playground.contract import make_request
from playground.data import emoji
from playground.data.emoji import words as emoji_words
from playground.evaluation.clip import CLIP, CLIPConfig
from playground.experiments.diffusion import directions
from playground.models import words
from playground.models.diffusion.text_to_image import TextDiffusion
from playground.models.diffusion.unclip import UnCLIP, UnCLIPConfig, UnCLIPRequest
from playground.models.directions import DrawsDirections
from playground.tabs.frame.page import LinkTarget
from tests.windows import WAIT, load, opened, wait_finished, wait_open

SMALL = UnCLIPConfig(
    num_words=2029,
    width=32,
    depth=2,
    num_heads=2,
    embedding=32,
    clip_size=8,
    prior_width=32,
    prior_depth=1,
    prior_heads=2,
)
CLIP_SMALL = CLIPConfig(width=8, num_features=16, word_width=16, embedding=8, drawing_blocks=1)


def clip_of(seed=0):
    torch.manual_seed(seed)
    return CLIP(CLIP_SMALL).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model():
    """Small networks with random weights, on the shipped autoencoder and a CLIP that has learned nothing."""
    torch.manual_seed(0)
    made = UnCLIP(SMALL)
    torch.nn.init.normal_(made.net.head.weight, std=0.2)
    for block in made.net.blocks:
        torch.nn.init.normal_(block.condition.weight, std=0.05)
    made.build_on(load("kl-emoji"))
    made.build_on(clip_of())
    made.card = dataclasses.replace(load("kl-emoji").card, id="unclip-emoji", family="diffusion")
    return made.eval().requires_grad_(False)


def request(**settings):
    return make_request(UnCLIPRequest, {"num_steps": 3, "num_samples": 2, "prior_steps": 3, **settings})


def last(frames):
    *_, frame = frames
    return frame


def test_it_reads_prompts_and_draws_directions(model):
    assert isinstance(model, ReadsPrompts) and isinstance(model, DrawsDirections)
    assert isinstance(model, BuildsOn) and model.num_foundations == 2
    assert not isinstance(model, DenoisesPrompts), "its decoder is told no words"


def test_words_become_directions_and_directions_pictures(model):
    frames = list(model.sample(request(prompt="cat; red heart")))
    assert [f.step for f in frames] == [0, 1, 2, 3] and "prompt" in frames[0].extras["readings"]
    directions = torch.from_numpy(frames[-1].extras["direction"])
    assert torch.allclose(directions.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not torch.allclose(directions[0], directions[1], atol=1e-2)
    assert frames[-1].passes == 2 * 3 + 2 * 3, "prior and decoder, both guided"
    again = last(model.draw_directions(directions, request()))
    assert np.array_equal(again.images, frames[-1].images), "the decoder hears no words"
    alone = last(model.sample(dataclasses.replace(request(prompt="red heart"), num_samples=1, first_index=1)))
    assert np.abs(alone.images[0].astype(int) - frames[-1].images[1]).max() <= 1
    rest = list(model.sample(request(prompt="cat; red heart"), resume=frames[1].state))
    assert np.array_equal(rest[-1].images, frames[-1].images) and [f.step for f in rest] == [2, 3]


def test_guidance_of_the_prior_pushes_away_from_the_negative_prompt(model):
    plain = model.directions_for(request(prompt="cat"))
    assert not torch.allclose(
        model.directions_for(request(prompt="cat", negative_prompt="dog")), plain, atol=1e-3
    )
    off = {"prompt": "cat", "prior_guidance": 1.0}
    one, other = (model.directions_for(request(**off, negative_prompt=n)) for n in ("", "dog"))
    assert torch.equal(one, other)
    same = model.directions_for(request(prompt="cat", negative_prompt="cat", prior_guidance=3.0))
    assert torch.allclose(same, one, atol=1e-4)


def test_what_is_learned_is_latents_and_directions_of_the_same_pictures(model, monkeypatch):
    monkeypatch.setattr(words, "NUM_EXAMPLES", 64)
    pictures, tokens = model.examples("train", 0)
    prepared = model.prepare(pictures[:6])
    assert prepared.shape == (6, 9, 8, 8) and prepared.dtype == torch.float16
    assert (prepared[:, :8].float() - model.to_x_0(pictures[:6])).abs().mean() < 0.05, "in bfloat16, perhaps"
    images = pictures[:6].permute(0, 2, 3, 1).numpy()
    assert torch.allclose(prepared[:, 8:].flatten(1)[:, :8].float(), model.directions_of(images), atol=1e-3)
    found = model.loss(prepared, tokens[:6], torch.Generator().manual_seed(0))
    again = model.loss(prepared, tokens[:6], torch.Generator().manual_seed(0))
    assert found["loss"] == again["loss"] == found["decoder"] + found["prior"] and torch.isfinite(
        found["loss"]
    )


def test_a_prior_that_always_answers_the_mean_loses_the_spread():
    """The loss of the prior is the squared error of embeddings whose numbers have a spread of one."""
    torch.manual_seed(0)
    made = UnCLIP(SMALL)
    made.build_on(load("kl-emoji"))
    made.build_on(clip_of())
    torch.nn.init.zeros_(made.prior.head.weight)
    torch.nn.init.zeros_(made.prior.head.bias)
    some = torch.from_numpy(emoji.load("new-pairs").images[:8].transpose(0, 3, 1, 2).copy())
    tokens = torch.from_numpy(emoji_words.encode(["cat"] * 8, [""] * 8))
    with torch.no_grad():
        found = made.eval().loss(some, tokens, torch.Generator().manual_seed(0))
    assert float(found["prior"]) == pytest.approx(1.0, rel=1e-3)


def test_it_begins_as_text_to_image_diffusion_where_shapes_agree():
    torch.manual_seed(3)
    made = UnCLIP(UnCLIPConfig(num_words=2029))
    other = load("ldm-emoji")
    assert isinstance(other, TextDiffusion)
    before = made.net.words.weight.clone()
    made.learn_from(other)
    own, theirs = made.net.state_dict(), other.net.state_dict()
    same = [k for k in theirs if k in own and own[k].shape == theirs[k].shape]
    assert all(torch.equal(own[k], theirs[k]) for k in same)
    assert len(same) == len(theirs) - 2, "all but the words and their order"
    assert torch.equal(made.net.words.weight, before)


@pytest.fixture
def kept(model, tmp_path):
    """Both as files: the judges' folder with CLIP, and a folder of one's own with the model."""
    network, recipe = models.recipes()["unclip-emoji"]
    kl, judging, own = load("kl-emoji"), tmp_path / "judge", tmp_path / "own"
    judging.mkdir()
    own.mkdir()
    card = dataclasses.replace(
        kl.card, id="clip-emoji", family="judge", network="judge/clip", config=dataclasses.asdict(CLIP_SMALL)
    )
    checkpoints.save(judging / "clip-emoji.safetensors", model.clip, card, "float32")
    mine = dataclasses.replace(
        kl.card,
        id="unclip-small-emoji",
        family="diffusion",
        network=network,
        config=dataclasses.asdict(SMALL),
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe))),
        built_on=[
            f"kl-emoji@{kl.weights_hash}",
            f"clip-emoji@{checkpoints.weights_hash(judging / 'clip-emoji.safetensors')}",
        ],
    )
    checkpoints.save(own / "unclip-small-emoji.safetensors", model, mine, "float32")
    return mine, own / "unclip-small-emoji.safetensors", judging


def test_it_is_kept_with_the_names_of_both_that_it_is_built_on(model, kept, monkeypatch):
    network, recipe = models.recipes()["unclip-emoji"]
    assert network == "diffusion/unclip" and recipe.config.num_words == len(emoji_words.vocabulary())
    card, path, judging = kept
    monkeypatch.setattr(judges, "folder", lambda: judging)
    again, wanted = checkpoints.load(path), request(prompt="cat")
    assert np.array_equal(last(again.sample(wanted)).images, last(model.sample(wanted)).images)
    for lacking in (card.built_on[:1], [*card.built_on, card.built_on[0]], []):
        checkpoints.save(path, model, dataclasses.replace(card, built_on=lacking), "float32")
        with pytest.raises(checkpoints.CheckpointError, match="does not name the 2 models"):
            checkpoints.load(path)


def test_another_clip_is_refused(model):
    other = CLIP(dataclasses.replace(CLIP_SMALL, embedding=16))
    with pytest.raises(ValueError, match="another size"):
        UnCLIP(SMALL).build_on(other)
    with pytest.raises(ValueError, match="no CLIP"):
        UnCLIP(SMALL).directions_of(emoji.load("new-pairs").images[:1])
    assert F.cosine_similarity(*model.directions_of(emoji.load("new-pairs").images[:2]).split(1)) < 1


# --- what directions are for


def quick(kind, **settings):
    return make_request(kind, {"num_steps": 2, "num_samples": 3, **settings})


def test_variations_share_a_direction_and_differ_in_their_noise(model):
    frame = last(directions.variations(model, quick(directions.VariationsRequest, index=4)))
    origin = emoji.load("new-concepts").images[4]
    assert np.array_equal(frame.extras["origin"][0], origin)
    wanted = model.directions_of(origin[None]).numpy()
    assert np.allclose(frame.extras["direction"], wanted.repeat(3, 0), atol=1e-6)
    assert not np.array_equal(frame.images[0], frame.images[1])
    own = np.full((32, 32, 3), 77, np.uint8)
    given = last(directions.variations(model, quick(directions.VariationsRequest), own))
    assert np.array_equal(given.extras["origin"][0], own)


def test_the_way_between_two_pictures_leads_from_one_to_the_other_on_one_noise(model):
    asked = quick(directions.BetweenRequest, index=4, second_index=9)
    first, *_, frame = directions.between(model, asked)
    assert np.array_equal(first.extras["latent"][0], first.extras["latent"][2])
    ends = model.directions_of(emoji.load("new-concepts").images[[4, 9]])
    found = torch.from_numpy(frame.extras["direction"])
    assert torch.allclose(found[[0, 2]], ends, atol=1e-4)
    assert torch.allclose(found[1] @ ends[0], found[1] @ ends[1], atol=1e-4), "half-way is as far from both"
    assert frame.extras["amounts"].tolist() == [0, 0.5, 1]


def test_a_direction_is_turned_towards_the_difference_of_two_texts(model):
    asked = quick(directions.ArithmeticRequest, index=4, minus="cat", plus="dog", turn=1.0)
    first, *_, frame = directions.arithmetic(model, asked)
    assert set(first.extras["readings"]) == {"plus", "minus"}
    found = torch.from_numpy(frame.extras["direction"])
    (start,) = model.directions_of(emoji.load("new-concepts").images[4:5])
    plus, minus = model.directions_of_words(["dog", "cat"])
    assert torch.allclose(found[0], start, atol=1e-4)
    assert torch.allclose(found[2], F.normalize(plus - minus, dim=0), atol=1e-4)
    same = quick(directions.ArithmeticRequest, index=4, minus="cat", plus="cat")
    assert np.allclose(last(directions.arithmetic(model, same)).extras["direction"], start.numpy(), atol=1e-4)


def test_the_views_of_directions_open_and_keep_what_they_were_given(kept, qtbot, monkeypatch):
    _, path, judging = kept
    monkeypatch.setattr(judges, "folder", lambda: judging)
    monkeypatch.setenv("PLAYGROUND_MODELS", str(path.parent))
    with opened(tab="diffusion", model_id="unclip-small-emoji", view="Variations") as window:
        wait_open(qtbot, window)
        tab = window.current
        tab.knobs.set_settings({"num_steps": 2, "num_samples": 4})
        qtbot.waitUntil(lambda: tab.view.request.num_samples == 4, timeout=WAIT)
        wait_finished(qtbot, tab.view)
        assert {"Generate", "Variations", "Between pictures", "Arithmetic"} <= set(tab.view_names)
        assert not {"Words", "Prompts", "Inpaint"} & set(tab.view_names), "its decoder is told no words"
        assert tab.view.grid.count() == 4
        window.go(
            LinkTarget(
                "diffusion", "unclip-small-emoji", "Between pictures", {"num_steps": 2, "num_samples": 3}
            )
        )
        qtbot.waitUntil(
            lambda: tab.view.name == "Between pictures" and tab.view.grid.count() == 3, timeout=WAIT
        )
        view = tab.view
        own = np.full((32, 32, 3), 40, np.uint8)
        view.second.given.emit(own, "grey")
        qtbot.waitUntil(lambda: np.array_equal(view.player.frame.extras["other"][0], own), timeout=WAIT)
        wait_finished(qtbot, view)
        metadata, images = tab.picture_metadata(), view.player.frame.images.copy()
        view.second.stepped.emit(3)
        qtbot.waitUntil(lambda: view.other is None and view.request.second_index == 3, timeout=WAIT)
        wait_finished(qtbot, view)
        tab.restore(metadata)
        qtbot.waitUntil(lambda: view.other is not None, timeout=WAIT)
        wait_finished(qtbot, view)
        assert np.array_equal(view.player.frame.images, images)
        window.go(
            LinkTarget("diffusion", "unclip-small-emoji", "Arithmetic", {"num_steps": 2, "plus": "zzyzx"})
        )
        qtbot.waitUntil(lambda: tab.view.name == "Arithmetic" and tab.view.request is not None, timeout=WAIT)
        qtbot.waitUntil(lambda: "zzyzx" in tab.knobs.row("plus").remark.sentence, timeout=WAIT)
        wait_finished(qtbot, tab.view)
        assert tab.banner.isHidden()
