"""The user's own pictures: any files become a data set, models learn it, and what they made is found like any other model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import playground
from playground import checkpoints, data, paths
from playground.cli.main import main
from playground.data import own_pictures
from playground.evaluation import neighbours
from playground.experiments.limits import fitted
from playground.training import loop, own, own_runs
from playground.training.augment import FURTHEST, flipped_and_shifted


def drawn(count, colour=False):
    """Discs of different places and shades."""
    rows, columns = np.mgrid[:40, :60]
    rng = np.random.default_rng(3)
    for _ in range(count):
        y, x, radius = rng.uniform(12, 28), rng.uniform(20, 40), rng.uniform(6, 12)
        disc = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        shade = rng.integers(90, 256, 3 if colour else 1)
        yield Image.fromarray((disc[..., None] * shade).astype(np.uint8).squeeze())


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures of several kinds, some in a folder below, and files that are none."""
    made = tmp_path / "My Discs"
    (made / "below").mkdir(parents=True)
    for i, picture in enumerate(drawn(60, colour=True)):
        ending = ("png", "jpg", "gif", "bmp", "webp", "tiff", "ppm", "tga")[i % 8]
        picture.save((made / "below" if i % 3 == 0 else made) / f"disc{i:02d}.{ending}")
    (made / "notes.txt").write_text("no picture")
    (made / ".hidden.png").write_bytes(b"not looked at")
    (made / "cut.png").write_bytes((made / "disc08.png").read_bytes()[:60])
    return made


@pytest.fixture
def collection(folder):
    return own_pictures.read_folder(folder)


def test_any_format_is_read_and_what_is_no_picture_is_named(folder):
    for colour, shape in ((False, (60, 28, 28, 1)), (True, (60, 32, 32, 3))):
        found = own_pictures.read_folder(folder, colour)
        assert found.images.shape == shape and found.images.dtype == np.uint8
        assert len(found.left_out) == 2
        assert any("notes.txt is not a picture." in said for said in found.left_out)
        assert any("cut.png" in said for said in found.left_out)


def test_a_picture_is_turned_as_its_note_says_and_cropped_to_its_middle(tmp_path):
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, :64], wide[:32, 64:128], wide[:, 128:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    note = Image.Exif()
    note[0x0112] = 6  # the camera was held upright: turn clockwise
    Image.fromarray(wide).save(tmp_path / "turned.png", exif=note)
    from playground.data.image_import import read_square

    found = read_square(tmp_path / "turned.png", 32, colour=True)
    # the middle square, whose upper half is green; turned clockwise, green is at the right
    assert (found[:, 16:] == (0, 255, 0)).all() and not found[:, :16].any()


def test_a_large_photo_is_averaged_down(tmp_path):
    from playground.data.image_import import read_square

    fine = np.indices((600, 600)).sum(0) % 2 * 255  # a chessboard of single pixels
    Image.fromarray(fine.astype(np.uint8)).save(tmp_path / "fine.png")
    assert abs(read_square(tmp_path / "fine.png", 28).astype(int) - 127).max() < 8
    gradient = np.linspace(0, 255, 1600).astype(np.uint8)[None].repeat(1600, 0)
    Image.fromarray(gradient).save(tmp_path / "photo.jpg", quality=95)
    across = read_square(tmp_path / "photo.jpg", 28)[14, :, 0].astype(int)
    assert (abs(across - (np.arange(28) + 0.5) / 28 * 255) < 4).all()


def test_the_parts_of_a_collection_share_no_picture(collection):
    parts = [collection.split(split)[0] for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [48, 6, 6]
    every = {image.tobytes() for part in parts for image in part}
    assert len(every) == len({image.tobytes() for image in collection.images})


def test_each_picture_is_shown_mirrored_or_not_and_shifted_with_its_edge_repeated():
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (40, 3, 9, 7), np.uint8))
    shown = flipped_and_shifted(x, seed=1, step=5)
    assert shown.shape == x.shape and shown.dtype == torch.uint8
    assert torch.equal(shown, flipped_and_shifted(x, 1, 5)) and not torch.equal(
        shown, flipped_and_shifted(x, 1, 6)
    )
    kinds = set()
    for before, after in zip(x.numpy(), shown.numpy(), strict=True):
        found = {
            (mirrored, down, right)
            for mirrored in (False, True)
            for down in range(2 * FURTHEST + 1)
            for right in range(2 * FURTHEST + 1)
            if np.array_equal(after, _moved(before, mirrored, down, right))
        }
        assert found
        kinds |= found
    assert len(kinds) > 20


