"""The gated PixelCNN against its oracles: causality, the naive sampler, guidance, draws, and the cost of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from playground.models import discretized_logistic
from playground.models.autoregressive.pixelcnn import (
    GuidedRequest,
    PixelRequest,
    draw,
)
from playground.models.blocks import guided
from tests import small_pixel_models
from tests.small_pixel_models import SIZE


@pytest.fixture(scope="module")
def model():
    return small_pixel_models.pixelcnn()


@pytest.fixture(scope="module")
def images():
    return small_pixel_models.two_images()


def test_a_pixel_sees_all_earlier_ones_and_no_later_one(model, images):
    labels = torch.tensor([1, 2])
    base = model(images, labels)
    for pixel in range(SIZE * SIZE):
        changed = images.clone()
        changed[:, 0, pixel // SIZE, pixel % SIZE] ^= 255
        moved = (model(changed, labels) - base).abs().amax((0, 3)).flatten()
        assert moved[: pixel + 1].max() == 0, f"pixel {pixel} is seen too early"
        if pixel == 0:
            assert (moved[1:] > 0).all(), "no blind spot"


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_cached_and_naive_sampler_draw_the_same(model, scale):
    request = GuidedRequest(num_samples=5, seed=3, temperature=0.9, guidance_scale=scale)
    *_, naive = model.sample_naive(request)
    *_, cached = model.sample(request)
    assert np.array_equal(naive.images, cached.images)


def test_every_pixel_costs_the_same_within_a_row(model):
    frames = model.sample(PixelRequest(num_samples=16, seed=1))
    next(frames), next(frames)
    costs = []
    for _ in range(SIZE - 1):
        with FlopCounterMode(display=False) as one:
            next(frames)
        costs.append(one.get_total_flops())
    assert len(set(costs)) == 1 and costs[0] > 0


def test_resume_with_guidance_reproduces_the_original_to_the_bit(model):
    request = GuidedRequest(num_samples=3, seed=8, guidance_scale=1.7)
    frames = list(model.sample(request))
    for origin in (f for f in frames if f.state and f.step < f.total):
        rest = list(model.sample(request, origin.state))
        assert [f.step for f in rest] == list(range(origin.step + 1, SIZE**2 + 1))
        assert np.array_equal(rest[-1].images, frames[-1].images)


def test_guidance_begins_and_ends_in_the_middle_of_a_picture(model):
    plain, strong = (GuidedRequest(num_samples=3, seed=8, guidance_scale=scale) for scale in (1.0, 2.5))
    for before, after in ((plain, strong), (strong, plain)):
        frames = list(model.sample(before))
        origin = next(f for f in frames if f.step == 4 * SIZE)
        *_, branch = model.sample(after, origin.state)
        given = np.concatenate([branch.images[:, :4], np.zeros_like(branch.images[:, 4:])], axis=1)
        whole = {"row": 0, "num_known": 4 * SIZE, "images": given}
        *_, oracle = model.sample(after, whole)  # reads the upper half anew
        assert np.array_equal(branch.images, oracle.images)
        assert not np.array_equal(branch.images, frames[-1].images)


def test_guidance_asks_twice_and_pushes_away_from_the_picture_without_class(model):
    *_, plain = model.sample(PixelRequest(num_samples=2))
    *_, strong = model.sample(GuidedRequest(num_samples=2, guidance_scale=2.0))
    assert (plain.passes, strong.passes) == (SIZE**2, 2 * SIZE**2)
    with_class, without = torch.tensor([[0.6, 0.3, 0.1]]).log(), torch.tensor([[0.3, 0.6, 0.1]]).log()
    odds = guided(with_class, without, 2.0).exp()
    assert torch.allclose(odds, torch.tensor([[1.2, 0.15, 0.1]]) / 1.45)  # p(x|c)^2 / p(x), normalised


def test_the_class_is_dropped_in_training_only(model, images):
    labels, seen = torch.tensor([1, 2]).repeat(200), []
    handle = model.context.register_forward_pre_hook(lambda _, args: seen.append(args[1]))
    model.train()
    model.loss(images.repeat(200, 1, 1, 1), labels, torch.Generator().manual_seed(0))
    model.eval()
    model.loss(images.repeat(200, 1, 1, 1), labels, torch.Generator().manual_seed(0))
    handle.remove()
    share = (seen[0] == model.num_classes).float().mean()
    assert 0.05 < share < 0.15
    assert torch.equal(seen[1], labels)


def test_temperature_changes_the_picture_and_not_the_dice():
    log_probs = torch.log_softmax(torch.linspace(0, 3, 256), 0)[None]
    levels = [int(draw(log_probs, np.array([u]), temperature=1.0)[0]) for u in (0.1, 0.5, 0.9)]
    cold = [int(draw(log_probs, np.array([u]), temperature=0.05)[0]) for u in (0.1, 0.5, 0.9)]
    assert levels == sorted(levels) and len(set(levels)) == 3
    assert min(cold) > 240, "a low temperature stays near the most probable level"
    assert int(draw(log_probs, np.array([0.0]), top_k=1)[0]) == 255


def test_draws_follow_the_distribution():
    log_probs = torch.log_softmax(torch.randn(1, 256, generator=torch.Generator().manual_seed(0)), 1)
    uniforms = (np.arange(200_000) + 0.5) / 200_000
    counts = torch.bincount(draw(log_probs.expand(len(uniforms), 256), uniforms).long(), minlength=256)
    assert (counts / len(uniforms) - log_probs.exp()[0]).abs().max() < 1e-4


@pytest.mark.parametrize("num_mixtures", [1, 4])
def test_discretised_logistics_sum_to_one_and_match_the_plain_formula(num_mixtures):
    raw = torch.randn(50, 3 * num_mixtures, generator=torch.Generator().manual_seed(1)).double() * 2
    probabilities = discretized_logistic.all_log_probs(raw).exp()
    assert (probabilities.sum(-1) - 1).abs().max() < 1e-5
    log_weights, means, log_scales = discretized_logistic.split_parameters(raw)
    edges = (torch.arange(257).double() - 0.5) / 127.5 - 1
    edges[0], edges[-1] = -torch.inf, torch.inf
    cdf = torch.sigmoid((edges[None, :, None] - means[:, None]) / log_scales.exp()[:, None])
    plain = (log_weights.exp()[:, None] * cdf.diff(dim=1)).sum(-1)
    assert (plain - probabilities).abs().max() < 1e-5
    to_draw = discretized_logistic.all_log_probs_to_draw(raw).exp()
    assert (to_draw - probabilities).abs().max() < 1e-6


def test_a_score_without_a_class_is_the_mean_over_the_classes(model, images):
    marginal = [s.value for s in model.score(images)]
    each = np.array([[s.value for s in model.score(images, labels=torch.full((2,), c))] for c in range(10)])
    nats = -each * SIZE**2 * np.log(2)
    expected = -(np.logaddexp.reduce(nats, axis=0) - np.log(10)) / (SIZE**2 * np.log(2))
    assert np.allclose(marginal, expected, atol=1e-4)
