"""The GANs: modulation, penalties and losses against oracles, and two players that learn in turn."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.optim.swa_utils import update_bn

from playground import checkpoints, data, models
from playground.distributed import World
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan import _explore, _features, _latents, _styled, dcgan, gan, stylegan
from playground.training.run import Run
from playground.training.optimizers import make_optimizers


@pytest.fixture
def style():
    torch.manual_seed(0)
    config = stylegan.StyleGANConfig(latent_dim=8, w_dim=12, widths=(8, 6, 4), critic_widths=(8, 6, 4))
    return stylegan.StyleGAN(config).eval()


def test_modulated_features_equal_modulated_weights():
    torch.manual_seed(1)
    conv = _styled.ModulatedConv(5, 7, w_dim=4)
    x, w = torch.randn(3, 5, 6, 6), torch.randn(3, 4)
    found = conv(x, w)
    scaled = conv.weight / math.sqrt(5 * 9)
    for i in range(3):  # equations 1 and 3, one picture at a time
        own = scaled * conv.style(w)[i][None, :, None, None]
        own = own * torch.rsqrt(own.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        expected = F.conv2d(x[i : i + 1], own, padding=1)
        assert torch.allclose(found[i : i + 1], expected, atol=1e-5)


def test_the_penalty_is_the_squared_gradient(style, monkeypatch):
    """For a linear critic the first-order penalty has the squared gradient as its mean."""
    slope = 0.1 * torch.randn(784)

    class Linear(torch.nn.Module):
        def forward(self, x, labels):
            return x.flatten(1) @ slope

    style.discriminator = Linear()
    x = torch.randint(0, 256, (4000, 1, 28, 28), dtype=torch.uint8)
    labels = torch.zeros(4000, dtype=torch.int64)
    monkeypatch.setattr(style, "_draw", lambda labels, generator: torch.zeros(4000, 1, 28, 28))
    figures = style.loss(x, labels, torch.Generator().manual_seed(0), "discriminator")
    assert float(figures["r1"]) == pytest.approx(float(slope.square().sum()), rel=0.1)
    assert float(figures["r2"]) == pytest.approx(float(slope.square().sum()), rel=0.1)


def test_the_losses_are_those_of_the_paper():
    logits = {"real": torch.tensor([2.0, -1.0]), "fake": torch.tensor([0.5, -3.0])}
    calls = iter(("real", "fake"))
    told = _latents.non_saturating(
        lambda x: logits[next(calls)], torch.zeros(2), torch.zeros(2), "discriminator"
    )
    real, fake = logits["real"].sigmoid(), logits["fake"].sigmoid()
    assert float(told["loss"]) == pytest.approx(float(-(real.log() + (1 - fake).log()).mean()), rel=1e-5)
    told = _latents.non_saturating(lambda x: logits["fake"], torch.zeros(2), torch.zeros(2), "generator")
    assert float(told["loss"]) == pytest.approx(float(-fake.log().mean()), rel=1e-5)


def test_truncation_pulls_towards_the_mean_of_the_class(style):
    z, labels = torch.randn(3, 8), torch.tensor([0, 4, 4])
    with torch.no_grad():
        mean = style.w_of(z, labels, 0.0)
        assert torch.allclose(mean, style.w_avg[labels])
        half, full = style.w_of(z, labels, 0.5), style.w_of(z, labels, 1.0)
        assert torch.allclose(half - mean, 0.5 * (full - mean), atol=1e-6)
        assert torch.allclose(full, style.generator.map(z, labels), atol=1e-6)


def test_a_mixed_picture_takes_coarse_layers_from_one_and_fine_layers_from_the_other(style):
    z, other, labels = torch.randn(1, 8), torch.randn(1, 8), torch.tensor([2])
    noises = [torch.randn(1, *shape) for shape in style.noise_shapes()]
    with torch.no_grad():
        w, w_other = style.generator.map(z, labels), style.generator.map(other, labels)
        styles = torch.stack([w] * 2 + [w_other] * 4, dim=1)
        mixed = style.generator(z, other, torch.tensor([2.0]), labels, noises)
        assert torch.allclose(style.generator.synthesis(styles, noises), mixed, atol=1e-6)


def test_the_energy_distance_is_scipys():
    """For numbers, which scipy can do, and as a fraction of how far apart real ones lie."""
    from scipy import stats

    rng = np.random.default_rng(0)
    real, fake = (torch.from_numpy(rng.normal(m, s, (900, 1))).float() for m, s in ((0, 0.3), (0.1, 0.12)))
    distance, spread = _features.energy_distance(real, fake)
    apart = 2 * 0.3 / math.sqrt(math.pi)  # E|x - x'| of a Gaussian
    expected = stats.energy_distance(real[:, 0], fake[:, 0]) ** 2 / apart
    assert float(distance) == pytest.approx(expected, abs=0.01)
    assert float(spread) == pytest.approx(0.4, abs=0.03)
    assert torch.equal(_features.energy_distance(real, fake, _features.within(real))[0], distance)


def test_the_distance_tells_one_picture_from_many_within_each_class():
    x, labels = torch.rand(64, 1, 28, 28), torch.arange(64) % 2
    x[labels == 1] -= 1.0  # the classes differ: a mixture would be seen as one wide class
    real = {c: _features.real_of([kind[labels == c] for kind in _features.features(None, x)]) for c in (0, 1)}
    always_the_same = torch.stack([x[:1].mean(0), x[1:2].mean(0)])[labels].requires_grad_()
    other = torch.rand_like(x) - labels[:, None, None, None]
    honest, _ = _features.distance(real, _features.features(None, other), labels)
    collapsed, spread = _features.distance(real, _features.features(None, always_the_same), labels)
    assert collapsed.item() > 10 * honest.abs().item() and spread.item() < 0.01
    collapsed.backward()
    assert always_the_same.grad.isfinite().all(), "the distance of equal pictures has a corner"
    swapped, _ = _features.distance(real, _features.features(None, x.flip(0)), labels.flip(0))
    wrong, _ = _features.distance(real, _features.features(None, x), 1 - labels)
    assert wrong > 10 * abs(swapped), "classes are compared with themselves"


def test_a_batch_without_pairs_has_no_distance():
    x = torch.rand(2, 1, 28, 28, requires_grad=True)
    distance, spread = _features.distance({}, _features.features(None, x), torch.arange(2))
    distance.backward()
    assert distance == 0 == spread and (x.grad == 0).all()


def test_few_classes_make_many_pairs():
    drawn = [_features.few_classes(64, 10, torch.Generator().manual_seed(i)) for i in range(40)]
    assert all(len(labels.unique()) == 2 and (labels.bincount()[labels] == 32).all() for labels in drawn)
    assert len(torch.cat(drawn).unique()) == 10
    assert len(_features.few_classes(5, 10, torch.Generator()).unique()) == 1


def test_a_diffusion_models_eyes_look_at_real_and_drawn_pictures(monkeypatch):
    """A generator that is told of them is pulled towards real pictures; they learn nothing and are not saved."""
    images, labels = data.load("fashion", "test")
    monkeypatch.setattr(data, "load", lambda dataset, split: (images[:400], labels[:400]))
    _features.real_pictures.cache_clear()
    torch.manual_seed(0)
    config = stylegan.StyleGANConfig(latent_dim=8, w_dim=8, widths=(8, 8, 4), critic_widths=(8, 8, 4))
    model, teacher = stylegan.StyleGAN(config), checkpoints.load("ddpm-fashion")
    names = set(model.state_dict())
    model.learn_from(teacher)
    assert set(model.state_dict()) == names
    told, draw, critic = [], model._draw, model.discriminator.forward
    monkeypatch.setattr(model, "_draw", lambda wanted, dice: told.append(wanted) or draw(wanted, dice))
    monkeypatch.setattr(model.discriminator, "forward", lambda x, of: told.append(of) or critic(x, of))
    x = torch.from_numpy(images[:64].transpose(0, 3, 1, 2).copy())
    found = model.loss(x, torch.from_numpy(labels[:64].copy()), torch.Generator().manual_seed(0))
    drawn, of_real, of_drawn = told
    assert len(drawn.unique()) == 2 and torch.equal(of_drawn, drawn), "few classes, and the critic knows them"
    assert np.array_equal(of_real, labels[:64])
    found["loss"].backward()
    assert (
        found["distance"] > 0 and found["loss"] == found["game"] + config.distance_weight * found["distance"]
    )
    assert all(p.grad is not None for p in model.generator.synthesis.to_picture.parameters())
    assert all(p.grad is None for p in teacher.parameters())

    eyes, real = model.__dict__["eyes"], _features.real_pictures(model.__dict__["eyes"], "fashion", 10)
    assert len(real) == 10 and len(real[0].kinds) == len(_features.features(eyes, from_uint8(x[:2]))) == 8
    more, more_labels = (torch.from_numpy(a[400:800].copy()) for a in (images, labels))
    kinds = _features.features(eyes, from_uint8(more.permute(0, 3, 1, 2)))
    known = dict(enumerate(real))
    of_others, _ = _features.distance(known, kinds, more_labels.long())
    blurred = F.avg_pool2d(from_uint8(more.permute(0, 3, 1, 2)), 3, 1, 1)
    of_blurred, _ = _features.distance(known, _features.features(eyes, blurred), more_labels.long())
    assert abs(of_others) < 0.02 < of_blurred
    _features.real_pictures.cache_clear()


def test_the_parts_learn_at_their_own_rates():
    _, recipe = models.recipes()["stylegan-fashion"]
    model = torch.nn.Linear(2, 2)
    (slow,) = make_optimizers(model, recipe, "generator")
    (fast,) = make_optimizers(model, recipe, "discriminator")
    assert slow.param_groups[0]["peak"] == recipe.learning_rate
    assert fast.param_groups[0]["peak"] == recipe.learning_rate * recipe.learning_rates["discriminator"]


@pytest.mark.parametrize("network", ["gan/gan", "gan/dcgan", "gan/stylegan"])
def test_each_player_moves_only_in_its_turn(network, tmp_path, monkeypatch):
    recipe = next(r for n, r in models.recipes().values() if n == network)
    recipe = dataclasses.replace(recipe, compile=False, warmup_steps=1)
    run = Run(network, recipe, tmp_path, World())
    moved: list[dict[str, bool]] = []
    learn = run._learn

    def watched(turn, *rest):
        before = {name: p.clone() for name, p in run.model.named_parameters()}
        figures = learn(turn, *rest)
        moved.append(
            {
                player: any(
                    not torch.equal(before[name], p)
                    for name, p in run.model.named_parameters()
                    if name.startswith(player)
                )
                for player in run.turns
            }
        )
        return figures

    monkeypatch.setattr(run, "_learn", watched)
    x = torch.randint(0, 256, (4, 1, 28, 28), dtype=torch.uint8)
    figures = run.train_step(x, torch.arange(4))
    assert moved == [
        {"discriminator": True, "generator": False},
        {"discriminator": False, "generator": True},
    ]
    assert {"discriminator_loss", "generator_loss"} <= figures.keys()


def test_a_small_gan_learns_to_make_bright_pictures(tmp_path):
    """Real pictures are white; after a few steps the drawn ones are brighter than at the start."""
    recipe = next(r for n, r in models.recipes().values() if n == "gan/gan")
    small = gan.GANConfig(latent_dim=4, width=16, maxout_units=8, pieces=2)
    recipe = dataclasses.replace(
        recipe, config=small, compile=False, warmup_steps=1, learning_rate=2e-2, ema=0.5
    )
    run = Run("gan/gan", recipe, tmp_path, World())
    (start,) = run.average.sample(run.model.Request(num_samples=8))
    white = torch.full((16, 1, 28, 28), 250, dtype=torch.uint8)
    for _ in range(40):
        run.train_step(white, torch.zeros(16, dtype=torch.int64))
    (end,) = run.average.sample(run.model.Request(num_samples=8))
    assert end.images.mean() > start.images.mean() + 40


def test_an_average_of_weights_gets_statistics_of_its_own(tmp_path):
    """Batch normalisation's running means and variances belong to the weights they were counted with."""
    recipe = next(r for n, r in models.recipes().values() if n == "gan/dcgan")
    recipe = dataclasses.replace(
        recipe,
        config=dcgan.DCGANConfig(width=4, discriminator_width=4, latent_dim=4),
        compile=False,
        learning_rate=5e-2,
        ema_ramp=2,  # the mean of all
    )
    run = Run("gan/dcgan", recipe, tmp_path, World())
    run.examples = torch.randint(0, 256, (400, 1, 28, 28), dtype=torch.uint8)
    for _ in range(12):
        run.train_step(run.examples[:32], torch.zeros(32, dtype=torch.int64))
    average = run.average

    def distances():
        """How far the means that each player keeps lie from those of large batches, in standard deviations."""
        z = torch.randn(400, 4, generator=torch.Generator().manual_seed(5))
        shown = {"generator": [z], "discriminator": [from_uint8(run.examples), average.generator(z)]}
        apart = {}
        for name, batches in shown.items():
            player = average.get_submodule(name)
            fresh = copy.deepcopy(player)
            update_bn(batches, fresh.train())
            norms = zip(player.modules(), fresh.modules(), strict=True)
            apart[name] = max(
                ((kept.running_mean - new.running_mean) / new.running_var.sqrt()).abs().max().item()
                for kept, new in norms
                if isinstance(kept, torch.nn.BatchNorm2d)
            )
        return apart

    before = distances()
    path = run.save_checkpoint()
    after = distances()
    assert all(after[name] < 0.06 < before[name] for name in after), (before, after)
    shipped = checkpoints.load(path).generator
    torch.testing.assert_close(
        shipped.norm_eighth.running_mean, average.generator.norm_eighth.running_mean, rtol=0.01, atol=0.01
    )
    assert not average.training and not average.generator.training


