"""Compare's game: twenty pictures drawn now or never, guesses by key and by button, the discriminator's, the truth, the score."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground import data
from playground.experiments import real_or_made
from playground.experiments.giveaways import giveaways
from playground.experiments.real_or_made import COUNT, REAL, Deal
from playground.export.picture_metadata import PictureMetadata
from playground.ui.theme import theme
from tests.windows import WAIT, load, opened

QUICK = ["vae-fashion", "dcgan-fashion", "rbm-fashion"]


def dealt(seed, judge="dcgan-fashion"):
    *_, last = real_or_made.deal(load, QUICK, judge, "fashion", seed)
    return last.payload


def test_half_are_real_and_half_are_drawn_by_all_and_another_seed_is_another_game():
    game, again, other = dealt(3), dealt(3, ""), dealt(4)
    assert game.makers.count(REAL) == COUNT // 2 and {game.makers.count(key) for key in QUICK} == {3, 4}
    tested = {picture.tobytes() for picture in data.load("fashion", "test")[0]}
    assert [p.tobytes() in tested for p in game.pictures] == game.is_real.tolist()
    assert np.array_equal(game.pictures, again.pictures) and game.makers == again.makers
    assert game.makers != other.makers and not len(again.guesses)
    assert game.guesses.sum() == COUNT // 2, "it knows that half are real"


def test_real_ones_to_look_at_come_first_and_are_not_in_the_game():
    first, *_, last = real_or_made.deal(load, QUICK, "", "fashion", 3)
    played = {p.tobytes() for p in last.payload.pictures}
    assert len(first.payload) == real_or_made.NUM_EXAMPLES
    assert not played & {p.tobytes() for p in first.payload}


def test_what_gives_a_picture_away_is_what_was_done_to_it():
    real = data.load("fashion", "test")[0][:200]
    x = real.astype(np.float64)
    blurred = sum(np.roll(x, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    rng = np.random.default_rng(0)
    spots = np.where(rng.random(x.shape) < 0.02, 255, x)
    for changed, words, least in ((blurred, "blurrier", 0.8), (spots, "more speckled", 0.8)):
        found = giveaways(changed.astype(np.uint8), "fashion")
        assert np.mean([g.words == words and g.is_rare for g in found]) > least
    assert np.mean([g.is_rare for g in giveaways(real, "fashion")]) < 0.25
    assert all(50 <= g.percent <= 100 for g in giveaways(real, "fashion"))


def test_the_discriminator_takes_those_it_finds_likeliest():
    beliefs = np.linspace(0.9, 0.1, COUNT)
    makers = tuple(REAL if i % 2 else "x" for i in range(COUNT))
    game = Deal(np.zeros((COUNT, 1, 1, 1), np.uint8), makers, (), beliefs)
    assert game.guesses.tolist() == [True] * 10 + [False] * 10
    assert (game.guesses == game.is_real).sum() == 10


@pytest.fixture
def scene(qtbot):
    with opened(tab="compare", view="Table") as window:
        window.page.show_scene("Real or made?")
        scene = window.page.scene
        scene.who.setCurrentIndex(scene.who.findData("gan"))
        qtbot.waitUntil(lambda: scene.deal is not None and scene.is_settled, timeout=WAIT)
        yield scene


def test_a_game_is_played_with_keys_and_buttons_to_its_end(scene, qtbot):
    window = scene.window()
    assert set(scene.deal.makers) == {REAL, "stylegan-fashion"}
    truth = scene.deal.is_real
    for i in range(COUNT):
        assert f"Picture {i + 1} of" in scene.said.text() and scene.grid.count() == 1
        assert (
            min(scene.grid.picture_rect(0).width(), scene.grid.picture_rect(0).height()) >= theme.LECTURE_SIDE
        )
        if i % 2:
            (scene.real if truth[i] else scene.made).click()
        else:
            qtbot.keyClick(window, Qt.Key.Key_1 if truth[i] else Qt.Key.Key_2)
        assert scene.said.text().startswith("Right.") and "discriminator" in scene.said.text()
        assert not scene.real.isVisible() and scene.on.isVisible()
        qtbot.keyClick(window, Qt.Key.Key_1)
        assert len(scene.guesses) == i + 1, "one guess for each"
        qtbot.keyClick(window, Qt.Key.Key_Space)
    assert scene.is_over and scene.grid.count() == COUNT and "20 of 20" in scene.said.text()
    assert [(name, yours) for name, yours, _ in scene.scores()] == [("real ones", "10/10"), ("GAN", "10/10")]
    assert not scene.real.isVisible() and not scene.on.isVisible()


def test_a_wrong_guess_is_told_and_a_new_game_begins_with_r(scene, qtbot):
    (scene.made if scene.deal.is_real[0] else scene.real).click()
    assert scene.said.text().startswith("Wrong.")
    assert [yours for _, yours, _ in scene.scores()] == ["0/1"]
    kept, makers = scene.metadata(), scene.deal.makers
    qtbot.keyClick(scene.window(), Qt.Key.Key_R)
    assert scene.deal is None and scene.guesses == []
    qtbot.waitUntil(lambda: scene.deal is not None and scene.is_settled, timeout=WAIT)
    assert scene.deal.makers != makers
    scene.restore(PictureMetadata(**{**vars(kept), "state": dict(kept.state)}))
    qtbot.waitUntil(lambda: scene.deal is not None and scene.is_settled, timeout=WAIT)
    assert scene.deal.makers == makers
    scene.restore(PictureMetadata(**{**vars(kept), "state": {"family": "nobody", "seed": 3}}))
    assert "cannot be opened" in scene.page.banner.text()
