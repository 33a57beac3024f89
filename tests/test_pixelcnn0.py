"""The plain PixelCNN against its oracles: the mask with its blind spot, and the naive sampler."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from playground.models.autoregressive.masked_conv import CausalConv
from playground.models.autoregressive.pixelcnn import PixelRequest
from tests import small_pixel_models
from tests.small_pixel_models import SIZE


@pytest.fixture(scope="module")
def model():
    return small_pixel_models.pixelcnn0()


@pytest.fixture(scope="module")
def images():
    return small_pixel_models.two_images()


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
