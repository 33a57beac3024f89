"""The models that learn a density in the plane: their mathematics against oracles, and that each of them learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from playground import checkpoints, models
from playground.data import plane
from playground.evaluation.plane import energy_distance, modes_found
from playground.experiments.plane import overlays
from playground.experiments.plane.axes import Axes
from playground.models.autoregressive.plane.made import MADEPlane
from playground.models.flow.plane import residual, spline
from playground.models.flow.plane.ffjord import FFJORDPlane
from playground.models.plane import last_points, standard_normal_log_prob
from playground.models.plane_catalogue import plane_models
from playground.training.plane import Training

MODELS = plane_models()
FLOWS = [key for key, model in MODELS.items() if model.family == "flow"]
ENERGIES = [key for key, model in MODELS.items() if hasattr(model, "energy") and hasattr(model, "score")]
# one that can be summed over the plane at once; flow contrastive estimation has its constant right in the end only
DENSITIES = [
    key
    for key, model in MODELS.items()
    if model.has_density
    and not model.bound
    and model.family != "diffusion"
    and key not in ("flow-contrastive-plane", "denoising-ebm-plane")
]
# games and chains: their loss is a difference that need not fall
SAMPLES_TELL = {key for key, model in MODELS.items() if model.family == "gan"} | {
    "contrastive-divergence-plane",
    "flow-contrastive-plane",
    "rbm-plane",
    "vaebm-plane",
}


pytestmark = pytest.mark.usefixtures("one_thread")


def spoiled(key: str) -> torch.nn.Module:
    """An untrained model whose weights are shaken, so that nothing in it is the identity any more."""
    torch.manual_seed(3)
    model = MODELS[key]()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn(p.shape, generator=generator)
    return model.eval()


def some_points(count: int = 64) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(5))


# --- flows


@pytest.mark.parametrize("key", FLOWS)
def test_log_determinants_are_those_of_autograd(key):
    """log p(x) - log N(z) against the determinant of the whole map's Jacobian, row by row."""
    model, x = spoiled(key).double(), some_points(8).double()

    def encode(x):
        if isinstance(model, FFJORDPlane):
            *_, (z, log_det) = model.solve(x, 0.0, 1.0)
            return z, log_det
        return model.encode(x)

    _, log_det = encode(x)
    jacobian = torch.autograd.functional.jacobian(lambda x: encode(x)[0].sum(0), x)  # (2, N, 2)
    expected = torch.linalg.slogdet(jacobian.permute(1, 0, 2))[1]
    tolerance = 5e-4 if isinstance(model, FFJORDPlane) else 1e-7  # the solver's own error
    assert torch.allclose(log_det, expected, atol=tolerance)


@pytest.mark.parametrize("key", FLOWS)
def test_the_way_back_undoes_the_way_there(key):
    model, x = spoiled(key).double(), some_points().double()
    with torch.no_grad():
        if isinstance(model, FFJORDPlane):
            *_, (z, _) = model.solve(x, 0.0, 1.0)
            *_, (back, _) = model.solve(z, 1.0, 0.0)
        else:
            back = model.warp(model.encode(x)[0])[-1]
    assert not torch.allclose(model.log_prob(x), model.log_prob(torch.zeros_like(x)))
    assert (back - x).abs().max() < (1e-3 if isinstance(model, FFJORDPlane) else 1e-6)


