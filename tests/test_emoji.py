"""The emoji: splits by meaning that leak nothing, captions that are true, words that are understood."""

from __future__ import annotations

import numpy as np
import pytest

from playground.cli.main import main
from playground.data import emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import colours as emoji_colours
from playground.data.emoji import split as emoji_split
from playground.data.emoji import words as emoji_words


@pytest.fixture(scope="module")
def every():
    return emoji.drawings()


@pytest.fixture(scope="module")
def grown():
    return emoji_captions.grown(2500, seed=3)


def test_there_are_drawings_in_six_styles_without_skin_tones(every):
    assert every.images.shape == (len(every), 32, 32, 3) and len(every) > 9000
    assert set(every.styles.tolist()) == set(emoji.STYLES)
    assert not [n for n in every.names.tolist() if "skin-tone" in n or "-tone" in n]
    assert not (every.images[:, [0, 0, -1, -1], [0, -1, 0, -1]] < 40).all((1, 2)).any(), "drawn on white"
    assert len(emoji.line_drawings()) > 1500
    licences = {s["licence"] for s in emoji.index().values()}
    assert licences == {"Apache-2.0", "MIT", "CC-BY-4.0"}


def test_what_is_held_out_is_held_out_by_meaning(every):
    side = emoji.split_of()
    train, pairs, concepts = (every[side == i] for i in range(3))
    kin = [np.array([emoji.family(n) for n in part.names.tolist()]) for part in (train, pairs, concepts)]
    assert not set(kin[2]) & (set(kin[0]) | set(kin[1])), "variants of a new concept stay on its side"
    known = set(zip(kin[0], train.styles.tolist(), strict=True))
    assert not known & set(zip(kin[1], pairs.styles.tolist(), strict=True))
    assert set(pairs.names.tolist()) <= set(train.names.tolist()), "the concept is known in another style"
    assert set(pairs.styles.tolist()) <= set(train.styles.tolist())
    families = len(set().union(*kin))
    assert 0.9 < len(set(kin[1])) / (families / emoji_split.ONE_PAIR_IN) <= 1.05
    assert 0.9 < len(set(kin[2])) / (families / emoji_split.ONE_CONCEPT_IN) <= 1.05
    words = {w for n in train.names.tolist() for w in n.split("-")}
    new = {w for n in concepts.names.tolist() for w in n.split("-")}
    assert len(new & words) / len(new) > 0.95, "their words are known from others where possible"
    assert set(emoji_words.concepts()) >= emoji_split.EVERYDAY


def test_the_list_of_what_is_held_out_is_the_rules(every):
    assert np.array_equal(emoji_split.chosen_split(every), emoji.split_of())


def test_nothing_held_out_has_a_near_twin_in_training(every):
    side = emoji.split_of()
    train = every.images[side == 0].reshape((side == 0).sum(), -1).astype(np.float32)
    held = every.images[side > 0].reshape((side > 0).sum(), -1).astype(np.float32)
    squares = (train**2).sum(1)[None] + (held**2).sum(1)[:, None] - 2 * held @ train.T
    assert squares.min() / train.shape[1] > emoji_split.TWIN


def test_near_twins_are_found_as_by_comparing_all(every):
    alike = np.unique(emoji_split.near_twins(every.images)[:60])
    few = every[np.concatenate([alike, np.arange(0, len(every), 40)])]
    flat = few.images.reshape(len(few), -1).astype(np.float64)
    squares = (flat**2).sum(1)[:, None] + (flat**2).sum(1)[None] - 2 * flat @ flat.T
    near = {(i, j) for i, j in np.argwhere(squares / flat.shape[1] <= emoji_split.TWIN).tolist() if i < j}
    assert near and near == {tuple(sorted(p)) for p in emoji_split.near_twins(few.images).tolist()}


def test_the_same_seed_grows_the_same_captions(grown):
    again = emoji_captions.grown(2500, seed=3)
    assert again.prompts == grown.prompts and np.array_equal(again.images, grown.images)
    assert emoji_captions.grown(200, seed=4).prompts != grown.prompts[:200]
    assert len(grown.prompts) > 2000 and len(grown.images) == len(grown.prompts) == len(grown.styles)


def test_no_caption_says_what_is_held_out(grown):
    side, every = emoji.split_of(), emoji.drawings()
    concepts = {emoji.family(n) for n in every.names[side == 2].tolist()}
    secret = set(zip(every.names[side == 1].tolist(), every.styles[side == 1].tolist(), strict=True))
    for prompt, style in zip(grown.prompts, grown.styles, strict=True):
        for thing in prompt.replace(" above ", " beside ").split(" beside "):
            name = thing.replace(" ", "-")
            assert emoji.family(name) not in concepts, prompt
            assert (name, style) not in secret, prompt


def test_one_pair_in_ten_of_each_word_is_held_out(grown):
    kin = sorted({emoji.family(n) for n in emoji.load("train").names.tolist()})
    for word in (*emoji_colours.COLOUR_WORDS, "on blue", "tiny", "two", "mirrored", "upside down"):
        share = np.mean([emoji_captions.held_out(word, k) for k in kin])
        assert 0.07 < share < 0.14
    for prompt in grown.prompts:
        word, _, name = prompt.partition(" ")
        if word in ("tiny", "mirrored"):
            assert not emoji_captions.held_out(word, emoji.family(name.replace(" ", "-")))


