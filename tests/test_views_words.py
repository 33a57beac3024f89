"""Text-to-image in the window: prompts that apply while they are typed, words pressed and weighed, two prompts, pictures as sketches."""

from __future__ import annotations

import base64
import itertools
import zlib

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt

from playground.contract import make_request
from playground.data.emoji import words as emoji_words
from playground.experiments.diffusion.prompt_walk import WalkRequest, prompt_walk
from playground.models.diffusion.text_dit import TextDiffusionConfig, TextDiT
from playground.tabs.diffusion.attention_map import laid_over
from playground.tabs.frame.page import LinkTarget
from playground.ui.pictures.pixels import picture
from tests.windows import WAIT, load, opened, wait_finished, wait_open

MODEL = "ldm-emoji"


@pytest.fixture(scope="module")
def window(qapp):
    """One window for all tests here."""
    patch = pytest.MonkeyPatch()
    patch.setattr("playground.machine.num_cores", lambda: 1)
    with opened(tab="diffusion", model_id=MODEL) as one:
        yield one
    patch.undo()


@pytest.fixture
def tab(window, qtbot):
    """The diffusion tab in Generate, with few and quick pictures."""
    return go(window, qtbot, "Generate", num_samples=1, num_steps=3)


def go(window, qtbot, view, **settings):
    wait_open(qtbot, window)
    window.go(LinkTarget("diffusion", MODEL, view, settings))
    tab = window.current
    qtbot.waitUntil(lambda: tab.view.name == view and tab.model.card.id == MODEL, timeout=WAIT)
    qtbot.waitUntil(
        lambda: all(getattr(tab.view.request, name) == value for name, value in settings.items()),
        timeout=WAIT,
    )
    qtbot.waitUntil(lambda: tab.view.player.has_begun, timeout=WAIT)
    wait_finished(qtbot, tab.view)
    return tab


def type_into(qtbot, field, text):
    """As a person does: everything is marked and typed over."""
    field.setFocus()
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Backspace)
    qtbot.keyClicks(field, text)


def words_of(frame):
    return [emoji_words.vocabulary()[n] for n in frame.extras["tokens"][0] if n]


# --- prompts that are typed


def test_a_prompt_applies_while_it_is_typed_and_overtaken_frames_are_dropped(tab, qtbot):
    field, view = tab.knobs.row("prompt").field, tab.view
    type_into(qtbot, field, "red hea")
    qtbot.waitUntil(lambda: view.request.prompt == "red hea", timeout=WAIT)
    qtbot.keyClicks(field, "rt")
    qtbot.waitUntil(lambda: view.request.prompt == "red heart", timeout=WAIT)
    wait_finished(qtbot, view)
    frames = list(view.player.timeline)
    assert [f.step for f in frames] == [0, 1, 2, 3], "one run, whole, and no frame of another"
    assert {tuple(words_of(f)) for f in frames} == {("red", "heart")}
    assert field.window().focusWidget() is field and field.text() == "red heart", "hands stay where they are"


def test_an_unknown_word_is_said_and_the_nearest_known_is_pressed(tab, qtbot):
    row = tab.knobs.row("prompt")
    type_into(qtbot, row.field, "purple octapus")
    qtbot.waitUntil(lambda: "octapus" in row.remark.sentence, timeout=WAIT)
    assert tab.banner.isHidden(), "it stands under the prompt, and pictures stay where they are"
    offer = next(b for b in row.remark.buttons if b.text() == "octopus")
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.view.request.prompt == "purple octopus", timeout=WAIT)
    wait_finished(qtbot, tab.view)
    assert row.remark.isHidden() and not row.remark.buttons
    assert words_of(tab.view.player.frame) == ["purple", "octopus"]


def test_the_beginning_of_a_word_offers_its_end():
    (prompt,) = emoji_words.readings("octop")
    assert prompt.unknown[0][1][0] == "octopus"


def test_a_colour_alone_is_that_word_and_no_thing():
    for colour in ("red", "blue", "grey"):
        (prompt,) = emoji_words.readings(colour)
        assert prompt.words == (colour,) and not prompt.read_as
    assert emoji_words.readings("orange")[0].words == ("orange",), "which is a thing too"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "draws anything"),
        ("日本語", "Only plain letters"),
        ("a\u202eb\x07 cat", "Only plain letters"),
        ("cat " * 2500, "first 300 characters"),
        ("red big cat dog sun moon tree fish bird star", "first 9 words"),
    ],
)
def test_whatever_is_written_gets_a_picture_and_a_sentence(tab, qtbot, typed, said):
    row = tab.knobs.row("prompt")
    row.field.setText("dog")
    row.field.setText(typed)  # as pasted
    row.field.textEdited.emit(typed)
    qtbot.waitUntil(lambda: said in row.remark.sentence, timeout=WAIT)
    wait_finished(qtbot, tab.view)
    assert tab.view.player.frame.images.shape == (1, 32, 32, 3) and tab.banner.isHidden()


