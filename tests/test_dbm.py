"""The deep Boltzmann machine against oracles: enumeration, bounds, and the law that its chains promise to follow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from playground.models.energy import chains, dbm

PIXELS, HIDDEN, TOP = 4, 3, 2


def every(n):
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)))


@pytest.fixture
def machine():
    """Four pixels, three and two hidden units: everything can be enumerated."""
    torch.manual_seed(3)
    config = dbm.DBMConfig(image_size=2, num_hidden=HIDDEN, num_top=TOP, num_chains=64, num_pretrain=2)
    model = dbm.DBM(config).requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter))
    for name in model.offsets:
        model.get_buffer(name).uniform_()
    return model.eval()


def of(model):
    """-E with one layer of each, (16 pictures, 4 of the second layer, 8 of the first)."""
    b, c_1, c_2 = model.biases()
    v, h, top = every(PIXELS), every(HIDDEN), every(TOP)
    below, above = v @ model.weight @ h.T, top @ model.top_weight.T @ h.T
    return (v @ b)[:, None, None] + (top @ c_2)[None, :, None] + h @ c_1 + below[:, None] + above[None]


def test_a_layer_is_summed_out(machine):
    """Of the energy of pixels and second layer the first, and of that of the first the other two."""
    states = of(machine)
    for i, v in enumerate(every(PIXELS)):
        found = machine.energy(v.expand(4, -1), every(TOP))
        assert torch.allclose(found, -states[i].logsumexp(-1), atol=1e-4)
    assert torch.allclose(machine.hidden_energy(every(HIDDEN)), -states.logsumexp((0, 1)), atol=1e-4)


@pytest.mark.parametrize("copies", [dbm.BOTTOM, dbm.TOP])
def test_in_pretraining_the_outer_layer_is_there_twice(machine, copies):
    b, c_1, c_2 = machine.biases(copies)
    outer, weight, bias = (
        (every(PIXELS), machine.weight, b) if copies[0] else (every(TOP), machine.top_weight.T, c_2)
    )
    h = every(HIDDEN)
    one = (outer @ bias)[:, None] + outer @ weight @ h.T
    both = one[:, None] + one[None] + h @ c_1
    assert torch.allclose(machine.hidden_energy(h, copies), -both.logsumexp((0, 1)), atol=1e-4)


def test_offsets_change_gradients_and_not_the_machine(machine):
    """Another centre, other numbers to learn, one distribution."""
    before = machine.hidden_energy(every(HIDDEN)).softmax(0)
    biases = machine.biases()
    for name in machine.offsets:
        machine.get_buffer(name).zero_()
    machine.visible_bias.copy_(biases[0])
    machine.hidden_bias.copy_(biases[1])
    machine.top_bias.copy_(biases[2])
    assert torch.allclose(machine.hidden_energy(every(HIDDEN)).softmax(0), before, atol=1e-5)


def test_mean_field_bounds_the_free_energy_and_every_update_tightens_it(machine):
    pictures = every(PIXELS)
    exact = -of(machine).logsumexp((1, 2))
    found = machine(pictures)
    assert (found >= exact - 1e-4).all() and (found - exact).max() > 0.001
    last = None
    for updates in (1, 2, 4, 16):
        h, top = machine.mean_field(pictures, updates)
        bound = _bound(machine, pictures, h, top)
        assert last is None or (bound >= last - 1e-5).all()
        last = bound
    assert torch.allclose(-last, found, atol=1e-3)


def _bound(model, v, h, top):
    """E_q[-E] + H(q), written out."""
    b, c_1, c_2 = model.biases()
    mean = v @ b + h @ c_1 + top @ c_2 + (v @ model.weight * h).sum(1) + (h @ model.top_weight * top).sum(1)
    return mean + sum(torch.distributions.Bernoulli(p).entropy().sum(1) for p in (h, top))


def test_annealing_finds_the_partition_function(machine):
    expected = float(of(machine).flatten().logsumexp(0))
    estimate, error = machine.log_partition(torch.full((4,), 0.3), num_chains=500, num_temperatures=200)
    assert 0 < error < 0.1
    assert abs(estimate - expected) < 4 * error + 1e-3


def test_gibbs_chains_sample_the_model(machine):
    """Frequencies of all sixteen pictures after many steps are the model's probabilities, at another temperature too."""
    for temperature in (1.0, 2.0):
        expected = (of(machine) / temperature).logsumexp((1, 2)).softmax(0).numpy()
        counts = np.zeros(16)
        for seed in range(4):
            request = dbm.DBMRequest(seed=seed, num_samples=100, num_steps=60, temperature=temperature)
            for frame in itertools.islice(machine.sample(request), 21, None):
                bits = frame.extras["binary"].reshape(100, 4) > 0
                counts += np.bincount(bits @ np.array([8, 4, 2, 1]), minlength=16)
        assert np.abs(counts / counts.sum() - expected).max() < 0.03


