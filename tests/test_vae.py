"""The variational autoencoder and the plain one: the bound against numerical integration, draws, latents."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from playground.capabilities import Decodes, Encodes, Scores
from playground.contract import Model
from playground.evaluation import likelihood
from playground.models import discretized_logistic, noise
from playground.models.vae import autoencoder, vae
from playground.models.vae._networks import log_likelihood, mean_picture
from playground.models.vae.autoencoder import Autoencoder, AutoencoderConfig, AutoencoderRequest
from playground.models.vae.vae import VAE, VAEConfig, VAERequest, gaussian_kl

TINY: dict[str, Any] = {"width": 4, "hidden": 16, "num_mixtures": 2, "image_size": 8}


def _pictures(count: int, seed: int = 0) -> Tensor:
    """Bright bars of random height and brightness on black: uint8 (B,1,8,8)."""
    generator = np.random.default_rng(seed)
    x = np.zeros((count, 1, 8, 8), np.uint8)
    for picture in x:
        picture[0, : generator.integers(1, 8)] = generator.integers(60, 256)
    return torch.from_numpy(x)


def _train(model: torch.nn.Module, steps: int) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    labels, losses = torch.zeros(64, dtype=torch.int64), []
    for step in range(steps):
        loss = model.loss(_pictures(64, step), labels, generator)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> VAE:
    """One latent dimension, so that integrals over it can be done numerically; briefly trained."""
    torch.manual_seed(0)
    made = VAE(VAEConfig(latent_dim=1, **TINY))
    losses = _train(made, 200)
    assert np.mean(losses[-10:]) < 0.7 * losses[0]
    return made.eval()


@pytest.fixture(scope="module")
def trained_autoencoder() -> Autoencoder:
    torch.manual_seed(0)
    made = Autoencoder(AutoencoderConfig(latent_dim=2, **TINY)).train()
    losses = _train(made, 200)
    assert np.mean(losses[-10:]) < 0.7 * losses[0]
    return made.eval()


def _last(frames: Iterator[Any]) -> Any:
    (frame,) = frames
    return frame


# --- the discretised logistic


def _raw_parameters() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(400, 9, generator=generator)
    raw[:, 6:] = 2.5 * raw[:, 6:] - 3.0  # from narrower than a grey level to wider than all of them
    return raw


def test_probabilities_of_all_grey_levels_sum_to_one() -> None:
    total = discretized_logistic.all_log_probs(_raw_parameters()).double().exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-5, rtol=0)


def test_log_prob_is_the_difference_of_two_logistic_functions() -> None:
    mean, scale = 0.1, 0.05
    raw = torch.tensor([0.0, mean, math.log(scale)])
    for value in (0, 1, 140, 255):
        low = -math.inf if value == 0 else (value - 0.5) / 127.5 - 1
        high = math.inf if value == 255 else (value + 0.5) / 127.5 - 1
        cdf = [0.0 if v == -math.inf else 1 / (1 + math.exp(-(v - mean) / scale)) for v in (low, high)]
        found = discretized_logistic.log_prob(raw, torch.tensor(value)).exp().item()
        assert found == pytest.approx(cdf[1] - cdf[0], rel=1e-3, abs=1e-12)


def test_closed_mean_is_the_mean_of_the_distribution() -> None:
    raw = _raw_parameters()
    levels = torch.arange(256, dtype=torch.float64)
    expected = (discretized_logistic.all_log_probs(raw).double().exp() * levels).sum(-1)
    error = ((discretized_logistic.mean(raw).double() + 1) * 127.5 - expected).abs()
    assert error.max() < 0.5
    wide = raw[:, 6:].min(-1).values > math.log(1 / 127.5)  # no logistic is narrower than a grey level
    assert wide.any()
    assert error[wide].max() < 0.05


def test_draws_follow_the_distribution() -> None:
    raw = torch.tensor(
        [0.5, 0.0, -0.9, 0.3, -1.5, -3.0]
    )  # two logistics, one of which leans on the lowest value
    grid = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    choice, level = torch.meshgrid(grid, grid, indexing="ij")
    values = discretized_logistic.draw(raw.expand(400, 400, 6), choice, level)
    counts = torch.bincount(values.flatten().int(), minlength=256).double() / values.numel()
    torch.testing.assert_close(
        counts, discretized_logistic.all_log_probs(raw).exp().double(), atol=2e-3, rtol=0
    )


def test_draws_at_the_ends_of_the_dice_are_values() -> None:
    ends = torch.tensor([0.0, 1.0 - 2.0**-53], dtype=torch.float64)
    values = discretized_logistic.draw(torch.tensor([0.0, 0.0, 0.0]).expand(2, 3), ends, ends)
    assert values.tolist() == [0, 255]


# --- the bound


def test_kl_is_that_of_torch_distributions() -> None:
    mu, logvar = torch.randn(5, 7), torch.randn(5, 7)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(mu, (0.5 * logvar).exp()), normal(torch.zeros(()), torch.ones(()))
    )
    torch.testing.assert_close(gaussian_kl(mu, logvar), expected)


def _true_bits(model: VAE, x: Tensor) -> Tensor:
    """-log2 p(x) / D by integrating p(x given z) p(z) over a fine grid of the single latent dimension."""
    z = torch.linspace(-8, 8, 1601).unsqueeze(1)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z[:, 0]).double()
    nats = []
    with torch.no_grad():
        raw = model.decoder(z)
        for picture in x:
            given = log_likelihood(raw, picture.expand(len(z), -1, -1, -1))
            nats.append(-torch.logsumexp(given.double() + prior + math.log(16 / 1600), 0))
    return torch.stack(nats) / (64 * math.log(2))


def test_bounds_lie_above_the_integral_and_close_in_on_it(model: VAE) -> None:
    x = _pictures(12, seed=999)
    truth = _true_bits(model, x).mean().item()
    elbo = float(np.mean([s.value for s in model.score(x, seed=3)]))
    weighted = [
        np.mean([model.importance_weighted_bound(x, k, seed).mean().item() for seed in range(6)])
        for k in (1, 4, 16, 64)
    ]
    assert elbo > truth + 1e-3
    assert all(a > b for a, b in itertools.pairwise([*weighted, truth]))
    assert weighted[0] == pytest.approx(elbo, abs=0.3 * (elbo - truth))  # k = 1 is the ELBO
    wide = copy.deepcopy(model)
    with torch.no_grad():
        wide.encoder.head.bias[1] += 4.0  # a wide q covers p(z given x), and the estimate converges quickly
    found = np.mean([wide.importance_weighted_bound(x, 400, seed).mean().item() for seed in range(2)])
    assert found == pytest.approx(truth, abs=3e-3)
    assert np.mean([s.value for s in wide.score(x)]) > elbo


def test_importance_weights_are_those_of_the_densities(model: VAE) -> None:
    x, seed, k = _pictures(5, seed=4), 2, 3
    normal = torch.distributions.Normal
    with torch.no_grad():
        mu, logvar = model.encode(x)
        posterior, weights = normal(mu, (0.5 * logvar).exp()), []
        for draw in range(k):
            epsilon = torch.from_numpy(noise.normal(seed, noise.identities(x), "posterior", (1,), step=draw))
            z = posterior.mean + posterior.stddev * epsilon
            ratio = (normal(0.0, 1.0).log_prob(z) - posterior.log_prob(z)).sum(1)
            weights.append(model.log_likelihood(x, z) + ratio)
    expected = -torch.stack(weights).double().exp().mean(0).log() / (64 * math.log(2))
    torch.testing.assert_close(model.importance_weighted_bound(x, k, seed), expected, rtol=1e-4, atol=0)


def test_an_iwae_trains_on_the_mean_of_its_weights(model: VAE) -> None:
    x = _pictures(3, seed=6)
    many = VAE(dataclasses.replace(model.config, num_weights=5))
    many.load_state_dict(model.state_dict())
    many.loss(x, x, torch.Generator().manual_seed(1))["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in many.parameters())
    normal, epsilon = (
        torch.distributions.Normal,
        torch.randn(5, 3, 1, generator=torch.Generator().manual_seed(1)),
    )
    with torch.no_grad():
        found = many.loss(x, x, torch.Generator().manual_seed(1))["loss"]
        mu, logvar = model.encode(x)
        q, weights = normal(mu, (0.5 * logvar).exp()), torch.zeros(3, dtype=torch.float64)
        for z in mu + (0.5 * logvar).exp() * epsilon:
            joint = model.log_likelihood(x, z) + normal(0.0, 1.0).log_prob(z).sum(1)
            weights += (joint - q.log_prob(z).sum(1)).double().exp() / 5
        torch.testing.assert_close(
            found.double(), -weights.log().mean() / (64 * math.log(2)), rtol=1e-5, atol=0
        )
        # with one weight its expectation is the ELBO, whose KL is known in closed form
        one = torch.randn(4000, 3, 1, generator=torch.Generator().manual_seed(2))
        each = model.log_weights(x, mu, logvar, one)
        elbo = torch.stack([torch.stack(model(x, e)) for e in one[:400]])  # (400, 2, B)
        expected = elbo[:, 0].mean(0) - elbo[:, 1].mean(0)
        error = each.std(0) / math.sqrt(400)
        assert ((each.mean(0) - expected).abs() < 4 * error).all()


def test_score_averages_the_two_terms_of_the_elbo(model: VAE) -> None:
    x, seed = _pictures(3, seed=5), 11
    scores = model.score(x, seed=seed)
    bits = []
    for draw in range(vae.SCORE_DRAWS):
        epsilon = torch.from_numpy(noise.normal(seed, noise.identities(x), "posterior", (1,), step=draw))
        with torch.no_grad():
            log_likelihood, kl = model(x, epsilon)
        bits.append((kl - log_likelihood).double() / (64 * math.log(2)))
    torch.testing.assert_close(
        torch.tensor([s.value for s in scores], dtype=torch.float64),
        torch.stack(bits).mean(0),
        rtol=1e-5,
        atol=0,
    )
    errors = torch.stack(bits).std(0) / math.sqrt(vae.SCORE_DRAWS)
    assert [s.standard_error for s in scores] == pytest.approx(errors.tolist(), rel=1e-3)
    assert {(s.kind, s.unit) for s in scores} == {("bound", "bits/dim")}
    assert scores == model.score(x, seed=seed)
    assert scores != model.score(x, seed=seed + 1)


def test_log_likelihood_sums_the_pixels(model: VAE) -> None:
    x, z = _pictures(2), torch.tensor([[0.3], [-1.0]])
    with torch.no_grad():
        table = discretized_logistic.all_log_probs(model.decoder(z))  # (B,4,H/2,W/2,256)
        expected = torch.zeros(2)
        for row, column in itertools.product(range(8), range(8)):
            place = table[:, 2 * (row % 2) + column % 2, row // 2, column // 2]  # (B,256)
            expected += place.gather(1, x[:, :, row, column].long())[:, 0]
        torch.testing.assert_close(model.log_likelihood(x, z), expected, rtol=1e-4, atol=1e-3)


def test_loss_weighs_the_kl_and_draws_only_from_its_generator() -> None:
    torch.manual_seed(0)
    model = VAE(VAEConfig(latent_dim=3, beta_kl=4.0, **TINY))
    x, labels = _pictures(8), torch.zeros(8, dtype=torch.int64)
    before = torch.random.get_rng_state()
    first, again, other = (model.loss(x, labels, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.testing.assert_close(first["loss"], first["reconstruction"] + 4.0 * first["kl"])
    assert first["kl"] > 0
    assert first["loss"] == again["loss"] != other["loss"]


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_loss_in_bfloat16_is_close_to_float32(name: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue("model" if name == "vae" else "trained_autoencoder")
    x, labels = _pictures(8), torch.zeros(8, dtype=torch.int64)
    exact = model.loss(x, labels, torch.Generator().manual_seed(1))["loss"]
    with torch.autocast("cpu", torch.bfloat16):
        short = model.loss(x, labels, torch.Generator().manual_seed(1))["loss"]
    assert short.dtype == torch.float32
    assert short.item() == pytest.approx(exact.item(), rel=0.05)


# --- sampling and latents


def test_models_keep_the_contract(model: VAE, trained_autoencoder: Autoencoder) -> None:
    for each in (model, trained_autoencoder):
        assert isinstance(each, Model) and isinstance(each, Decodes) and isinstance(each, Encodes)
    assert isinstance(model, Scores)
    assert not isinstance(trained_autoencoder, Scores)


@pytest.mark.parametrize("output", ["mean", "sample"])
def test_samples_do_not_depend_on_the_batch(model: VAE, output: str) -> None:
    many = _last(model.sample(VAERequest(num_samples=37, output=output)))
    assert many.images.shape == (37, 8, 8, 1) and many.images.dtype == np.uint8
    for first, count in ((0, 1), (20, 1), (14, 9)):
        part = _last(model.sample(VAERequest(num_samples=count, output=output, first_index=first)))
        wanted = slice(first, first + count)
        np.testing.assert_array_equal(part.extras["latent"], many.extras["latent"][wanted])
        difference = np.abs(part.images.astype(int) - many.images[wanted].astype(int))
        assert difference.max() <= (1 if output == "mean" else 0)


@pytest.mark.parametrize("output", ["mean", "sample"])
def test_samples_repeat_and_resume(model: VAE, output: str) -> None:
    asked = VAERequest(num_samples=5, output=output, seed=3)
    frame, again = _last(model.sample(asked)), _last(model.sample(asked))
    resumed = _last(model.sample(asked, resume=frame.state))
    other = _last(model.sample(VAERequest(num_samples=5, output=output, seed=4)))
    assert (frame.step, frame.total, frame.passes) == (1, 1, 1)
    np.testing.assert_array_equal(frame.images, again.images)
    np.testing.assert_array_equal(frame.images, resumed.images)
    assert (frame.images != other.images).any()


def test_a_state_with_another_z_gives_another_picture(model: VAE) -> None:
    frame = _last(model.sample(VAERequest(num_samples=2)))
    moved = _last(model.sample(VAERequest(num_samples=2), resume={"z": frame.state["z"] + 2.0}))
    assert (frame.images != moved.images).any()


def test_temperature_scales_the_latents_and_not_the_dice(model: VAE) -> None:
    one = _last(model.sample(VAERequest()))
    half = _last(model.sample(VAERequest(temperature=0.5)))
    none = _last(model.sample(VAERequest(temperature=0.0)))
    np.testing.assert_allclose(half.extras["latent"], 0.5 * one.extras["latent"], rtol=1e-6)
    assert (none.images == none.images[:1]).all()
    assert 0.6 < np.std(_last(model.sample(VAERequest(num_samples=100))).extras["latent"]) < 1.4


def test_drawn_pixels_average_to_the_mean_picture(model: VAE) -> None:
    z = np.full((600, 1), 0.7, np.float32)
    drawn = _last(model.decode_frames(z, "sample", seed=1)).images.astype(float)
    mean = _last(model.decode_frames(z[:1])).images[0].astype(float)
    assert np.abs(drawn.mean(0) - mean).max() < 5 * drawn.std(0).max() / math.sqrt(len(z)) + 1
    assert drawn.std(0).max() > 1


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_reconstruction_decodes_the_encoding(name: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue("model" if name == "vae" else "trained_autoencoder")
    x = _pictures(6)
    frame = _last(model.reconstruct_frames(x.permute(0, 2, 3, 1).numpy()))
    with torch.no_grad():
        mu, _ = model.encode(x)
        raw = model.decoder(mu if name == "vae" else model.encoder(x))
        expected = (mean_picture(raw).permute(0, 2, 3, 1).numpy() + 1) * 127.5
    np.testing.assert_allclose(frame.extras["latent"], mu.numpy(), rtol=1e-5, atol=1e-5)
    assert np.abs(frame.images - expected).max() < 1
    blank = np.abs(x.permute(0, 2, 3, 1).numpy().astype(float) - expected.mean(0)).mean()
    assert np.abs(x.permute(0, 2, 3, 1).numpy() - frame.images.astype(float)).mean() < 0.85 * blank


def test_reconstruction_tells_the_kl_of_every_dimension(model: VAE) -> None:
    x = _pictures(6)
    frame = _last(model.reconstruct_frames(x.permute(0, 2, 3, 1).numpy()))
    kl = model.kl_per_dimension(x)
    assert kl.shape == (6, 1) and (kl > 0).all()
    np.testing.assert_allclose(frame.extras["kl"], kl.numpy(), rtol=1e-5)


def test_nothing_is_made_on_a_default_device(model: VAE, trained_autoencoder: Autoencoder) -> None:
    x = _pictures(2)
    pictures = x.permute(0, 2, 3, 1).numpy()
    with torch.device("meta"):
        for output in ("mean", "sample"):
            assert _last(model.sample(VAERequest(output=output))).images.any()
        assert _last(trained_autoencoder.sample(AutoencoderRequest())).images.any()
        assert _last(model.reconstruct_frames(pictures)).images.any()
        assert _last(trained_autoencoder.reconstruct_frames(pictures)).images.any()
        assert math.isfinite(model.score(x)[0].value or math.nan)
        assert model.importance_weighted_bound(x, 2).isfinite().all()
        generator = torch.Generator("cpu").manual_seed(0)
        assert model.loss(x, x, generator)["loss"].isfinite()


def test_gradients_are_left_on_between_frames(model: VAE) -> None:
    with torch.enable_grad():
        for _ in model.sample(VAERequest(num_samples=1)):
            assert torch.is_grad_enabled()
    z = torch.zeros(1, 1, requires_grad=True)
    model.decode(z).sum().backward()  # latents can be optimised through the decoder
    assert z.grad is not None and z.grad.abs().sum() > 0


# --- the plain autoencoder


def test_autoencoder_codes_are_shown_in_units_of_their_spread(trained_autoencoder: Autoencoder) -> None:
    z, logvar = trained_autoencoder.encode(_pictures(500, seed=77))
    assert z.mean(0).abs().max() < 0.5
    assert z.std(0).min() > 0.6 and z.std(0).max() < 1.6
    assert logvar.exp().max() < 1e-6
    raw = trained_autoencoder.encoder(_pictures(500, seed=77))
    assert (raw.std(0) - 1).abs().max() > 0.05  # so the buffers did something


def test_autoencoder_buffers_move_only_in_training(trained_autoencoder: Autoencoder) -> None:
    before = trained_autoencoder.latent_mean.clone(), trained_autoencoder.latent_std.clone()
    generator = torch.Generator().manual_seed(0)
    first = trained_autoencoder.loss(_pictures(8), torch.zeros(8), generator)
    again = trained_autoencoder.loss(_pictures(8), torch.zeros(8), generator)
    assert torch.equal(before[0], trained_autoencoder.latent_mean)
    assert torch.equal(before[1], trained_autoencoder.latent_std)
    assert first["loss"] == again["loss"]
    assert {"latent_mean", "latent_std"} <= set(trained_autoencoder.state_dict())


# --- averages over a set


def test_bits_per_dim_averages_scores_and_says_how_sure_it_is(model: VAE) -> None:
    x = _pictures(25)
    images, seen = x.permute(0, 2, 3, 1).numpy(), []
    found = likelihood.bits_per_dim(
        model, images, seed=2, batch_size=10, progress=lambda i, n: seen.append((i, n))
    )
    values = [s.value for start in (0, 10, 20) for s in model.score(x[start : start + 10], seed=2 + start)]
    assert found["value"] == pytest.approx(np.mean(values))
    assert found["standard_error"] == pytest.approx(np.std(values, ddof=1) / 5)
    assert (found["kind"], found["unit"], found["num_images"]) == ("bound", "bits/dim", 25)
    assert seen == [(10, 25), (20, 25), (25, 25)]
    tighter = likelihood.importance_weighted_bits_per_dim(model, images, seed=2, batch_size=10)
    assert tighter["value"] < found["value"] and tighter["k"] == 64


def test_bits_per_dim_hands_over_the_labels() -> None:
    class Labelled(VAE):
        def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Any]:
            assert labels is not None
            return [vae.Score(float(v), "exact", "bits/dim") for v in labels]

    images = _pictures(5).permute(0, 2, 3, 1).numpy()
    labelled = Labelled(VAEConfig(latent_dim=1, **TINY))
    assert likelihood.bits_per_dim(labelled, images, np.arange(5), batch_size=2)["value"] == 2.0


def test_models_without_a_likelihood_are_refused(trained_autoencoder: Autoencoder, model: VAE) -> None:
    images = _pictures(2).permute(0, 2, 3, 1).numpy()
    with pytest.raises(ValueError, match="no likelihood"):
        likelihood.bits_per_dim(trained_autoencoder, images)
    with pytest.raises(ValueError, match="importance-weighted"):
        likelihood.importance_weighted_bits_per_dim(trained_autoencoder, images)
    with pytest.raises(ValueError, match="no images"):
        likelihood.bits_per_dim(model, images[:0])


def test_shipped_sizes() -> None:
    for module in (vae, autoencoder):
        for recipe in module.RECIPES:
            made = module.MODEL(recipe.config)
            assert 2 * sum(p.numel() for p in made.parameters()) <= 8_000_000  # bytes as float16
            assert made.decode(torch.zeros(1, recipe.config.latent_dim)).shape == (1, 1, 28, 28)
