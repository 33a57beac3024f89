"""The Image Transformer's attention: who may look at whom, against gradients and plain loops; one kind of it alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from playground.experiments.autoregressive.sparse_attention import attention_from
from playground.models.autoregressive.image_transformer import (
    LOCAL,
    STRIDED,
    ImageTransformer,
    ImageTransformerRequest,
)
from tests import small_pixel_models
from tests.small_pixel_models import SIZE


@pytest.fixture(scope="module")
def model() -> ImageTransformer:
    return small_pixel_models.image_transformer()


@pytest.fixture(scope="module")
def images():
    return small_pixel_models.two_images()


@pytest.mark.parametrize("row, column", [(0, 0), (1, 7), (5, 3), (7, 7)])
def test_a_pixel_knows_those_before_it_and_no_other(model, images, row, column):
    labels = torch.tensor([1, 2])
    plain, place = model(images, labels), row * SIZE + column
    changed = images.clone()
    changed.view(2, -1)[:, place:] = 255 - changed.view(2, -1)[:, place:]
    moved = (model(changed, labels) - plain).abs().amax(-1).view(2, -1)
    assert not moved[:, : place + 1].any(), "a pixel was seen before it was drawn"
    if place + 1 < SIZE**2:
        assert moved[:, place + 1].all()


def in_plain_loops(block, h, row, column):
    """Softmax of q.k plus the learned number of the distance, pixel by pixel: (heads, H, W)."""
    q, k, _ = (part[0].double() for part in block.heads(h))
    out = torch.zeros(block.num_heads, SIZE, SIZE, dtype=torch.float64)
    for head in range(block.num_heads):
        scores = {}
        for r in range(row + 1):
            for c in range(SIZE if r < row else column + 1):
                up, right = row - r, c - column
                if block.kind == LOCAL and up < block.rows:
                    number = (block.rows - 1 - up) * (2 * SIZE - 1) + right + SIZE - 1
                elif block.kind == STRIDED and right == 0:
                    number = up
                else:
                    continue
                scores[r, c] = float(q[head, row, column] @ k[head, r, c] + block.place[head, number])
        total = math.fsum(math.exp(s) for s in scores.values())
        for at, score in scores.items():
            out[head][at] = math.exp(score) / total
    return out.numpy()


@pytest.mark.parametrize("row, column", [(0, 0), (1, 6), (6, 2)])
def test_the_weights_are_those_of_plain_loops_inside_the_pattern(model, images, row, column):
    labels, given = torch.tensor([4]), []
    hooks = [b.register_forward_pre_hook(lambda _, x: given.append(x[0])) for b in model.attention_layers]
    model(images[:1], labels)
    for hook in hooks:
        hook.remove()
    maps = attention_from(model, images[:1, :, : row + 1], labels, row, column)
    pattern = model.pattern(row, column)
    assert maps.std() > 0.01
    for block, h, found, may in zip(model.attention_layers, given, maps, pattern, strict=True):
        assert np.allclose(found, in_plain_loops(block, h, row, column), atol=1e-5)
        assert not found[:, ~may].any() and (found[:, may] > 0).all()
    assert [block.kind for block in model.attention_layers] == [LOCAL, STRIDED, LOCAL, STRIDED]


@pytest.mark.parametrize("attention", [LOCAL, STRIDED])
def test_one_kind_alone_is_another_model_and_is_cached_too(model, attention):
    request = ImageTransformerRequest(num_samples=2, seed=4, attention=attention)
    frames = list(model.sample(request))
    assert np.array_equal(frames[-1].images, list(model.sample_naive(request))[-1].images)
    both = list(model.sample(ImageTransformerRequest(num_samples=2, seed=4)))[-1].images
    assert not np.array_equal(frames[-1].images, both)


def test_with_strided_attention_alone_a_pixel_sees_its_column_and_what_the_stem_sees_of_it(model, images):
    """The stem reaches two pixels around; so from the last pixel, what stands far to the left is out of sight."""
    labels, gates = torch.tensor([0]), torch.tensor([[0.0, 1.0]])
    plain = model(images[:1], labels, gates)[0, -1, -1]
    far, near = images[:1].clone(), images[:1].clone()
    far[..., : SIZE - 3] = 255 - far[..., : SIZE - 3]
    near[:, :, 1, SIZE - 1] = 255 - near[:, :, 1, SIZE - 1]
    assert torch.equal(model(far, labels, gates)[0, -1, -1], plain)
    assert not torch.equal(model(near, labels, gates)[0, -1, -1], plain)
    assert not torch.equal(model(far, labels)[0, -1, -1], plain)


def test_training_silences_one_kind_or_the_other_now_and_then(model, images):
    """Of one picture, the losses of many steps are three numbers: both kinds of attention, local alone, strided alone."""
    labels, generators = torch.tensor([3]), [torch.Generator().manual_seed(i) for i in range(40)]
    model.train()
    try:
        losses = [float(model.loss(images[:1], labels, g)["loss"]) for g in generators]
    finally:
        model.eval()
    whole = float(model.loss(images[:1], labels, generators[0])["loss"])
    assert len({round(loss, 4) for loss in losses}) == 3
    assert 20 < sum(abs(loss - whole) < 1e-4 for loss in losses) < 40
