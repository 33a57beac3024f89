"""What the pixel models with a cache promise alike: logits, cost, exact resume, editing, scores, and chunks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from playground.models import discretized_logistic
from playground.models.autoregressive.image_transformer import ImageTransformer
from playground.models.autoregressive.pixelcnn import PixelRequest
from tests import small_pixel_models
from tests.small_pixel_models import SIZE


@pytest.fixture(scope="module", params=["pixelcnn", "pixelcnn0", "image_transformer", "pixelrnn"])
def model(request):
    return getattr(small_pixel_models, request.param)()


@pytest.fixture(scope="module")
def images():
    return small_pixel_models.two_images()


def test_logits_on_the_way_are_those_of_a_full_pass(model):
    request = PixelRequest(num_samples=5, seed=3)
    frames = list(model.sample(request))
    on_the_way = np.stack([f.extras["logits"] for f in frames[1:]], axis=1)
    x = torch.from_numpy(frames[-1].images.transpose(0, 3, 1, 2).copy())
    full = discretized_logistic.all_log_probs(model(x, torch.arange(5)))
    assert np.abs(np.exp(on_the_way) - full.exp().reshape(5, -1, 256).numpy()).max() < 1e-5
    assert np.allclose(np.exp(on_the_way).sum(-1), 1, atol=1e-4)


def test_a_whole_picture_costs_one_forward_pass(model):
    x, labels = torch.zeros(16, 1, SIZE, SIZE, dtype=torch.uint8), torch.zeros(16, dtype=torch.long)
    with FlopCounterMode(display=False) as one_pass:
        model(x, labels)
    with FlopCounterMode(display=False) as whole_picture:
        for _ in model.sample(PixelRequest(num_samples=16, seed=1)):
            pass
    passes = 2 if isinstance(model, ImageTransformer) else 1  # it reads each finished row again
    assert whole_picture.get_total_flops() <= passes * 1.15 * one_pass.get_total_flops()


def test_resume_reproduces_the_original_to_the_bit(model):
    request = PixelRequest(num_samples=3, seed=8)
    frames = list(model.sample(request))
    for origin in (f for f in frames if f.state and f.step < f.total):
        rest = list(model.sample(request, origin.state))
        assert [f.step for f in rest] == list(range(origin.step + 1, SIZE**2 + 1))
        assert np.array_equal(rest[-1].images, frames[-1].images)


def test_an_edited_pixel_stays_and_changes_only_what_follows(model):
    request = PixelRequest(num_samples=2, seed=8)
    frames = list(model.sample(request))
    pixel, before = SIZE * 5 + 3, frames[SIZE * 5 + 4]
    origin = [f for f in frames[: pixel + 1] if f.state][-1]
    images = before.images.copy()
    images[0, 5, 3] = 255 - images[0, 5, 3]
    state = {**origin.state, "images": images, "num_known": pixel + 1, "silent_until": pixel}
    fork = list(model.sample(request, state))
    assert fork[0].step == pixel + 1
    old, new = frames[-1].images.reshape(2, -1), fork[-1].images.reshape(2, -1)
    assert new[0, pixel] == images[0, 5, 3, 0]
    assert np.array_equal(old[0, :pixel], new[0, :pixel]) and not np.array_equal(old[0], new[0])
    assert np.array_equal(old[1], new[1]), "the other picture keeps its mind"


def test_scores_add_up_to_the_probability_of_the_picture(model, images):
    labels = torch.tensor([3, 4])
    bits = [s.value for s in model.score(images, labels=labels)]
    per_pixel = discretized_logistic.all_log_probs(model(images, labels))
    chosen = per_pixel.gather(-1, images[:, 0].long()[..., None]).sum((1, 2, 3))
    assert np.allclose(bits, (-chosen / (SIZE**2 * np.log(2))).numpy(), atol=1e-4)


def test_more_than_one_chunk_and_an_odd_start_agree(model):
    many = list(model.sample(PixelRequest(num_samples=20, seed=5)))[-1].images
    part = dataclasses.replace(PixelRequest(num_samples=3, seed=5), first_index=15)
    assert np.array_equal(list(model.sample(part))[-1].images, many[15:18])
