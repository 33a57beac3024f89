"""Diffusion: every sampler against its library and the exact flow of a Gaussian, the bound against a closed form."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from playground.contract import make_request
from playground.models import noise
from playground.models.blocks import attention, from_uint8, to_uint8
from playground.models.diffusion.bound import Ends, bound_nats, read_grey_levels
from playground.models.diffusion.ddpm import MODEL, RECIPES, DiffusionConfig, DiffusionRequest, Guidance
from playground.models.diffusion.samplers import SAMPLERS, Grid, SamplerState
from playground.models.diffusion.schedule import log_snr_of

MEAN, SPREAD = 0.3, 0.5  # of the Gaussian "pictures" whose denoiser is known exactly
DETERMINISTIC = [name for name in SAMPLERS if name != "ddpm"]
TINY = DiffusionConfig(image_size=8, width=8, num_heads=2, embedding=16, num_classes=3)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from a second thread, and lose much when the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def gaussian_denoiser(x: Tensor, log_snr: float) -> Tensor:
    """E[x_0 | x_t] for x_0 ~ N(MEAN, SPREAD^2)."""
    alpha_bar = 1 / (1 + math.exp(-log_snr))
    alpha, variance = math.sqrt(alpha_bar), alpha_bar * SPREAD**2 + 1 - alpha_bar
    return MEAN + (x - alpha * MEAN) * alpha * SPREAD**2 / variance


def gaussian_flow(x: Tensor, grid: Grid, i: int, j: int) -> Tensor:
    """Where the probability flow ODE carries ``x`` from level i to level j, exactly."""

    def spread(k: int) -> float:
        return math.sqrt(grid.alpha[k] ** 2 * SPREAD**2 + grid.sigma[k] ** 2)

    return grid.alpha[j] * MEAN + (x - grid.alpha[i] * MEAN) * spread(j) / spread(i)


def run(
    name: str, grid: Grid, x: Tensor, eta: float = 0.0, draw: Callable[[int], Tensor] | None = None
) -> list[Tensor]:
    def forbidden(step: int) -> Tensor:
        raise AssertionError("a deterministic sampler drew noise")

    return [
        m.x_t for m in SAMPLERS[name](gaussian_denoiser, grid, SamplerState(0, x), draw or forbidden, eta)
    ]


def tiny(config: DiffusionConfig = TINY) -> MODEL:
    """A small network with all its parameters random, the zero-initialised ones included."""
    torch.manual_seed(0)
    model = MODEL(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.normal_(model.net.embedding.label.weight, std=3.0)
    return model


# --- the samplers


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of diffusers itself
@pytest.mark.parametrize("name", [*SAMPLERS, "ddim with noise"])
@pytest.mark.parametrize("num_steps", [1, 2, 5, 20])
def test_samplers_are_those_of_diffusers(name: str, num_steps: int) -> None:
    scheduler, eta = diffusers_scheduler(name)
    scheduler.set_timesteps(num_steps)
    alpha_bar = [float(scheduler.alphas_cumprod[t]) for t in scheduler.timesteps] + [1.0]
    with np.errstate(divide="ignore"):
        log_snr = np.log(np.array(alpha_bar) / (1 - np.array(alpha_bar))).tolist() if num_steps else []
    grid = Grid(alpha_bar, [a**0.5 for a in alpha_bar], [(1 - a) ** 0.5 for a in alpha_bar], log_snr)
    x = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    uniforms, same_dice = torch.Generator().manual_seed(2), torch.Generator().manual_seed(2)

    expected = x
    for i, t in enumerate(scheduler.timesteps):
        epsilon = (expected - grid.alpha[i] * gaussian_denoiser(expected, log_snr[i])) / grid.sigma[i]
        extra = {"eta": eta} if "ddim" in name else {}
        extra |= {"generator": uniforms} if eta or name == "ddpm" else {}
        expected = scheduler.step(epsilon, t, expected, **extra).prev_sample

    def draw(step: int) -> Tensor:
        return torch.randn(x.shape, generator=same_dice, dtype=x.dtype)

    *_, found = run(name.split()[0], grid, x, eta, draw)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def diffusers_scheduler(name: str) -> tuple[object, float]:
    diffusers = pytest.importorskip("diffusers")
    t = np.arange(1, 1001) / 1002
    alpha_bar = np.cos(np.pi / 2 * t) ** 2
    betas = 1 - alpha_bar / np.concatenate([[1.0], alpha_bar[:-1]])
    common = {"trained_betas": betas.tolist(), "prediction_type": "epsilon"}
    steps = {"final_sigmas_type": "zero", "timestep_spacing": "linspace"}
    if name == "ddpm":
        return diffusers.DDPMScheduler(**common, clip_sample=False, variance_type="fixed_small"), 0.0
    if "ddim" in name:
        return diffusers.DDIMScheduler(**common, clip_sample=False), 0.6 if "noise" in name else 0.0
    if name == "dpm++2m":
        return diffusers.DPMSolverMultistepScheduler(**common, **steps, solver_order=2), 0.0
    return diffusers.UniPCMultistepScheduler(**common, **steps, solver_order=3), 0.0


@pytest.mark.parametrize(("name", "order"), [("ddim", 1), ("dpm++2m", 2), ("unipc", 3)])
def test_solvers_have_their_order_of_convergence(name: str, order: int) -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(9, 1, 1, 1)
    errors = []
    for num_steps in (16, 64):
        grid, inside = Grid.make(num_steps, -10.0), num_steps * 3 // 4
        error = run(name, grid, x)[inside - 1] - gaussian_flow(x, grid, 0, inside)
        errors.append(float(error.abs().max()))
    assert order - 0.15 < math.log(errors[0] / errors[1], 4) < order + 0.6


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_end_in_the_data_distribution(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 1, 1, 1, generator=generator)
    *_, x_0 = run(name, Grid.make(100, -10.0), x, 0.0, lambda step: torch.randn(x.shape, generator=generator))
    assert float(x_0.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(x_0.std()) == pytest.approx(SPREAD, rel=0.03)


def test_ddim_with_eta_one_is_ddpm() -> None:
    grid, x = Grid.make(10, -10.0), torch.randn(5, 1, 2, 2, dtype=torch.float64)
    draws = torch.randn(10, *x.shape, dtype=torch.float64)
    a = run("ddpm", grid, x, 0.0, lambda step: draws[step])
    b = run("ddim", grid, x, 1.0, lambda step: draws[step])
    torch.testing.assert_close(torch.stack(a), torch.stack(b))


def test_grid_goes_from_noise_to_picture() -> None:
    grid = Grid.make(10, -10.0)
    assert grid.log_snr[0] == pytest.approx(-10)
    assert (grid.t[-1], grid.alpha[-1], grid.sigma[-1], grid.log_snr[-1]) == (0, 1, 0, math.inf)
    for alpha, sigma, log_snr in zip(grid.alpha[:-1], grid.sigma, grid.log_snr, strict=False):
        assert alpha**2 + sigma**2 == pytest.approx(1)
        assert 2 * math.log(alpha / sigma) == pytest.approx(log_snr)


# --- the model's stream


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_resume_repeats_the_run_to_the_bit_and_names_no_device(sampler: str) -> None:
    model = tiny()
    request = DiffusionRequest(sampler=sampler, num_steps=5, num_samples=3, eta=0.5, guidance_scale=2.0)
    with torch.device("meta"):  # a tensor made without a device would land there
        frames = list(model.sample(request))
        assert [f.step for f in frames] == list(range(6))
        for k in range(5):
            again = list(model.sample(request, resume=frames[k].state))
            assert len(again) == 5 - k
            for old, new in zip(frames[k + 1 :], again, strict=True):
                assert (old.step, old.total, old.passes) == (new.step, new.total, new.passes)
                assert np.array_equal(old.images, new.images)
                assert np.array_equal(old.state["x_t"], new.state["x_t"])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sample_does_not_depend_on_its_batch(sampler: str) -> None:
    model = tiny()
    request = DiffusionRequest(sampler=sampler, num_steps=6, num_samples=7, eta=1.0)
    alone = dataclasses.replace(request, num_samples=1, first_index=4)
    for together, single in zip(model.sample(request), model.sample(alone), strict=True):
        for a, b in (
            (together.images, single.images),
            (together.extras["x_0_pred"], single.extras["x_0_pred"]),
        ):
            assert np.abs(a[4:5].astype(int) - b).max() <= 1


def test_frames_say_where_they_are() -> None:
    request = DiffusionRequest(num_steps=4, num_samples=2, seed=3, guidance_scale=1.0)
    frames = list(tiny().sample(request))
    x_T = noise.normal(3, range(2), "x_T", (1, 8, 8))
    assert np.array_equal(frames[0].images, to_uint8(torch.from_numpy(x_T)))
    assert np.array_equal(frames[0].state["x_t"], x_T)
    assert [f.passes for f in frames] == [0, 1, 2, 3, 4]
    assert frames[0].images.shape == (2, 8, 8, 1) and frames[0].images.dtype == np.uint8
    assert np.array_equal(frames[-1].images, frames[-1].extras["x_0_pred"])
    assert frames[-1].extras["alpha_bar"] == 1 and frames[-1].extras["t"] == frames[-1].extras["sigma"] == 0
    assert all(np.isfinite(f.extras["log_snr"]) for f in frames)
    assert sorted(f.extras["t"] for f in frames) == [f.extras["t"] for f in frames][::-1]


def test_states_branch_and_refuse_what_they_do_not_fit() -> None:
    model, request = tiny(), DiffusionRequest(num_steps=6, num_samples=2)
    frames = list(model.sample(request))
    for sampler in SAMPLERS:  # another sampler takes over in the middle
        other = dataclasses.replace(request, sampler=sampler)
        *_, last = model.sample(other, resume=frames[3].state)
        assert last.step == 6
    with pytest.raises(ValueError, match="2 samples in 6 steps"):
        next(model.sample(dataclasses.replace(request, num_steps=7), resume=frames[3].state))
    with pytest.raises(ValueError, match="label must lie between -1 and 2"):
        next(model.sample(dataclasses.replace(request, label=3)))


def test_an_edited_state_is_taken_as_it_is() -> None:
    model, request = tiny(), DiffusionRequest(num_steps=6, num_samples=2, guidance_scale=1.0)
    state = [f.state for f in model.sample(request)][4]
    edited = {k: v for k, v in state.items() if k in ("step", "total", "x_t")} | {"x_t": -state["x_t"]}
    frame = next(model.sample(request, resume=edited))
    labels = torch.tensor([0, 1])
    with torch.no_grad():
        expected = model.denoiser(labels)(torch.from_numpy(-state["x_t"]), Grid.make(6, -10.0).log_snr[4])
    assert np.array_equal(frame.extras["x_0_pred"], to_uint8(expected))


def test_gradients_stay_on_between_frames() -> None:
    frames = tiny().sample(DiffusionRequest(num_steps=2, num_samples=1))
    next(frames)
    assert torch.is_grad_enabled()
    frames.close()


def test_guidance_pushes_away_from_no_class() -> None:
    model, x = tiny(), torch.randn(2, 1, 8, 8)
    labels, none = torch.tensor([0, 2]), torch.tensor([3, 3])
    with torch.no_grad():
        with_class, without = model.denoiser(labels)(x, 0.5), model.denoiser(none)(x, 0.5)
        guided = model.denoiser(labels, 3.0)(x, 0.5)
    assert (with_class - without).abs().max() > 1e-3
    torch.testing.assert_close(guided, without + 3 * (with_class - without), rtol=1e-4, atol=1e-4)
    request = DiffusionRequest(num_steps=3, num_samples=1, guidance_scale=3.0)
    assert [f.passes for f in model.sample(request)] == [0, 2, 4, 6]


def test_guidance_pushes_only_within_its_limits() -> None:
    model, x, labels = tiny(), torch.randn(2, 1, 8, 8), torch.tensor([0, 2])
    limited = model.denoiser(labels, Guidance(3.0, 0.4, 0.6))
    with torch.no_grad():
        for t, scale in ((0.3, 1.0), (0.41, 3.0), (0.59, 3.0), (0.7, 1.0)):
            log_snr = float(log_snr_of(np.array(t)))
            assert torch.equal(limited(x, log_snr), model.denoiser(labels, scale)(x, log_snr)), t


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_passes_are_those_that_were_made(sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = tiny(), []  # how many copies of the picture went through the network, pass by pass
    forward = model.net.forward
    monkeypatch.setattr(model.net, "forward", lambda x, *told: asked.append(len(x) // 2) or forward(x, *told))
    request = DiffusionRequest(
        sampler=sampler,
        num_steps=7,
        num_samples=2,
        guidance_scale=3.0,
        guidance_t_min=0.2,
        guidance_t_max=0.8,
    )
    passes = [(frame.passes, sum(asked)) for frame in model.sample(request)]
    assert all(said == made for said, made in passes), passes
    assert passes[-1][0] == 7 + 4  # t runs 0.996, 0.853, 0.711, ... 0.142: four levels lie between


# --- the loss


class Recorder(MODEL):
    """Answers with a fixed velocity and remembers what it was asked."""

    def forward(self, x_t: Tensor, log_snr: Tensor, labels: Tensor) -> Tensor:
        self.asked = x_t, log_snr, labels
        return 0.1 * x_t


def test_loss_is_that_of_flow_matching() -> None:
    model, generator = Recorder(TINY), torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (64, 1, 8, 8), generator=generator, dtype=torch.uint8)
    loss = model.loss(x, torch.zeros(64, dtype=torch.int64), generator)["loss"]
    x_t, log_snr, _ = model.asked
    alpha, sigma = (s.sqrt()[:, None, None, None] for s in (log_snr.sigmoid(), (-log_snr).sigmoid()))
    x_0 = from_uint8(x)
    epsilon = (x_t - alpha * x_0) / sigma
    time = sigma / (alpha + sigma)  # x = (1 - time) x_0 + time epsilon, up to a scale
    x_0_pred = alpha * x_t - sigma * 0.1 * x_t
    velocity_pred = (x_t / (alpha + sigma) - x_0_pred) / time
    expected = (velocity_pred - (epsilon - x_0)).square()
    trusted = (log_snr.abs() < 6)[:, None, None, None]  # float32 cancels at the ends
    assert float((expected * trusted).mean()) == pytest.approx(float(loss), rel=0.12)
    assert float((expected * trusted).mean()) < float(loss)
    again = model.loss(x, torch.zeros(64, dtype=torch.int64), torch.Generator().manual_seed(5))["loss"]
    assert float(again) == float(
        model.loss(x, torch.zeros(64, dtype=torch.int64), torch.Generator().manual_seed(5))["loss"]
    )


def test_training_visits_all_noise_levels_and_sometimes_no_class() -> None:
    model = Recorder(TINY)
    x, labels = torch.zeros(4000, 1, 8, 8, dtype=torch.uint8), torch.ones(4000, dtype=torch.int64)
    model.loss(x, labels, torch.Generator().manual_seed(0))
    _, log_snr, labels = model.asked
    assert float(log_snr.min()) == pytest.approx(-10, abs=0.1) and float(log_snr.max()) == pytest.approx(
        10, abs=0.1
    )
    assert float(log_snr.median()) == pytest.approx(0, abs=0.05)
    inside = float((log_snr.abs() < 2).float().mean())
    assert inside == pytest.approx(0.9 * 0.6827 + 0.1 * 0.2, abs=0.01)
    assert float((labels == 3).float().mean()) == pytest.approx(0.1, abs=0.02)
    assert set(labels.tolist()) == {1, 3}


def test_a_tiny_model_learns_two_classes() -> None:
    """Black and white squares: after a few steps each class is drawn in its own colour."""
    torch.manual_seed(0)
    model, generator = MODEL(TINY), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    for _ in range(50):
        labels = torch.randint(0, 2, (32,), generator=generator)
        x = (labels * 255).to(torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8).contiguous()
        loss = model.loss(x, labels, generator)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    *_, black = model.eval().sample(DiffusionRequest(label=0, num_samples=8, guidance_scale=1.0))
    *_, white = model.sample(DiffusionRequest(label=1, num_samples=8, guidance_scale=1.0))
    assert white.images.mean() - black.images.mean() > 100  # 255 when all is learned, 0 without the labels


# --- the bound


def gaussian_v(mean: float, spread: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The best velocity for pictures of independent N(mean, spread^2) pixels."""

    def predict(x_t: Tensor, log_snr: Tensor) -> Tensor:
        log_snr = log_snr[:, None, None, None]
        alpha_bar, noise_bar = log_snr.sigmoid(), (-log_snr).sigmoid()
        alpha, sigma = alpha_bar.sqrt(), noise_bar.sqrt()
        gain = alpha * spread**2 / (alpha_bar * spread**2 + noise_bar)
        return (alpha * x_t - mean - (x_t - alpha * mean) * gain) / sigma

    return predict


