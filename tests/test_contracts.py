"""One contract for every shipped checkpoint and every choice of its knobs: nothing here names a model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from playground import checkpoints, contract, data
from tests.windows import load

CARDS = checkpoints.cards()
MOST_CHOICES = 20  # of longer lists, words and voices, the first and the last stand for all
FAST = {"num_steps": 4, "num_tokens": 40}  # a contract does not need many steps


def variants():
    """Every model with its defaults, and with each choice of each knob that has choices."""
    from playground.models import network_class

    for card in CARDS:
        knobs = contract.knobs(network_class(card.network).Request)
        yield pytest.param(card.id, {}, id=card.id)
        for knob in knobs:
            if isinstance(knob.choices, tuple):
                some = (
                    knob.choices
                    if len(knob.choices) <= MOST_CHOICES
                    else knob.choices[:: len(knob.choices) - 1]
                )
                for value, _ in some:
                    if value != knob.default:
                        yield pytest.param(card.id, {knob.name: value}, id=f"{card.id}-{knob.name}={value}")


def request_for(model, settings, **more):
    names = {k.name for k in contract.knobs(model.Request)}
    wanted = {k: v for k, v in {**FAST, **settings, **more}.items() if k in names}
    return contract.make_request(model.Request, wanted)


def last(frames):
    for frame in frames:
        kept = frame
    return kept


def finite(frame):
    """Every number of a frame is one; a drawing made of strokes is none after its end, and before it always one."""
    numbers = {k: v for k, v in frame.extras.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
    ends = np.isfinite(numbers.pop("strokes", np.zeros((1, 1, 1)))).all(2)
    return bool((ends[:, 1:] <= ends[:, :-1]).all()) and all(np.isfinite(v).all() for v in numbers.values())


def test_five_checkpoints_are_shipped():
    assert {c.id for c in CARDS} >= {
        "vae2d-fashion",
        "vae-fashion",
        "ae2d-fashion",
        "ddpm-fashion",
        "pixelcnn-fashion",
    }


@pytest.mark.parametrize("name, settings", list(variants()))
def test_sampling_keeps_its_promises(name, settings):
    """One test for all of them: they look at the same frames, and those of a pixel sampler take their time."""
    model = load(name)
    request = request_for(model, settings, num_samples=3, seed=11)
    frames = list(model.sample(request))
    shape = data.DATASETS[model.card.dataset].image_shape
    if data.modality(model.card.dataset) == "text":
        shape = (1, len(request.prompt) + request.num_tokens, 1)

    steps = [f.step for f in frames]
    assert steps == sorted(set(steps)) and steps[-1] == frames[-1].total
    assert all(f.images.shape == (3, *shape) and f.images.dtype == np.uint8 for f in frames)
    assert [f.passes for f in frames] == sorted(f.passes for f in frames) and frames[-1].passes > 0
    assert all(finite(f) for f in frames)
    assert frames[-1].images.std() > 5, "empty pictures"
    assert torch.is_grad_enabled()

    # the same again, and nothing made on the default device: a stray tensor would land on ``meta`` here, as it would
    # on the wrong device on a GPU, and both raise at its first use
    with torch.device("meta"):
        again = last(model.sample(request))
    assert np.array_equal(again.images, frames[-1].images)

    # a sample does not depend on its company, and another seed is another sample
    discrete = model.family == "autoregressive" or settings.get("output") == "sample"
    alone = dataclasses.replace(request, num_samples=1, first_index=1)
    difference = last(model.sample(alone)).images[0].astype(int) - frames[-1].images[1]
    assert np.abs(difference).max() <= (0 if discrete else 1)
    others = model.sample(dataclasses.replace(alone, seed=12))
    if model.family == "autoregressive":  # what is drawn stays, so a difference need not be waited for
        assert any(not np.array_equal(f.images[0], g.images[1]) for f, g in zip(others, frames, strict=False))
    elif name == "gan-toofast-fashion":  # it failed on purpose, and draws one picture whatever the latent is
        assert not np.array_equal(last(others).extras["latent"][0], frames[-1].extras["latent"][1])
    else:
        assert not np.array_equal(last(others).images[0], frames[-1].images[1])

    # what is kept in the middle goes on to the same end
    resumable = [f for f in frames if f.state is not None]
    assert resumable
    origin = resumable[len(resumable) // 2]
    rest = list(model.sample(request, resume=origin.state))
    if origin.step < origin.total or len(frames) == 1:
        assert np.array_equal(rest[-1].images, frames[-1].images)
        assert [f.step for f in rest] == [f.step for f in frames if f.step > origin.step] or len(frames) == 1


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_closing_early_is_clean(card):
    model = load(card.id)
    frames = model.sample(request_for(model, {}, num_samples=2))
    next(frames)
    frames.close()
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_likelihood_has_its_word_and_does_not_depend_on_the_batch(card):
    """One test for all of it: to score a picture by a diffusion model takes a second."""
    model = load(card.id)
    assert card.likelihood == model.likelihood
    if not hasattr(model, "score"):
        assert card.likelihood == "none"
        return
    images, labels = data.load(card.dataset, "test")
    x = torch.from_numpy(images[:2].transpose(0, 3, 1, 2).copy())
    y = torch.from_numpy(labels[:2].copy())
    together, moved = model.score(x, 5, y), model.score(x.flip(0), 5, y.flip(0))
    alone, again = (model.score(x[1:], 5, y[1:]) for _ in range(2))
    assert alone[0].value == again[0].value
    if card.likelihood == "none":
        return
    for found in (alone[0], moved[0]):
        assert found.value == pytest.approx(together[1].value, abs=2e-4)
    assert {s.kind for s in together} == {card.likelihood}
    modality = data.modality(card.dataset)
    if card.likelihood in ("exact", "bound"):
        assert {s.unit for s in together} == {modality.unit}
        assert modality.unit == "nats" or all(0.5 < s.value < 8 for s in together), (
            "a garment costs less than 8 bits per pixel"
        )
    low, high = {"text": (32, 127), "strokes": (1, 256)}.get(
        modality, (0, 256)
    )  # a drawing that has not ended
    garbage = torch.from_numpy(np.random.default_rng(0).integers(low, high, x[:1].shape, dtype=np.uint8))
    assert model.score(garbage, 5, y[:1])[0].value > max(s.value for s in together)


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_half_precision_weights_and_bfloat16_stay_close(card):
    model = load(card.id)
    if not hasattr(model, "decode"):
        return
    full = last(model.sample(request_for(model, {}, num_samples=2, seed=4)))
    z = torch.from_numpy(full.extras["latent"])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = model.decode(z).float()
    with torch.no_grad():
        exact = model.decode(z)
    assert (rough - exact).abs().mean() < 0.03


def test_the_training_film_of_every_checkpoint_is_there():
    import json

    from PIL import Image

    from playground import paths

    for card in CARDS:
        film = json.loads((paths.folder("assets") / "training" / f"{card.id}.film.json").read_text())
        trained = (
            card.images_seen // card.recipe["batch_size"]
        )  # in all legs, where a run started from another
        assert film["curves"][-1]["step"] == trained
        assert len(film["snapshot_steps"]) >= 10
        height, width, _ = data.DATASETS[card.dataset].image_shape
        with Image.open(paths.folder("assets") / "training" / f"{card.id}.film.png") as sheet:
            assert sheet.height == height * len(film["snapshot_steps"])
            if data.modality(card.dataset) == "images":
                assert sheet.width == width * film["pictures_per_snapshot"]
