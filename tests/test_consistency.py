"""The consistency model: its jumps against the identity, its teacher and a flow that is known in closed form."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from playground import checkpoints, data, models
from playground.models.diffusion import consistency
from playground.models.diffusion.consistency import Consistency, ConsistencyConfig, ConsistencyRequest
from playground.models.diffusion.ddpm import Diffusion, DiffusionConfig
from playground.models.diffusion.samplers import Grid, SamplerState, ddim
from playground.training import loop

SHAPE = {"image_size": 8, "width": 32, "embedding": 32}


def jumpy():
    torch.manual_seed(0)
    model = Consistency(ConsistencyConfig(**SHAPE)).requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return jumpy()


@pytest.fixture(scope="module")
def teacher():
    torch.manual_seed(1)
    model = Diffusion(DiffusionConfig(**SHAPE)).requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def test_a_jump_of_no_length_is_the_identity(model):
    x, labels = torch.randn(2, 1, 8, 8), torch.tensor([1, 2])
    for t in (0.0, 0.3, 0.99):
        assert torch.equal(model.jump(x, t, t, labels)[0], x)
    near, _ = model.jump(x, 1e-4, 0.0, labels)  # and it is reached without a leap
    assert (near - x).abs().max() < 1e-2
    far, end = model.jump(x, 0.9, 0.0, labels)
    assert (far - x).abs().max() > 0.1 and torch.allclose(far, end, atol=1e-6)


def test_it_begins_as_the_ddim_step_of_its_teacher(teacher):
    fresh = Consistency(ConsistencyConfig(**SHAPE)).eval().requires_grad_(False)
    fresh.learn_from(teacher)
    teacher.set_precision("fp32")
    x, labels, grid = torch.randn(2, 1, 8, 8), torch.tensor([1, 2]), Grid.make(3, -10.0)
    step = next(ddim(teacher.denoiser(labels), grid, SamplerState(1, x), lambda step: x))
    jumped, x_0_pred = fresh.jump(x, grid.t[1], grid.t[2], labels)
    assert torch.allclose(jumped, step.x_t, atol=1e-5)
    assert torch.allclose(x_0_pred, step.history[0], atol=1e-5)
    assert set(fresh.state_dict()) == set(Consistency(fresh.config).state_dict()), "the teacher is not saved"


class Perfect(Consistency):
    """Data of one picture everywhere: the path from any x_t is known, and so is the turn that jumps along it."""

    def forward(self, x_t, log_snr, angle, labels):
        alpha, sigma = log_snr.sigmoid().sqrt(), (-log_snr).sigmoid().sqrt()
        alpha, sigma, angle = (v[:, None, None, None] for v in (alpha, sigma, angle))
        epsilon = (x_t - alpha * PICTURE) / sigma
        x_s = (alpha * angle.cos() + sigma * angle.sin()) * PICTURE + (
            sigma * angle.cos() - alpha * angle.sin()
        ) * epsilon
        return (angle.cos() * x_t - x_s) / angle.sin()


PICTURE = torch.linspace(-1, 1, 64).reshape(1, 8, 8)


def test_the_loss_of_perfect_jumps_is_zero(teacher, monkeypatch):
    """With a teacher that knows the picture, its path is a circle, and the true flow map makes no error on any jump."""
    perfect = Perfect(ConsistencyConfig(**SHAPE))
    perfect.learn_from(teacher)

    def denoiser(labels, guidance_scale):
        return lambda x_t, log_snr: PICTURE.expand(len(labels), 1, 8, 8)

    monkeypatch.setattr(teacher, "denoiser", denoiser)
    x, labels = torch.zeros(16, 1, 8, 8, dtype=torch.uint8), torch.arange(16) % 10
    figures = perfect.loss(x, labels, torch.Generator().manual_seed(0))
    assert figures["error"] < 1e-4 and figures["loss"] < 1e-3 and figures["one_jump"] < 1e-4
    monkeypatch.setattr(Perfect, "forward", lambda self, x_t, *_: torch.zeros_like(x_t))
    assert perfect.loss(x, labels, torch.Generator().manual_seed(0))["error"] > 0.1


def test_jumps_are_the_ones_that_sampling_makes_and_others():
    begin, end = consistency._jumps(64, 8, torch.Generator().manual_seed(0))
    assert begin.shape == end.shape == (64, 8) and (begin < end).all() and end.max() == 8
    assert {(int(b), int(e)) for b, e in zip(begin[0, :3], end[0, :3], strict=True)} == {
        (0, 8),
        (0, 4),
        (4, 8),
    }
    quarters = {(int(b), int(e)) for b, e in zip(begin[:, 3], end[:, 3], strict=True)}
    assert quarters == {(0, 2), (2, 4), (4, 6), (6, 8)}
    assert (
        len({(int(b), int(e)) for b, e in zip(begin[:, 4:].flatten(), end[:, 4:].flatten(), strict=True)})
        > 30
    )


def test_new_noise_brings_back_as_much_as_was_jumped_over():
    x = torch.full((1, 1, 200, 200), math.cos(math.pi / 2 * 0.2))  # x_0 = 1 at t = 0.2, without its noise
    epsilon = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    noised = consistency._renoised(x, 0.2, 0.6, epsilon)
    sigma_t, alpha_t = math.sin(math.pi / 2 * 0.2), math.cos(math.pi / 2 * 0.2)
    alpha_s, sigma_s = math.cos(math.pi / 2 * 0.6), math.sin(math.pi / 2 * 0.6)
    assert noised.mean() == pytest.approx(alpha_s, abs=0.02)
    carried = sigma_t * alpha_s / alpha_t  # of the noise that was there
    assert noised.var() + carried**2 == pytest.approx(sigma_s**2, rel=0.02)


@pytest.mark.parametrize("gamma", [0.0, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("s", [0.0, 0.1, 0.5, 0.95])
def test_a_jump_ends_where_the_variance_exploding_form_says(s, gamma):
    """Kim et al. 2024, algorithm 3, in their x = x_0 + sigma epsilon: to sqrt(1 - gamma^2) sigma, then gamma sigma anew."""
    target = consistency.gamma_target(s, gamma)
    sigma, reached = math.tan(math.pi / 2 * s), math.tan(math.pi / 2 * target)
    assert reached**2 == pytest.approx((1 - gamma**2) * sigma**2, abs=1e-12)
    assert sigma**2 - reached**2 == pytest.approx((gamma * sigma) ** 2, abs=1e-12)
    assert target == pytest.approx(s) or gamma


class PerfectJumps(Consistency):
    """Data of one picture again: epsilon stays what it was along the whole path."""

    def jump(self, x_t, t, s, labels):
        theta_t, theta_s = math.pi / 2 * t, math.pi / 2 * s
        epsilon = (x_t - math.cos(theta_t) * PICTURE) / math.sin(theta_t)
        return math.cos(theta_s) * PICTURE + math.sin(theta_s) * epsilon, PICTURE.expand_as(x_t)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_the_share_of_fresh_noise_is_gamma_squared(gamma):
    """Where the way back is perfect, the noise after the first jump is the old and the new one: at gamma = 0.5 a quarter is new."""
    perfect = PerfectJumps(ConsistencyConfig(**SHAPE)).eval()
    request = ConsistencyRequest(num_steps=2, fresh_noise=gamma, num_samples=3, seed=5)
    _, middle, _ = perfect.sample(request)
    draw, grid = perfect.uniforms(request), Grid.make(2, -10.0)
    assert grid.t[1] == pytest.approx(0.5, abs=0.01)
    x_s = torch.from_numpy(middle.state["x_t"])
    epsilon = (x_s - grid.alpha[1] * PICTURE) / grid.sigma[1]
    expected = math.sqrt(1 - gamma**2) * draw("x_T") + gamma * draw("noise", 0)
    assert torch.allclose(epsilon, expected, atol=0.02)


@pytest.mark.parametrize("fresh_noise", [0.0, 0.5, 1.0])
def test_a_resumed_run_is_the_same_run(model, fresh_noise):
    request = ConsistencyRequest(num_steps=4, fresh_noise=fresh_noise, num_samples=2, seed=3)
    frames = list(model.sample(request))
    assert [f.passes for f in frames] == [0, 1, 2, 3, 4]
    for frame in frames[:-1]:
        assert np.array_equal(list(model.sample(request, frame.state))[-1].images, frames[-1].images)
    other = list(model.sample(dataclasses.replace(request, fresh_noise=1 - fresh_noise)))[-1].images
    assert np.array_equal(other, frames[-1].images) == (fresh_noise == 0.5)
    with pytest.raises(ValueError, match="belongs to 2 samples in 4 steps"):
        next(model.sample(dataclasses.replace(request, num_steps=2), frames[1].state))


def test_in_one_step_the_sampler_is_one_jump(model):
    (first, last) = model.sample(ConsistencyRequest(num_steps=1, num_samples=2, label=4))
    x_T = torch.from_numpy(first.state["x_T"] if "x_T" in first.state else first.state["x_t"])
    jumped, _ = model.jump(x_T, Grid.make(1, -10.0).t[0], 0.0, torch.tensor([4, 4]))
    assert np.abs(last.state["x_t"] - jumped.numpy()).max() == 0


def test_its_recipe_begins_by_itself_from_what_it_names(tmp_path, teacher, monkeypatch):
    """A clean run finds its teacher, says so on the card, begins a film of its own and goes on after a stop."""
    monkeypatch.setattr(loop, "_SAVE_EVERY", 0.0)
    config = DiffusionConfig(width=32, embedding=32)
    recipe = next(r for r in models.recipes().values() if r[1].id == "consistency-fashion")[1]
    assert recipe.start_from == "ddpm-fashion"
    torch.manual_seed(2)
    begun = Diffusion(config)
    card = dataclasses.replace(
        checkpoints.read_card(checkpoints.resolve("ddpm-fashion")), config=dataclasses.asdict(config)
    )
    path = tmp_path / "ddpm-fashion.safetensors"
    checkpoints.save(path, begun, card, "float32")
    small = dataclasses.replace(
        recipe,
        config=ConsistencyConfig(width=32, embedding=32, teacher_steps=4),
        start_from=str(path),
        batch_size=4,
        steps=3,
        bfloat16=False,
        compile=False,
        snapshot={"num_steps": 1, "num_samples": 1},
    )
    monkeypatch.setattr(models, "recipes", lambda: {"x": ("diffusion/consistency", small)})
    monkeypatch.setattr(loop, "NUM_VALIDATION_IMAGES", 8)
    shipped = tuple(a[:64] for a in data.load("fashion", "test"))
    monkeypatch.setattr(data, "load", lambda dataset, split: shipped)
    list(loop.train("x", tmp_path / "run", every=1))
    made = checkpoints.load(tmp_path / "run" / "consistency-fashion.safetensors")
    assert made.card.recipe["continued_from"] == f"ddpm-fashion@{checkpoints.weights_hash(path)}"
    assert made.card.images_seen == 3 * 4
    film = json.loads((tmp_path / "run" / "consistency-fashion.film.json").read_text())
    assert film["curves"][-1]["step"] == 3 and film["snapshot_steps"][0] == 0
    stopped = iter(loop.train("x", tmp_path / "again", every=1))
    next(stopped)
    stopped.close()
    list(loop.train("x", tmp_path / "again", every=1, resume=True))
    again = checkpoints.load(tmp_path / "again" / "consistency-fashion.safetensors")
    assert again.weights_hash == made.weights_hash