def card_of(model):
    """A stand-in for the card that a loaded model carries."""
    model.card = dataclasses.make_dataclass("Card", [("dataset", str, "fashion")])()
    return model.requires_grad_(False)


def last(frames):
    *_, frame = frames
    return frame


def test_a_walk_is_closed_and_stays_in_the_prior(style):
    request_type = _explore.walk_request(stylegan.StyleRequest)
    steps = list(_explore.walk(style, request_type(num_steps=40, num_samples=2, seed=3)))
    w = np.stack([f.extras["latent"] for f in steps])
    strides = np.linalg.norm(np.roll(w, -1, axis=0) - w, axis=-1)
    assert strides[-1].max() < 3 * np.median(strides), "the last step leads on to the first"
    seen = []
    monkey = dataclasses.make_dataclass("Model", [("prior_shape", tuple, (500,))])()
    monkey.picture_of = lambda z, request: seen.append(z) or steps[0]
    list(_explore.walk(monkey, request_type(num_steps=10, num_samples=3)))
    assert np.stack(seen).std(axis=-1) == pytest.approx(1.0, abs=0.12)


def test_mixing_takes_the_chosen_layers_from_the_column(style):
    style.requires_grad_(False)
    request = _explore.MixRequest(
        num_rows=2, num_columns=3, layers="fine", noise=False, truncation_psi=1.0, label=4
    )
    frames = list(_explore.mix(style, request))
    sheet = frames[-1].images.reshape(3, 4, 28, 28, 1)
    labels = torch.full((5,), 4)
    w = style.w_of(torch.from_numpy(noise.normal(7, range(5), "z", (8,))), labels)
    styles = torch.cat([w[1].expand(4, -1), w[4].expand(2, -1)])[None]
    expected = to_uint8(style.decode(styles))[0]
    assert np.abs(sheet[2, 3].astype(int) - expected).max() <= 1
    assert not sheet[0, 0].any()
    resumed = last(_explore.mix(style, request, frames[1].state))
    assert np.array_equal(resumed.images, frames[-1].images)