@pytest.mark.parametrize("word", emoji_colours.HUES)
def test_turned_hues_obey_their_word(grown, every, word):
    own = {n.replace("-", " ") for n in every.names.tolist()}  # "green apple" is as its artist has it
    turned = [
        p.startswith(word + " ")
        and " beside " not in p
        and " above " not in p
        and p.partition(" on ")[0] not in own
        for p in grown.prompts
    ]
    some = grown.images[np.array(turned)]
    assert len(some) > 15
    assert emoji_colours.colour_obeyed(some, word).mean() > 0.95
    other = "green" if word in ("red", "pink", "purple", "blue") else "blue"
    assert emoji_colours.colour_obeyed(some, other).mean() < 0.03


def test_hues_are_those_of_the_standard_library():
    import colorsys

    colours = np.random.default_rng(0).integers(0, 256, (1, 5, 5, 3), dtype=np.uint8)
    hue, chroma, value = emoji_colours.hue_and_chroma(colours)
    for i in range(5):
        r, g, b = colours[0, i, i] / 255
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        assert hue[0, i, i] == pytest.approx(360 * h, abs=1e-3) and value[0, i, i] == pytest.approx(v)
        assert chroma[0, i, i] == pytest.approx(s * v, abs=1e-6)
    assert np.abs(emoji_colours.from_hue(hue, chroma, value).astype(int) - colours).max() <= 1


def test_grounds_sizes_and_places_are_what_the_words_say():
    some = emoji.load("train")
    some = some[(some.names == "red-heart")]
    shown = emoji_colours.on_ground(some.images, "blue")
    assert (
        emoji_colours.ground_obeyed(shown, "blue").all()
        and emoji_colours.ground_obeyed(some.images, "white").all()
    )
    tiny = emoji_captions.placed(emoji_captions.halved(some.images), 8, 8)
    assert (emoji_colours.extent(tiny) <= 16).all() and (emoji_colours.extent(some.images) > 24).all()
    green = emoji_captions.halved(emoji_colours.recoloured(some.images, "green"))
    pair = emoji_captions.beside(green, emoji_captions.halved(shown))
    assert emoji_colours.colour_obeyed(pair[:, :, :16], "green").all()
    assert (pair[:, :8] == 255).all() and (pair[:, 24:] == 255).all()


def test_people_keep_their_colours(every):
    free = emoji_captions.recolourable(every)
    assert 0.4 < free.mean() < 0.6
    assert not {"People & Body", "Flags"} & set(every.groups[free].tolist())
    assert not [n for n in every.names[free].tolist() if "person" in (emoji.family(n).split("-")[0],)]


@pytest.mark.parametrize(
    "text, words, style",
    [
        ("heart", "red heart", ""),
        ("apple", "red apple", ""),
        ("book", "closed book", ""),
        ("circle", "red circle", ""),
        ("car", "automobile", ""),
        ("Purple Octopus", "purple octopus", ""),
        ("purple heart", "purple heart", ""),
        ("blue book", "blue book", ""),
        ("noto octopus", "octopus", "noto"),
        ("octopus, fluent-emoji-flat", "octopus", "fluent-emoji-flat"),
        ("red car beside blue house", "red automobile beside blue house", ""),
        ("a picture of a green dragon on yellow", "green dragon on yellow", ""),
        ("two pizzas", "two pizza", ""),
        ("small dog", "tiny dog", ""),
        ("red small airplane", "red small airplane", ""),
        ("violet rocket", "purple rocket", ""),
        ("beaming-face-with-smiling-eyes", "beaming face with smiling eyes", ""),
    ],
)
def test_prompts_are_read_in_the_words_of_the_drawings(text, words, style):
    read = emoji_words.understood(text)
    assert (read.text, read.style, read.unknown) == (words, style, ())


def test_every_name_is_read_as_written():
    for name in list(emoji_words.concepts())[::7]:
        if len(name.split("-")) <= emoji_captions.MOST_WORDS and not name[0].isdigit():
            assert emoji_words.understood(name.replace("-", " ")).text.split() == name.split("-"), name


@pytest.mark.parametrize(
    "text", ["", " ", "日本語", "\x00\x1b[31m", "x " * 5000, "beside", "🐙", "a" * 10_000]
)
def test_bad_prompts_are_read_as_far_as_they_go(text):
    read = emoji_words.understood(text)
    assert len(read.words) <= emoji_captions.MOST_WORDS and (read.words or read.remarks)
    assert emoji_words.encode([read.text], [""]).shape == (1, emoji_words.NUM_TOKENS)


def test_unknown_words_are_named_and_near_ones_offered():
    read = emoji_words.understood("purple octopusss")
    assert read.words[0] == "purple"
    read = emoji_words.understood("zebraa")
    assert read.unknown and "zebra" in read.unknown[0][1] and "zebra" in read.remarks


def test_the_vocabulary_is_that_of_the_drawings():
    assert emoji_words.vocabulary() == emoji_words.words_of_the_drawings()
    assert len(set(emoji_words.vocabulary())) == len(emoji_words.vocabulary())
    tokens = emoji_words.encode(["purple octopus", "unheardof octopus"], ["noto", ""])
    names = np.array(emoji_words.vocabulary())[tokens]
    assert names[0, :3].tolist() == ["noto", "purple", "octopus"] and names[1, :2].tolist() == ["", "octopus"]


def test_held_out_drawings_can_be_written_and_checked(tmp_path, capsys):
    assert main(["data", "emoji", "--split", "new-pairs", "--out", str(tmp_path / "pairs.npz")]) == 0
    with np.load(tmp_path / "pairs.npz", allow_pickle=False) as found:
        assert found["images"].dtype == np.uint8 and found["images"].shape[1:] == (32, 32, 3)
        assert found["names"].dtype.kind == found["styles"].dtype.kind == "U"
        assert len(found["images"]) == len(found["names"]) == len(emoji.load("new-pairs"))
    assert main(["data", "emoji", "--out", str(tmp_path / "a.npy")]) == 1
    assert "npz" in capsys.readouterr().err
