"""Densities in the plane, the models that learn them, their figures, and the command that trains them."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import torch

from playground import checkpoints, models
from playground.cli.main import main
from playground.data import plane
from playground.evaluation.plane import energy_distance, measure, modes_found
from playground.models.autoregressive.plane.made import MADEPlane
from playground.models.flow.plane import residual, spline
from playground.models.flow.plane.ffjord import FFJORDPlane
from playground.models.plane import last_points
from playground.models.plane_catalogue import plane_models
from playground.training.plane import Training

MODELS = plane_models()
FLOWS = [key for key, model in MODELS.items() if model.family == "flow"]
ENERGIES = [key for key, model in MODELS.items() if hasattr(model, "energy") and hasattr(model, "score")]
# flow contrastive estimation learns its constant, and has it right in the end only
DENSITIES = [
    key for key, m in MODELS.items() if m.has_density and not m.bound and key != "flow-contrastive-plane"
]
# games and chains: their loss is a difference that need not fall
SAMPLES_TELL = {key for key, model in MODELS.items() if model.family == "gan"} | {
    "contrastive-divergence-plane",
    "flow-contrastive-plane",
    "rbm-plane",
    "vaebm-plane",
}


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors gain nothing from more, and other processes lose."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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


# --- targets


@pytest.mark.parametrize("name", plane.TARGETS)
def test_a_target_integrates_to_one_and_its_entropy_is_that_of_its_samples(name):
    target = plane.make(name)
    figures = plane.figures(target)
    assert figures.mass == pytest.approx(1, abs=2e-3)
    log_p = target.log_prob(target.sample(20_000, np.random.default_rng(1)))
    assert figures.entropy == pytest.approx(-log_p.mean(), abs=4 * log_p.std() / math.sqrt(len(log_p)) + 2e-3)
    assert (log_p > figures.log_prob_of_99).mean() == pytest.approx(0.99, abs=4e-3)


@pytest.mark.parametrize("name", plane.TARGETS)
def test_samples_come_from_the_density(name):
    """Against points drawn cell by cell from the density on a grid."""
    target = plane.make(name)
    grid = plane.from_density(
        name, name, np.exp(target.log_prob(plane.grid(target, 160))).reshape(160, 160)[::-1]
    )
    x, y = (t.sample(1500, np.random.default_rng(i)) for i, t in enumerate((target, grid)))
    assert abs(energy_distance(x, y)) < 0.012


def test_widths_and_weights_are_knobs():
    heavy = plane.make("eight-gaussians", sigma=0.05, weight=0.6)
    points = heavy.sample(4000, np.random.default_rng(0))
    near = np.linalg.norm(points - heavy.modes[0], axis=1) < 0.25
    assert near.mean() == pytest.approx(0.6, abs=0.04)
    for name in ("checkerboard", "eight-gaussians", "pinwheel"):
        assert plane.figures(plane.make(name, sigma=0.2, weight=0.3)).mass == pytest.approx(1, abs=0.02)
    with pytest.raises(ValueError, match="no target called 'moon'"):
        plane.make("moon")
    with pytest.raises(ValueError, match="sigma must lie between"):
        plane.make("moons", sigma=0)


def test_a_drawn_shape_is_sampled_exactly():
    drawn = np.zeros((20, 20))
    drawn[0, 0], drawn[19, 19] = 1, 3  # top left, bottom right
    target = plane.from_density("drawn", "Drawn", drawn)
    points = target.sample(4000, np.random.default_rng(0))
    right = points[:, 0] > 0
    assert right.mean() == pytest.approx(0.75, abs=0.03)
    assert (points[right, 1] < -3.6).all() and (points[~right, 1] > 3.6).all()
    assert np.allclose(target.log_prob(points[right]), math.log(0.75 / 0.16))
    assert target.log_prob(np.zeros((1, 2)))[0] == -np.inf
    with pytest.raises(ValueError, match="Nothing is drawn"):
        plane.from_density("drawn", "Drawn", np.zeros((4, 4)))


@pytest.mark.parametrize(
    "text", ["x,y\n1,2\n3,4.5\n", "1,2\n3,4.5", "1;2\n3;4,5\n", "x\ty\n1\t2\n\n3\t4.5\n"], ids=range(4)
)
def test_points_are_read_as_spreadsheets_write_them(tmp_path, text):
    (tmp_path / "cloud.csv").write_text(text, encoding="utf-8")
    target = plane.read_csv(tmp_path / "cloud.csv")
    assert target.name == "cloud" and target.log_prob is None
    assert np.array_equal(target.points, [[1, 2], [3, 4.5]])


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
    # zuko's knots are softmaxes of its own numbers; ours leave each bin a thousandth, so the knots are handed over
    widths, heights, slopes = raw.split([bins, bins, bins - 1], 1)
    share = [(0.001 + (1 - 0.001 * bins) * part.softmax(1)).log() for part in (widths, heights)]
    slopes = (0.001 + torch.nn.functional.softplus(slopes + math.log(math.e - 1))).log()
    theirs = transforms.MonotonicRQSTransform(*share, slopes, bound=bound, slope=1e-300)
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
def test_a_density_integrates_to_one(key):
    """Over a square that holds all but a little of a shaken model; what is beyond lies in the tails."""
    training = Training(MODELS[key], plane.make("moons"), steps=15)
    for _ in training.run():
        pass
    half, cells = 12.0, 120
    square = plane.Target("square", "", lambda *_: np.zeros(0), None, (-half, half, -half, half))
    p = np.exp(training.log_prob(plane.grid(square, cells)))
    assert p.sum() * (2 * half / cells) ** 2 == pytest.approx(1, abs=0.03)


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
    training = Training(MODELS[key], target, steps=50)
    data = target.sample(500, np.random.default_rng(9))
    before = energy_distance(training.points(500), data)
    losses = [p.figures["loss"] for p in training.run() if "loss" in p.figures]
    after = training.points(500)
    assert after.shape == (500, 2) and np.isfinite(after).all()
    assert np.array_equal(after, training.points(500)), "the same seed, the same points"
    assert not np.array_equal(after, training.points(500, seed=8))
    if key in SAMPLES_TELL:
        assert energy_distance(after, data) < before
    else:
        assert np.mean(losses[-10:]) < np.mean(losses[:10])
    log_p = training.log_prob(data[:100])
    assert (log_p is not None) == MODELS[key].has_density
    assert log_p is None or np.isfinite(log_p).all()


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


def test_models_of_the_plane_are_no_checkpoints():
    assert len(MODELS) == 29
    assert not any("plane" in network for network in models.networks())
    assert not {card.id for card in checkpoints.cards()} & set(MODELS)


def test_frames_carry_the_points():
    model = spoiled("realnvp-plane")
    frames = list(model.sample(model.Request(num_samples=5, seed=1)))
    assert len(frames) == 13 and [f.step for f in frames] == list(range(13))
    assert np.array_equal(frames[-1].extras["points"], last_points(model, 5, 1))


# --- figures


def test_a_mode_is_found_by_a_quarter_of_its_weight():
    target = plane.make("eight-gaussians")
    assert modes_found(target, target.sample(4000, np.random.default_rng(0))) == 8
    assert modes_found(target, np.repeat(target.modes[:3], 10, 0)) == 3
    few = np.concatenate([np.repeat(target.modes[:1], 97, 0), np.repeat(target.modes[1:2], 3, 0)])
    assert modes_found(target, few) == 1  # 3 % are less than a quarter of an eighth


def test_the_target_itself_is_perfect_and_a_wrong_one_is_not():
    target, wrong = plane.make("moons"), plane.make("rings")
    figures = plane.figures(target)
    good = measure(target, figures, target.sample(2000, np.random.default_rng(77)), target.log_prob)
    assert good.nll_minus_entropy == 0 and abs(good.energy_distance) < 0.02
    assert good.mass_outside == pytest.approx(0.01, abs=0.01)
    bad = measure(target, figures, wrong.sample(2000, np.random.default_rng(77)), wrong.log_prob)
    assert bad.nll_minus_entropy > 1 and bad.energy_distance > 0.05 and bad.mass_outside > 0.5
    assert good.modes is None


# --- the command


ROW = [
    "model",
    "family",
    "target",
    "seconds",
    "steps",
    "nll_minus_entropy",
    "energy_distance",
    "modes_found",
    "modes",
    "mass_outside",
]


def test_the_command_prints_rows_and_keeps_points(tmp_path, capsys):
    points = np.random.default_rng(0).normal([5, -3], [1, 0.2], (200, 2))
    (tmp_path / "mine.csv").write_text("a,b\n" + "\n".join(f"{x},{y}" for x, y in points), encoding="utf-8")
    command = ["plane", "--target", "eight-gaussians", str(tmp_path / "mine.csv"), "--models", "made-plane"]
    command += ["gan-plane", "--seconds", "0.2", "--out", str(tmp_path / "kept.npz"), "--json"]
    assert main(command) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [list(row) for row in rows] == [ROW] * 4
    assert [(r["model"], r["target"]) for r in rows] == list(
        itertools.product(("made-plane", "gan-plane"), ("eight-gaussians", "mine"))
    )
    for row in rows:
        assert row["steps"] > 0 and row["seconds"] >= 0.2 and row["energy_distance"] is not None
        known = row["target"] != "mine"
        assert (row["modes"] == 8) == known and (row["mass_outside"] is not None) == known
        assert (row["nll_minus_entropy"] is not None) == (known and row["model"] == "made-plane")
    kept = np.load(tmp_path / "kept.npz", allow_pickle=False)
    assert kept["made-plane/eight-gaussians/samples"].shape == (4000, 2)
    assert kept["made-plane/mine/log_prob"].shape == (200, 200)
    assert "gan-plane/mine/log_prob" not in kept
    x_min, x_max, y_min, y_max = kept["mine/square"]
    assert x_min < 5 < x_max and y_min < -3 < y_max
    assert np.abs(kept["made-plane/mine/samples"].mean(0) - [5, -3]).max() < 1.5


def test_the_table_says_seed_and_threads(capsys):
    assert (
        main(["plane", "--target", "moons", "--models", "nice-plane", "--seconds", "0.1", "--seed", "3"]) == 0
    )
    out = capsys.readouterr().out.splitlines()
    assert "seed 3" in out[0] and "thread" in out[0] and out[2].startswith("nice-plane")
    assert len(out) == 3 and "nats" in out[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "moon"], "no target called 'moon'"),
        (["--target", "none.csv"], "none.csv: No such file"),
        (["--target", "words.csv"], "no two numbers in line 2"),
        (["--target", "nan.csv"], "not finite"),
        (["--target", "one.csv"], "one holds 1 point:"),
        (["--target", "same.csv"], "again and again"),
        (["--target", "empty.csv"], "no points"),
        (["--target", "moons.csv", "moons"], "Two targets are called 'moons'"),
        (["--models", "made"], "no model of the plane called 'made'"),
        (["--seconds", "0"], "--seconds must be above 0"),
        (["--seconds", "nan"], "--seconds must be above 0"),
        (["--seed", "-1"], "seed must lie between"),
        (["--device", "abacus"], "no device 'abacus'"),
        (["--out", "points.csv"], "writes an .npz file"),
        (["--out", "nowhere/points.npz"], "There is no folder"),
    ],
)
def test_bad_words_are_a_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    files = {
        "words": "x,y\nred,green\n",
        "nan": "1,2\nnan,3\n",
        "one": "x,y\n1,2\n",
        "same": "1,2\n1,2\n",
        "empty": "",
        "moons": "1,2\n3,4\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["plane", *arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.out == "" and len(told.err.splitlines()) == 1
