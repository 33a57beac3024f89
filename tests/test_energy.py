"""Energies and chains against oracles: enumeration, closed forms, and the laws they promise to follow."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from playground.models.energy import chains, ebm, gsn, rbm


@pytest.fixture
def machine():
    """Six pixels and four hidden units: everything can be enumerated."""
    torch.manual_seed(3)
    config = rbm.RBMConfig(image_size=2, num_hidden=4, num_chains=8)
    model = rbm.RBM(config).requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter))
    return model.eval()


def every(n):
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)))


def joint(model, v, h):
    return -v @ model.visible_bias - h @ model.hidden_bias - (v @ model.weight * h).sum(-1)


def test_free_energy_sums_over_the_hidden_units(machine):
    hidden = every(4)
    for v in every(4):
        expected = -torch.logsumexp(-joint(machine, v.expand(16, -1), hidden), 0)
        assert float(machine(v[None])) == pytest.approx(float(expected), abs=1e-4)


def test_conditionals_follow_from_the_energy(machine):
    v, h = every(4)[5], every(4)[9]
    weights = (-joint(machine, v.expand(16, -1), every(4))).softmax(0)
    assert torch.allclose(machine.hidden_given(v[None])[0], weights @ every(4), atol=1e-5)
    weights = (-joint(machine, every(4), h.expand(16, -1))).softmax(0)
    assert torch.allclose(machine.visible_given(h[None])[0], weights @ every(4), atol=1e-5)


def test_annealing_finds_the_partition_function(machine):
    expected = float(torch.logsumexp(-machine(every(4)), 0))
    estimate, error = machine.log_partition(torch.full((4,), 0.5), num_chains=500, num_temperatures=200)
    assert 0 < error < 0.1
    assert abs(estimate - expected) < 4 * error + 1e-3


def test_gibbs_chains_sample_the_model(machine):
    """Frequencies of all sixteen pictures after many steps are the model's probabilities."""
    expected = (-machine(every(4))).softmax(0).numpy()
    counts = np.zeros(16)
    for seed in range(4):
        request = rbm.RBMRequest(seed=seed, num_samples=100, num_steps=60)
        for frame in itertools.islice(machine.sample(request), 21, None):
            bits = frame.extras["binary"].reshape(100, 4) > 0
            counts += np.bincount(bits @ np.array([8, 4, 2, 1]), minlength=16)
    assert np.abs(counts / counts.sum() - expected).max() < 0.03


def test_one_step_draws_the_hidden_units(machine):
    """From one picture, the law of the next is a sum over all h; with means in place of draws it would be another."""
    machine.weight.mul_(3)
    start, pictures = every(4)[:1], every(4)

    def probability(p, units):  # of each row of units, (N,4), under independent p, (4,)
        return torch.where(units > 0, p, 1 - p).prod(-1)

    on = probability(machine.hidden_given(start)[0], pictures)
    expected = sum(
        w * probability(machine.visible_given(h[None])[0], pictures)
        for w, h in zip(on, pictures, strict=True)
    )
    request = rbm.RBMRequest(num_samples=3000)
    found, _ = machine.advance(start.expand(3000, -1), request, 1)
    counts = np.bincount((found @ torch.tensor([8.0, 4.0, 2.0, 1.0])).long().numpy(), minlength=16)
    assert np.abs(counts / 3000 - expected.numpy()).max() < 0.05


def test_the_gradient_of_the_loss_is_data_minus_chains(machine):
    """Tieleman 2008, section 2: <v h> under the data minus <v h> under the chains, with its sign turned."""
    machine.requires_grad_(True)
    machine.chains.copy_((every(4)[[1, 5, 9, 14, 3, 7, 7, 2]] * 255).to(torch.uint8))
    x = (every(4)[[0, 15, 6]] * 255).to(torch.uint8).reshape(3, 1, 2, 2)
    machine.loss(x, torch.zeros(3), torch.Generator())["loss"].backward()

    def correlations(v):
        return v.T @ machine.hidden_given(v).detach() / len(v)

    data, chains = machine.binarise(x), machine.chains.float() / 255
    expected = -(correlations(data) - correlations(chains)) / 4
    assert torch.allclose(machine.weight.grad, expected, atol=1e-5)


