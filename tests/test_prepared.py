"""What layers work out of their weights once: never that of weights which have changed since."""

from __future__ import annotations

import copy

import pytest
import torch

from playground.models.flow.layers import InvertibleConv
from playground.models.gan._styled import ModulatedConv
from playground.models.prepared import prepared


def matrix_of(layer):
    """What the layer does forwards, as a matrix."""
    return layer(torch.eye(layer.channels)[:, :, None, None])[0][:, :, 0, 0].T


def shaken(layer):
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return layer


@pytest.mark.parametrize("how", ["in place", "optimiser", "exchanged", "loaded", "copied"])
def test_the_way_back_follows_the_weights(how):
    torch.manual_seed(0)
    layer, h = shaken(InvertibleConv(6)), torch.randn(1, 6, 2, 2)
    with torch.no_grad():
        assert torch.allclose(layer.inverse(layer(h)[0]), h, atol=1e-4)
    if how == "in place":
        shaken(layer)
    elif how == "optimiser":
        layer(h)[0].square().sum().backward()
        torch.optim.SGD(layer.parameters(), lr=0.02).step()
    elif how == "exchanged":
        layer.lower = torch.nn.Parameter(0.3 * torch.randn(6, 6))
    elif how == "loaded":
        layer.load_state_dict(shaken(InvertibleConv(6)).state_dict())
    else:
        layer = shaken(copy.deepcopy(layer))
    with torch.no_grad():
        assert torch.allclose(layer.inverse(layer(h)[0]), h, atol=1e-4)
        assert torch.allclose(
            layer.inverse(torch.eye(6)[:, :, None, None])[:, :, 0, 0].T @ matrix_of(layer),
            torch.eye(6),
            atol=1e-4,
        )


def test_it_is_made_once_and_in_no_checkpoint():
    layer, made = torch.nn.Linear(2, 2), []

    def make():
        made.append(1)
        return 2 * layer.weight

    with torch.no_grad():
        assert prepared(layer, make, layer.weight) is prepared(layer, make, layer.weight) and len(made) == 1
    assert set(layer.state_dict()) == {"weight", "bias"}
    assert prepared(layer, make, layer.weight).requires_grad, "gradients flow through it"


def test_a_modulated_convolution_learns_through_its_demodulation_and_draws_as_it_learned():
    torch.manual_seed(0)
    conv, x, w = ModulatedConv(3, 4, 5), torch.randn(2, 3, 6, 6), torch.randn(2, 5)
    with torch.no_grad():
        before = conv(x, w)
        conv.weight.mul_(7.0)
        assert torch.allclose(conv(x, w), before, atol=1e-3), "the length of its weights does not count"
    (slope,) = torch.autograd.grad(conv(x, w).square().sum(), conv.weight)
    assert (slope * conv.weight).sum().abs() < 1e-2, "so the slope along them is nothing"
