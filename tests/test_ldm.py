"""Latent diffusion: what is noised, the way back, the bound with a predictor that knows the answer, and its transformer."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from playground import data
from playground.models.diffusion import _dit
from playground.models.diffusion._schedule import alpha_sigma
from playground.models.diffusion.ldm import LatentDiffusion, LatentDiffusionConfig
from playground.models.vae._networks import log_likelihood, mean_picture
from playground.models.vae.vqvae import VQVAE, VQVAEConfig
from tests.windows import load

TINY = LatentDiffusionConfig(cells=3, code_dim=4, image_size=12, width=32, depth=2, num_heads=2, embedding=16)
CODES = VQVAEConfig(
    num_codes=24, levels=2, code_dim=4, width=8, encoder_width=8, num_mixtures=2, image_size=12
)


def tokenizer(config=CODES):
    torch.manual_seed(0)
    model = VQVAE(config).eval().requires_grad_(False)
    model.quantizer.codebook.normal_().add_(3.0)
    model.quantizer.usage.uniform_().div_(model.quantizer.usage.sum(1, keepdim=True))
    return model


@pytest.fixture
def model():
    torch.manual_seed(1)
    made = LatentDiffusion(TINY).eval().requires_grad_(False)
    for parameter in made.parameters():  # layers that start at zero would hide the rest
        parameter.add_(0.2 * torch.randn_like(parameter))
    made.build_on(tokenizer())
    return made


def pictures(count, size=12):
    drawn = np.random.default_rng(0).integers(0, 256, (count, 1, size, size), dtype=np.uint8)
    return torch.from_numpy(drawn)


def test_latents_of_real_pictures_have_mean_nought_and_spread_one():
    images, _ = data.load("fashion", "test")
    x = torch.from_numpy(images[:1000].transpose(0, 3, 1, 2).copy())
    latents = load("ldm-fashion").to_x_0(x)
    assert latents.shape == (1000, 16, 7, 7)
    assert latents.mean((0, 2, 3)).abs().max() < 0.1
    assert (latents.std((0, 2, 3)) - 1).abs().max() < 0.1


def test_the_spread_is_that_of_codes_drawn_as_often_as_they_occur(model):
    usage, books = model.quantizer.usage.double().numpy(), model.quantizer.codebook.double().numpy()
    rng = np.random.default_rng(0)
    drawn = sum(book[rng.choice(24, 200_000, p=p / p.sum())] for p, book in zip(usage, books, strict=True))
    mean, deviation = (part.flatten().double().numpy() for part in model.spread)
    assert np.allclose(mean, drawn.mean(0), atol=0.03)
    assert np.allclose(deviation, drawn.std(0), rtol=0.02)


def test_a_picture_comes_back_through_encoder_and_decoder(model):
    x = pictures(5)
    decoded = ((mean_picture(model.tokenizer.decoder(model.tokenizer.encoder(x))) + 1) * 127.5).round()
    found = model.to_pictures(model.to_x_0(x))[..., 0].astype(int)
    assert np.abs(found - decoded[:, 0].numpy().clip(0, 255)).max() <= 1


def test_the_loss_is_the_same_of_pictures_and_of_latents_prepared(model):
    x, labels = pictures(6), torch.arange(6)
    losses = [
        model.loss(given, labels, torch.Generator().manual_seed(3))["loss"] for given in (x, model.prepare(x))
    ]
    assert torch.equal(*losses)


def test_the_bound_of_a_predictor_that_knows_the_latent_is_what_the_decoder_charges(model, monkeypatch):
    """Of pictures that share one latent, nothing is left to pay for it but what the first latent still knows of it."""
    x = pictures(1)
    latent = model.to_x_0(x)

    def v(self, x_t, log_snr, labels):
        alpha, sigma = (s[:, None, None, None] for s in alpha_sigma(log_snr))
        epsilon = (x_t - alpha * latent) / sigma
        return alpha * epsilon - sigma * latent

    monkeypatch.setattr(LatentDiffusion, "forward", v)
    monkeypatch.setattr(
        model, "config", dataclasses.replace(TINY, log_snr_read_out=14.0)
    )  # little noise is left
    alpha_bar = 1 / (1 + math.exp(10))  # of the first latent
    first = 0.5 * (alpha_bar * latent.square() - alpha_bar - math.log1p(-alpha_bar)).sum()
    nats = first - log_likelihood(model.tokenizer.decoder(model.tokenizer.encoder(x)), x)[0]
    (score,) = model.score(x)
    assert score.kind == "bound" and score.unit == "bits/dim"
    assert score.value == pytest.approx(nats.item() / (144 * math.log(2)), rel=1e-4)


def test_a_read_out_under_noise_costs_more(model):
    x = pictures(20)
    latents, noise = model.to_x_0(x), torch.randn(20, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    clean, noisy = (model.read_out(x, latents + s * noise, s).mean() for s in (0.0, 1.0))
    assert noisy > clean


def test_another_tokenizer_does_not_fit():
    made = LatentDiffusion(TINY)
    for other in (dataclasses.replace(CODES, code_dim=8), dataclasses.replace(CODES, image_size=16)):
        with pytest.raises(ValueError, match="its codes are others"):
            made.build_on(tokenizer(other))
    with pytest.raises(ValueError, match="no tokenizer"):
        made.to_pictures(torch.zeros(1, 4, 3, 3))


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++2m", "unipc"])
def test_the_picture_shows_what_is_expected_and_at_the_end_what_there_is(model, sampler):
    frames = list(model.sample(model.Request(num_samples=2, num_steps=3, sampler=sampler)))
    expected = torch.from_numpy(frames[1].state["history_0"])
    assert np.array_equal(frames[1].images, model.to_pictures(expected))
    assert np.array_equal(frames[1].images, frames[1].extras["x_0_pred"])
    assert [f.images.shape for f in frames] == [(2, 12, 12, 1)] * 4
    assert all(f.extras["z_t"].shape == (2, 6, 6, 1) for f in frames)
    state = torch.from_numpy(frames[-1].state["x_t"])
    assert np.array_equal(frames[-1].images, model.to_pictures(state))
    maps = frames[-1].extras["z_t"][0, ..., 0].astype(float)
    expected = ((state[0].numpy() / 6 + 0.5) * 255).clip(0, 255)  # from -3 to 3
    assert np.abs(maps[:3, 3:] - expected[1]).max() <= 1  # the second map stands beside the first
    assert np.abs(maps[3:, :3] - expected[2]).max() <= 1


# --- the transformer


def test_the_transformer_is_that_of_its_paper_by_hand():
    torch.manual_seed(0)
    block = _dit.Block(8, 2, 5).requires_grad_(False)
    for parameter in block.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    h, e = torch.randn(3, 6, 8), torch.randn(3, 5)
    conditions = (e @ block.condition.weight.T + block.condition.bias)[:, None].split(8, -1)
    scale, shift, gate, scale_mlp, shift_mlp, gate_mlp = conditions

    def normed(x, gain):
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * gain

    given = normed(h, block.norm.gain) * (1 + scale) + shift
    q, k, v = (given @ block.qkv.weight.T).split(8, -1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / 2).softmax(-1)
        heads.append(weights @ v[..., part])
    expected = h + gate * (torch.cat(heads, -1) @ block.out.weight.T)
    given = normed(expected, block.norm_mlp.gain) * (1 + scale_mlp) + shift_mlp
    wide = (given @ block.widen.weight.T + block.widen.bias).clamp_min(0).square()
    expected = expected + gate_mlp * (wide @ block.narrow.weight.T + block.narrow.bias)
    torch.testing.assert_close(block(h, e), expected, rtol=1e-4, atol=1e-5)


def test_a_new_transformer_says_nothing_and_a_trained_one_looks_at_every_cell():
    torch.manual_seed(0)
    net = LatentDiffusion(TINY).net.requires_grad_(False)
    x, level, label = torch.randn(1, 4, 3, 3), torch.zeros(1), torch.zeros(1, dtype=torch.long)
    assert not net(x, level, label).any()
    for parameter in net.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    turned = net(x.flip(-1), level, label).flip(-1)
    assert not torch.allclose(turned, net(x, level, label), atol=1e-3), "it knows where a cell is"
    moved = x.clone()
    moved[0, 2, 1, 0] += 1
    assert (net(x, level, label) != net(moved, level, label)).all()
    assert (net(x, level, label) != net(x, level + 1, label)).all()
    assert (net(x, level, label) != net(x, level, label + 1)).all()