def test_persistent_chains_move_in_training_and_rest_otherwise(machine):
    x = torch.zeros(2, 1, 2, 2, dtype=torch.uint8)
    before = machine.chains.clone()
    machine.eval().loss(x, torch.zeros(2), torch.Generator().manual_seed(0))
    assert torch.equal(machine.chains, before)
    machine.train().loss(x, torch.zeros(2), torch.Generator().manual_seed(0))
    assert not torch.equal(machine.chains, before)
    assert set(machine.chains.unique().tolist()) == {0, 255}


class Bowl(ebm.EBM):
    """E(x) = |x - 0.25|^2 / 2000: its gradient is known, and small enough not to be clipped."""

    def forward(self, x):
        return (x - 0.25).square().flatten(1).sum(1) / 2000


def test_langevin_walks_down_the_gradient():
    model = Bowl(ebm.EBMConfig(width=2))
    x, nudge = torch.rand(3, 1, 28, 28) - 0.5, torch.randn(3, 1, 28, 28)
    found = model.langevin(x, nudge, 10.0, 0.01)
    noisy = x + 0.01 * nudge
    assert torch.allclose(found, noisy - 10.0 * (noisy - 0.25) / 1000, atol=1e-6)
    frames = list(model.sample(ebm.EBMRequest(num_steps=300, num_samples=2, noise=0.0, step_size=40.0)))
    energies = np.stack([f.extras["energy"] for f in frames])
    assert (np.diff(energies, axis=0) <= 1e-6).all() and np.abs(frames[-1].images / 127.5 - 1.25).max() < 0.01


def test_training_fills_the_replay_buffer():
    model = ebm.EBM(ebm.EBMConfig(width=2, num_langevin=2, buffer_size=16, restarts=0.0)).train()
    x = torch.randint(0, 256, (8, 1, 28, 28), dtype=torch.uint8)
    for step in range(3):
        model.loss(x, torch.zeros(8), torch.Generator().manual_seed(step))["loss"].backward()
    filled = (model.replay.flatten(1).amax(1) > 0).sum()
    assert 8 <= filled <= 16
    assert all(p.grad is not None for p in model.parameters())


def test_corruption_strikes_as_often_as_it_says():
    model = gsn.GSN(gsn.GSNConfig(width=8, num_mixtures=1))
    x = torch.zeros(64, 1, 28, 28)
    uniforms, nudge = torch.rand(x.shape), torch.randn(x.shape)
    corrupted = model.corrupt(x, uniforms, nudge)
    assert float((corrupted == -1).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert float((corrupted == 1).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert float(corrupted[uniforms >= 0.4].std()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(model.corrupt(x, uniforms, nudge, 0.0), x)


def test_chunks_stand_still_however_they_are_asked_for():
    """A sample meets the same neighbours' places whether it is asked for alone or in company."""
    seen = []

    def step(part, first):
        seen.append((first, len(part)))
        return (part + torch.arange(first, first + len(part), dtype=torch.float32)[:, None],)

    x = torch.zeros(20, 1)
    (together,) = chains.in_chunks(step, x, 5)
    assert seen == [(0, 16), (16, 16)]
    assert torch.equal(together[:, 0], torch.arange(5.0, 25.0))
    (alone,) = chains.in_chunks(step, x[:1], 18)
    assert float(alone) == 18.0


@pytest.mark.parametrize("kind", [rbm, ebm, gsn])
def test_a_chain_continues_from_its_state(kind):
    torch.manual_seed(0)
    small = {"rbm": {"num_hidden": 8}, "ebm": {"width": 2, "buffer_size": 16}, "gsn": {"width": 8}}
    config = kind.MODEL.Config(**small[kind.__name__.rpartition(".")[2]])
    model = kind.MODEL(config).eval().requires_grad_(False)
    for start in ("noise", "data", "buffer"):
        request = kind.MODEL.Request(num_samples=3, num_steps=6, start=start, seed=2)
        frames = list(model.sample(request))
        rest = list(model.sample(request, resume=frames[2].state))
        assert [f.step for f in rest] == [3, 4, 5, 6]
        assert np.array_equal(rest[-1].images, frames[-1].images)
    assert math.isfinite(float(frames[-1].images.mean()))
