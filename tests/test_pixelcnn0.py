"""The plain PixelCNN against its oracles: the mask with its blind spot, the naive sampler, exact resume, editing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from playground.models import discretized_logistic
from playground.models.autoregressive.pixelcnn import PixelRequest
from playground.models.autoregressive.pixelcnn0 import CausalConv, PlainPixelCNN, PlainPixelCNNConfig

SIZE = 8


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = PlainPixelCNNConfig(image_size=SIZE, width=16, num_blocks=2, stem_kernel=5, num_mixtures=3)
    model = PlainPixelCNN(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.abs().max() == 0:  # layers that start at zero would hide mistakes
            parameter.normal_(std=0.3)
    return model


@pytest.fixture(scope="module")
def images():
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, 1, SIZE, SIZE), dtype=np.uint8))


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kernel", [3, 5])
def test_the_two_small_convolutions_are_one_masked_convolution(kernel, own):
    conv = CausalConv(2, 3, kernel, own=own)
    r = kernel // 2
    weight = torch.zeros(3, 2, kernel, kernel)
    weight[:, :, :r] = conv.above.weight
    weight[:, :, r : r + 1, : r + own] = conv.left.weight
    x = torch.randn(2, 2, 6, 7)
    assert torch.allclose(conv(x), F.conv2d(x, weight, conv.above.bias, padding=r), atol=1e-5)


def reachable(model):
    """Which offsets (up, right) a pixel can be reached from: the masks, added up layer by layer."""
    field = {(0, 0)}
    kernels = [(model.config.stem_kernel // 2, False)] + [(1, True)] * model.config.num_blocks
    for reach, own in kernels:
        steps = {(up, right) for up in range(1, reach + 1) for right in range(-reach, reach + 1)}
        steps |= {(0, -left) for left in range(0 if own else 1, reach + 1)}
        field = {(u + du, r + dr) for u, r in field for du, dr in steps}
    return field


def test_a_pixel_sees_exactly_what_the_masks_let_through(model, images):
    labels = torch.tensor([1, 2])
    base, field = model(images, labels), reachable(model)
    for row in range(SIZE):
        for column in range(SIZE):
            changed = images.clone()
            changed[:, 0, row, column] ^= 255
            moved = (model(changed, labels) - base).abs().amax((0, 3)) > 0
            for y in range(SIZE):
                for x in range(SIZE):
                    assert bool(moved[y, x]) == ((y - row, column - x) in field), (row, column, y, x)
    assert (1, 4) not in field, "the blind spot"


def test_cached_and_naive_sampler_draw_the_same(model):
    request = PixelRequest(num_samples=5, seed=3, temperature=0.9)
    *_, naive = model.sample_naive(request)
    *_, cached = model.sample(request)
    assert np.array_equal(naive.images, cached.images)


def test_logits_on_the_way_are_those_of_a_full_pass(model):
    frames = list(model.sample(PixelRequest(num_samples=5, seed=3)))
    on_the_way = np.stack([f.extras["logits"] for f in frames[1:]], axis=1)
    x = torch.from_numpy(frames[-1].images.transpose(0, 3, 1, 2).copy())
    full = discretized_logistic.all_log_probs(model(x, torch.arange(5)))
    assert np.abs(np.exp(on_the_way) - full.exp().reshape(5, -1, 256).numpy()).max() < 1e-5


def test_a_whole_picture_costs_one_forward_pass(model):
    x, labels = torch.zeros(16, 1, SIZE, SIZE, dtype=torch.uint8), torch.zeros(16, dtype=torch.long)
    with FlopCounterMode(display=False) as one_pass:
        model(x, labels)
    with FlopCounterMode(display=False) as whole_picture:
        for _ in model.sample(PixelRequest(num_samples=16, seed=1)):
            pass
    assert whole_picture.get_total_flops() <= 1.15 * one_pass.get_total_flops()


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
