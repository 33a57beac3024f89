"""Chains in the plane: acceptance against closed forms, what is stationary stays so, and what a trace is worth."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from playground.data import plane
from playground.evaluation.plane import modes_found
from playground.experiments.plane import chains
from playground.tabs.plane.chains import ChainsRequest, frames, parts_of
from tests.windows import WAIT, opened, wait_open

SQUARE = (-4.0, 4.0, -4.0, 4.0)
SAMPLERS = ("langevin", "mala", "hmc", "gibbs", "tempering")


def normal_log_prob(x):
    return -0.5 * (x**2).sum(1)


def some(count=200, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2))


def test_slopes_are_those_of_the_density():
    x = some()
    assert np.allclose(chains.slope(normal_log_prob, x), -x, atol=1e-6)


def test_mala_accepts_as_a_gaussian_says():
    """For N(0, 1) the ratio is exp(step / 4 (|x|^2 - |y|^2))."""
    x, y, step = some(seed=1), some(seed=2), 0.3
    expected = step / 4 * ((x**2).sum(1) - (y**2).sum(1))
    assert np.allclose(chains.mala_log_acceptance(normal_log_prob, x, y, step), expected, atol=1e-5)


def test_hmc_accepts_as_a_gaussian_says():
    """On N(0, 1) the leapfrog keeps p^2 + (1 - step^2 / 4) x^2 exactly, so the loss is step^2 / 8 (|x|^2 - |y|^2)."""
    x, p, step = some(seed=3), some(seed=4), 0.5
    way, end = chains.leapfrog(normal_log_prob, x, p, step, 7)
    y = way[:, -1]
    assert way.shape == (200, 8, 2)
    kept = (end**2).sum(1) + (1 - step**2 / 4) * (y**2).sum(1)
    assert np.allclose(kept, (p**2).sum(1) + (1 - step**2 / 4) * (x**2).sum(1), atol=1e-5)
    expected = step**2 / 8 * ((x**2).sum(1) - (y**2).sum(1))
    assert np.allclose(chains.hmc_log_acceptance(normal_log_prob, x, p, y, end), expected, atol=1e-5)
    back, last = chains.leapfrog(normal_log_prob, y, -end, step, 7)
    assert np.allclose(back[:, -1], x, atol=1e-6) and np.allclose(-last, p, atol=1e-6)


def test_chains_change_places_as_their_densities_say():
    """p^b(x) p^c(y) against p^b(y) p^c(x)."""
    x, y = normal_log_prob(some(seed=5)), normal_log_prob(some(seed=6))
    before, after = 1.0 * x + 0.25 * y, 1.0 * y + 0.25 * x
    assert np.allclose(chains.swap_log_acceptance(1.0, 0.25, x, y), after - before)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_is_drawn_from_the_density_stays_so(sampler):
    target = plane.make("eight-gaussians")
    rng = np.random.default_rng(7)
    run = chains.moves(sampler, target.log_prob, target.sample(600, rng), rng, target.square, 0.002, 5)
    *_, last = itertools.islice(run, 12)
    modes = np.linalg.norm(last.x[:, None] - target.modes, axis=2)
    away = modes.min(1)  # Rayleigh: the mean is sigma sqrt(pi / 2)
    assert away.mean() == pytest.approx(target.mode_sigma * (np.pi / 2) ** 0.5, rel=0.08)
    assert (np.bincount(modes.argmin(1), minlength=8) > 40).all()
    assert sampler in ("langevin", "gibbs", "tempering") or 0.2 < last.accepted.mean() <= 1
    went = (last.x == last.proposed).all(1)
    assert np.array_equal(went, last.accepted)


def test_exchanges_are_offered_in_every_second_move_and_some_are_refused():
    target = plane.make("eight-gaussians")
    start = target.modes[:1] + 0.1 * some(80)
    run = chains.moves("tempering", target.log_prob, start, np.random.default_rng(9), target.square, 0.01, 5)
    before = np.repeat(start, len(chains.BETAS) - 1, axis=0)
    for number, move in enumerate(itertools.islice(run, 30)):
        assert move.warmer.shape == before.shape and np.array_equal(move.way[:, -1], move.proposed)
        offered = (move.proposed != move.way[:, 1]).any(1)
        if (
            number and number % 2 == 0
        ):  # an exchange: the place offered is another chain's, who goes where this one was
            refused = ~move.accepted
            assert offered.all() and np.array_equal(move.x[refused], move.way[refused, 1])
            left = move.warmer[: len(start)]
            assert np.array_equal(left[move.accepted], move.way[move.accepted, 1])
            assert np.array_equal(left[refused], move.proposed[refused])
            if number > 4:
                assert refused.any()


def test_tempering_crosses_the_valleys_and_mala_does_not():
    target = plane.make("eight-gaussians")
    found = {}
    for sampler in ("mala", "tempering"):
        start = target.modes[:1] + 0.1 * some(120)
        run = chains.moves(sampler, target.log_prob, start, np.random.default_rng(9), target.square, 0.01, 5)
        *_, last = itertools.islice(run, 250)
        found[sampler] = modes_found(target, last.x)
    assert found["mala"] == 1 and found["tempering"] >= 6


def test_gibbs_draws_from_the_conditionals():
    """Of a Gaussian with correlation r, E(x' | y) = r y and E(y' | x') = r x'."""
    r = 0.8

    def log_prob(x):
        return -0.5 * (x[:, 0] ** 2 - 2 * r * x[:, 0] * x[:, 1] + x[:, 1] ** 2) / (1 - r**2)

    start = np.tile([[9.0, 1.0]], (4000, 1))
    move = chains.gibbs(log_prob, start, np.random.default_rng(2), SQUARE)
    assert move.x[:, 0].mean() == pytest.approx(r, abs=0.04)
    assert move.x[:, 0].std() == pytest.approx((1 - r**2) ** 0.5, abs=0.03)
    assert np.corrcoef(move.x[:, 0], move.x[:, 1] - r * move.x[:, 0])[0, 1] == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_what_a_trace_is_worth_is_that_of_its_memory(memory):
    """Of a first-order autoregression the worth is (1 - memory) / (1 + memory), its autocorrelation memory^lag."""
    rng = np.random.default_rng(3)
    trace = np.zeros((2000, 40))
    trace[0] = rng.standard_normal(40)
    for t in range(1, len(trace)):
        trace[t] = memory * trace[t - 1] + (1 - memory**2) ** 0.5 * rng.standard_normal(40)
    worth = chains.effective_sample_size(trace) / trace.size
    assert worth == pytest.approx((1 - memory) / (1 + memory), rel=0.15)
    assert np.allclose(chains.autocorrelation(trace, 5), memory ** np.arange(6), atol=0.04)


def test_frames_repeat_and_tell_what_was_refused():
    request = ChainsRequest(num_samples=20, step_size=0.03, seed=3)
    once, again = (list(itertools.islice(frames(request), 45)) for _ in range(2))
    assert all(
        np.array_equal(a.extras["points"], b.extras["points"]) for a, b in zip(once, again, strict=True)
    )
    last = once[-1].extras
    assert 0 < last["acceptance"] < 0.9 and any(len(f.extras["refused"]) for f in once[1:])
    assert "accepted" in parts_of(once[-1])[0] and any("are worth" in part for part in parts_of(once[-1]))
    assert len(last["memory"]) == 21 and last["memory"][0] == 1.0


def test_the_view_wanders_turns_and_is_kept(qtbot):
    with opened(tab="energy", model_id="contrastive-divergence-plane", view="Chains in the plane") as window:
        wait_open(qtbot, window)
        tab, view = window.current, window.current.view
        qtbot.waitUntil(lambda: view.player.frame is not None and view.player.frame.step > 25, timeout=WAIT)
        view.player.pause()
        assert "accepted" in view.figures.text() and view.plane.picture.lines is not None
        tab.knobs.set_settings({"sampler": "hmc", "target": "moons", "num_samples": 12})
        qtbot.waitUntil(
            lambda: (
                view.player.frame is not None
                and view.player.frame.extras["target"] == "moons"
                and view.player.frame.step > 3
            ),
            timeout=WAIT,
        )
        view.player.pause()
        kept = tab.picture_metadata()
        points = view.player.frame.extras["points"]
        assert len(points) == 12 and kept.settings["sampler"] == "hmc"
        tab.knobs.set_settings({"sampler": "gibbs"})
        tab.restore(kept)
        qtbot.waitUntil(
            lambda: (
                view.player.frame is not None
                and view.player.frame.step == kept.step
                and np.array_equal(view.player.frame.extras["points"], points)
            ),
            timeout=WAIT,
        )


def test_a_view_of_what_is_trained_live_is_the_one_that_opens(qtbot):
    """Asked for by its name alone, with a model of pictures in the tab: the second such view was the first one."""
    with opened(tab="energy", view="Chains in the plane") as window:
        qtbot.waitUntil(
            lambda: (
                window.current is not None
                and getattr(window.current.view, "name", "") in ("Chains in the plane", "In the plane")
            ),
            timeout=WAIT,
        )
        assert window.current.view.name == "Chains in the plane"


def test_chains_wander_over_what_a_model_has_learned():
    """Its energy is learned first and shown as it grows; the chains then find what the training found, once and for all."""
    request = ChainsRequest(target="moons", density="learned", num_samples=50, starts="wide", sampler="mala")
    run = list(itertools.islice(frames(request, "denoising-ebm-plane"), 200))
    learning = [frame for frame in run if "learning" in frame.extras]
    assert learning and not np.array_equal(learning[0].extras["density"], learning[-1].extras["density"])
    own = next(frames(dataclasses.replace(request, density="target"))).extras["density"]
    found = run[-1].extras["density"]
    assert not np.array_equal(found, own)
    assert np.corrcoef(found.ravel(), own.ravel())[0, 1] > 0.5  # nearly the moons'
    again = next(frames(dataclasses.replace(request, seed=5), "denoising-ebm-plane"))
    assert "learning" not in again.extras and np.array_equal(again.extras["density"], found)