def _moved(picture, mirrored, down, right):
    picture = picture[..., ::-1] if mirrored else picture
    wide = np.pad(picture, ((0, 0), (FURTHEST, FURTHEST), (FURTHEST, FURTHEST)), "edge")
    return wide[:, down : down + picture.shape[1], right : right + picture.shape[2]]


# --- the command


def test_a_model_of_a_folder_is_trained_and_draws(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    words = ["train", "vae-own", "--data", str(folder), "--colour", "--out", str(out), "--change", "steps=4"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "step 4/4" in said.out and "Left out: notes.txt" in said.err
    made = out / "vae-own.safetensors"
    assert main(["sample", str(made), "--count", "3", "--seed", "1", "--out", str(tmp_path / "x.npy")]) == 0
    assert np.load(tmp_path / "x.npy").shape == (3, 32, 32, 3)
    monkeypatch.setenv("PLAYGROUND_MODELS", str(out))
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    cards = {card["id"]: card for card in json.loads(capsys.readouterr().out)}
    assert cards["vae-own"]["dataset_title"] == "My Discs (your pictures)"
    assert cards["vae-own"]["recipe"]["augment"] is False
    assert checkpoints.sound_and_broken()[1] == {}  # the state beside it is none


@pytest.mark.parametrize(
    "words, said",
    [
        (["pixelcnn-own", "--colour"], "pixelcnn-own draws grey pictures only"),
        (["ddpm-fashion"], "ddpm-fashion does not learn from a folder of pictures"),
    ],
)
def test_what_cannot_be_learned_so_is_a_sentence(folder, tmp_path, capsys, words, said):
    assert main(["train", *words, "--data", str(folder), "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not (tmp_path / "run").exists()


def test_too_few_pictures_are_a_sentence(tmp_path, capsys):
    for i, picture in enumerate(drawn(49)):
        picture.save(tmp_path / f"{i}.png")
    out = tmp_path / "run"
    assert main(["train", "vae-own", "--data", str(tmp_path), "--out", str(out)]) == 2
    assert "holds 49 readable pictures: at least 50 are needed" in capsys.readouterr().err
    assert main(["train", "vae-own", "--data", str(tmp_path / "nowhere"), "--out", str(out)]) == 2
    assert "does not exist: name a folder of pictures." in capsys.readouterr().err
    assert main(["train", "vae-own", "--out", str(out)]) == 2
    assert "name their folder with --data" in capsys.readouterr().err
    assert main(["train", "vae-fashion", "--augment", "--out", str(out)]) == 2
    assert "--augment goes with --data" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("recipe", sorted(own.RECIPES))
def test_every_recipe_learns_and_draws(recipe, collection, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "NUM_SNAPSHOTS", 2)
    monkeypatch.setattr(loop, "NUM_VALIDATIONS", 2)
    plan = own.begin(tmp_path, recipe, collection, augment=True)
    progress = list(loop.train(plan, tmp_path, every=1, changes={"steps": "1", "batch_size": "4"}))
    assert progress[0].snapshot is not None and progress[0].snapshot.shape[1:] == (28, 28, 1)
    model = playground.load(str(tmp_path / f"{recipe}.safetensors"))
    request = model.Request(
        num_samples=2, **dict.fromkeys(["guidance_scale"] * hasattr(model.Request, "guidance_scale"), 1.0)
    )
    *_, frame = model.sample(request)
    assert frame.images.shape == (2, 28, 28, 1)


def test_titles_and_recipes_are_the_same():
    assert list(own_runs.TITLES) == list(own.RECIPES)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(collection, tmp_path):
    def losses(progress):
        return [(p.step, p.figures["loss"]) for p in progress]

    changes = {"steps": "6", "batch_size": "8"}
    plan = own.begin(tmp_path / "whole", "vae-own", collection, augment=True)
    whole = losses(loop.train(plan, tmp_path / "whole", every=1, changes=changes))
    plan = own.begin(tmp_path / "parts", "vae-own", collection, augment=True)
    asked = iter([False, False, True])
    first = losses(
        loop.train(plan, tmp_path / "parts", every=1, changes=changes, is_enough=lambda: next(asked))
    )
    assert len(first) == 3 and (tmp_path / "parts" / "vae-own.safetensors").is_file()
    again = own.resume(tmp_path / "parts", "vae-own")
    rest = losses(loop.train(again, tmp_path / "parts", every=1, changes=changes, resume=True))
    assert first + rest == whole


def test_a_run_goes_on_with_its_own_pictures_and_no_others(folder, collection, tmp_path, capsys):
    run = tmp_path / "run"
    plan = own.begin(run, "vae-own", collection, augment=False)
    list(loop.train(plan, run, changes={"steps": "1"}))
    words = ["train", "vae-own", "--out", str(run), "--resume"]
    assert main([*words, "--data", str(folder), "--change", "steps=2"]) == 0
    assert main([*words, "--change", "steps=3"]) == 0  # the folder need not be there
    (folder / "disc01.jpg").unlink()
    assert main([*words, "--data", str(folder)]) == 2
    assert "learned from other pictures" in capsys.readouterr().err
    assert main(["train", "vae-own", "--data", str(folder), "--out", str(run)]) == 2
    assert "already holds a run" in capsys.readouterr().err


# --- what is found afterwards


def test_an_installed_model_and_its_pictures_are_found(collection, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    run = paths.training_runs() / "vae-own-my-discs"
    assert own_runs.new_id("vae-own", collection.title) == run.name
    plan = own.begin(run, "vae-own", collection, augment=False, id=run.name)
    list(loop.train(plan, run, changes={"steps": "3", "batch_size": "8"}))
    assert [(folder, step) for folder, _, step in own_runs.unfinished()] == [(run, 3)]
    made = own_runs.install(run)
    assert own_runs.new_id("vae-own", collection.title) == "vae-own-my-discs-2"
    own_runs.forget(run)
    assert own_runs.unfinished() == [] and not run.exists()
    model = playground.load("vae-own-my-discs")
    assert model.file == made and model.card.id in {card.id for card in checkpoints.cards()}
    name = model.card.dataset
    assert name in data.DATASETS and data.DATASETS.get(name).image_shape == (28, 28, 1)
    test, labels = data.load(name, "test")
    assert np.array_equal(test, collection.split("test")[0]) and not labels.any()
    assert neighbours.why_not(name) == ""
    found = neighbours.find(data.load(name, "train")[0][:2], name)
    assert found.distances[:, 0].tolist() == [0.0, 0.0] and found.indices[:, 0].tolist() == [0, 1]


def test_pictures_that_a_model_draws_are_learned_and_what_they_bring_is_known(
    collection, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(loop, "NUM_SNAPSHOTS", 2)
    changes = {"steps": "3", "batch_size": "8"}
    first, second = (paths.training_runs() / name for name in ("vae-own-discs", "vae-own-discs-2"))
    list(loop.train(own.begin(first, "vae-own", collection, False, first.name), first, changes=changes))
    own_runs.install(first)
    assert own_runs.gain("vae-own-discs") is None
    plan = own.begin(second, "vae-own", collection, False, second.name, drawn_by="vae-own-discs")
    real, learned = collection.split("train")[0], plan.load("train")[0]
    assert learned.shape == (2 * len(real), 28, 28, 1) and np.array_equal(learned[: len(real)], real)
    assert len(np.unique(learned[len(real) :], axis=0)) > 1
    assert np.array_equal(plan.load("validation")[0], collection.split("validation")[0])
    assert np.array_equal(own.resume(second).load("train")[0], learned), "the same ones when it goes on"
    list(loop.train(plan, second, changes=changes))
    own_runs.install(second)
    base, without, with_drawn = own_runs.gain("vae-own-discs-2")
    assert base == "vae-own-discs" and without > 0 and with_drawn > 0 and without != with_drawn
    others = own_pictures.Collection("others", collection.images[::-1].copy())
    with pytest.raises(ValueError, match="has not learned these pictures"):
        own.begin(tmp_path / "third", "vae-own", others, False, drawn_by="vae-own-discs")
    assert not (tmp_path / "third").exists()


def test_pictures_that_were_changed_are_no_data_set(collection, tmp_path):
    path = own_pictures.keep(collection, tmp_path)
    assert np.array_equal(own_pictures.kept(path).images, collection.images)
    images = collection.images.copy()
    images[0, 0, 0] ^= 1
    np.savez(path, images=images, title=np.frombuffer(b"My Discs", np.uint8))
    with pytest.raises(own_pictures.OwnPicturesError, match="is no collection of pictures"):
        own_pictures.kept(path)


def test_nothing_is_asked_about_classes_that_are_not_there(collection):
    from playground.contract import knobs
    from playground.models.diffusion.ddpm import DiffusionRequest

    names = {knob.name for knob in knobs(fitted(DiffusionRequest, collection.dataset))}
    assert "num_steps" in names and not names & {"label", "guidance_scale", "guidance_t_min"}
    assert fitted(DiffusionRequest, collection.dataset)().guidance_scale == 1.0