def test_the_spline_is_that_of_zuko():
    transforms = pytest.importorskip("zuko.transforms")
    bins, bound = 8, 3.0
    raw = torch.randn(200, 3 * bins - 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.linspace(-3.5, 3.5, 200, dtype=torch.float64)
    y, log_slope = spline.spline(x, raw, bins, bound)
    # zuko's knots are softmaxes of numbers that it bends first; ours leave each bin a thousandth: the same knots, handed over
    widths, heights, slopes = raw.split([bins, bins, bins - 1], 1)
    shares = [(0.001 + (1 - 0.001 * bins) * part.softmax(1)).log() for part in (widths, heights)]
    slopes = (0.001 + torch.nn.functional.softplus(slopes + math.log(math.expm1(0.999)))).log()
    least = 1e-300
    bent = [
        a / (1 - (factor * a / math.log(least)).abs())
        for a, factor in [(shares[0], 2), (shares[1], 2), (slopes, 1)]
    ]
    theirs = transforms.MonotonicRQSTransform(*bent, bound=bound, slope=least)
    expected, expected_slope = theirs.call_and_ladj(x)
    assert torch.allclose(y, expected, atol=1e-6)
    assert torch.allclose(log_slope, expected_slope, atol=1e-6)
    back, log_slope_back = spline.spline(y, raw, bins, bound, inverse=True)
    assert torch.allclose(back, x, atol=1e-6) and torch.allclose(log_slope_back, -log_slope, atol=1e-5)


def test_ffjords_divergence_is_the_trace_of_its_jacobian():
    velocity, x = spoiled("ffjord-plane").velocity.double(), some_points(10).double()
    _, divergence = velocity(x, 0.3)
    jacobian = torch.autograd.functional.jacobian(lambda x: velocity(x, 0.3)[0].sum(0), x)
    assert torch.allclose(divergence, jacobian[0, :, 0] + jacobian[1, :, 1])


def test_residual_blocks_contract_and_their_norms_are_exact():
    weight = torch.randn(20, 2, generator=torch.Generator().manual_seed(2))
    assert residual.spectral_norm(weight) == pytest.approx(
        torch.linalg.matrix_norm(weight, 2).item(), rel=1e-5
    )
    torch.manual_seed(0)
    block = residual.ContractiveBlock(residual.ResidualConfig())
    with torch.no_grad():
        block.last.weight *= 100  # far too steep, were it not for the bound
        x = 3 * some_points(200)
        moved = block(x)[0] - x
        ratio = torch.cdist(moved, moved) / torch.cdist(x, x).clamp_min(1e-3)
        assert ratio.max() < 1 and torch.isfinite(block(x)[1]).all()


# --- densities and energies


@pytest.mark.parametrize("key", DENSITIES)
def test_a_density_integrates_to_one(key, monkeypatch):
    """After a few steps, over a square with all but the last of its tails; its cells are those of the RBM."""
    monkeypatch.setattr(MODELS[key], "batch_size", 64)
    training = Training(MODELS[key], plane.make("moons"), steps=5)
    list(training.run())
    half, cells = 9.6, 96
    ticks = half * (2 * (np.arange(cells) + 0.5) / cells - 1)
    grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    reach = 3.2 if key == "rbm-plane" else 4.0 if MODELS[key].family == "energy" else half  # what they count
    inside = (np.abs(grid) < reach).all(1)
    p = np.exp(training.log_prob(grid[inside] * training.scale + training.mean))
    assert p.sum() * (2 * half / cells * training.scale) ** 2 == pytest.approx(1, abs=0.03)


class StraightVelocity(torch.nn.Module):
    """The velocity of flow matching when the data are a standard Gaussian."""

    def forward(self, x, t):
        t = t[:, None]
        return (2 * t - 1) / ((1 - t) ** 2 + t**2) * x


def test_ode_likelihoods_of_gaussian_data_are_the_closed_form(monkeypatch):
    x = some_points(16)
    expected = standard_normal_log_prob(x)
    matching = MODELS["flow-matching-plane"]()
    matching.net = StraightVelocity()
    assert torch.allclose(matching.log_prob(x), expected, atol=0.01)
    for key in ("score-sde-vp-plane", "score-sde-ve-plane"):
        model = MODELS[key]()

        def epsilon(x, t, model=model):  # -sigma times the score of N(0, alpha^2 + sigma^2)
            return (model.sigma(t) / (model.alpha(t) ** 2 + model.sigma(t) ** 2))[:, None] * x

        monkeypatch.setattr(model, "epsilon_pred", epsilon)
        assert torch.allclose(model.log_prob(x), expected, atol=0.02), key


def test_guidance_goes_from_the_whole_density_through_the_class_and_beyond(monkeypatch):
    """Two Gaussian classes at (-1, 0) and (1, 0) of spread 1/2: every score is known at every level."""
    model = MODELS["classifier-free-plane"]()
    centres = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])

    def log_p(x, t, k):
        spread = (model.alpha(t) * 0.5) ** 2 + model.sigma(t) ** 2
        return -0.5 * (x - model.alpha(t) * centres[k]).square().sum(1) / spread

    def epsilon(x, t, classes):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            parts = torch.stack([log_p(x, t, k) for k in (0, 1)], 1)
            both = parts.logsumexp(1)
            told = parts.gather(1, classes.expand(len(x))[:, None].clamp(max=1))[:, 0]
            (slope,) = torch.autograd.grad(torch.where(classes == 2, both, told).sum(), x)
        return -model.sigma(t)[:, None] * slope

    monkeypatch.setattr(model, "epsilon_of", epsilon)
    x, t = some_points(40), torch.tensor([0.3])
    asked = {s: model.Request(label="second", guidance_scale=s) for s in (1.0, 3.0)}
    score = {s: model.score_for(request, x, 0.3) for s, request in asked.items()}
    whole = model.score_for(model.Request(label="both", guidance_scale=3.0), x, 0.3)
    assert torch.allclose(whole, model.score(x, 0.3))
    spread = (model.alpha(t) * 0.5) ** 2 + model.sigma(t) ** 2
    assert torch.allclose(score[1.0], (model.alpha(t) * centres[1] - x) / spread, atol=1e-5)
    assert torch.allclose(score[3.0], whole + 3 * (score[1.0] - whole), atol=1e-4)
    drawn = {
        (label, s): last_points(model, 400, 3, {"label": label, "guidance_scale": s, "num_steps": 60})
        for label, s in (("none", 1.0), ("both", 1.0), ("second", 1.0), ("second", 3.0))
    }
    assert drawn["second", 1.0].mean(0) == pytest.approx([1, 0], abs=0.1)
    assert drawn["second", 1.0].std(0) == pytest.approx([0.5, 0.5], abs=0.06)
    assert drawn["none", 1.0].std(0) == pytest.approx([1.25**0.5, 0.5], abs=0.08)
    assert (np.sign(drawn["both", 1.0][:, 0]) == np.tile([-1, 1], 200)).mean() > 0.95
    assert drawn["second", 3.0][:, 0].mean() > 1.1, "pushed away from the other class"
    assert drawn["second", 3.0][:, 0].std() < 0.45, "and together"


