"""Parallel multiscale PixelCNN: who sees whom, draws against the naive sampler, resuming, editing, completing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from playground.experiments import branching
from playground.models import discretized_logistic
from playground.models.autoregressive.pixel_sampling import PixelRequest, draw
from tests import small_pixel_models
from tests.small_pixel_models import SIZE

GROUPS = [1, 2, 3, 4, 8, 12, 16, 32, 48, 64]  # pixels drawn after each pixel of the first 2x2 and each group
REQUEST = PixelRequest(num_samples=3, seed=5)


@pytest.fixture(scope="module")
def model():
    return small_pixel_models.parallel_pixelcnn()


@pytest.fixture(scope="module")
def frames(model):
    return list(model.sample(REQUEST))


def test_a_pixel_sees_earlier_groups_and_nothing_of_its_own(model):
    x = small_pixel_models.two_images()[:1]
    labels = torch.tensor([3])
    before = model(x, labels).reshape(SIZE**2, -1)
    starts = [0, *GROUPS]
    for rank in (0, 2, 5, 10, 20, 40, 63):
        other = x.clone()
        place = model.order[rank]
        other[0, 0, place // SIZE, place % SIZE] ^= 255
        moved = (model(other, labels).reshape(SIZE**2, -1) != before).any(1).numpy()[model.order]
        group_ends = next(end for end in starts if end > rank)
        assert not moved[:group_ends].any()
        assert rank > 47 or moved[group_ends:].any()


def test_draws_are_those_of_the_naive_sampler_and_take_a_pass_a_group(model, frames):
    *_, naive = model.sample_naive(REQUEST)
    assert np.array_equal(frames[-1].images, naive.images) and naive.images.std() > 5
    assert [f.step for f in frames] == [0, *GROUPS]
    assert frames[-1].passes == len(GROUPS)
    assert sorted(model.order) == list(range(SIZE**2))


def test_a_coarse_pixel_covers_a_square_until_finer_ones_are_drawn(frames):
    first = frames[4].images
    assert np.array_equal(first, first[:, ::4, ::4].repeat(4, 1).repeat(4, 2))
    second = frames[7].images
    assert np.array_equal(second, second[:, ::2, ::2].repeat(2, 1).repeat(2, 2))
    assert np.array_equal(second[:, ::4, ::4], first[:, ::4, ::4])


def test_the_run_goes_on_from_every_state_to_the_bit(model, frames):
    for origin in frames[1:-1]:
        rest = list(model.sample(REQUEST, origin.state))
        assert [f.step for f in rest] == [f.step for f in frames if f.step > origin.step]
        assert np.array_equal(rest[-1].images, frames[-1].images)


def test_an_edited_pixel_stays_and_only_later_groups_follow(model, frames):
    value = 255 - int(frames[-1].images[0, 4, 4, 0])
    *_, edited = branching.edited(model, REQUEST, [(0, 4, 4, value)])
    ranks = np.argsort(model.order).reshape(SIZE, SIZE)
    same = (edited.images == frames[-1].images)[0, ..., 0]
    assert edited.images[0, 4, 4, 0] == value
    assert same[ranks < ranks[4, 4]].all() and not same.all()
    assert np.array_equal(edited.images[1:], frames[-1].images[1:])


def test_known_pixels_below_are_kept_and_seen(model):
    x = small_pixel_models.two_images()[:1]
    known = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    known[4:] = True
    drawn = []
    for picture in (x, 255 - x):
        every = list(model.complete(picture, known, REQUEST))
        assert all((f.images[:, 4:, :, 0] == picture[0, 0, 4:].numpy()).all() for f in every)
        drawn.append(every[-1].images[:, :4])
    assert not np.array_equal(*drawn)
    with pytest.raises(ValueError, match="mask"):
        list(model.complete(x, known[:4], REQUEST))


def test_temperature_and_top_k_reach_the_groups(model, frames):
    cold = list(model.sample(dataclasses.replace(REQUEST, top_k=1)))[-1].images
    warm = list(model.sample(dataclasses.replace(REQUEST, top_k=1, seed=9)))[-1].images
    assert np.array_equal(cold, warm), "the likeliest value needs no dice"
    assert not np.array_equal(cold, frames[-1].images)


def test_inverting_a_mixture_finds_what_a_search_among_all_values_finds():
    raw = torch.randn(400, 9, generator=torch.Generator().manual_seed(1))
    level = torch.rand(400, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    searched = draw(discretized_logistic.all_log_probs(raw), level.numpy())
    assert (discretized_logistic.invert(raw, level) == searched).float().mean() > 0.995