def test_held_pixels_stay_while_the_second_layer_moves(machine):
    given = np.array([1, 0, 1, 1], np.float32).reshape(1, 1, 2, 2).repeat(50, 0)
    known = np.array([[True, True], [False, False]])
    request = dbm.DBMRequest(num_samples=50, num_steps=20)
    frames = list(chains.run(machine, request, None, given, known))
    assert all((f.extras["binary"][:, 0, :, 0] == [255, 0]).all() for f in frames)
    assert len(np.unique(frames[-1].extras["binary"][:, 1], axis=0)) > 1
    assert len(np.unique(frames[-1].state["x"][:, PIXELS:], axis=0)) > 1


def test_joint_training_goes_by_data_minus_chains(machine):
    """The gradient for W1 is <v h1> in the mean field of the pictures less <v h1> at the chains, with its sign turned,
    each layer less its offset (Montavon and Mueller 2012, eq. 8)."""
    machine.requires_grad_(True)
    machine.num_updates.fill_(4)
    machine.hidden_chains = every(HIDDEN)[torch.arange(20000) % 8][:, [1, 0, 2]].to(torch.uint8)
    x = (every(PIXELS)[[0, 15, 6]] * 255).to(torch.uint8).reshape(3, 1, 2, 2)
    machine.loss(x, torch.zeros(3), torch.Generator().manual_seed(1))["loss"].backward()
    with torch.no_grad():
        v = machine.binarise(x)
        data = _centred(machine, v, machine.mean_field(v, 10)[1], torch.full((3,), 1 / 3))
        b, _, c_2 = machine.biases()
        pairs = [torch.cat(pair) for pair in itertools.product(every(PIXELS), every(TOP))]
        outer = torch.stack(
            pairs
        )  # every state of pixels and second layer, and how probable the chains make it
        weights = torch.zeros(len(outer))
        for h in every(HIDDEN):
            p = torch.cat([h @ machine.weight.T + b, h @ machine.top_weight + c_2]).sigmoid()
            weights += torch.where(outer > 0, p, 1 - p).prod(1) / 8
        model = _centred(machine, outer[:, :PIXELS], outer[:, PIXELS:], weights)
    assert torch.allclose(machine.weight.grad, -(data - model) / PIXELS, atol=0.01)
    assert float(machine.weight.grad.abs().max()) > 0.05


def _centred(model, v, top, weights):
    """Mean of (v - offset) (h1 - offset)^T, where h1 is expected given ``v`` and ``top``; up to a constant that cancels."""
    h = torch.sigmoid(v @ model.weight + top @ model.top_weight.T + model.biases()[1])
    return ((v - model.visible_offset) * weights[:, None]).T @ (h - model.hidden_offset)


@pytest.mark.parametrize("num_pretrain", [0, 100])
def test_training_lifts_the_bound_of_its_pictures(num_pretrain):
    """With and without the first two stages: six pictures out of sixteen come to hold most of the probability."""
    torch.manual_seed(0)
    model = dbm.DBM(dbm.DBMConfig(image_size=2, num_hidden=6, num_top=4, num_pretrain=num_pretrain)).train()
    bits = [[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 0], [1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 1, 1]]
    pictures = torch.tensor(bits, dtype=torch.uint8).reshape(-1, 1, 2, 2) * 255
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 600)
    for step in range(600):
        optimizer.zero_grad()
        figures = model.loss(
            pictures.repeat(4, 1, 1, 1), torch.zeros(24), torch.Generator().manual_seed(step)
        )
        figures["loss"].backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        bound = -model(model.binarise(pictures)) - (-model.hidden_energy(every(6))).logsumexp(0)
    assert -2.25 < bound.mean() < -1.7917, "the best that six pictures can have is log 1/6"
    assert bound.exp().sum() < 1


def test_persistent_chains_move_in_training_and_rest_otherwise(machine):
    x = torch.zeros(2, 1, 2, 2, dtype=torch.uint8)
    machine.num_updates.fill_(4)
    before = machine.hidden_chains.clone()
    machine.eval().loss(x, torch.zeros(2), torch.Generator().manual_seed(0))
    assert torch.equal(machine.hidden_chains, before)
    machine.train().loss(x, torch.zeros(2), torch.Generator().manual_seed(0))
    assert not torch.equal(machine.hidden_chains, before)
    assert set(machine.chains.unique().tolist()) == {0, 255}


def test_features_of_the_second_layer_are_sums_of_the_first(machine):
    first, second = machine.features()
    assert first.shape == (HIDDEN, 1, 2, 2) and second.shape == (TOP, 1, 2, 2)
    expected = sum(machine.top_weight[j, 1] * first[j] for j in range(HIDDEN))
    assert torch.allclose(second[1], expected, atol=1e-5)
