"""Flows: the way back, the volume, the bound, and ActNorm's start, each against something slower that cannot be wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from playground import checkpoints, data
from playground.experiments.flow import layer_traces
from playground.models import noise
from playground.models.flow import _mixture
from playground.models.flow._dequantize import Uniform, Variational, colours, join_colours
from playground.models.flow.base import SCORE_DRAWS, log_normal
from playground.models.flow.glow import Glow, GlowConfig
from playground.models.flow.layers import ActNorm, InvertibleConv, Logit, Squeeze
from playground.models.flow.nice import NICE, NICEConfig
from playground.models.flow.realnvp import RealNVP, RealNVPConfig
from playground.models.flow.tarflow import TarFlow, TarFlowConfig

TINY = {
    "nice": lambda: NICE(NICEConfig(image_size=4, hidden=8, num_hidden=2)),
    "realnvp": lambda: RealNVP(
        RealNVPConfig(image_size=4, num_couplings=2, width=8, coarse_width=8, num_blocks=1)
    ),
    "glow": lambda: Glow(
        GlowConfig(
            image_size=4,
            num_steps=(2, 2),
            num_mixtures=(3, 2),
            num_blocks=(1, 1),
            width=8,
            coarse_width=8,
            dequantizer_width=8,
        )
    ),
    "tarflow": lambda: TarFlow(
        TarFlowConfig(image_size=4, num_blocks=2, depth=1, width=8, heads=2, head_width=8)
    ),
}
SHIPPED = [c for c in checkpoints.cards() if c.family == "flow"]


def shaken(name):
    """A tiny flow whose parameters are anything but their start."""
    torch.manual_seed(3)
    model = TINY[name]().eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += 0.2 * torch.randn_like(parameter)
    return model


def garments(count, start=0):
    images, _ = data.load("fashion", "test")
    return torch.from_numpy(images[start : start + count].transpose(0, 3, 1, 2).copy())


def tiny_pictures(count=3):
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (count, 1, 4, 4), dtype=np.uint8))


@pytest.mark.parametrize("name", TINY)
def test_the_inverse_undoes_the_flow(name):
    model = shaken(name)
    y = tiny_pictures() + 0.5
    h, _ = model.to_z(y)
    assert (model.from_z(model.as_picture(h).flatten(1)) - y).abs().max() < 0.1


@pytest.mark.parametrize("name", TINY)
def test_log_det_is_that_of_the_jacobian(name):
    model = shaken(name)
    y = tiny_pictures(1) + 0.5

    def flat(v):
        return model.as_picture(model.to_z(v.view(1, 1, 4, 4))[0]).flatten()

    jacobian = torch.autograd.functional.jacobian(flat, y.flatten())
    assert torch.linalg.slogdet(jacobian).logabsdet.item() == pytest.approx(model.to_z(y)[1].item(), rel=1e-3)


@pytest.mark.parametrize("card", SHIPPED, ids=lambda c: c.id)
def test_shipped_flows_come_back_to_the_bin_centre(card):
    """In float32, on garments and on noise, to better than 1/512 of the range (half a grey level)."""
    model = checkpoints.load(card.id)
    static = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 1, 28, 28), dtype=np.uint8))
    for x in (garments(32), static):
        y = x + 0.5
        with torch.no_grad():
            h, _ = model.to_z(y)
            back = model.from_z(model.as_picture(h).flatten(1))
        assert (back - y).abs().max() / 256 < 1 / 512
        assert torch.equal(back.floor().to(torch.uint8), x)


@pytest.mark.parametrize("card", SHIPPED, ids=lambda c: c.id)
def test_shipped_flows_make_noise_of_garments(card):
    """What the likelihood promises: z of dequantised test images is nearly standard normal."""
    model = checkpoints.load(card.id)
    few = 4 if hasattr(model, "decoded_together") else 12  # the way back of some goes patch by patch
    frames = [
        next(layer_traces.round_trip(model, layer_traces.RoundTripRequest(image=i, seed=1)))
        for i in range(few)
    ]
    z = np.concatenate([f.extras["latent"].ravel() for f in frames])
    assert abs(z.mean()) < 0.15 and abs(z.std() - 1) < 0.15
    assert max(f.extras["error"] for f in frames) < 0.01, "grey levels"
    assert sum(f.extras["changed"] for f in frames) <= 3, "only what a draw put on the very edge of its bin"


def test_the_mixture_curve_and_its_inverse():
    torch.manual_seed(0)
    raw = torch.randn(64, 15)
    x = 4 * torch.randn(64)
    y, log_slope = _mixture.forward(x, raw)
    assert (_mixture.inverse(y, raw) - x).abs().max() < 1e-3
    far, _ = _mixture.forward(30 * x, raw)
    assert torch.allclose(_mixture.inverse(far, raw), 30 * x, rtol=1e-4, atol=1e-3)

    leaf = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(_mixture.forward(leaf, raw)[0].sum(), leaf)
    assert torch.allclose(log_slope, slope.log(), atol=1e-3)
    weights, means, scales = raw.double().chunk(3, -1)
    by_hand = (weights.softmax(-1) * torch.sigmoid((x.double()[:, None] - means) / scales.exp())).sum(-1)
    near = x.abs() < 3
    assert torch.allclose(torch.logit(by_hand)[near].float(), y[near], atol=1e-3)


@pytest.mark.parametrize(
    "layer", [Logit(), Squeeze(), InvertibleConv(4), ActNorm((4, 1, 1))], ids=lambda v: v.title
)
def test_layers_return(layer):
    torch.manual_seed(0)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    h = 256 * torch.rand(2, 4, 4, 4)
    with torch.no_grad():
        there, log_det = layer(h)
        assert there.shape[0] == 2 and log_det.shape == (2,)
        assert (layer.inverse(there) - h).abs().max() < 1e-2


def test_the_1x1_convolution_is_a_matrix_with_that_determinant():
    layer = InvertibleConv(4)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        matrix = layer(torch.eye(4)[:, :, None, None])[0][:, :, 0, 0].T
        _, log_det = layer(torch.zeros(1, 4, 3, 5))
    assert log_det.item() == pytest.approx(15 * torch.linalg.slogdet(matrix).logabsdet.item(), rel=1e-4)


def test_actnorm_starts_with_mean_zero_and_variance_one():
    torch.manual_seed(0)
    model = TINY["glow"]().train()
    x = torch.randint(0, 256, (64, 1, 4, 4), dtype=torch.uint8)
    assert not bool(model.initialised)
    model.loss(x, torch.zeros(64, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert bool(model.initialised)
    before = {n: p.clone() for n, p in model.named_parameters()}
    model.loss(x, torch.zeros(64, dtype=torch.int64), torch.Generator().manual_seed(1))
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters()), "only the first batch sets it"

    with torch.no_grad():
        epsilon = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        h = x + model.dequantizer(x, epsilon)[0]
        for layer in model.layers:
            if hasattr(layer, "channels"):
                normed, _ = layer.layers[0](h[:, : layer.channels])
                assert normed.mean((0, 2, 3)).abs().max() < 1e-3
                assert (normed.var((0, 2, 3), unbiased=False) - 1).abs().max() < 1e-2
            h, _ = layer(h)


def test_an_untrained_copy_is_not_initialised_by_validation():
    model = TINY["glow"]().eval()
    model.loss(tiny_pictures(), torch.zeros(3, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert not bool(model.initialised)


def test_the_dequantisation_bound_against_brute_force():
    """A density of one pixel that can be integrated: the bound lies under log P(x), and meets it where the density is flat."""
    model = NICE(NICEConfig(image_size=1, num_couplings=0)).double().eval().requires_grad_(False)
    model.layers[1].shift.fill_(4.0)
    model.layers[1].log_scale.fill_(-0.7)
    edges = torch.linspace(0, 256, 256 * 200 + 1, dtype=torch.float64)
    middles = 0.5 * (edges[1:] + edges[:-1])
    z, log_det = model.to_z(middles.view(-1, 1, 1, 1))
    density = (log_normal(z) + log_det).exp()
    probability = density.view(256, 200).mean(1)  # of each grey level
    assert probability.sum().item() == pytest.approx(1.0, abs=1e-3)

    x = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1)
    generator = torch.Generator().manual_seed(0)
    draws = [model(x, torch.randn(x.shape, generator=generator).double()) for _ in range(400)]
    bound = torch.stack(draws).mean(0)
    gap = probability.log() - bound
    assert gap.min() > -0.02, "a bound above the truth"
    assert gap[100:156].abs().max() < 1e-3, "flat bins cost nothing"
    assert gap[0] > 0.02, "the first bin is steep, and a uniform u pays for it"


@pytest.mark.parametrize("kind", ["uniform", "variational"])
def test_log_q_is_a_density_on_the_unit_cube(kind):
    """log q(u given x) against the Jacobian of epsilon -> u."""
    torch.manual_seed(1)
    dequantizer = Uniform() if kind == "uniform" else Variational(4, 1, 8, 8)
    for parameter in dequantizer.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    dequantizer.requires_grad_(False)
    x, epsilon = tiny_pictures(1), torch.randn(16)

    def u_of(e):
        return dequantizer(x, e.view(1, 1, 4, 4))[0].flatten()

    u, log_q = dequantizer(x, epsilon.view(1, 1, 4, 4))
    assert (u > 0).all() and (u < 1).all()
    jacobian = torch.autograd.functional.jacobian(u_of, epsilon)
    expected = log_normal(epsilon.view(1, 16)).item() - torch.linalg.slogdet(jacobian).logabsdet.item()
    assert log_q.item() == pytest.approx(expected, abs=1e-2)


def test_the_colours_of_a_checkerboard():
    board = ((torch.arange(4)[:, None] + torch.arange(4)) % 2).float().expand(2, 3, 4, 4)
    squeezed = torch.nn.functional.pixel_unshuffle(board, 2)
    even, odd = colours(squeezed)
    assert (even == 0).all() and (odd == 1).all()
    assert torch.equal(join_colours(even, odd), squeezed)


@pytest.mark.parametrize("name", TINY)
def test_parts_add_up_to_the_bound(name):
    model, x = shaken(name), tiny_pictures()
    epsilon = torch.randn(x.shape)
    total = -model.bound(x, epsilon) / (16 * math.log(2))
    parts = model.bits_by_part(x, epsilon)
    assert torch.allclose(sum(parts.values()), total, atol=1e-3)
    assert len(parts) == {"nice": 2, "glow": 3, "realnvp": 4, "tarflow": 3}[name]


@pytest.mark.parametrize("name", TINY)
def test_every_frame_resumes_to_the_bit(name):
    model = shaken(name)
    request = model.Request(num_samples=3, seed=2)
    frames = list(model.sample(request))
    assert frames[0].step == 0 and frames[-1].step == frames[-1].total == len(frames) - 1
    for frame in frames:
        if frame.state is None:
            continue
        rest = list(model.sample(request, frame.state))
        assert [f.step for f in rest] == [f.step for f in frames[frame.step + 1 :]]
        if rest:
            assert np.array_equal(rest[-1].extras["values"], frames[-1].extras["values"])


@pytest.mark.parametrize("card", SHIPPED, ids=lambda c: c.id)
def test_journeys(card):
    model = checkpoints.load(card.id)
    there_and_back = list(layer_traces.layers(model, layer_traces.LayersRequest(start="image", image=5)))
    assert [f.step for f in there_and_back] == list(range(there_and_back[-1].total + 1))
    assert np.array_equal(there_and_back[0].images, there_and_back[-1].images)
    assert (
        there_and_back[len(there_and_back) // 2].extras["layer"]
        == there_and_back[len(there_and_back) // 2].extras["layer"]
    )
    sample = list(layer_traces.layers(model, layer_traces.LayersRequest(seed=3, temperature=1.0)))
    drawn = list(model.decode_steps(noise.normal(3, [0], "z", model.latent_shape)))
    assert np.array_equal(sample[-1].images, drawn[-1].images)

    counted = list(
        layer_traces.count_bits(model, layer_traces.ScoreRequest(image=0, draws=SCORE_DRAWS, seed=4))
    )
    score = model.score(garments(1), seed=4)[0]
    assert counted[-1].extras["bits"].mean() == pytest.approx(score.value, abs=1e-3)
    assert sum(counted[-1].extras["parts"].values()) == pytest.approx(score.value, abs=1e-3)
