"""The GANs: modulation, penalties and losses against oracles, and two players that learn in turn."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from playground import models
from playground.models.gan import _latents, gan, stylegan
from playground.training.loop import Run


@pytest.fixture
def style():
    torch.manual_seed(0)
    config = stylegan.StyleGANConfig(latent_dim=8, w_dim=12, widths=(8, 6, 4), critic_widths=(8, 6, 4))
    return stylegan.StyleGAN(config).eval()


def test_modulated_features_equal_modulated_weights():
    torch.manual_seed(1)
    conv = stylegan.ModulatedConv(5, 7, w_dim=4)
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


@pytest.mark.parametrize("network", ["gan/gan", "gan/dcgan", "gan/stylegan"])
def test_each_player_moves_only_in_its_turn(network, tmp_path, monkeypatch):
    recipe = next(r for n, r in models.recipes().values() if n == network)
    recipe = dataclasses.replace(recipe, compile=False, warmup_steps=1)
    run = Run(network, recipe, tmp_path)
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
    run = Run("gan/gan", recipe, tmp_path)
    (start,) = run.average.sample(run.model.Request(num_samples=8))
    white = torch.full((16, 1, 28, 28), 250, dtype=torch.uint8)
    for _ in range(40):
        run.train_step(white, torch.zeros(16, dtype=torch.int64))
    (end,) = run.average.sample(run.model.Request(num_samples=8))
    assert end.images.mean() > start.images.mean() + 40
