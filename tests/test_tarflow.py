"""TarFlow: causality, the way back under guidance, Tweedie's formula and the price of reading grey levels, against oracles."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from playground import data
from playground.contract import Frame
from playground.experiments import interpolation
from playground.experiments.flow import layer_traces
from playground.experiments.flow.analogies import AnalogiesRequest, analogies
from playground.models import noise
from playground.models.flow._dequantize import Gaussian
from playground.models.flow._read_out import ReadOut
from playground.models.flow.base import log_normal
from playground.models.flow.layers import Scale
from playground.models.flow.tarflow import AutoregressiveBlock, TarFlow, TarFlowConfig, TarFlowRequest
from tests import windows

CONFIG = TarFlowConfig(image_size=8, num_blocks=2, depth=2, width=16, heads=2, head_width=8)


def shaken(config=CONFIG):
    """A small flow whose parameters are anything but their start."""
    torch.manual_seed(5)
    model = TarFlow(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += 0.2 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def model():
    return shaken()


@pytest.mark.parametrize("backwards", [False, True])
def test_a_patch_knows_only_the_patches_and_groups_before_it(backwards):
    torch.manual_seed(0)
    block = AutoregressiveBlock(CONFIG, backwards).eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    for name in ("lower", "upper", "log_s"):  # its mixing within a patch only swaps halves here
        torch.nn.init.zeros_(getattr(block.mix, name))
    h = torch.randn(16, 2, 2)

    def z_of(flat):
        return block(flat.view(1, 16, 2, 2))[0].flatten(2)[0].T.flatten()  # patch by patch

    jacobian = torch.autograd.functional.jacobian(z_of, h.flatten()).view(4, 16, 16, 4)
    reads = jacobian.abs() > 0  # [patch, number of z, number of h, patch]
    halves = torch.arange(16).roll(8)  # where a number of the mixed patch came from
    reads = reads[:, :, halves]
    order = [3, 2, 1, 0] if backwards else [0, 1, 2, 3]
    for i, patch in enumerate(order):
        for j, other in enumerate(order):
            if j < i:
                assert reads[patch, :, :, other].all(), "all of an earlier patch"
            elif j > i:
                assert not reads[patch, :, :, other].any(), "nothing of a later one"
        group = torch.arange(16) // 4
        own = reads[patch, :, :, patch]
        assert own.diagonal().all() and own[group[:, None] > group].all()
        assert not own[(group[:, None] < group) | ((group[:, None] == group) & ~torch.eye(16).bool())].any()


def test_the_way_back_knows_the_class(model):
    y = 256 * torch.rand(3, 1, 8, 8)
    labels = torch.tensor([0, 4, 9])
    h = y
    for layer in model.layers:
        h = (layer(h, labels) if isinstance(layer, AutoregressiveBlock) else layer(h))[0]

    def back(told):
        x = h
        for layer in reversed(model.layers):
            x = layer.inverse(x, told) if isinstance(layer, AutoregressiveBlock) else layer.inverse(x)
        return x

    assert (back(labels) - y).abs().max() < 0.05
    assert (back(None) - y).abs().max() > 1


def test_guidance_is_linear_in_means_and_log_scales(model):
    """The first group of the first patch depends on nothing but the class, so that its guided draw can be made by hand."""
    block, z = model.layers[3], torch.randn(2, 16, 2, 2)
    labels = torch.tensor([1, 6])
    for name in ("lower", "upper", "log_s"):
        assert getattr(block.mix, name).abs().max() > 0  # shaken: undo it to look at the mixed patch

    def first_group(told, scale):
        return block.mix(block.inverse(z, told, scale))[0][:, :4, 0, 0]

    drawn = z[:, :4, 0, 0]

    def numbers(told):  # mean and log scale from what two draws become
        moved = block.mix(block.inverse(z + 1, told))[0][:, :4, 0, 0] - first_group(told, 1.0)
        return first_group(told, 1.0) - moved * drawn, moved.log()

    (mean, log_scale), (mean_0, log_scale_0) = numbers(labels), numbers(None)
    for scale in (1.5, 3.0):
        wide = (log_scale_0 + scale * (log_scale - log_scale_0)).exp()
        by_hand = mean_0 + scale * (mean - mean_0) + wide * drawn
        assert torch.allclose(first_group(labels, scale), by_hand, atol=1e-2)


def test_rows_come_one_after_the_other(model):
    request = TarFlowRequest(num_samples=2, seed=4)
    frames = list(model.sample(request))
    titles = [f.extras["layer"] for f in frames]
    assert titles[0] == "z" and titles[-2:] == ["noisy picture", "cleaned picture"]
    forwards = [i for i, title in enumerate(titles) if title == "patches forwards"]
    before, first, second = (frames[i].extras["values"] for i in (forwards[0] - 1, *forwards))
    before, first, second = (v.reshape(2, 16, 2, 2) for v in (before, first, second))
    assert (first[:, :, 0] != before[:, :, 0]).all() and np.array_equal(first[:, :, 1], before[:, :, 1])
    assert np.array_equal(second[:, :, 0], first[:, :, 0]) and (second[:, :, 1] != first[:, :, 1]).all()
    assert frames[-1].extras["grey"] and not frames[-3].extras["grey"]
    free = list(model.sample(TarFlowRequest(num_samples=2, seed=4, guidance_scale=1.0)))
    assert frames[-1].passes > 1.5 * free[-1].passes, "a guided patch asks twice"


def test_cleaning_is_the_posterior_mean():
    """Without blocks the density is a normal one, whose posterior mean is known."""
    model = TarFlow(TarFlowConfig(image_size=4, num_blocks=0, sigma=20.0)).eval()
    y = 256 * torch.rand(5, 1, 4, 4)
    cleaned, log_p = model.clean(y)
    assert torch.allclose(cleaned, y - 20.0**2 * (y - 128) / 64**2, atol=1e-3)  # p(y) = N(128, 64^2)
    z, log_det = Scale()(y)
    assert torch.allclose(log_p, log_normal(z) + log_det)


def test_gaussian_noise_has_the_density_it_says():
    x = torch.full((2, 1, 4, 4), 7, dtype=torch.uint8)
    epsilon = torch.randn(x.shape)
    u, log_q = Gaussian(10.0)(x, epsilon)
    exact = torch.distributions.Normal(0.5, 10.0).log_prob(u).flatten(1).sum(1)
    assert torch.allclose(log_q, exact, atol=1e-3)


def test_the_bound_against_brute_force():
    """One pixel, a normal p(y), a counted read-out: the bound's mean lies under the log of what it bounds, summed by hand."""
    config = TarFlowConfig(image_size=4, num_blocks=0, sigma=10.0)
    model = TarFlow(config).eval()
    generator = torch.Generator().manual_seed(0)
    shown = (128 + 63 * torch.randn(2000, 1, 4, 4, generator=generator)).clamp(0, 255).to(torch.uint8)
    noise = torch.randn(shown.shape, generator=generator)
    before = model.bound(shown, noise).mean()
    model.finish(shown, torch.zeros(2000, dtype=torch.int64), generator)
    assert model.bound(shown, noise).mean() > before + 1, "a counted table reads better than none"

    y = torch.arange(-200.0, 460.0, 0.25)
    p_y = torch.distributions.Normal(128.0, 64.0).log_prob(y).double().exp()
    cleaned = y - config.sigma**2 * (y - 128) / 64**2
    p_x = model.read_out.table.double().log_softmax(1).exp()[cleaned.round().clamp(0, 255).long()]
    truth = (p_y[:, None] * p_x).sum(0).mul(0.25).log()  # log P of each grey level
    assert truth.exp().sum().item() == pytest.approx(1.0, abs=1e-3)
    x = torch.arange(64, 192, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)
    draws = [model.bound(x, torch.randn(x.shape, generator=generator)) / 16 for _ in range(100)]
    gap = truth[64:192] - torch.stack(draws).double().mean(0)
    assert gap.min() > -0.05, "a bound above the truth"
    assert gap.mean() < 0.5


