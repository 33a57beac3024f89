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
from playground.experiments.gan import directions, latent_walk, lattice, projection, style_mixing
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan import _distances, _latents, _styled, dcgan, gan, stylegan
from playground.training.optimizers import make_optimizers
from playground.training.run import Run


@pytest.fixture
def style():
    torch.manual_seed(0)
    config = stylegan.StyleGANConfig(latent_dim=8, w_dim=12, width=4, top_width=3, discriminator_width=4)
    return stylegan.StyleGAN(config).eval()


@pytest.mark.parametrize("to", [0, 12, 11])
def test_modulated_features_equal_modulated_weights(to):
    torch.manual_seed(1)
    conv = _styled.ModulatedConv(5, 7, w_dim=4, to=to)
    torch.nn.init.normal_(conv.style.weight)
    x, w = torch.randn(3, 5, 6, 6), torch.randn(3, 4)
    found = conv(x, w)
    assert found.shape[2:] == ((to, to) if to else (6, 6))
    for i in range(3):  # equations 1 and 3, one picture at a time
        own = conv.weight * conv.style(w)[i].reshape(-1, 1, 1, 1).transpose(0, 0 if to else 1)
        outputs = (0, 2, 3) if to else (1, 2, 3)  # all axes but that of the outputs
        energy = own.square().sum(outputs, keepdim=True) / (4 if to else 1)
        own = own * torch.rsqrt(energy + 1e-8)
        x_i = x[i : i + 1]
        expected = F.conv_transpose2d(x_i, own, stride=2, padding=1) if to else F.conv2d(x_i, own, padding=1)
        assert torch.allclose(found[i : i + 1], expected, atol=1e-5)


@pytest.mark.parametrize("to", [0, 14, 7])
def test_demodulation_keeps_the_variance(to):
    """Whatever the length of its weights and the strength of its style, noise comes out as noise of variance 1."""
    torch.manual_seed(1)
    size = math.ceil(to / 2) or 7
    conv = _styled.ModulatedConv(64, 48, w_dim=4, to=to)
    with torch.no_grad():
        conv.weight *= 3.0
        conv.style.bias *= torch.rand(64) * 5
        found = conv(torch.randn(200, 64, size, size), torch.zeros(200, 4))
    inner = found[:, :, 1:-2, 1:-2]  # as many places between old ones as on them
    assert inner.square().mean().item() == pytest.approx(1.0, abs=0.1)


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
    distance, spread = _distances.energy_distance(real, fake)
    apart = 2 * 0.3 / math.sqrt(math.pi)  # E|x - x'| of a Gaussian
    expected = stats.energy_distance(real[:, 0], fake[:, 0]) ** 2 / apart
    assert float(distance) == pytest.approx(expected, abs=0.01)
    assert float(spread) == pytest.approx(0.4, abs=0.03)


def test_the_distance_tells_one_picture_from_many_within_each_class():
    x, labels = torch.rand(64, 1, 28, 28), torch.arange(64) % 2
    x[labels == 1] -= 1.0  # the classes differ: a mixture would be seen as one wide class
    always_the_same = torch.stack([x[:1].mean(0), x[1:2].mean(0)])[labels].requires_grad_()
    other = torch.rand_like(x) - labels[:, None, None, None]
    honest, _ = _distances.distance([x], [other], labels)
    collapsed, spread = _distances.distance([x], [always_the_same], labels)
    assert collapsed.item() > 10 * honest.abs().item() and spread.item() < 0.01
    collapsed.backward()
    assert always_the_same.grad.isfinite().all(), "the distance of equal pictures has a corner"
    within, _ = _distances.distance([x], [x.roll(2, 0)], labels)
    across, _ = _distances.distance([x], [x.roll(1, 0)], labels)
    assert across > 10 * abs(within), "classes are compared with themselves"


def test_a_batch_without_pairs_has_no_distance():
    x = torch.rand(2, 1, 28, 28, requires_grad=True)
    distance, spread = _distances.distance([x.detach()], [x], torch.arange(2))
    distance.backward()
    assert distance == 0 == spread and (x.grad == 0).all()


