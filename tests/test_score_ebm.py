"""The energy learned by denoising against oracles: finite differences, point masses, Gaussians with closed forms."""

from __future__ import annotations

import dataclasses
import math
import types

import numpy as np
import pytest
import torch

from playground.contract import EACH_CLASS
from playground.experiments.energy import repair
from playground.models.diffusion.ddpm import Diffusion, DiffusionConfig
from playground.models.energy import chains, score_ebm

CONFIG = score_ebm.ScoreEBMConfig(image_size=8, num_classes=3, width=8, num_heads=2, embedding=16)
MEAN, SPREAD = 0.3, 0.2  # of the Gaussian pixels


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = score_ebm.ScoreEBM(CONFIG).requires_grad_(False).eval()
    for parameter in made.parameters():  # layers that start at zero would hide the rest
        parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Gaussian(score_ebm.ScoreEBM):
    """Independent Gaussian pixels, whose mean is negative for class 1: the energy of every level is known."""

    def scaled_gradient(self, x, log_snr, labels, guidance_scale=1.0):
        alpha_bar = 1 / (1 + math.exp(-log_snr))
        mean = torch.where(labels == 1, -MEAN, MEAN)[:, None, None, None] * math.sqrt(alpha_bar)
        variance = alpha_bar * SPREAD**2 + 1 - alpha_bar
        energy = (x - mean).square().flatten(1).sum(1) / (2 * variance)
        return energy, math.sqrt(1 - alpha_bar) * (x - mean) / variance

    def energy(self, x, net=None):  # of frames that nobody looks at here
        return x.flatten(1)[:, 0]


@pytest.fixture
def gaussian():
    made = Gaussian(CONFIG).requires_grad_(False)
    made.card = types.SimpleNamespace(dataset="fashion")
    return made


def states(model, **settings):
    return [f.state["x"] for f in model.sample(score_ebm.ScoreEBMRequest(**settings))]


# --- the energy


@pytest.mark.parametrize("log_snr", [-5.0, 0.0, 4.0])
def test_the_gradient_is_that_of_the_energy(model, log_snr):
    x, direction = normal(2, 1, 8, 8), normal(2, 1, 8, 8, seed=1)
    level, labels = torch.full((2,), log_snr), torch.tensor([1, 3])
    _, scaled_gradient = model(x, level, labels)
    along = (scaled_gradient * direction).flatten(1).sum(1) / math.sqrt(1 / (1 + math.exp(log_snr)))
    h = 1e-2
    there, back = (model(x + sign * h * direction, level, labels)[0] for sign in (1, -1))
    assert torch.allclose((there - back) / (2 * h), along, rtol=2e-3, atol=1e-3)


def test_the_gradient_can_be_differentiated_again(model):
    """Training needs it: every weight of the network has a say in the gradient of the energy."""
    model.requires_grad_(True)
    _, scaled_gradient = model(normal(2, 1, 8, 8), torch.zeros(2), torch.tensor([0, 3]))
    scaled_gradient.square().sum().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


def test_guidance_adds_energies(model):
    x, labels = normal(3, 1, 8, 8), torch.tensor([0, 1, 2])
    of_class, without = (
        model.scaled_gradient(x, 1.0, labels),
        model.scaled_gradient(x, 1.0, torch.full((3,), 3)),
    )
    for guided, a, b in zip(model.scaled_gradient(x, 1.0, labels, 2.5), of_class, without, strict=True):
        assert torch.allclose(guided, b + 2.5 * (a - b), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(of_class[0], without[0], rtol=1e-3)


def test_score_is_the_energy_of_the_clean_picture_without_a_class(model):
    grey = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8)
    x = grey / 127.5 - 1
    level = score_ebm.SCORED_AT
    scaled = x * math.sqrt(1 / (1 + math.exp(-level)))
    expected = model.scaled_gradient(scaled, level, torch.full((2,), 3))[0]
    assert [s.value for s in model.score(grey)] == pytest.approx(expected.tolist(), rel=1e-5)


# --- training


