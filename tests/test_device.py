"""On a device that is not the CPU and has no float64, as a Mac's: every model, sampler and score, and every view."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from playground import checkpoints, contract, data
from tests import stand_in_device
from tests.test_contracts import request_for, variants
from tests.windows import load

ENOUGH = 40  # frames: one pixel is drawn like another


def images_of(card, count=2):
    """``count`` test images and their classes, as a model takes them."""
    images, labels = data.load(card.dataset, "test")
    x = torch.from_numpy(images[:count].transpose(0, 3, 1, 2).copy())
    return x, torch.from_numpy(labels[:count].copy())


@pytest.mark.parametrize("name, settings", list(variants()))
def test_every_sampler_draws_what_it_draws_on_the_cpu(name, settings):
    """The stand-in computes as the CPU does, so that bits are the same unless numbers were made in the wrong place."""
    request = request_for(load(name), settings, num_samples=2, seed=11)
    expected = list(islice(load(name).sample(request), ENOUGH))[-1]
    with stand_in_device.present():
        *_, last = islice(stand_in_device.moved(checkpoints.load(name)).sample(request), ENOUGH)
    assert last.step == expected.step and np.array_equal(last.images, expected.images)


@pytest.mark.parametrize("card", checkpoints.cards(), ids=lambda c: c.id)
def test_every_score_is_the_cpus(card):
    model = load(card.id)
    if not isinstance(model, contract.Scores):
        return
    x, labels = images_of(card)
    with stand_in_device.present():
        found = stand_in_device.moved(checkpoints.load(card.id)).score(
            x.to(stand_in_device.NAME), 5, labels.to(stand_in_device.NAME)
        )
    expected = model.score(x, 5, labels)
    assert [s.value for s in found] == pytest.approx([s.value for s in expected], rel=1e-5)
    assert [s.standard_error for s in found] == pytest.approx(
        [s.standard_error for s in expected], rel=1e-3, abs=1e-9
    )
