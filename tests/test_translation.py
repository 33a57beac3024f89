"""Pictures made of pictures: pairs split by meaning, strokes as a hand draws them, the two models, the command."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from playground.cli.main import main
from playground.data import emoji
from playground.data.emoji import pairs as emoji_pairs
from playground.evaluation.translation import paired
from playground.models.gan import pix2pix
from playground.models.gan._strokes import dabs_of, drawn_otherwise, edges_of, ink_of, moved
from playground.models.gan.cyclegan import CycleGAN, CycleGANConfig
from playground.models.gan.pix2pix import Pix2Pix, Pix2PixConfig
from tests.windows import load


def tensors(images):
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- data


def test_pairs_show_the_same_things_and_test_concepts_are_new_to_everybody():
    splits = {s: emoji_pairs.lines_and_colours(s) for s in ("train", "validation", "test")}
    assert sum(len(p) for p in splits.values()) == 1594
    kin = {s: {emoji.family(n) for n in p.names.tolist()} for s, p in splits.items()}
    held = {emoji.family(n) for n in emoji.load("new-concepts").names.tolist()}
    assert kin["test"] <= held and not (kin["train"] | kin["validation"]) & held
    assert not kin["train"] & kin["validation"]
    assert len(emoji_pairs.two_styles("noto", "fluent-emoji")) == 1563


def test_a_pair_of_styles_can_be_taken_either_way_round():
    one, other = (
        emoji_pairs.two_styles(*styles, "test") for styles in (("noto", "twemoji"), ("twemoji", "noto"))
    )
    assert np.array_equal(one.before, other.after) and np.array_equal(one.names, other.names)


# --- strokes and dabs


def test_ink_is_dark_and_edges_lie_where_colours_change():
    picture = np.full((1, 8, 8, 3), 255, np.uint8)
    picture[:, :, 4:] = (0, 0, 255)
    edges = edges_of(tensors(picture))[0, 0]
    assert edges[:, 3].min() == 1 and edges[:, :3].max() == 0 and edges[:, 4:].max() == 0
    assert ink_of(tensors(np.zeros((1, 8, 8, 3), np.uint8))).min() == 1


def test_drawing_and_colours_are_moved_alike():
    pairs = emoji_pairs.lines_and_colours("validation")[np.arange(12)]
    colours = tensors(pairs.after) / 127.5 - 1
    shown = (1 - colours).mean(1, keepdim=True)  # a drawing that tells where the colours are
    ink, after = moved(shown, colours, 3, seeded())
    assert torch.allclose(ink, (1 - after).mean(1, keepdim=True), atol=1e-6)
    assert not torch.equal(after, colours)


def test_strokes_stay_ink_and_are_changed_only_where_they_should_be():
    ink = ink_of(tensors(emoji_pairs.lines_and_colours("validation").before))
    changed = drawn_otherwise(ink, seeded(3))
    assert changed.shape == ink.shape and changed.min() >= 0 and changed.max() <= 1
    away = (changed - ink).abs().flatten(1).mean(1)
    assert (away < 1e-6).any() and (away > 0.02).any() and away.max() < 0.5


def test_dabs_have_the_true_colour_and_as_many_as_were_asked_for():
    truth = tensors(emoji_pairs.lines_and_colours("validation").after) / 127.5 - 1
    hints = dabs_of(truth, torch.arange(len(truth)) % 3, seeded())
    there = hints[:, 3:] > 0
    assert not there[::3].any() and there[1::3].flatten(1).any(1).all()
    colours = {tuple(c) for c in truth[1].flatten(1).T.tolist()}
    assert {tuple(c) for c in hints[1, :3].flatten(1).T[there[1].flatten()].tolist()} <= colours


# --- the models


@pytest.fixture(scope="module")
def painter():
    torch.manual_seed(0)
    return Pix2Pix(Pix2PixConfig(widths=(8, 12, 12), discriminator_width=8, others=())).eval()


@pytest.fixture(scope="module")
def turner():
    torch.manual_seed(0)
    return CycleGAN(CycleGANConfig(widths=(8, 8, 8), discriminator_width=8)).eval()


def test_both_players_of_pix2pix_learn_from_their_own_turn(painter):
    colours, drawn = (part[:8] for part in painter.examples("train", 0))
    for turn, still in (("generator", "discriminator"), ("discriminator", "generator")):
        model = Pix2Pix(painter.config).train()
        model.requires_grad_(False)
        model.get_submodule(turn).requires_grad_(True)
        model.loss(colours, drawn, seeded(), turn)["loss"].backward()
        assert all(p.grad is not None for p in model.get_submodule(turn).parameters())
        assert all(p.grad is None for p in model.get_submodule(still).parameters())


def test_a_few_steps_bring_pix2pix_nearer_to_the_truth(painter):
    colours, drawn = (part[:16] for part in painter.examples("validation", 0))
    torch.manual_seed(1)
    model = Pix2Pix(Pix2PixConfig(widths=(8, 12, 12), discriminator_width=8, adversarial=0.0))
    before = float(model.eval().loss(colours, drawn, seeded())["l1"].detach())
    optimizer = torch.optim.Adam(model.generator.parameters(), 3e-3)
    for step in range(20):
        model.train().loss(colours, drawn, seeded(step))["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert float(model.eval().loss(colours, drawn, seeded())["l1"].detach()) < 0.75 * before


def test_noise_and_dabs_change_a_colouring_and_nothing_else_does(painter):
    pairs = emoji_pairs.lines_and_colours("test")[np.arange(10)]
    plain = painter.translate(pairs.before)
    assert np.array_equal(plain, painter.translate(pairs.before, seed=9))
    noisy = painter.translate(pairs.before, noise=0.6, seed=1)
    assert np.array_equal(noisy, painter.translate(pairs.before, noise=0.6, seed=1))
    assert not np.array_equal(noisy, painter.translate(pairs.before, noise=0.6, seed=2))
    dabs = pix2pix.true_dabs(pairs.after, 3, 0)
    assert not np.array_equal(plain, painter.translate(pairs.before, dabs=dabs))
    assert np.array_equal(dabs[1:2], pix2pix.true_dabs(pairs.after[1:2], 3, 0)), "whatever stands beside it"
    with pytest.raises(ValueError, match="alone"):
        painter.translate(pairs.before, back=True)


def test_the_players_of_cyclegan_learn_in_turn_and_remember_what_was_drawn(turner):
    first, second = (part[:8] for part in turner.examples("train", 0))
    model = CycleGAN(turner.config).train()
    for turn in model.turns:
        model.requires_grad_(False)
        model.get_submodule(turn).requires_grad_(True)
        model.loss(first, second, seeded(), turn)["loss"].backward()
        assert all(p.grad is not None for p in model.get_submodule(turn).parameters())
    assert model.drawn_lately.any() and "drawn_lately" not in model.state_dict()


def test_the_two_ways_of_cyclegan_are_two_networks(turner):
    images = emoji_pairs.two_styles("noto", "fluent-emoji", "test").before[:3]
    there, back = turner.translate(images), turner.translate(images, back=True)
    assert there.shape == images.shape and there.dtype == np.uint8 and not np.array_equal(there, back)


def test_examples_of_cyclegan_are_no_pairs():
    model = CycleGAN(CycleGANConfig(widths=(8, 8), discriminator_width=8))
    first, second = model.examples("train", 0)
    known = {one.tobytes(): n for s in model.config.styles for one, n in zip(*named(s), strict=True)}
    names = [[known[x.permute(1, 2, 0).numpy().tobytes()] for x in part[:200]] for part in (first, second)]
    assert sum(a == b for a, b in zip(*names, strict=True)) < 5


def named(style):
    chosen = emoji_pairs.of_style(style, "train")
    return chosen.images, chosen.names.tolist()


# --- what needs no learning


def test_what_needs_no_learning_is_measured_in_its_known_order():
    pairs = emoji_pairs.lines_and_colours("test")
    errors = {n: paired.errors(x, pairs.after).mean() for n, x in paired.without_learning(pairs).items()}
    assert errors["drawing"] > errors["mean_colour"] > errors["nearest"] > 25
    assert paired.errors(pairs.after, pairs.after).max() == 0


# --- the command


def test_the_command_says_what_is_wrong_with_what_it_was_given(tmp_path, capsys):
    np.save(tmp_path / "floats.npy", np.zeros((1, 32, 32, 3)))
    np.save(tmp_path / "good.npy", np.zeros((1, 32, 32, 3), np.uint8))
    (tmp_path / "text.png").write_text("no picture")
    for options, said in (
        (["rbm-fashion", "--image", "good.npy"], "uint8 pictures"),
        (["kl-emoji", "--image", "good.npy"], "turns no pictures"),
        (["kl-emoji", "--image", "floats.npy"], "uint8"),
        (["kl-emoji", "--image", "text.png"], "not a picture"),
        (["kl-emoji", "--image", "none.png"], "none.png"),
        (["nobody", "--image", "good.npy"], "nobody"),
    ):
        where = [*options[:2], str(tmp_path / options[2]), "--out", str(tmp_path / "out.npy")]
        assert main(["translate", *where]) == 2, options
        error = capsys.readouterr().err.strip()
        assert said in error and len(error.splitlines()) == 1, error
    good = str(tmp_path / "good.npy")
    assert main(["translate", "kl-emoji", "--image", good, "--out", str(tmp_path / "out.gif")]) == 2
    assert ".png" in capsys.readouterr().err


def test_the_command_paints_arrays_and_pictures_of_any_size(tmp_path, capsys):
    pairs = emoji_pairs.lines_and_colours("test")[np.arange(3)]
    np.save(tmp_path / "three.npy", pairs.before)
    Image.fromarray(pairs.before[0]).resize((96, 96), 0).save(tmp_path / "large.png")
    np.save(tmp_path / "dabs.npy", pix2pix.true_dabs(pairs.after, 3, 0))

    def painted(image, out, *more):
        command = [
            "translate",
            "pix2pix-emoji",
            "--image",
            str(tmp_path / image),
            "--out",
            str(tmp_path / out),
        ]
        return main([*command, *more])

    assert painted("three.npy", "painted.npy") == 0
    found = np.load(tmp_path / "painted.npy")
    assert np.array_equal(found, load("pix2pix-emoji").translate(pairs.before))
    assert painted("large.png", "one.png") == 0
    with Image.open(tmp_path / "one.png") as one:
        assert np.abs(np.asarray(one).astype(int) - found[0]).max() <= 2
    assert painted("three.npy", "dabbed.npy", "--dabs", str(tmp_path / "dabs.npy")) == 0
    assert not np.array_equal(np.load(tmp_path / "dabbed.npy"), found)
    capsys.readouterr()
    for more, said in ((["--back"], "leave out --back"), (["--dabs", str(tmp_path / "three.npy")], "uint8")):
        assert painted("three.npy", "out.npy", *more) == 2
        assert said in capsys.readouterr().err


def test_the_shipped_painter_beats_mean_colours_and_takes_hints():
    model, pairs = load("pix2pix-emoji"), emoji_pairs.lines_and_colours("test")
    plain = paired.errors(model.translate(pairs.before), pairs.after).mean()
    hinted = model.translate(pairs.before, dabs=paired.dabs_where_wrong(model, pairs, 3))
    assert plain < 0.65 * paired.errors(paired.without_learning(pairs)["mean_colour"], pairs.after).mean()
    assert paired.errors(hinted, pairs.after).mean() < plain - 5
    assert paired.edges(hinted).mean() > 0.8 * paired.edges(pairs.after).mean(), "it does not blur"
