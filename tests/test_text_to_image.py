"""Text-to-image diffusion: what it is told, what it forgets, what each place takes from each word, and its commands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from playground import checkpoints, models
from playground.capabilities import ClassConditional, ReadsPrompts
from playground.cli.main import main
from playground.cli.sample import read_prompts
from playground.contract import make_request
from playground.data import emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import words as emoji_words
from playground.evaluation import prompts
from playground.models import words
from playground.models.diffusion.text_dit import TextDiffusionConfig
from playground.models.diffusion.text_to_image import TextDiffusion, TextRequest


@pytest.fixture(scope="module")
def model():
    """A small network with random weights, on the shipped autoencoder."""
    torch.manual_seed(0)
    made = TextDiffusion(TextDiffusionConfig(num_words=2029, width=64, depth=2, num_heads=2, embedding=64))
    torch.nn.init.normal_(made.net.head.weight, std=0.2)
    for block in made.net.blocks:
        torch.nn.init.normal_(block.condition.weight, std=0.05)
    made.build_on(checkpoints.load("kl-emoji"))
    return made.eval().requires_grad_(False)


def last(frames):
    *_, frame = frames
    return frame


def request(**settings):
    return make_request(TextRequest, {"num_steps": 3, "num_samples": 2, **settings})


def test_it_reads_prompts_and_knows_no_classes(model):
    assert isinstance(model, ReadsPrompts) and not isinstance(model, ClassConditional)
    assert models.recipes()["ldm-emoji"][1].config.num_words == len(emoji_words.vocabulary())
    assert "octopus" in model.remarks("octopuss") and model.remarks("purple octopus") == ""


def test_words_styles_and_their_order_matter(model):
    plain = last(model.sample(request(prompt="red car beside blue house"))).images
    for other in ("blue car beside red house", "cat", ""):
        assert not np.array_equal(last(model.sample(request(prompt=other))).images, plain)
    styled = last(model.sample(request(prompt="red car beside blue house", style="noto"))).images
    named = last(model.sample(request(prompt="noto red car beside blue house"))).images
    assert np.array_equal(styled, named) and not np.array_equal(styled, plain)


def test_without_word_order_a_prompt_is_a_bag_of_words(model):
    def drawn(prompt, **settings):
        return last(model.sample(request(prompt=prompt, **settings))).images.astype(int)

    one, other = "red car beside blue house", "blue house beside red car"
    assert np.abs(drawn(one) - drawn(other)).max() > 1
    assert np.abs(drawn(one, word_order=False) - drawn(other, word_order=False)).max() <= 1


def test_synonyms_draw_the_same_picture(model):
    for one, other in (("heart", "red heart"), ("book", "closed book"), ("car", "automobile")):
        drawn = [last(model.sample(request(prompt=p))).images for p in (one, other)]
        assert np.array_equal(*drawn)


def test_guidance_of_one_asks_once_and_a_negative_prompt_pushes_away(model):
    alone = last(model.sample(request(prompt="cat", guidance_scale=1)))
    assert alone.passes == 3 and last(model.sample(request(prompt="cat", guidance_scale=3))).passes == 6
    pushed = last(model.sample(request(prompt="cat", negative_prompt="dog"))).images
    assert not np.array_equal(pushed, last(model.sample(request(prompt="cat"))).images)
    same = last(model.sample(request(prompt="cat", negative_prompt="cat", guidance_scale=4))).images
    assert np.abs(same.astype(int) - alone.images).max() <= 1


def test_what_each_place_takes_from_each_word_is_told(model):
    wanted = request(prompt="purple octopus")
    frames = list(model.sample(dataclasses.replace(wanted, tells_looks=True)))
    assert np.abs(last(model.sample(wanted)).images.astype(int) - frames[-1].images).max() <= 1, (
        "the quick way"
    )
    assert "looks" not in last(model.sample(wanted)).extras
    looks = frames[-1].extras["looks"]
    assert looks.shape == (2, emoji_words.NUM_TOKENS, 8, 8)
    assert (looks > 0).all() and (looks.sum(1) < 1).all(), "a share of the attention, the rest goes to places"
    tokens = np.array(emoji_words.vocabulary())[frames[-1].extras["tokens"]]
    assert tokens[0, 1:3].tolist() == ["purple", "octopus"]
    assert not frames[0].extras["looks"].any()


def test_a_word_can_be_weakened(model):
    wanted = request(prompt="purple octopus")
    plain = last(model.sample(wanted)).images
    same = last(model.sample(dataclasses.replace(wanted, strengths=(1.0, 1.0)))).images
    weak = last(model.sample(dataclasses.replace(wanted, strengths=(0.0, 1.0)))).images
    assert np.array_equal(same, plain) and not np.array_equal(weak, plain)


def test_prompts_are_dealt_out_and_lines_are_drawn_in_order(model):
    both = last(model.sample(request(prompt="cat; dog"))).images
    for i, prompt in enumerate(("cat", "dog")):
        one = dataclasses.replace(request(prompt=prompt, num_samples=1), first_index=i)
        assert np.abs(last(model.sample(one)).images[0].astype(int) - both[i]).max() <= 1
    lines = dataclasses.replace(request(), each=(("", "cat"), ("", "dog")))
    assert np.array_equal(last(model.sample(lines)).images, both)


@pytest.mark.parametrize("prompt", ["", "beside", "zzyzx", "x " * 140])
def test_prompts_without_known_words_draw_something(model, prompt):
    assert last(model.sample(request(prompt=prompt))).images.shape == (2, 32, 32, 3)


@pytest.mark.parametrize("prompt", ["日本語", "a" * 10_000, "\x1b[31m"])
def test_prompts_that_are_no_plain_text_get_a_sentence(prompt):
    with pytest.raises(ValueError, match="plain characters"):
        request(prompt=prompt)
    with pytest.raises(ValueError, match="style must be one of"):
        request(style="crayon")


def test_training_forgets_some_words_and_some_prompts(model):
    tokens = torch.ones(4000, emoji_words.NUM_TOKENS, dtype=torch.long)
    kept = model.forgetful(tokens, torch.Generator().manual_seed(0)).float()
    assert 0.08 < (kept.sum(1) == 0).float().mean() < 0.12
    assert kept.mean().item() == pytest.approx(0.9 * 0.9, abs=0.02)


def test_examples_are_captioned_drawings_and_latents_have_unit_spread(model, monkeypatch):
    monkeypatch.setattr(words, "NUM_EXAMPLES", 300)
    small = dataclasses.replace(model.config, width=32, depth=1, num_heads=1, embedding=32)
    trained = TextDiffusion(small)
    trained.build_on(model.tokenizer)
    pictures, tokens = trained.examples("train", 0)
    assert (
        pictures.dtype == torch.uint8 and pictures.shape[1:] == (3, 32, 32) and len(pictures) == len(tokens)
    )
    latents = trained.prepare(pictures)
    assert latents.dtype == torch.float16 and 0.8 < latents.float().std() < 1.2
    again = trained.to_pictures(latents.float())
    assert np.abs(again.astype(int) - pictures.permute(0, 2, 3, 1).numpy()).mean() < 6
    held, said = trained.examples("validation", 0)
    assert len(held) == len(said) == len(emoji.load("new-pairs"))
    loss = trained.loss(latents[:32], tokens[:32], torch.Generator().manual_seed(0))["loss"]
    assert 0.5 < loss.item() < 4


def test_files_of_prompts(tmp_path, capsys):
    assert read_prompts("noto\tred heart\ncat\n") == (("noto", "red heart"), ("", "cat"))
    with pytest.raises(ValueError, match="Line 2"):
        read_prompts("noto\tred heart\ncrayon\tcat\n")
    (tmp_path / "p.txt").write_text("noto\tcat\n")
    out = ["--out", str(tmp_path / "a.npy"), "--prompts", str(tmp_path / "p.txt")]
    assert main(["sample", "kl-emoji", *out]) == 1 and "words" in capsys.readouterr().err
    assert main(["sample", "kl-emoji", "--count", "2", *out]) == 1 and "--count" in capsys.readouterr().err


def test_held_out_prompts_are_held_out():
    words, things = prompts.held_out_colours(60, seed=1)
    assert len(set(words)) > 4 and len(things) == 60
    for word, (style, name) in zip(words, things, strict=True):
        assert not emoji_captions.may_say(word, name, style)
    for pair in prompts.held_out_pairs(20, seed=1):
        assert emoji_captions.held_out("beside", pair.prompt.replace(" beside", ""))
        assert emoji_words.understood(pair.prompt).text == pair.prompt
        assert len(set(pair.colours)) == 2


def test_binding_is_seen_in_pixels():
    heart = emoji.load("train")
    heart = heart[heart.names == "red-heart"].images[:1]
    from playground.data.emoji import colours as emoji_colours

    green, blue = (emoji_captions.halved(emoji_colours.recoloured(heart, w)) for w in ("green", "blue"))
    pair = prompts.Pair("noto", ("green", "blue"), "green heart beside blue heart")
    assert pair.is_bound(emoji_captions.beside(green, blue)[0])
    assert not pair.is_bound(emoji_captions.beside(blue, green)[0])


def test_neighbours_are_the_nearest_training_pictures(capsys):
    import json

    from playground.evaluation import neighbours

    train = emoji.load("train")
    copied = np.concatenate([train.images[5:6], emoji.load("new-concepts").images[:1]])
    found = neighbours.as_rows(neighbours.find(copied, "emoji"), "emoji")
    assert found[0]["nearest"][0] == {"id": f"{train.styles[5]}/{train.names[5]}", "distance": 0.0}
    assert found[0]["percentile"] == 0 and 0 < found[1]["percentile"] <= 100
    flat = train.images.reshape(len(train), -1).astype(np.float64)
    slow = np.sqrt(((flat - copied[1].reshape(-1)) ** 2).mean(1))
    assert [n["distance"] for n in found[1]["nearest"]] == pytest.approx(np.sort(slow)[:5], abs=0.01)
    assert main(["neighbours", "kl-emoji", "--count", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [r["sample"] for r in rows] == [0, 1] and all(r["percentile"] > 50 for r in rows)
    assert main(["neighbours", "gpt-bible"]) == 1
