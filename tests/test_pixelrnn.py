"""PixelRNN: cached draws against the naive sampler, and the triangle that a Row LSTM sees at any depth."""

from __future__ import annotations

import numpy as np
import pytest

from playground.experiments.autoregressive import pixelwise
from playground.models.autoregressive.pixel_sampling import PixelRequest
from tests import small_pixel_models
from tests.small_pixel_models import SIZE


def test_cached_draws_are_those_of_the_naive_sampler():
    model = small_pixel_models.pixelrnn()
    request = PixelRequest(num_samples=3, seed=5)
    *_, cached = model.sample(request)
    *_, naive = model.sample_naive(request)
    assert np.array_equal(cached.images, naive.images) and cached.images.std() > 5


@pytest.mark.parametrize("num_layers", [1, 3])
def test_what_it_sees_is_a_triangle_that_depth_does_not_widen_to_the_right(num_layers):
    """The first layer (5x5) reaches two columns; from there the state goes one column further a row."""
    model = small_pixel_models.pixelrnn(num_layers)
    picture = np.random.default_rng(0).integers(1, 256, (1, SIZE, SIZE, 1), dtype=np.uint8)
    row, column = 6, 1
    seen = pixelwise.gradient_field(model, picture, 1, row, column) > 0
    for up in range(1, row + 1):
        edge = column + up + 1
        assert seen[row - up, : edge + 1].all()
        assert not seen[row - up, edge + 1 :].any()
    assert seen[row, :column].all() and not seen[row, column:].any() and not seen[row + 1 :].any()