def test_reading_is_a_distribution_and_counts():
    read, x = ReadOut(), torch.tensor([[[[3, 3, 3, 250]]]], dtype=torch.uint8).expand(500, 1, 1, 4)
    cleaned = torch.tensor([10.2, 9.8, 10.0, 300.0]).expand(500, 1, 1, 4)
    read.count(x, cleaned)
    every = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1)
    total = read(every, torch.full(every.shape, 10.0)).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-4)
    assert read(x[:1, :, :, :1], cleaned[:1, :, :, :1]).item() > math.log(0.9)
    assert read(x[:1, :, :, 3:], cleaned[:1, :, :, 3:]).item() > math.log(0.9), "clamped to the last row"


def test_an_encoded_picture_has_a_z_of_usual_length_and_comes_back(model):
    x = torch.randint(0, 256, (4, 1, 8, 8), dtype=torch.uint8)
    z, _ = model.encode(x)
    again, _ = model.encode(x[2:3])
    assert torch.allclose(z[2:3], again, atol=1e-4), "the noise belongs to the picture, not to its place"
    y = model.from_z(z)
    assert 7.0 < (y - 0.5 - x).std() < 13.0


class Together:
    """Decodes a latent to its own numbers, and counts how often it is asked."""

    decoded_together = 4
    latent_shape = (1, 2)

    def __init__(self):
        self.asked = []

    def decode_frames(self, z):
        self.asked.append(len(z))
        yield Frame(1, 1, 1, (10 * z).astype(np.uint8)[..., None], {"latent": z})


