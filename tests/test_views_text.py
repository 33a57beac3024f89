"""The views of text in the real window, on three tiny models of their own: writing, forks, attention, generations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt

from playground import checkpoints, data, paths
from playground.experiments.autoregressive import generations
from playground.export import contact_sheet
from playground.export.picture_metadata import PictureMetadata
from playground.models.autoregressive import next_token
from playground.models.autoregressive.text.gpt import GPT, GPTConfig
from playground.models.autoregressive.text.lstm import LSTM, LSTMConfig
from playground.models.autoregressive.text.ngram import NGram, NGramConfig
from playground.ui.widgets.text_page import TextPage
from tests.windows import WAIT, opened, wait_open


def tiny(name):
    torch.manual_seed(1)
    if name == "ngram":
        model = NGram(NGramConfig(longest=3, nodes=2, entries=6))
        model.count(torch.from_numpy(data.load("bible", "test")[0][:60].transpose(0, 3, 1, 2).copy()))
        model.settle()
        return model
    gpt = GPTConfig(context=32, width=32, num_blocks=2, num_heads=2)
    model = GPT(gpt) if name == "gpt" else LSTM(LSTMConfig(width=16, token_width=8))
    for parameter in model.requires_grad_(False).parameters():
        parameter.normal_(std=0.4)
    return model


def save(folder, name, dataset="bible", metrics=None):
    model = tiny(name)
    card = checkpoints.Card(
        id=f"{name}-{dataset}",
        family="autoregressive",
        system=model.system,
        paper=model.paper,
        network=f"autoregressive/{name}",
        likelihood=model.likelihood,
        config=dataclasses.asdict(model.config),
        dataset=dataset,
        dataset_title="a few verses",
        licence="public domain",
        classes=[],
        recipe={},
        seed=0,
        images_seen=0,
        training_seconds=0.0,
        machine="",
        date="",
        parameters=sum(p.numel() for p in model.parameters()),
    )
    file = folder / f"{name}-{dataset}.safetensors"
    checkpoints.save(file, model, card)
    if metrics:
        checkpoints.write_metrics(file, metrics)


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory):
    folder, usual = tmp_path_factory.mktemp("pretrained"), paths.folder
    for name in ("gpt", "lstm", "ngram"):
        save(folder, name)
    for name in ("gpt", "ngram"):
        save(folder, name, "python", {"bits_per_char": {"value": 3.5}})
    patch = pytest.MonkeyPatch()
    patch.setattr(paths, "folder", lambda name: folder if name == "pretrained" else usual(name))
    with opened(tab="autoregressive") as one:
        yield one
    patch.undo()


def go(qtbot, window, model, view, **settings):
    wait_open(qtbot, window)
    tab = window.current
    tab.open_model(model)
    qtbot.waitUntil(lambda: tab.model is not None and tab.model.card.id == model, timeout=WAIT)
    tab.show_view([v.name for v in tab.suitable].index(view))
    tab.view.player.speed = None
    tab.knobs.reset()
    tab.knobs.set_settings({"num_tokens": 60, "temperature": 1.0, **settings})
    qtbot.waitUntil(lambda: done(tab.view), timeout=WAIT)
    tab.view.player.show_now()  # the last frame may wait for the display
    return tab, tab.view


def done(view):
    last = view.player.timeline.last
    return view.is_settled and last is not None and last.step == last.total == view.request.num_tokens


def test_models_of_text_have_views_of_their_own(window, qtbot):
    tab, view = go(qtbot, window, "gpt-bible", "Write")
    assert [v.name for v in tab.suitable][:2] == ["Write", "Generations"]
    assert not {"Generate", "Complete", "Surprise", "Receptive field", "Grid"} & {
        v.name for v in tab.suitable
    }
    assert tab.knobs.request().num_samples == 1 and "num_samples" not in tab.knobs.settings()
    assert view.attention.isVisible()
    _, other = go(qtbot, window, "lstm-bible", "Write")
    assert not other.attention.isVisible(), "no dead control"


def test_the_page_shows_what_the_model_writes(window, qtbot):
    tab, view = go(qtbot, window, "gpt-bible", "Write", prompt="Behold")
    *_, frame = tab.model.sample(view.request)
    assert view.page.codes.tobytes() == frame.images[0, 0, :, 0].tobytes()
    assert len(view.player.timeline) == 61
    view.player.seek(20)
    view.player.show_now()
    assert view.page.codes.tobytes() == frame.images[0, 0, : 6 + 20, 0].tobytes()
    chances = next_token.distribution(view.player.frame.extras["logits"][0])
    assert view.bars.drawn == frame.images[0, 0, 26, 0] and np.array_equal(view.bars.chances, chances)
    assert chances[view.bars.codes()[0]] == chances.max()
    tab.knobs.set_settings({"top_k": 3})
    qtbot.waitUntil(lambda: done(view), timeout=WAIT)
    view.player.seek(5)
    view.player.show_now()
    assert (view.bars.chances > 0).sum() == 3 == len(view.bars.codes())


def test_a_click_goes_back_and_a_bar_puts_another_character_there(window, qtbot):
    tab, view = go(qtbot, window, "gpt-bible", "Write")
    before = view.player.timeline.last.images.copy()
    given = len("In the beginning")
    spot = view.page.place_of(given + 21).center().toPoint()
    qtbot.mouseClick(view.page, Qt.MouseButton.LeftButton, pos=spot)
    view.player.show_now()
    assert view.player.frame.step == 21 and view.bars.drawn == before[0, 0, given + 21, 0]
    row, code = next((i, c) for i, c in enumerate(view.bars.codes()) if c != view.bars.drawn and c > 32)
    qtbot.mouseClick(view.bars, Qt.MouseButton.LeftButton, pos=view.bars.row_rect(row).center().toPoint())
    qtbot.waitUntil(lambda: done(view), timeout=WAIT)
    after = view.player.timeline.last.images
    assert after[0, 0, given + 21, 0] == code and view.edits == [(0, 21, code)]
    assert np.array_equal(after[:, :, : given + 21], before[:, :, : given + 21])
    assert not np.array_equal(after, before)
    assert [f.step for f in view.player.timeline] == list(range(61))
    *_, again = tab.model.write(view.request, [(0, 21, code)])
    assert np.array_equal(again.images, after)


def test_everything_works_from_the_keyboard(window, qtbot):
    _, view = go(qtbot, window, "ngram-bible", "Write")
    view.page.setFocus()
    qtbot.keyClick(view.page, Qt.Key.Key_Up)
    assert view.page.pointer() == 75
    for key, shift in ((Qt.Key.Key_Left, True), (Qt.Key.Key_Left, False), (Qt.Key.Key_Right, False)):
        how = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
        qtbot.keyClick(view.page, key, how)
    assert view.page.pointer() == 65
    qtbot.keyClick(view.page, Qt.Key.Key_Return)
    assert view.player.frame.step == 65 - 16
    view.player.show_now()
    view.bars.setFocus()
    for _ in range(2):
        qtbot.keyClick(view.bars, Qt.Key.Key_Down)
    code = view.bars.codes()[1]
    qtbot.keyClick(view.bars, Qt.Key.Key_Return)
    assert view.edits == [(0, 49, code)]
    qtbot.waitUntil(lambda: done(view), timeout=WAIT)
    assert view.player.timeline.last.images[0, 0, 65, 0] == code
    view.player.show_now()
    assert view.page.marked() == (65,), "what was put there stays marked"


def test_pointing_at_a_character_shades_what_it_looked_at(window, qtbot):
    tab, view = go(qtbot, window, "gpt-bible", "Write")
    codes = torch.from_numpy(view.player.frame.images[0, 0, :, 0].astype(np.int64))
    for block, head in ((-1, -1), (1, 0)):
        view.attention.set_value(block, head)
        view.page.hovered.emit(-1)
        view.page.point_at(50)
        view.page.hovered.emit(50)
        first, weights = tab.model.looked_at(codes, 50)
        assert first == 32 and weights.shape == (2, 2, 18) and float(weights.sum(-1).max()) < 1
        part = weights.mean((0, 1)) if block < 0 else weights[1, 0]
        expected = np.concatenate([np.zeros(first), (part / part.max()).numpy()])
        qtbot.waitUntil(
            lambda e=expected: (
                view.page.weights() is not None and np.allclose(view.page.weights(), e, atol=1e-5)
            ),
            timeout=WAIT,
        )


def test_a_fork_comes_back_as_it_was_kept(window, qtbot):
    tab, view = go(qtbot, window, "gpt-bible", "Write")
    view.player.seek(30)
    view._put(ord("Q"))
    qtbot.waitUntil(lambda: done(view), timeout=WAIT)
    view.player.seek(44)
    view.page.point_at(40)
    kept, images = tab.picture_metadata(), view.player.frame.images.copy()
    assert kept.state["edits"] == [[0, 30, ord("Q")]] and kept.state["at"] == 40
    tab.knobs.reset()
    tab.restore(PictureMetadata(**dataclasses.asdict(kept)))
    qtbot.waitUntil(
        lambda: view.is_settled and view.player.frame is not None and view.player.frame.step == 44,
        timeout=WAIT,
    )
    assert np.array_equal(view.player.frame.images, images) and view.edits == [(0, 30, ord("Q"))]
    qtbot.waitUntil(lambda: view.page.pointer() == 40, timeout=WAIT)
    assert "model.write(request, [(0, 30, 81)])" in view.code().run


@pytest.mark.parametrize(
    "edits", [[[1, 0, 65]], [[0, 60, 65]], [[0, 0, 128]], [[0, 0, 0]], [[0, 0.5, 65]], "no"]
)
def test_impossible_forks_are_refused(window, qtbot, edits):
    wait_open(qtbot, window)
    tab, view = go(qtbot, window, "gpt-bible", "Write")
    with pytest.raises(ValueError):
        view.checked({"edits": edits}, view.request, tab.model)


def test_generations_stand_side_by_side(window, qtbot):
    tab, view = go(qtbot, window, "lstm-bible", "Generations", prompt="And God said")
    assert [c.id for c in view.cards] == ["ngram-bible", "lstm-bible", "gpt-bible"]
    for card, page, words, bits in zip(
        view.cards,
        view.columns,
        ("n-gram, 1948", "LSTM, 1997", "GPT, 2018"),
        view.player.frame.extras["prompt_bits"],
        strict=True,
    ):
        model = checkpoints.load(card.id)
        *_, frame = model.sample(view.request)
        assert page[0].text() == words and page[2].codes.tobytes() == frame.images.tobytes()
        assert bits == pytest.approx(generations.prompt_bits(model, "And God said"))
        assert f"{bits:.2f} of this prompt" in page[1].text()
    tab.knobs.set_settings({"prompt": ""})
    qtbot.waitUntil(lambda: done(view) and "prompt" not in view.columns[0][1].text(), timeout=WAIT)


def test_what_none_has_seen_is_called_what_it_is(window, qtbot):
    tab, view = go(qtbot, window, "ngram-python", "Generations", prompt="def ")
    assert view.columns[0][1].text().startswith("3.50 bits/character of unseen modules")
    words, _ = view.explanation(view.model)
    assert "modules" in words and "books" not in words
    assert tab.sentence.toolTip().startswith("Writes one letter at a time")


def test_the_prompt_is_typed_and_taken_over_at_enter(window, qtbot):
    tab, view = go(qtbot, window, "ngram-bible", "Write")
    field = tab.knobs.row("prompt").field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "Moses")
    qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    field.insertPlainText("said – “é”")
    assert view.request.prompt == "In the beginning"
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert view.request.prompt == 'Moses\nsaid - ""'
    qtbot.waitUntil(lambda: view.page.text().startswith('Moses\nsaid - ""'), timeout=WAIT)


# --- the page by itself


def test_every_character_has_a_place_of_its_own(qapp, qtbot):
    page = TextPage()
    qtbot.addWidget(page)
    page.resize(300, 400)
    text = "In the beginning God created\n\nthe heaven and the " + "very" * 30 + "long earth."
    page.set_text(np.frombuffer(text.encode(), np.uint8), 5)
    for index, character in enumerate(text):
        place = page.place_of(index)
        assert place.right() <= 300 or character == " "
        if character != "\n":
            assert page.character_at(QPointF(place.left() + 0.5, place.center().y())) == index
    assert page.place_of(30).top() > page.place_of(27).top() + place.height() * 1.5, "an empty line"
    assert page.character_at(QPointF(299, 399)) == -1


def test_a_page_of_a_film_shows_the_text():
    empty, one = contact_sheet.page("", 0, 200), contact_sheet.page("In the beginning", 6, 200)
    assert empty.shape == one.shape and one.shape[2] == 1 and len(np.unique(empty)) == 1
    assert contact_sheet.page("a\n\n\x01\r \x7f", 0, 200).shape == one.shape
    assert one.max() > 180 and (one > 60).sum() > 300


def test_the_film_of_a_model_of_text_is_read(window, qtbot):
    wait_open(qtbot, window)
    tab = window.current
    tab.open_model("ngram-bible")
    qtbot.waitUntil(lambda: tab.model is not None and tab.model.card.id == "ngram-bible", timeout=WAIT)
    tab.show_view([v.name for v in tab.suitable].index("Training"))
    view = tab.view
    qtbot.waitUntil(lambda: not view.player.is_sampling and len(view.player.timeline) > 10, timeout=WAIT)
    assert view.page.isVisible() and not view.grid.isVisible() and not tab.knobs.row("show").isVisible()
    shown = []
    for index in (0, len(view.player.timeline) - 1):
        view.player.seek(index)
        view.player.show_now()
        shown.append(view.page.text())
    texts = [bytes(codes[0, :, 0]).decode() for codes in view.player.frame.images]
    assert shown[1] == "\n\n".join(texts) and all(t.startswith("In the beginning") for t in texts)
    assert shown[0] != shown[1] and shown[0].startswith("In the beginning")
    ((_, picture),) = view.panels(view.player.frame)
    assert picture.max() > 180