def test_what_a_noisy_point_may_have_been_is_its_conditional_mean(monkeypatch):
    """Of standard normal data E[x_0 | x_t] = alpha x_t / (alpha^2 + sigma^2)."""
    axes, data = Axes(np.zeros(2), 1.0, (-4, 4, -4, 4)), some_points(50).double().numpy()
    for key in ("score-sde-vp-plane", "flow-matching-plane", "ddpm-plane"):
        model = MODELS[key]()
        alpha, sigma = model.signal_and_noise(0.4)
        assert 0 < alpha < 1 and 0 < sigma < 1
        monkeypatch.setattr(
            model, "score", lambda x, level, spread=alpha**2 + sigma**2: -x / spread, raising=True
        )
        found = overlays.x_0_pred(model, axes, 0.4, overlays.About(8, data))["arrows"]
        foot, way = found[:, :2], found[:, 2:]
        assert np.allclose(foot + way, alpha * foot / (alpha**2 + sigma**2), atol=1e-5), key


@pytest.mark.parametrize("name", plane.TARGETS)
def test_a_target_has_two_classes(name):
    target = plane.make(name)
    points = target.sample(2000, np.random.default_rng(2))
    classes = target.classes_of(points)
    assert classes.dtype == np.int64 and set(np.unique(classes)) == {0, 1}
    assert 0.3 < classes.mean() < 0.7
    assert np.array_equal(classes[:7], target.classes_of(points[:7]))


def test_guided_classes_are_learned():
    model, target = MODELS["classifier-free-plane"], plane.make("moons")
    training = Training(model, target, steps=300)
    list(training.run())
    for number, label in enumerate(("first", "second")):
        drawn = last_points(training.average, 400, 3, {"label": label, "guidance_scale": 2.0})
        drawn = drawn * training.scale + training.mean
        assert (target.classes_of(drawn) == number).mean() > 0.95


def test_mades_slice_is_its_conditional():
    model = spoiled("made-plane")
    values = torch.linspace(-12, 12, 2000)
    with torch.no_grad():
        log_p = model.conditional(torch.tensor(0.4), values)
    assert (log_p.exp().sum() * 24 / 2000).item() == pytest.approx(1, abs=1e-2)
    x = torch.tensor([[0.4, 1.0]])
    with torch.no_grad():
        whole = model.log_prob(x) - model.log_prob(torch.tensor([[0.4, -1.0]]))
        parts = model.conditional(torch.tensor(0.4), torch.tensor([1.0, -1.0]))
    assert whole.item() == pytest.approx((parts[0] - parts[1]).item(), abs=1e-4)


def test_mades_order_decides_what_comes_first():
    torch.manual_seed(0)
    model = MADEPlane(MADEPlane.Config(order=1))
    x = some_points(4).requires_grad_()
    numbers = model(x.flip(1))  # what the network is given: the second coordinate first
    (gradient,) = torch.autograd.grad(numbers[:, 1].sum(), x)
    assert gradient[:, 0].abs().max() == 0 and gradient[:, 1].abs().min() > 0


