"""One picture, a part of it unknown: every model that can fills it in, and keeps every known pixel; the others say so."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from playground import checkpoints, data
from playground.capabilities import Translates, Upscales
from playground.cli.main import main
from playground.experiments import completion
from tests.windows import REPEATED, load, picture_cards

NETWORKS = {card.network: card for card in reversed(picture_cards()) if card.network not in REPEATED}
CARDS = list(NETWORKS.values())
FILLING = [c for c in CARDS if not isinstance(load(c.id), Translates | Upscales)]
SOON = 0.05  # a contract does not need many steps


def picture_and_hole(card):
    """A test picture, and a hole near its end that is wider than a cell of codes."""
    picture = data.load(card.dataset, "test")[0][20:21]
    side = picture.shape[1]
    unknown = np.zeros((side, side), bool)
    unknown[side - 4 :, 6:20] = True
    return picture, unknown


def filled(model, picture, unknown, **asked):
    request = completion.FillRequest(**{"seed": 3, "num_samples": 2, "effort": SOON, **asked})
    return list(completion.fill(model, picture, unknown, request))


@pytest.mark.parametrize("card", FILLING, ids=lambda c: c.id)
def test_known_pixels_stay_and_fillings_differ(card):
    model, (picture, unknown) = load(card.id), picture_and_hole(card)
    frames = filled(model, picture, unknown)
    last = frames[-1]
    assert last.step == last.total and last.images.dtype == np.uint8
    assert last.images.shape == (2, *picture.shape[1:])
    for frame in frames:
        assert (frame.images[:, ~unknown] == picture[:, ~unknown]).all()
    assert not np.array_equal(last.images[0], last.images[1])


def test_what_is_hidden_is_not_looked_at_and_the_same_seed_fills_alike():
    card = next(c for c in CARDS if c.id == "rbm-fashion")
    model, (picture, unknown) = load(card.id), picture_and_hole(card)
    other = picture.copy()
    other[:, unknown] = 255 - other[:, unknown]
    first, second = (filled(model, one, unknown)[-1].images for one in (picture, other))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, filled(model, picture, unknown, seed=4)[-1].images)


def test_a_model_in_reading_order_keeps_what_lies_below():
    card = next(c for c in CARDS if c.id == "made-fashion")
    model, (picture, _) = load(card.id), picture_and_hole(card)
    unknown = np.zeros(picture.shape[1:3], bool)
    unknown[20:24, 10:14] = True
    frames = filled(model, picture, unknown)
    drawn = frames[-1].images[:, unknown]
    assert (drawn != picture[:, unknown]).any() and (frames[-1].images[:, 24:] == picture[:, 24:]).all()


def test_a_mask_that_does_not_fit_is_refused():
    card = next(c for c in CARDS if c.id == "rbm-fashion")
    model, (picture, unknown) = load(card.id), picture_and_hole(card)
    with pytest.raises(ValueError, match="nothing unknown"):
        filled(model, picture, np.zeros_like(unknown))
    with pytest.raises(ValueError, match="does not fit"):
        filled(model, picture, unknown[:-1])


# --- on the command line


@pytest.fixture
def given(tmp_path):
    """A garment and a mask of its lower half, as files."""
    picture = data.load("fashion", "test")[0][3:4]
    mask = np.zeros(picture.shape[1:3], np.uint8)
    mask[14:] = 255
    np.save(tmp_path / "picture.npy", picture)
    Image.fromarray(picture[0, ..., 0]).save(tmp_path / "picture.png")
    np.save(tmp_path / "mask.npy", mask)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path


def complete(folder, name="rbm-fashion", kind="npy", **changed):
    options = {
        "image": folder / f"picture.{kind}",
        "mask": folder / f"mask.{kind}",
        "out": folder / "out.npy",
        "count": 3,
        "seed": 5,
        **changed,
    }
    return main(["complete", name, *(str(x) for k, v in options.items() for x in (f"--{k}", v))])


def test_the_command_fills_in_the_same_from_arrays_and_from_pictures(given):
    found = []
    for kind in ("npy", "png"):
        assert complete(given, kind=kind) == 0
        found.append(np.load(given / "out.npy"))
    picture = np.load(given / "picture.npy")
    assert found[0].shape == (3, 28, 28, 1) and np.array_equal(*found)
    assert (found[0][:, :14] == picture[:, :14]).all()
    assert len({one.tobytes() for one in found[0]}) == 3


def test_what_cannot_be_completed_is_said_in_a_sentence(given, capsys):
    np.save(given / "wide.npy", np.zeros((28, 30), np.uint8))
    np.save(given / "two.npy", np.zeros((2, 28, 28, 1), np.uint8))
    (given / "text.npy").write_text("no numbers")
    for changed, said in (
        ({"name": "ngram-bible"}, "writes text"),
        ({"name": "sr-emoji"}, "whole pictures"),
        ({"name": "nothing-there"}, "nothing-there"),
        ({"mask": given / "wide.npy"}, "(28, 28)"),
        ({"mask": given / "text.npy"}, "not a .npy file"),
        ({"mask": given / "none.png"}, "none.png"),
        ({"image": given / "two.npy"}, "2 pictures"),
        ({"image": given / "wide.npy"}, "must hold uint8 pictures"),
        ({"out": given / "out.png"}, ".npy"),
        ({"out": given / "no folder" / "out.npy"}, "no folder"),
    ):
        assert complete(given, **changed) == 2, changed
        error = capsys.readouterr().err.strip()
        assert said in error and len(error.splitlines()) == 1, error


def test_every_way_is_said_in_a_sentence():
    ways = {checkpoints.read_card(load(c.id).file).family: completion.way_of(load(c.id))[1] for c in FILLING}
    assert all(said.endswith(".") for said in ways.values()) and len(set(ways.values())) >= 5