def test_a_walk_is_decoded_in_groups_and_shown_picture_by_picture():
    model, request = Together(), interpolation.InterpolateRequest(ends="samples", num_steps=10)
    frames = list(interpolation.interpolate(model, request))
    assert model.asked == [2, 4, 4, 2], "the ends, then groups"
    assert [f.step for f in frames] == list(range(1, 11)) and all(len(f.images) == 1 for f in frames)
    model.decoded_together = 1
    for one, other in zip(frames, interpolation.interpolate(model, request), strict=True):
        assert np.array_equal(one.images, other.images) and one.extras["amount"] == other.extras["amount"]
        assert np.array_equal(one.extras["latent"], other.extras["latent"])
    model.decoded_together = 4
    rest = list(interpolation.interpolate(model, request, frames[5].state))
    assert [f.step for f in rest] == [7, 8, 9, 10]
    assert np.array_equal(rest[0].images, frames[6].images)


# --- analogies, with the weights that are shipped


@pytest.fixture(scope="module")
def shipped():
    return windows.load("tarflow-fashion")


def test_its_own_class_brings_the_noisy_picture_back(shipped):
    request = AnalogiesRequest(index=4, noise=1.0, seed=3)
    frames = list(analogies(shipped, request))
    assert [f.step for f in frames] == list(range(frames[-1].total + 1))
    images, labels = data.load("fashion", "test")
    own = frames[-1].extras["origin_label"]
    assert own == labels[4] and np.array_equal(frames[0].extras["origin"][0], images[4])
    noisy = frames[-2].extras["values"][own].reshape(28, 28)
    x = torch.from_numpy(images[4].copy()).permute(2, 0, 1)[None]
    u = 0.5 + 10 * noise.normal(3, noise.identities(x), "dequantise", (1, 28, 28))[0, 0]
    assert np.abs(noisy - (images[4, :, :, 0] + u)).max() < 0.1, "in grey levels"
    distances = np.abs(frames[-1].images.astype(float) - images[4]).mean((1, 2, 3))
    assert distances.argmin() == own and np.sort(distances)[1] > 2 * distances[own]


def test_a_wrong_class_costs_the_difference_of_the_densities(shipped):
    surplus = next(analogies(shipped, AnalogiesRequest(index=1))).extras["surplus"]
    x = torch.from_numpy(data.load("fashion", "test")[0][1:2].copy()).permute(0, 3, 1, 2)
    with torch.no_grad():
        boot, pullover = (shipped.log_density(x + 0.5, torch.tensor([c])).item() for c in (9, 2))
    assert surplus[2] == 0 and surplus.argmin() == 2, "a pullover"
    assert surplus[9] == pytest.approx((pullover - boot) / math.log(2), abs=0.05)