@pytest.mark.parametrize("key", ENERGIES)
def test_an_energys_score_is_its_slope(key):
    model, x, h = spoiled(key).double(), some_points(16).double(), 1e-5
    steps = h * torch.eye(2, dtype=torch.float64)
    with torch.no_grad():
        slopes = [(model.energy(x + step) - model.energy(x - step)) / (2 * h) for step in steps]
    assert torch.allclose(model.score(x), -torch.stack(slopes, 1), rtol=1e-4, atol=1e-4)


# --- every model


@pytest.mark.parametrize("key", MODELS)
def test_a_model_learns(key, monkeypatch):
    monkeypatch.setattr(MODELS[key], "batch_size", 128)
    target = plane.make("moons")
    training = Training(MODELS[key], target, steps=150 if MODELS[key].family == "gan" else 50)
    data = target.sample(500, np.random.default_rng(9))
    before = energy_distance(training.points(500), data)
    losses = [p.figures["loss"] for p in training.run() if "loss" in p.figures]
    after = training.points(500)
    assert after.shape == (500, 2) and np.isfinite(after).all()
    assert np.array_equal(after, training.points(500)), "the same seed, the same points"
    assert not np.array_equal(after, training.points(500, seed=8))
    if key == "gan-collapsed-plane":
        assert after.std(0).max() < data.std(0).max()  # that it does not is its point
    elif key in SAMPLES_TELL:
        assert energy_distance(after, data) < before
    else:
        assert np.mean(losses[-10:]) < np.mean(losses[:10])
    log_p = training.log_prob(data[:100])
    assert (log_p is not None) == MODELS[key].has_density
    assert log_p is None or np.isfinite(log_p).all()


@pytest.mark.parametrize(
    ("key", "objective"), [("ddpm-plane", "x_0"), ("ddpm-plane", "v"), ("ffjord-plane", "matching")]
)
def test_another_objective_learns_the_same(key, objective):
    target = plane.make("moons")
    training = Training(MODELS[key], target, steps=250, config=MODELS[key].Config(objective=objective))
    data = target.sample(1000, np.random.default_rng(9))
    before = energy_distance(training.points(1000), data)
    losses = [p.figures["loss"] for p in training.run()]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert energy_distance(training.points(1000), data) < 0.2 * before


@pytest.mark.parametrize("key", MODELS)
def test_training_repeats_with_its_seed(key, monkeypatch):
    monkeypatch.setattr(MODELS[key], "batch_size", 64)

    def weights(seed):
        training = Training(MODELS[key], plane.make("rings"), seed=seed, steps=3)
        list(training.run())
        return torch.cat([p.detach().flatten() for p in training.model.parameters()])

    first = weights(1)
    assert torch.equal(first, weights(1)) and not torch.equal(first, weights(2))


@pytest.mark.parametrize("target", plane.TARGETS)
def test_a_target_can_be_learned(target):
    training = Training(MADEPlane, plane.make(target), steps=60)
    losses = [p.figures["loss"] for p in training.run()]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.05


def test_the_collapsed_game_keeps_one_to_three_modes(monkeypatch):
    monkeypatch.setattr(MODELS["gan-collapsed-plane"], "batch_size", 64)
    target = plane.make("eight-gaussians")
    training = Training(MODELS["gan-collapsed-plane"], target, steps=400)
    found = [
        modes_found(target, training.points(1000))
        for progress in training.run()
        if progress.step >= 200 and progress.step % 50 == 0
    ]
    assert len(found) == 5 and all(1 <= count <= 3 for count in found), found


def test_the_density_of_an_energy_at_all_levels_is_that_of_its_flow():
    """Where the energies are those of a Gaussian under noise, the ODE must find that Gaussian."""

    class Gaussian(MODELS["denoising-ebm-plane"]):
        def energy_at(self, x, sigma):
            return 0.5 * x.square().sum(1) / (1 + sigma.square())

    model, x = Gaussian(), some_points(50)
    smallest = 1 + model.config.sigma_min**2
    expected = standard_normal_log_prob(x / smallest**0.5) - math.log(smallest)
    assert torch.allclose(model.log_prob(x), expected, atol=5e-3)  # Heun steps of 0.06 in log sigma


def test_models_of_the_plane_are_no_checkpoints():
    assert len(MODELS) == 30
    assert not any("plane" in network for network in models.networks())
    assert not {card.id for card in checkpoints.cards()} & set(MODELS)


def test_frames_carry_the_points():
    model = spoiled("realnvp-plane")
    frames = list(model.sample(model.Request(num_samples=5, seed=1)))
    assert len(frames) == 13 and [f.step for f in frames] == list(range(13))
    assert np.array_equal(frames[-1].extras["points"], last_points(model, 5, 1))
