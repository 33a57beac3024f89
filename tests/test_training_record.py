"""Training records: read back what a run wrote, trust nothing, and scrub through them in the real window."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from playground import checkpoints, paths
from playground.checkpoints import training_record
from playground.trainable import LearnsInTurn
from tests.windows import WAIT, wait_finished


def write_film(folder, **other):
    table = {
        "id": "x-fashion",
        "curves": [
            {"step": 10, "loss": 3.0, "kl": 0.5},
            {"step": 20, "loss": 2.0, "kl": 0.0, "validation_loss": 2.5},
            {"step": 40, "loss": 1.0},
        ],
        "snapshot_steps": [0, 20, 40],
        "pictures_per_snapshot": 2,
    } | other
    pictures = np.random.default_rng(0).integers(0, 256, (3, 2, 4, 5), dtype=np.uint8)
    rows = [np.concatenate(list(row), axis=1) for row in pictures]
    Image.fromarray(np.concatenate(rows)).save(folder / "x-fashion.film.png")
    path = folder / "x-fashion.film.json"
    path.write_text(json.dumps(table))
    return path, pictures


def test_a_film_is_read_back(tmp_path):
    path, pictures = write_film(tmp_path)
    film = training_record.read(path)
    assert np.array_equal(film.pictures[..., 0], pictures)
    assert film.curves["loss"][0].tolist() == [10, 20, 40] and film.curves["loss"][1].tolist() == [3, 2, 1]
    assert film.curves["validation_loss"][0].tolist() == [20]
    frames = list(training_record.frames(film))
    assert [f.step for f in frames] == [0, 10, 20, 40] and {f.total for f in frames} == {40}
    assert [f.extras["snapshot"] for f in frames] == [0, 0, 1, 2]
    assert all(np.array_equal(f.images, film.pictures[f.extras["snapshot"]]) for f in frames)
    assert frames[0].extras["figures"] == {}
    assert frames[3].extras["figures"] == {"loss": 1.0, "kl": 0.0, "validation_loss": 2.5}


@pytest.mark.parametrize(
    "broken",
    [
        {"curves": []},
        {"curves": [{"step": 2, "loss": 1}, {"step": 1, "loss": 1}]},
        {"curves": [{"step": 2, "loss": "low"}]},
        {"curves": [["step", 2]]},
        {"snapshot_steps": [0, 1, 2, 3, 4]},
        {"snapshot_steps": [0, 40, 20]},
        {"snapshot_steps": "abc"},
        {"pictures_per_snapshot": 0},
        {"pictures_per_snapshot": 3},
        {"pictures_per_snapshot": 10**9},
    ],
    ids=str,
)
def test_a_broken_film_is_one_sentence(tmp_path, broken):
    path, _ = write_film(tmp_path, **broken)
    with pytest.raises(ValueError, match=r"x-fashion\.film\.json") as raised:
        training_record.read(path)
    assert "\n" not in str(raised.value)


def test_a_picture_that_is_none_is_one_sentence(tmp_path):
    path, _ = write_film(tmp_path)
    (tmp_path / "x-fashion.film.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(ValueError, match="not a training record"):
        training_record.read(path)
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(ValueError, match="not a training record"):
        training_record.read(path)


@pytest.mark.parametrize("card", checkpoints.cards(), ids=lambda c: c.id)
def test_every_shipped_model_has_its_film(card):
    model = checkpoints.load(card.id)
    film = training_record.read(training_record.path_for(model))
    assert film.last_step == card.images_seen // card.recipe["batch_size"]
    in_turn = {f"{turn}_loss" for turn in model.turns} if isinstance(model, LearnsInTurn) else set()
    assert (in_turn or {"loss", "validation_loss"}) <= set(film.curves)
    assert film.pictures.shape[0] == len(film.snapshot_steps) >= 10
    assert film.pictures[-1].std() > 5


def test_a_file_of_ones_own_has_the_film_that_lies_beside_it(tmp_path):
    own = tmp_path / "mine.safetensors"
    shutil.copyfile(paths.folder("pretrained") / "ae2d-fashion.safetensors", own)
    model = checkpoints.load(own)
    assert training_record.path_for(model) is None, "not the film of another file"
    for ending in ("json", "png"):
        film = paths.folder("assets") / "training" / f"ae2d-fashion.film.{ending}"
        shutil.copyfile(film, tmp_path / f"mine.film.{ending}")
    assert training_record.path_for(model) == tmp_path / "mine.film.json"


def test_scrubbing_shows_the_pictures_and_marks_the_curves(open_window, qtbot):
    window = open_window(model_id="ae2d-fashion", view="Training")
    tab, view = window.current, window.current.view
    view.player.speed = None
    wait_finished(qtbot, view)
    film = training_record.read(training_record.path_for(tab.model))
    for step in (film.snapshot_steps[3], film.snapshot_steps[7] + 30, 0):
        view.player.seek(view.player.timeline.index_of_step(step))
        snapshot = int(np.searchsorted(film.snapshot_steps, step, side="right")) - 1
        at = view.player.frame.step
        qtbot.waitUntil(lambda at=at: view.curves.marker == at, timeout=WAIT)
        assert np.array_equal(view.grid.content().panels[0][1], film.pictures[snapshot])
        assert f"{film.snapshot_steps[snapshot]:,}" in view.grid.content().panels[0][0]
        assert view.others.marker == at and abs(at - step) < 20
    view.setFocus()
    at = view.player.index
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert view.player.index == at + 1
    assert np.array_equal(view.curves.curve("training")[1], film.curves["loss"][1])
    assert np.array_equal(view.others.curve("gradient norm")[1], film.curves["gradient_norm"][1])
    assert view.others.title == "Gradient norm"
    assert np.array_equal(view.curves.curve("validation")[0], film.curves["validation_loss"][0])


def test_all_moments_are_a_row_each_and_those_to_come_are_hatched(open_window, qtbot):
    window = open_window(model_id="ae2d-fashion", view="Training")
    tab, view = window.current, window.current.view
    view.player.speed = None
    wait_finished(qtbot, view)
    view.player.seek(view.player.timeline.index_of_step(500))
    frames = len(view.player.timeline)
    tab.knobs.set_settings({"show": "all"})
    film = training_record.read(training_record.path_for(tab.model))
    moments, n = film.pictures.shape[:2]
    assert view.grid.count() == moments * n and view.grid.columns == n
    known = view.grid.content().known.all((1, 2)).reshape(moments, n).all(1)
    assert known.tolist() == [s <= view.player.frame.step for s in film.snapshot_steps]
    assert len(view.player.timeline) == frames and not view.player.is_playing, "nothing begins again"
    assert not tab.knobs.settings().keys() & {"seed", "num_samples"}
