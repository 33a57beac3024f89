"""What models make is asked in one place, and a data set of other pictures than 28x28 grey ones finds its way."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

from playground import checkpoints, contract, data, families
from playground.contract import Card, make_request
from playground.data import Dataset, Modality
from playground.evaluation import out_of_distribution
from playground.experiments import knob_grid
from playground.experiments.autoregressive.attention import attention_request
from playground.experiments.diffusion import forward_process, image_to_image, interpolation
from playground.experiments.limits import fitted
from playground.export import contact_sheet, csv_table
from playground.models.diffusion.ddpm import Diffusion, DiffusionConfig
from playground.tabs import registry

TINTS = Dataset("tints", "Tints", "public domain", (32, 32, 3), ("red", "green", "blue"), num_test=12)


@pytest.mark.parametrize("dataset", data.DATASETS.values(), ids=lambda d: d.name)
def test_a_data_set_is_as_large_as_it_says(dataset):
    examples, labels = data.load(dataset.name, "test")
    assert examples.shape == (dataset.num_test, *dataset.image_shape) and len(labels) == dataset.num_test
    assert examples[0].size == dataset.num_dims
    assert labels.max() < max(len(dataset.classes), 1)


def test_every_modality_can_be_written_as_numbers():
    assert all(".npy" in kind.endings for kind in Modality)
    assert [kind for kind in Modality if kind.has_pixels] == [data.modality("fashion")]
    assert data.modality("bible") is Modality.TEXT


# --- knobs end where the data set does


def test_knobs_that_count_end_with_the_data_set():
    request = fitted(attention_request(2, 4), TINTS)
    found = {k.name: k for k in contract.knobs(request)}
    assert (found["image"].high, found["row"].high, found["column"].high) == (11, 32, 32)
    assert "12 test pictures" in found["image"].help
    assert make_request(request, {"row": 32}).row == 32
    with pytest.raises(ValueError, match="between 0 and 11"):
        make_request(request, {"image": 12})
    assert fitted(attention_request(2, 4), dataclasses.replace(TINTS, image_shape=(8, 8, 1)))().row == 8


def every_request():
    shown = (card for card in checkpoints.cards() if families.has_tab(card.family))
    for card in {card.network: card for card in shown}.values():
        model = checkpoints.load(card.id)
        family = next(f for f in families.FAMILIES if f.key == card.family)
        for view in registry.views_of(family):
            if view.suits(model):
                yield view.name, view.asked(view.__new__(view), model), data.DATASETS[card.dataset]


def test_requests_of_every_view_fit_their_data_set_and_say_what_they_count(qapp):
    for view, request, dataset in every_request():
        assert fitted(request, dataset) is request, view
        for knob in contract.knobs(request):
            if knob.label in ("test image", "row", "column"):
                assert knob.counts, f"{view}: {knob.name}"


# --- colour pictures of another size


@pytest.fixture
def tinted(monkeypatch):
    """A small, untrained diffusion model of 32x32 colour pictures, and their data set."""
    pictures = np.random.default_rng(0).integers(0, 256, (TINTS.num_test, *TINTS.image_shape), np.uint8)
    found = pictures, np.arange(TINTS.num_test) % 3
    monkeypatch.setitem(data.DATASETS, TINTS.name, TINTS)
    monkeypatch.setattr(data, "load", lambda dataset, split: found)
    torch.manual_seed(0)
    model = Diffusion(DiffusionConfig(image_size=32, channels=3, num_classes=3, width=32)).eval()
    blank = {"int": 0, "float": 0.0, "dict[str, Any]": {}, "list[str]": []}
    card = Card(**{f.name: blank.get(f.type, "") for f in dataclasses.fields(Card)})
    model.card = dataclasses.replace(card, dataset=TINTS.name, classes=list(TINTS.classes))
    return model


def test_colour_goes_through_experiments_of_diffusion(tinted):
    runs = {
        "forward": (forward_process.forward, forward_process.ForwardRequest),
        "image to image": (image_to_image.image_to_image, image_to_image.ImageToImageRequest),
        "between": (interpolation.between, interpolation.BetweenRequest),
    }
    for name, (run, kind) in runs.items():
        request = fitted(kind, TINTS)
        known = {k.name for k in contract.knobs(request)}
        settings = {"num_steps": 2, "num_samples": 2} if name == "image to image" else {"num_steps": 2}
        wanted = {key: value for key, value in {**settings, "label": 1}.items() if key in known}
        *_, frame = run(tinted, make_request(request, wanted))
        assert frame.images.shape[1:] == TINTS.image_shape and frame.images.dtype == np.uint8, name
    request = make_request(knob_grid.grid_request(Diffusion.Request), {"num_steps": 2})
    *_, frame = knob_grid.fill(tinted, request)
    assert frame.images.shape[1:] == TINTS.image_shape and frame.images.any((1, 2, 3)).all()


def test_colour_can_be_kept(tinted):
    request = make_request(Diffusion.Request, {"num_steps": 2, "num_samples": 4})
    *_, frame = tinted.sample(request)
    sheet = contact_sheet.tile(frame.images, gap=0)
    assert sheet.shape == (64, 64, 3) and np.array_equal(sheet[:32, :32], frame.images[0])
    content = contact_sheet.Content("Generate", [("", frame.images)], 2, captions=["a", "b", "c", "d"])
    assert contact_sheet.compose([content], 2, words=True).shape[2:] == (3,)
    assert csv_table.of_run([*tinted.sample(request)]).rows
    size = out_of_distribution.png_bytes(frame.images[0])
    file = io.BytesIO()
    Image.fromarray(frame.images[0]).save(file, format="PNG", optimize=True)
    assert size == len(file.getvalue())


def test_the_sentence_over_a_model_fits_what_it_makes():
    for card in checkpoints.cards():
        if families.has_tab(card.family) and not data.modality(card.dataset).has_pixels:
            said = families.entry(card.family).about(data.modality(card.dataset))
            assert "picture" not in said and "pixel" not in said, (card.id, said)
    assert "letter" not in families.entry("autoregressive").about(Modality.PICTURES)


def test_every_text_says_what_was_held_out():
    texts = [one for one in data.DATASETS.values() if one.modality is Modality.TEXT]
    assert {one.name: one.parts for one in texts} == {"bible": "books", "python": "modules"}