# --- words that are pressed and weighed


def test_a_word_is_pressed_weighed_and_comes_back(window, qtbot):
    tab = go(window, qtbot, "Words", num_steps=3, prompt="noto red heart")
    view = tab.view
    assert view.row.words == ["noto", "red", "heart"]
    assert view.row.parts[0].slider.isHidden(), "a style has no strength of its own"
    whole = view.grid.one(0)[1]
    qtbot.mouseClick(view.row.parts[2].chip, Qt.MouseButton.LeftButton)
    assert "heart" in view.grid.one(0)[0] and (view.grid.one(0)[1] != whole).any()
    assert [view.strip.one(i)[0] for i in range(3)] == ["noto", "red", "heart"]
    before = view.player.frame.images.copy()
    view.row.parts[1].slider.setValue(0)
    qtbot.waitUntil(lambda: view.strengths == (0.0,) and view.player.has_begun, timeout=WAIT)
    wait_finished(qtbot, view)
    assert (view.player.frame.images != before).any()
    kept = tab.picture_metadata()
    tab.knobs.set_settings({"prompt": "cat"})
    assert view.strengths == ()
    wait_finished(qtbot, view)
    tab.restore(kept)
    qtbot.waitUntil(
        lambda: view.strengths == (0.0,) and view.row.words == ["noto", "red", "heart"], timeout=WAIT
    )
    assert view.settings() == {"strengths": [0.0], "word": 2, "all_steps": False}


def test_maps_of_all_steps_are_the_mean_of_the_steps(window, qtbot):
    tab = go(window, qtbot, "Words", num_steps=3, prompt="red heart")
    view = tab.view
    looks = [f.extras["looks"][0][1:3].mean((1, 2)) for f in view.player.timeline][1:]
    view.player.seek(len(view.player.timeline) - 1)  # it may still be playing towards its last step
    view.player.show_now()

    def shows(shares):  # the plot may come after the picture
        return len(view.plot.values) == len(shares) and np.allclose(view.plot.values, 100 * shares)

    qtbot.waitUntil(lambda: shows(looks[-1]), timeout=WAIT)
    view.over.set_index(1)
    qtbot.waitUntil(lambda: shows(np.mean(looks, axis=0)), timeout=WAIT)
    view.over.set_index(0)


def test_hostile_strengths_are_refused(tab):
    from playground.tabs.diffusion.words import Words

    view = Words(tab)
    for bad in ({"strengths": [9.0]}, {"strengths": [1.0] * 30}, {"word": "x"}, {"all_steps": 1}):
        with pytest.raises(ValueError):
            view.checked(bad, tab.view.request, tab.model)


def test_a_map_over_a_picture_is_bright_where_the_word_is():
    values = np.zeros((8, 8))
    values[:, 6:] = 1
    over = laid_over(np.full((32, 32, 3), 128, np.uint8), values, 0, 1)
    assert over.shape == (64, 64, 3) and over[:, -1].mean() > over[:, 0].mean() + 40
    rows = over[32].mean(-1).astype(int)
    assert (np.diff(rows) >= -1).all() and len(set(rows.tolist())) > 8, "smooth, from dark to bright"


def test_the_way_between_two_prompts_begins_and_ends_at_them():
    torch.manual_seed(0)
    config = TextDiffusionConfig(num_words=50, width=32, depth=2, num_heads=1, embedding=32)
    net = TextDiT(config).eval()
    torch.nn.init.normal_(net.head.weight, std=0.2)
    for block in net.blocks:
        torch.nn.init.normal_(block.condition.weight, std=0.05)
    x, level = torch.randn(3, 8, 8, 8), torch.zeros(3)
    one, other = (torch.randint(1, 50, (1, 10)).repeat(3, 1) for _ in range(2))
    with torch.no_grad():
        mixed = net(x, level, one, towards=(other, torch.tensor([0.0, 0.5, 1.0])))
        ends = net(x, level, one), net(x, level, other)
    assert torch.allclose(mixed[0], ends[0][0], atol=1e-5) and torch.allclose(mixed[2], ends[1][2], atol=1e-5)
    assert not torch.allclose(mixed[1], ends[0][1], atol=1e-3)


# --- two prompts


@pytest.fixture(scope="module")
def model():
    return load(MODEL)


def walked(model, **settings):
    how = {"num_steps": 3, "num_pictures": 3, "prompt": "cat", "second_prompt": "red heart", **settings}
    *_, frame = prompt_walk(model, make_request(WalkRequest, how))
    return frame


def test_the_ends_of_a_walk_are_the_pictures_of_its_prompts(model):
    frame = walked(model)
    assert frame.extras["amounts"].tolist() == [0, 0.5, 1] and not frame.extras["same_words"]
    for end, prompt in ((0, "cat"), (-1, "red heart")):
        one = make_request(model.Request, {"num_steps": 3, "num_samples": 1, "prompt": prompt})
        *_, drawn = model.sample(one)
        assert np.abs(frame.images[end].astype(int) - drawn.images[0]).max() <= 1
    assert np.abs(frame.images[1].astype(int) - frame.images[0]).max() > 10