class PointMass(torch.nn.Module):
    """The v of the best denoiser if every picture is evenly grey: r is then the noise, and E = |noise|^2 / 2 a Gaussian's."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale

    def forward(self, x_t, log_snr, labels):
        alpha, sigma = (s[:, None, None, None] for s in score_ebm.alpha_sigma(log_snr))
        noise = self.scale * (x_t - alpha * MEAN) / sigma
        return (noise - sigma * x_t) / alpha


def loss_of(model, x):
    generator = torch.Generator().manual_seed(0)
    return {k: float(v) for k, v in model.loss(x, torch.zeros(len(x), dtype=torch.long), generator).items()}


def test_the_loss_vanishes_for_the_right_energy_and_is_known_for_a_wrong_one():
    config = dataclasses.replace(CONFIG, log_snr_min=-4.0, log_snr_max=4.0)
    model = score_ebm.ScoreEBM(config)
    x = torch.full((64, 1, 8, 8), round((MEAN + 1) * 127.5), dtype=torch.uint8)
    model.net = PointMass()
    right = loss_of(model, x)
    assert right["loss"] == right["denoising"] < 2e-3  # 8 bits do not hold the mean exactly
    model.net = PointMass(1.1)  # E is 1.21 times as high, so sigma grad E is 1.21 times the noise
    generator = torch.Generator().manual_seed(0)
    log_snr = model.training_log_snr(64, generator)
    alpha, sigma = (s[:, None, None, None] for s in score_ebm.alpha_sigma(log_snr))
    error = 0.21 * torch.randn(x.shape, generator=generator) / alpha  # of v
    expected = float(((alpha + sigma) * error).square().mean())
    assert loss_of(model, x)["loss"] == pytest.approx(expected, rel=0.02)


def test_it_begins_as_its_teacher_and_learns_from_its_answers(model):
    torch.manual_seed(1)
    shared = {f.name for f in dataclasses.fields(CONFIG)} - {"dataset"}
    settings = {k: v for k, v in dataclasses.asdict(CONFIG).items() if k in shared}
    teacher = Diffusion(DiffusionConfig(**settings))
    for parameter in teacher.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    model.learn_from(teacher)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), teacher.parameters(), strict=True))
    assert not any("teacher" in name for name in model.state_dict())
    x = torch.randint(0, 256, (16, 1, 8, 8), dtype=torch.uint8)
    taught = loss_of(model, x)
    assert taught["loss"] < taught["denoising"]
    model.net, teacher.__dict__["_sampling_net"] = PointMass(), PointMass()
    assert loss_of(model, x)["loss"] == pytest.approx(0, abs=1e-3)
    del model.__dict__["teacher"]
    untaught = loss_of(model, x)
    assert untaught["loss"] == untaught["denoising"] > 0.1


# --- chains


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("further", [0, 2])
def test_chains_draw_from_a_gaussian(gaussian, noise, further):
    """Whatever share of the noise is fresh, and however many Langevin steps are added."""
    settings = {"num_samples": 60, "num_steps": 200, "label": 0, "noise": noise, "langevin": further}
    x = states(gaussian, **settings)[-1]
    assert x.mean() == pytest.approx(MEAN, abs=0.02)
    assert x.std() == pytest.approx(SPREAD, rel=0.06)


def test_a_langevin_step_leaves_its_distribution_alone():
    x = MEAN + SPREAD * normal(4000)
    for k in range(50):
        x = score_ebm.langevin(x, (x - MEAN) / SPREAD**2, 0.1 * SPREAD**2, normal(4000, seed=k + 1))
    assert float(x.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(x.var()) == pytest.approx(SPREAD**2 / (1 - 0.1 / 2), rel=0.06)  # of its own discrete time


def test_each_class_has_its_chain(gaussian):
    x = states(gaussian, num_samples=4, num_steps=30, label=EACH_CLASS)[-1].mean((1, 2, 3))
    assert x[1] < -0.2 and min(x[0], x[2], x[3]) > 0.2
    with pytest.raises(ValueError, match="label must lie"):
        states(gaussian, label=3)


def test_a_test_image_is_entered_with_noise(gaussian, monkeypatch):
    images = np.full((5, 8, 8, 1), 255, np.uint8)
    monkeypatch.setattr(chains.data, "load", lambda *_: (images, None))
    first = states(gaussian, num_samples=30, num_steps=4, start="data")[0]
    alpha_bar = 1 / (1 + math.exp(-score_ebm.DATA_AT))
    assert first.mean() == pytest.approx(math.sqrt(alpha_bar), abs=0.05)
    assert first.std() == pytest.approx(math.sqrt(1 - alpha_bar), rel=0.05)


def repaired(model, monkeypatch, **settings):
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    monkeypatch.setattr(repair.data, "load", lambda *_: (images, None))
    request = repair.repair_request(score_ebm.ScoreEBMRequest)(num_samples=20, index=1, **settings)
    frames = list(repair.repair(model, request))
    return images[1, ..., 0] / 127.5 - 1, request, frames


def test_a_completion_holds_what_is_known_at_the_noise_of_each_level(gaussian, monkeypatch):
    clean, request, frames = repaired(gaussian, monkeypatch, damage="lower", num_steps=30)
    x = np.stack([f.state["x"][:, 0] for f in frames])  # (steps + 1, B, H, W)
    assert np.allclose(x[-1, :, :4], clean[:4], atol=1e-6)
    assert np.array_equal(frames[-1].images[3, :4, :, 0], frames[-1].extras["original"][0, :4, :, 0])
    lost = x[-1, :, 4:]
    assert 0.6 * SPREAD < lost.std(0).mean() < 1.2 * SPREAD, "the chains differ where they may"
    assert lost.mean() == pytest.approx(MEAN, abs=0.05), "and none is told a class"
    grid = gaussian.levels(request)
    for i in (5, 15, 25):
        rest = x[i, :, :4] - grid.alpha[i] * clean[:4]
        assert rest.std() == pytest.approx(grid.sigma[i], rel=0.1)


def test_noise_over_everything_is_taken_for_a_level(gaussian, monkeypatch):
    for amount in (0.2, 0.6):
        clean, request, frames = repaired(gaussian, monkeypatch, damage="noise", amount=amount, num_steps=5)
        grid, first = gaussian.levels(request), frames[0].state["x"][:, 0]
        noise = first - grid.alpha[0] * clean
        assert abs(noise.mean()) < 0.05 and noise.std() == pytest.approx(grid.sigma[0], rel=0.05)
    for amount in (0.0, 1.0):  # nothing to do, and nothing left
        assert all(
            np.isfinite(f.state["x"]).all()
            for f in repaired(gaussian, monkeypatch, damage="noise", amount=amount)[2]
        )


def test_a_frame_tells_the_energy_of_its_picture(model):
    frames = list(model.sample(score_ebm.ScoreEBMRequest(num_samples=2, num_steps=6, label=0)))
    for frame in frames:
        shown = torch.from_numpy(frame.images.transpose(0, 3, 1, 2).copy())
        assert frame.extras["energy"] == pytest.approx([s.value for s in model.score(shown)], rel=0.02)
    assert frames[0].extras["energy"] != pytest.approx(frames[-1].extras["energy"], rel=0.05)


def test_passes_count_every_gradient(gaussian, monkeypatch):
    asked, scaled_gradient = [], gaussian.scaled_gradient

    def counted(x, log_snr, labels, guidance_scale=1.0):
        asked.append(1 if guidance_scale == 1 else 2)
        return scaled_gradient(x, log_snr, labels)

    monkeypatch.setattr(gaussian, "scaled_gradient", counted)
    for settings in ({}, {"guidance_scale": 2.0}, {"langevin": 2, "guidance_scale": 1.5}):
        asked.clear()
        request = score_ebm.ScoreEBMRequest(num_samples=2, num_steps=4, **settings)
        assert all(frame.passes == sum(asked) for frame in gaussian.sample(request))