def test_directions_are_principal_and_leave_the_original_alone(style):
    style.requires_grad_(False)
    axes, deviations = style.directions
    centred = (style.many_w - style.w_avg[:, None]).flatten(0, 1)
    assert torch.allclose(axes @ axes.T, torch.eye(12), atol=1e-4)
    assert torch.allclose((centred @ axes.T).std(0), deviations, rtol=1e-2)
    assert (deviations.diff() <= 1e-6).all()
    still = last(_explore.move(style, _explore.DirectionRequest(index=5)))
    assert np.array_equal(still.images[0], still.images[1])
    moved = last(_explore.move(style, _explore.DirectionRequest(index=5, direction_1=4.0)))
    assert np.array_equal(moved.images[0], still.images[0]) and not np.array_equal(*moved.images)


@pytest.mark.parametrize("network", ["gan/gan", "gan/dcgan", "gan/stylegan"])
def test_projection_comes_nearer_and_continues_from_its_state(network):
    torch.manual_seed(0)
    model = card_of(models.network_class(network)(models.network_class(network).Config()).eval())
    request = _explore.project_request(model.Request)(index=3, num_steps=8)
    frames = list(_explore.project(model, request))
    distances = [f.extras["distance"] for f in frames]
    assert len(frames) == 9 and distances[-1] < distances[0]
    assert np.array_equal(frames[0].images[0], data.load("fashion", "test")[0][3])
    rest = list(_explore.project(model, request, frames[4].state))
    assert [f.step for f in rest] == [5, 6, 7, 8]
    assert np.array_equal(rest[-1].images, frames[-1].images)
    assert torch.is_grad_enabled()


