"""Latent diffusion: what is noised, the way back, the bound with a predictor that knows the answer, and its transformer."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from playground import checkpoints, data
from playground.models.diffusion import dit
from playground.models.diffusion.ddpm import Guidance
from playground.models.diffusion.ldm import LatentDiffusion, LatentDiffusionConfig
from playground.models.diffusion.schedule import alpha_sigma
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


# --- autoguidance


def weaker(model, config=None):
    torch.manual_seed(2)
    made = (
        LatentDiffusion(config or dataclasses.replace(TINY, width=16, depth=1)).eval().requires_grad_(False)
    )
    for parameter in made.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    made.build_on(model.tokenizer)
    return made


def test_a_guide_pushes_away_from_what_it_says_and_both_pushes_add_up(model):
    guide, x = weaker(model), torch.randn(2, 4, 3, 3)
    labels, none = torch.tensor([0, 2]), torch.tensor([10, 10])
    names = set(model.state_dict())
    model.be_guided_by(guide)
    assert set(model.state_dict()) == names, "the guide is not saved with the model"
    with torch.no_grad():
        mine, without = model.denoiser(labels)(x, 0.5), model.denoiser(none)(x, 0.5)
        its = guide.denoiser(labels)(x, 0.5)
        auto = model.denoiser(labels, Guidance(1.0, auto_scale=2.5))(x, 0.5)
        both = model.denoiser(labels, Guidance(3.0, auto_scale=2.5))(x, 0.5)
        beyond = model.denoiser(labels, Guidance(1.0, 0.6, 1.0, 2.5))(x, 0.5)
    assert (mine - its).abs().max() > 1e-2
    torch.testing.assert_close(auto, mine + 1.5 * (mine - its), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both, mine + 2 * (mine - without) + 1.5 * (mine - its), rtol=1e-4, atol=1e-4)
    assert torch.equal(beyond, mine), "t = 0.42 lies below the limit"


@pytest.mark.parametrize(("scale", "auto", "passes"), [(1.0, 2.0, 2), (2.0, 1.0, 2), (2.0, 2.0, 3)])
def test_the_guide_is_asked_once_a_step_and_counted(model, monkeypatch, scale, auto, passes):
    guide, asked = weaker(model), []
    model.be_guided_by(guide)
    for net in (model.net, guide.net):
        forward = net.forward
        monkeypatch.setattr(
            net, "forward", lambda x, *told, f=forward: asked.append(len(x) // 2) or f(x, *told)
        )
    request = model.Request(num_samples=2, num_steps=3, guidance_scale=scale, autoguidance_scale=auto)
    assert [(f.passes, sum(asked)) for f in model.sample(request)] == [(passes * i,) * 2 for i in range(4)]


def test_without_a_guide_there_is_no_such_push(model):
    plain, pushed = (
        model.Request(num_samples=1, num_steps=2),
        model.Request(num_samples=1, num_steps=2, autoguidance_scale=3.0),
    )
    *_, one = model.sample(plain)
    *_, other = model.sample(pushed)
    assert np.array_equal(one.images, other.images) and one.passes == other.passes
    model.be_guided_by(weaker(model))
    *_, other = model.sample(pushed)
    assert not np.array_equal(one.state["x_t"], other.state["x_t"])


def test_a_guide_computes_as_its_model_does(model):
    guide = weaker(model)
    model.be_guided_by(guide)
    model.set_precision("bf16")
    assert guide.precision == "bf16"
    assert model.double().guide.net.head.weight.dtype == torch.float64


def test_a_guide_must_denoise_the_same_latents(model):
    other = tokenizer()
    other.quantizer.codebook.add_(1.0)
    stranger = weaker(model)
    stranger.build_on(other)
    with pytest.raises(ValueError, match="another tokenizer"):
        model.be_guided_by(stranger)
    with pytest.raises(ValueError, match="such latents"):
        model.be_guided_by(tokenizer())


def test_a_checkpoint_brings_its_guide_or_says_why_not(tmp_path):
    def saved(name, config, **more):
        shipped = checkpoints.read_card(checkpoints.resolve("ldm-fashion"))
        card = dataclasses.replace(shipped, id=name, config=dataclasses.asdict(config), guided_by=[], **more)
        torch.manual_seed(3)
        checkpoints.save(tmp_path / f"{name}.safetensors", LatentDiffusion(config), card, "float32")
        return f"{name}@{checkpoints.weights_hash(tmp_path / f'{name}.safetensors')}"

    small = LatentDiffusionConfig(width=16, depth=1, num_heads=1, embedding=8)
    guide = saved("weak-fashion", small)

    def strong(*guided_by, **more):
        saved("strong-fashion", small)
        card = checkpoints.read_card(tmp_path / "strong-fashion.safetensors")
        card = dataclasses.replace(card, guided_by=list(guided_by), **more)
        checkpoints.save(tmp_path / "strong-fashion.safetensors", LatentDiffusion(small), card, "float32")
        return checkpoints.load(tmp_path / "strong-fashion.safetensors")

    assert strong(guide).guide.card.id == "weak-fashion"
    assert strong().guide is None
    for names, sentence in (
        (["none-fashion@0123456789abcdef"], "guided by none-fashion, which is neither"),
        (["weak-fashion@0123456789abcdef"], "guided by other weights of weak-fashion"),
        (["../weak-fashion@0"], "guided by something that has no id"),
        ([guide, guide], "cannot follow"),
        ([f"vqvae-fashion@{load('vqvae-fashion').weights_hash}"], "does not denoise such latents"),
    ):
        with pytest.raises(checkpoints.CheckpointError, match=sentence):
            strong(*names)
    hash_of_strong = checkpoints.weights_hash(tmp_path / "strong-fashion.safetensors")
    path = tmp_path / "strong-fashion.safetensors"
    card = dataclasses.replace(checkpoints.read_card(path), guided_by=[f"strong-fashion@{hash_of_strong}"])
    text = path.read_bytes()
    size = int.from_bytes(text[:8], "little")
    header = json.loads(text[8 : 8 + size])
    header["__metadata__"]["card"] = json.dumps(dataclasses.asdict(card))
    new = json.dumps(header).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + text[8 + size :])
    with pytest.raises(checkpoints.CheckpointError, match="itself is guided"):
        checkpoints.load(path)


# --- the transformer


def test_the_transformer_is_that_of_its_paper_by_hand():
    torch.manual_seed(0)
    block = dit.Block(8, 2, 5).requires_grad_(False)
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