def test_the_styled_generator_learns_from_the_game_and_from_sets(style, monkeypatch):
    """Real and drawn pictures are shown with the same classes, apart, and compared in every map of the discriminator."""
    images, labels = data.load("fashion", "test")
    x, labels = (
        torch.from_numpy(images[:64].transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(labels[:64].copy()),
    )
    told, compared, critic, distance = [], [], style.discriminator.forward, _distances.distance
    monkeypatch.setattr(style.discriminator, "forward", lambda p, of: told.append(of) or critic(p, of))
    monkeypatch.setattr(_distances, "distance", lambda *sets: compared.append(sets) or distance(*sets))
    found = style.loss(x, labels, torch.Generator().manual_seed(0))
    assert len(told) == 2 and all(torch.equal(of, labels) for of in told)
    (real, fake, of), *rest = compared
    assert not rest and torch.equal(of, labels)
    assert [m.shape for m in real] == [m.shape for m in fake] and [m.shape[2] for m in real] == [7, 4]
    assert not any(m.requires_grad for m in real) and all(m.requires_grad for m in fake)
    assert found["distance"] > 0
    assert found["loss"] == found["game"] + style.config.distance_weight * found["distance"]
    found["loss"].backward()
    assert all(p.grad is not None for p in style.generator.synthesis.parameters())


def test_the_statistics_of_the_styled_game_are_counted_on_real_and_drawn_pictures(style):
    critic, x = style.discriminator, torch.randint(150, 256, (400, 1, 28, 28), dtype=torch.uint8)
    critic.norm_quarter.running_mean.fill_(9.0)
    style.count_statistics(x, torch.Generator().manual_seed(0))

    def mean_of(pictures):
        return critic.to_quarter(F.leaky_relu(critic.to_half(pictures), 0.2)).mean((0, 2, 3))

    with torch.no_grad():
        drawn = style._draw(torch.arange(400) % 10, torch.Generator().manual_seed(1))
        of_real, of_drawn = mean_of(from_uint8(x)), mean_of(drawn)
    apart = (of_real - of_drawn).norm()
    assert (critic.norm_quarter.running_mean - (of_real + of_drawn) / 2).norm() < 0.1 * apart
    assert not critic.training


def test_the_class_enters_the_discriminator_at_its_end_only(style):
    """So its statistics are counted without classes, and the first look is DCGAN's."""
    x = torch.rand(4, 1, 28, 28)
    with torch.no_grad():
        torch.nn.init.normal_(style.discriminator.label.weight)
        plain, maps = style.discriminator(x)
        logits, same = style.discriminator(x, torch.arange(4))
        assert all(torch.equal(a, b) for a, b in zip(maps, same, strict=True))
        assert torch.equal(plain, dcgan.Discriminator.forward.__get__(style.discriminator)(x))
        share = torch.stack(
            [
                F.conv2d(m, w)
                for m, w in zip(
                    maps[-1][:, None],
                    style.discriminator.label.weight[:4].view(4, 1, *maps[-1].shape[1:]),
                    strict=True,
                )
            ]
        ).flatten()
        assert torch.allclose(logits - plain, share, atol=1e-6) and share.abs().min() > 0


def test_the_parts_learn_at_their_own_rates():
    _, recipe = models.recipes()["stylegan-fashion"]
    recipe = dataclasses.replace(recipe, learning_rates={"discriminator": 2.0})
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
    request_type = latent_walk.walk_request(stylegan.StyleRequest)
    steps = list(latent_walk.walk(style, request_type(num_steps=40, num_samples=2, seed=3)))
    w = np.stack([f.extras["latent"] for f in steps])
    strides = np.linalg.norm(np.roll(w, -1, axis=0) - w, axis=-1)
    assert strides[-1].max() < 3 * np.median(strides), "the last step leads on to the first"
    seen = []
    monkey = dataclasses.make_dataclass("Model", [("prior_shape", tuple, (500,))])()
    monkey.picture_of = lambda z, request: seen.append(z) or steps[0]
    list(latent_walk.walk(monkey, request_type(num_steps=10, num_samples=3)))
    assert np.stack(seen).std(axis=-1) == pytest.approx(1.0, abs=0.12)


def test_mixing_takes_the_chosen_layers_from_the_column(style):
    style.requires_grad_(False)
    request = style_mixing.MixRequest(
        num_rows=2, num_columns=3, layers="fine", noise=False, truncation_psi=1.0, label=4
    )
    frames = list(style_mixing.mix(style, request))
    sheet = frames[-1].images.reshape(3, 4, 28, 28, 1)
    labels = torch.full((5,), 4)
    w = style.w_of(torch.from_numpy(noise.normal(7, range(5), "z", (8,))), labels)
    styles = torch.cat([w[1].expand(5, -1), w[4].expand(1, -1)])[None]  # the last layer alone
    expected = to_uint8(style.decode(styles))[0]
    assert np.abs(sheet[2, 3].astype(int) - expected).max() <= 1
    assert not sheet[0, 0].any()
    resumed = last(style_mixing.mix(style, request, frames[1].state))
    assert np.array_equal(resumed.images, frames[-1].images)


def test_directions_are_principal_and_leave_the_original_alone(style):
    style.requires_grad_(False)
    axes, deviations = style.directions
    centred = (style.many_w - style.w_avg[:, None]).flatten(0, 1)
    assert torch.allclose(axes @ axes.T, torch.eye(12), atol=1e-4)
    assert torch.allclose((centred @ axes.T).std(0), deviations, rtol=1e-2)
    assert (deviations.diff() <= 1e-6).all()
    still = last(directions.move(style, directions.DirectionRequest(index=5)))
    assert np.array_equal(still.images[0], still.images[1])
    moved = last(directions.move(style, directions.DirectionRequest(index=5, direction_1=4.0)))
    assert np.array_equal(moved.images[0], still.images[0]) and not np.array_equal(*moved.images)


@pytest.mark.parametrize("network", ["gan/gan", "gan/dcgan", "gan/stylegan"])
def test_projection_comes_nearer_and_continues_from_its_state(network):
    torch.manual_seed(0)
    model = card_of(models.network_class(network)(models.network_class(network).Config()).eval())
    request = projection.project_request(model.Request)(index=3, num_steps=8)
    frames = list(projection.project(model, request))
    distances = [f.extras["distance"] for f in frames]
    assert len(frames) == 9 and distances[-1] < distances[0]
    assert np.array_equal(frames[0].images[0], data.load("fashion", "test")[0][3])
    rest = list(projection.project(model, request, frames[4].state))
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
    request = lattice.lattice_request(stylegan.StyleRequest)(u=1.0, v=-2.0, noise=False, label=3, seed=5)
    side = 2 * lattice.LATTICE + 2
    own = style.picture_of(noise.normal(5, [lattice.LATTICE + 1], "z", (8,)), request)
    found = last(lattice.lattice_point(style, request))
    assert np.array_equal(found.images, own.images) and side == 6
    wide = dataclasses.make_dataclass("Model", [("prior_shape", tuple, (4000,))])()
    assert lattice.lattice_z(wide, 5, 0.5, 0.3).std() == pytest.approx(1.0, abs=0.05)
    frames = list(lattice.lattice(style, request))
    rest = last(lattice.lattice(style, request, frames[0].state))
    assert np.array_equal(rest.images, frames[-1].images)
    rows = [frame.images.reshape(13, 13, 28, 28, 1) for frame in frames]
    for row in range(13):  # whole at once: rows 0, 6 and 12 stand in for their neighbours
        assert np.array_equal(rows[0][row], rows[-1][(0, 6, 12)[(row > 3) + (row > 9)]])


def test_the_picture_under_the_pointer_is_that_of_its_place_in_the_lattice(style):
    """Of the class that the whole sheet shows: classes in turn would give each column another one."""
    card_of(style)
    request = lattice.lattice_request(stylegan.StyleRequest)(noise=False)
    middle = lattice.LATTICE_TILES // 2 * (lattice.LATTICE_TILES + 1)
    sheet, point = last(lattice.lattice(style, request)), last(lattice.lattice_point(style, request))
    assert np.abs(sheet.images[middle].astype(int) - point.images[0]).max() <= 1


def test_an_opinion_is_a_probability_given_the_class(style):
    style.requires_grad_(False)
    x, labels = torch.rand(5, 1, 28, 28), torch.full((5,), 6)
    torch.nn.init.normal_(style.discriminator.label.weight)
    found = style.discriminator_output(x, labels)
    assert torch.equal(found, style.discriminator(x, labels)[0].sigmoid())
    assert not torch.allclose(found, style.discriminator_output(x, labels - 1))


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