def test_a_search_begins_at_the_nearest_of_many_draws():
    torch.manual_seed(0)
    model = gan.GAN(gan.GANConfig(latent_dim=4, width=16, maxout_units=8, pieces=2)).eval()
    draws = torch.from_numpy(noise.normal(0, range(200), "search", (4,)))
    for place in (0, 7, 199):
        goal = model.decode(draws[place][None]).detach()
        assert torch.equal(model.start_of_search(goal, torch.zeros(1, dtype=torch.long)), draws[place][None])


def test_the_lattice_shows_the_samples_themselves_and_keeps_the_variance_between_them(style):
    card_of(style)
    request = _explore.lattice_request(stylegan.StyleRequest)(u=1.0, v=-2.0, noise=False, label=3, seed=5)
    side = 2 * _explore.LATTICE + 2
    own = style.picture_of(noise.normal(5, [_explore.LATTICE + 1], "z", (8,)), request)
    found = last(_explore.lattice_point(style, request))
    assert np.array_equal(found.images, own.images) and side == 6
    wide = dataclasses.make_dataclass("Model", [("prior_shape", tuple, (4000,))])()
    assert _explore.lattice_z(wide, 5, 0.5, 0.3).std() == pytest.approx(1.0, abs=0.05)
    frames = list(_explore.lattice(style, request))
    rest = last(_explore.lattice(style, request, frames[5].state))
    assert np.array_equal(rest.images, frames[-1].images)