def test_without_order_two_prompts_of_the_same_words_are_one(model):
    both = {"prompt": "red car beside blue house", "second_prompt": "blue car beside red house"}
    ordered, forgotten = walked(model, **both), walked(model, **both, word_order=False)
    assert ordered.extras["same_words"] and forgotten.extras["same_words"]
    assert np.abs(ordered.images[0].astype(int) - ordered.images[-1]).max() > 30
    assert np.abs(forgotten.images[0].astype(int) - forgotten.images[-1]).max() <= 1


def test_two_prompts_are_walked_between(window, qtbot):
    tab = go(window, qtbot, "Prompts", num_steps=3, num_pictures=3)
    view = tab.view
    assert "places tell which colour" in view.said.text()
    assert view.strip.selected() == 1 and [view.ends.one(i)[0] for i in range(2)] == [
        "red car beside blue house",
        "blue car beside red house",
    ]
    qtbot.mouseClick(view.walk, Qt.MouseButton.LeftButton)
    seen = []
    for _ in range(5):
        with qtbot.waitSignal(view.timer.timeout, timeout=WAIT):
            pass
        seen.append(view.strip.selected())
    assert {abs(b - a) for a, b in itertools.pairwise(seen)} == {1}, "one picture on, and back from the ends"
    qtbot.mouseClick(view.walk, Qt.MouseButton.LeftButton)
    assert not view.timer.isActive() and view.timer.interval() == 125
    tab.knobs.set_settings({"word_order": False})
    qtbot.waitUntil(lambda: "one bag of words" in view.said.text(), timeout=WAIT)
    tab.knobs.set_settings({"num_pictures": 2, "second_prompt": "zzzap"})
    qtbot.waitUntil(lambda: "zzzap" in tab.knobs.row("second_prompt").remark.sentence, timeout=WAIT)
    assert view.walk.isHidden() and view.strip.isHidden()


# --- pictures as beginnings


def test_a_pasted_picture_is_painted_over_kept_and_comes_back(window, qtbot):
    tab = go(window, qtbot, "Inpaint", num_steps=3, prompt="cat")
    view = tab.view
    own = np.zeros((32, 32, 3), np.uint8)
    own[:, 16:] = (0, 200, 50)
    assert view.take_picture(picture(own))
    qtbot.waitUntil(lambda: view.picture is not None, timeout=WAIT)
    assert np.array_equal(view.picture, own) and "pixel for pixel" in view.slot.said.text() + view.said
    mask = np.zeros((32, 32), bool)
    mask[4:12, 4:12] = True
    view.slot.grid.set_mask(mask)
    view.slot.masked.emit(mask)
    wait_finished(qtbot, view)
    made = view.player.frame.images.copy()
    assert (made[:, ~mask] == own[~mask]).all() and (made[:, mask] != own[mask]).any()
    kept = tab.picture_metadata()
    view.slot.stepped.emit(5)
    wait_finished(qtbot, view)
    assert view.picture is None and view.request.index == 5
    tab.restore(kept)
    qtbot.waitUntil(lambda: view.picture is not None, timeout=WAIT)
    wait_finished(qtbot, view)
    assert np.array_equal(view.player.frame.images, made) and np.array_equal(view.painted_over, mask)
    view.slot.stepped.emit(view.request.index)
    wait_finished(qtbot, view)
    assert view.picture is None, "back to the drawing of that number"
    at = view.request.index
    qtbot.keyClick(view, Qt.Key.Key_N)
    assert view.request.index == at + 1


def test_hostile_pictures_are_refused(tab):
    from playground.tabs.diffusion.prompted_picture import Inpaint

    bomb = base64.b64encode(zlib.compress(b"\0" * 10**7)).decode()
    for bad in ({"picture": "###"}, {"mask": 7}, {"picture": bomb}, {"said": ["x"]}, {"mask": bomb}):
        with pytest.raises(ValueError):
            Inpaint.checked(Inpaint, bad, tab.view.request, tab.model)


def test_one_picture_leaves_room_for_its_latent(tab, qtbot):
    view = tab.view
    (_, latent), (_, images) = view.panels(view.player.frame)
    assert latent.shape == images.shape == (1, 32, 32, 3)
    maps = view.player.frame.extras["latent"][0]
    assert latent[0, :8, :8, 0] == pytest.approx(np.clip(128 + 42 * maps[0], 0, 255), abs=0.51)
    assert latent[0, 24:, 12:20, 0] == pytest.approx(np.clip(128 + 42 * maps[7], 0, 255), abs=0.51)
    assert not latent[0, 24:, 24:].any(), "eight maps, nine places"
    tab.knobs.set_settings({"num_samples": 2})
    qtbot.waitUntil(lambda: len(view.player.frame.images) == 2, timeout=WAIT)
    assert len(view.panels(view.player.frame)) == 1