@pytest.mark.parametrize(("low", "black_share"), [(-10.0, 1 / 256), (-10.0, 0.5), (0.0, 0.5)])
def test_bound_meets_the_exact_likelihood_of_a_gaussian(low: float, black_share: float) -> None:
    mean, spread, generator = 0.1, 0.15, torch.Generator().manual_seed(0)
    x_0 = mean + spread * torch.randn(12, 1, 28, 28, generator=generator)
    x = ((x_0 + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    normal = torch.distributions.Normal(torch.tensor(mean).double(), torch.tensor(spread).double())
    levels = from_uint8(torch.arange(256)).double()
    p = normal.cdf(levels + 1 / 255) - normal.cdf(levels - 1 / 255)  # of each grey level, exactly
    exact = float(-p.log2()[x.long()].mean())

    def bound(predict: Callable[[Tensor, Tensor], Tensor]) -> float:
        u = (torch.arange(128) + torch.rand(12, 1, generator=generator)) / 128
        epsilon = torch.randn(12, 129, 1, 28, 28, generator=generator)
        ends = Ends(low, 8.0)

        def read_out(z: Tensor) -> Tensor:
            return read_grey_levels(x, z, ends.noise_to_signal, black_share)

        nats = bound_nats(predict, from_uint8(x), ends, u, epsilon, read_out)
        return float(nats.mean()) / (28 * 28 * math.log(2))

    alpha_bar = 1 / (
        1 + math.exp(-low)
    )  # what remains of the pictures in the first latent, its prior does not know
    variance = alpha_bar * spread**2 + 1 - alpha_bar
    unknown = 0.5 * (variance - 1 - math.log(variance) + alpha_bar * mean**2) / math.log(2)
    found = bound(gaussian_v(mean, spread))
    assert found == pytest.approx(exact + unknown, abs=0.05)  # an upper bound, and nearly tight
    assert bound(gaussian_v(mean + 0.1, spread)) > found + 0.1  # a worse predictor: a worse bound
    assert bound(gaussian_v(mean, 2 * spread)) > found + 0.05


def test_scores_repeat_and_state_their_error() -> None:
    model = tiny()
    x = torch.randint(0, 256, (10, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with torch.device("meta"):
        scores = model.score(x, seed=1)
        labelled = model.score(x, seed=1, labels=torch.zeros(10, dtype=torch.int64, device="cpu"))
    assert scores == model.score(x, seed=1)
    assert len(scores) == 10 and {(s.kind, s.unit) for s in scores} == {("bound", "bits/dim")}
    others = model.score(x, seed=2)
    for a, b, c in zip(scores, others, labelled, strict=True):
        assert 0 < a.standard_error < 0.2 * a.value
        assert 0 < abs(a.value - b.value) < 6 * (a.standard_error + b.standard_error)
        assert a.value != c.value


# --- the checkpoint and the shared layers


def test_detail_blocks_begin_as_nothing_and_then_count() -> None:
    plain, grown = MODEL(TINY), MODEL(dataclasses.replace(TINY, num_detail_blocks=2))
    torch.nn.init.normal_(plain.net.head.weight)
    missing, unexpected = grown.load_state_dict(plain.state_dict(), strict=False)
    assert missing and all(".detail." in name for name in missing) and not unexpected
    x_t, log_snr, labels = torch.randn(2, 1, 8, 8), torch.zeros(2), torch.tensor([0, 3])
    with torch.no_grad():
        before = plain(x_t, log_snr, labels)
        assert before.abs().max() > 0 and torch.equal(grown(x_t, log_snr, labels), before)
        for block in grown.net.detail:
            torch.nn.init.normal_(block.conv2.weight)
        assert not torch.allclose(grown(x_t, log_snr, labels), before)


def test_recipe_fits_its_budget() -> None:
    (recipe,) = RECIPES
    model = MODEL(recipe.config)
    assert sum(p.numel() for p in model.state_dict().values()) * 2 <= 8 * 2**20
    assert make_request(MODEL.Request, recipe.snapshot).sampler in SAMPLERS
    assert not dict(model.named_buffers())
    with torch.no_grad():  # zero-initialised: the untrained network predicts nothing
        assert (
            float(
                model(torch.randn(1, 1, 28, 28), torch.zeros(1), torch.zeros(1, dtype=torch.int64))
                .abs()
                .max()
            )
            == 0
        )


def test_pictures_survive_the_conversion() -> None:
    x = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert float(from_uint8(x).min()) == -1 and float(from_uint8(x).max()) == 1
    assert np.array_equal(to_uint8(from_uint8(x))[0, :, :, 0], x[0, 0].numpy())
    assert to_uint8(torch.tensor([-7.0, 7.0]).reshape(1, 1, 1, 2)).ravel().tolist() == [0, 255]


def test_attention_is_that_of_torch() -> None:
    q, k, v = torch.randn(3, 2, 4, 9, 5)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(attention(q, k, v), expected)