def test_opinions_are_measured_against_real_pictures(style):
    style.requires_grad_(False)
    images, labels = data.load("fashion", "test")
    mine = images[labels == 6][:50].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    found = style.opinion(torch.from_numpy(mine), torch.full((50,), 6))
    assert float(found.mean()) == pytest.approx(0.0, abs=1e-4)


def test_a_smooth_discriminator_pays_for_its_slope_and_the_generator_does_not():
    """For a linear discriminator R1 and R2 are its squared slope, and the rest of the loss is the paper's."""
    slope = 0.05 * torch.randn(784, generator=torch.Generator().manual_seed(2))

    class Linear(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1) @ slope

    x = torch.randint(0, 256, (4000, 1, 28, 28), dtype=torch.uint8)
    labels, figures = torch.zeros(4000, dtype=torch.int64), {}
    for gamma in (0.0, 0.5):
        torch.manual_seed(0)
        model = gan.GAN(gan.GANConfig(width=8, maxout_units=4, gamma=gamma))
        model.discriminator = Linear()
        for turn in ("discriminator", "generator"):
            told = model.loss(x, labels, torch.Generator().manual_seed(1), turn)
            figures[gamma, turn] = {name: value.detach() for name, value in told.items()}
    plain, smooth = figures[0.0, "discriminator"], figures[0.5, "discriminator"]
    for name in ("r1", "r2"):
        assert float(smooth[name]) == pytest.approx(float(slope.square().sum()), rel=0.1)
    price = 0.25 * float(smooth["r1"] + smooth["r2"])
    assert float(smooth["loss"]) == pytest.approx(float(plain["loss"]) + price, rel=1e-4)
    assert float(figures[0.0, "generator"]["loss"]) == float(figures[0.5, "generator"]["loss"])