def test_told_a_class_a_sample_is_of_it_layer_by_layer(shipped):
    request = layer_traces.ClassLayersRequest(seed=3, temperature=0.9, label=8)
    *_, bag = layer_traces.layers(shipped, request)
    z = 0.9 * noise.normal(3, [0], "z", (784,))
    expected = shipped.from_z(torch.from_numpy(z), torch.tensor([8]))
    assert np.allclose(bag.extras["values"], expected.flatten(1), atol=0.1)
    *_, boot = layer_traces.layers(shipped, dataclasses.replace(request, label=9))
    assert np.abs(boot.extras["values"] - bag.extras["values"]).mean() > 10
    there_and_back = list(
        layer_traces.layers(shipped, layer_traces.ClassLayersRequest(start="image", image=4))
    )
    assert np.abs(there_and_back[0].extras["values"] - there_and_back[-1].extras["values"]).max() < 0.1
    with torch.no_grad():
        x = torch.from_numpy(data.load("fashion", "test")[0][4:5].copy()).permute(0, 3, 1, 2)
        z, _ = shipped.to_z(shipped.as_continuous(x), torch.tensor([6]))
    middle = there_and_back[len(there_and_back) // 2].extras["values"]
    assert np.allclose(middle, z.flatten(1), atol=1e-3), "told that it is a shirt"


def test_a_walk_tells_a_mixture_of_both_classes(shipped):
    request = interpolation.ClassInterpolateRequest(first=0, second=1, num_steps=3)
    first, middle, last = interpolation.interpolate(shipped, request)
    images, labels = data.load("fashion", "test")
    z, _ = shipped.encode(torch.from_numpy(images[:2].copy()).permute(0, 3, 1, 2), torch.tensor([9, 2]))
    assert labels[:2].tolist() == [9, 2] and np.allclose(first.extras["latent"], z[:1], atol=1e-3)
    for frame, image in ((first, images[0]), (last, images[1])):
        assert np.abs(frame.images[0].astype(float) - image).mean() < 6, "the ends come back, cleaned"
    half = torch.zeros(1, 11)
    half[0, [9, 2]] = 0.5
    (expected,) = shipped.decode_frames(z.mean(0, keepdim=True).numpy(), labels=half)
    assert np.abs(middle.images.astype(int) - expected.images).max() <= 1
    *_, untold = interpolation.interpolate(
        shipped, dataclasses.replace(request, class_label="none", num_steps=2)
    )
    with torch.no_grad():
        z_untold, _ = shipped.encode(torch.from_numpy(images[1:2].copy()).permute(0, 3, 1, 2))
    assert np.allclose(untold.extras["latent"], z_untold, atol=1e-3)
    assert np.abs(untold.extras["latent"] - last.extras["latent"]).max() > 0.1
    drawn = interpolation.ClassInterpolateRequest(ends="samples", first=3, second=18, num_steps=2, seed=2)
    start, end = interpolation.interpolate(shipped, drawn)
    for frame, label in ((start, 3), (end, 8)):
        (expected,) = shipped.decode_frames(frame.extras["latent"], labels=torch.tensor([label]))
        assert np.abs(frame.images.astype(int) - expected.images).max() <= 1, "dealt in turn"


def test_a_round_trip_and_a_price_may_know_the_class(shipped):
    (frame,) = layer_traces.round_trip(shipped, layer_traces.ClassRoundTripRequest(image=1, seed=5))
    assert frame.extras["error"] < 0.1
    x = torch.from_numpy(data.load("fashion", "test")[0][1:2].copy()).permute(0, 3, 1, 2)
    epsilon = torch.from_numpy(noise.normal(5, noise.identities(x), "dequantise", (1, 28, 28)))
    with torch.no_grad():
        z = shipped.as_picture(shipped.to_z(shipped.noisy(x, epsilon), torch.tensor([2]))[0]).flatten(1)
    assert np.allclose(frame.extras["latent"], z, atol=1e-3)
    for told, labels in (("own", torch.tensor([2])), ("none", None)):
        (price,) = layer_traces.count_bits(
            shipped, layer_traces.ClassScoreRequest(image=1, seed=5, draws=1, class_label=told)
        )
        bits = -shipped.bound(x, epsilon, labels).item() / (784 * math.log(2))
        assert price.extras["bits"][0] == pytest.approx(bits, abs=1e-4)
