"""Words to codes: VQGAN's objective, parallel decoding against its definition, cached against naive draws."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from playground import models
from playground.capabilities import ReadsPrompts, Reconstructs, TokenizesVectors
from playground.experiments import branching
from playground.models import noise
from playground.models.autoregressive.maskgit import MaskGIT, MaskGITConfig, MaskGITRequest
from playground.models.autoregressive.vqtransformer import (
    VQTransformer,
    VQTransformerConfig,
    VQTransformerRequest,
)
from playground.models.codes import UNKNOWN, draw
from playground.models.transformer import Block, Cache
from playground.models.vae.kl import KLAutoencoder, KLConfig
from playground.models.vae.vqgan import VQGAN, VQGANConfig, VQGANRequest

SMALL = {"image_size": 16, "width": 8, "num_blocks_half": 1, "num_blocks_encoder": 1, "num_blocks_decoder": 1}
TINY = VQGANConfig(**SMALL, num_codes=24, code_dim=4, discriminator_width=8, adversarial_from=2)
CELLS = 4
SHAPE = {"num_codes": 24, "cells": CELLS, "width": 16, "depth": 2, "heads": 2}


@pytest.fixture(scope="module")
def tokenizer():
    torch.manual_seed(0)
    model = VQGAN(TINY).eval().requires_grad_(False)
    model.quantizer.codebook.normal_()
    model.quantizer.usage.uniform_().div_(model.quantizer.usage.sum())
    return model


def trained_by_chance(kind, config, tokenizer):
    torch.manual_seed(1)
    model = kind(config).eval().requires_grad_(False)
    model.head.normal_(std=0.4, generator=torch.Generator().manual_seed(2))
    model.codes.weight.normal_(std=2.0)  # so that codes and words matter for each other
    model.build_on(tokenizer)
    return model


@pytest.fixture(scope="module")
def maskgit(tokenizer):
    return trained_by_chance(MaskGIT, MaskGITConfig(**SHAPE), tokenizer)


@pytest.fixture(scope="module")
def raster(tokenizer):
    return trained_by_chance(VQTransformer, VQTransformerConfig(**SHAPE), tokenizer)


def pictures(count, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, 16, 16), dtype=np.uint8))


def last(frames):
    *_, frame = frames
    return frame


# --- VQGAN


def test_a_vqgan_tokenizes_and_reconstructs(tokenizer):
    assert isinstance(tokenizer, TokenizesVectors) and isinstance(tokenizer, Reconstructs)
    x = pictures(3)
    codes = tokenizer.encode_codes(x)
    assert codes.shape == (3, CELLS, CELLS, 1)
    z = tokenizer.encode(x)[0]
    assert torch.equal(tokenizer.vectors_of(codes), z)
    (again,) = tokenizer.reconstruct_frames(x.permute(0, 2, 3, 1).numpy())
    assert np.array_equal(again.extras["codes"], codes.numpy())
    assert torch.allclose(tokenizer.decode_codes(codes), tokenizer.decode(z))


def test_the_discriminator_waits_for_its_time():
    torch.manual_seed(3)
    model, x, labels = VQGAN(TINY).train(), pictures(4), torch.zeros(4)
    generator = torch.Generator().manual_seed(0)
    assert float(model.loss(x, labels, generator, "discriminator")["loss"].detach()) == 0
    early = model.loss(x, labels, generator, "coder")
    assert float(early["adversarial"].detach()) == 0
    model.steps_done.fill_(500)
    assert model.share_of_adversary == pytest.approx(TINY.adversarial_weight)
    late = model.loss(x, labels, generator, "coder")
    assert float(late["adversarial"].detach()) != 0
    assert float(model.loss(x, labels, generator, "discriminator")["loss"].detach()) > 0


def test_the_adversarial_term_is_as_steep_as_the_others_times_its_weight():
    """Eq. 7, by hand: the slope of the loss at the decoder's last layer is that of both parts, in this proportion."""
    torch.manual_seed(4)
    model, x, labels = VQGAN(TINY), pictures(4), torch.zeros(4)
    model.eval()
    generator = torch.Generator().manual_seed(0)
    bias = model.coder.decoder[-2].bias
    steep = {}
    for steps in (0, 10_000):
        model.steps_done.fill_(steps)
        loss = model.loss(x, labels, generator, "coder")["loss"]
        steep[steps] = torch.autograd.grad(loss, bias)[0]
    recon = model.coder((x / 127.5) - 1)[0]
    recon.retain_grad()
    adversarial = -model.discriminator(recon).mean()
    by_adversary = torch.autograd.grad(adversarial, [bias, recon])
    error = recon.detach().requires_grad_()
    target = (x / 127.5) - 1
    d = error - target
    like = d.abs().mean() + d.square().mean() + d.diff(dim=2).abs().mean() + d.diff(dim=3).abs().mean()
    like_slope = torch.autograd.grad(like, error)[0].norm()
    weight = TINY.adversarial_weight * like_slope / by_adversary[1].norm()
    assert torch.allclose(steep[10_000] - steep[0], weight * by_adversary[0], rtol=1e-2, atol=1e-6)


def test_a_vqgan_begins_as_the_autoencoder_whose_eye_it_keeps():
    torch.manual_seed(5)
    shape = {k: v for k, v in SMALL.items() if k != "image_size"}
    foundation = KLAutoencoder(KLConfig(image_size=16, latent_channels=4, **shape)).eval()
    model = VQGAN(TINY)
    saved = set(model.state_dict())
    model.learn_from(foundation)
    x = pictures(2)
    assert torch.equal(model.encode_vectors(x), foundation.encode(x)[0])
    assert set(model.state_dict()) == saved, "the eye is not saved"
    one, other = (p / 127.5 - 1 for p in (x, pictures(2, seed=1)))
    assert float(model.coder.perceptual(one, one)) == 0 < float(model.coder.perceptual(one, other))


def test_random_codes_repeat_and_follow_their_prior(tokenizer):
    request = VQGANRequest(num_samples=40, prior="frequencies")
    codes = last(tokenizer.sample(request)).extras["codes"]
    assert np.array_equal(codes, last(tokenizer.sample(request)).extras["codes"])
    shares = np.bincount(codes.ravel(), minlength=24) / codes.size
    assert np.abs(shares - tokenizer.quantizer.usage[0].numpy()).max() < 0.05


# --- several places at once in a cache


def test_a_block_reads_several_places_as_one_by_one():
    torch.manual_seed(6)
    block, h = Block(8, 2, 1), torch.randn(2, 7, 8)
    cache = Cache([block], 7)
    parts = [block.step(h[:, :3], cache, 0, 0), block.step(h[:, 3:5], cache, 0, 3)]
    parts += [block.step(h[:, i : i + 1], cache, 0, i) for i in (5, 6)]
    assert torch.allclose(torch.cat(parts, 1), block(h), atol=1e-6)
    assert not torch.allclose(
        Block(8, 2, 1, causal=False)(h)[:, 0], Block(8, 2, 1, causal=False)(h[:, :1])[:, 0]
    )


# --- one after another


@pytest.mark.parametrize(
    "settings",
    [
        {"guidance_scale": 1.0},
        {"temperature": 0.7, "top_k": 6},
        {"guidance_scale": 2.5, "negative_prompt": "dog", "num_samples": 2, "first_index": 15},
    ],
)
def test_cached_draws_are_those_of_the_slow_way(raster, settings):
    request = VQTransformerRequest(**{"num_samples": 3, **settings})
    fast, slow = list(raster.sample(request)), list(raster.sample_naive(request))
    assert len(fast) == CELLS**2 + 1
    assert np.array_equal(fast[-1].extras["codes"], slow[-1].extras["codes"])
    assert (fast[-1].extras["codes"] >= 0).all()
    assert np.allclose(fast[-1].extras["confidence"], slow[-1].extras["confidence"], atol=1e-5)


def test_codes_that_are_given_further_on_stay(raster):
    """As where a part of a picture is filled in: what is given is kept, and the rest drawn before it has not seen it."""
    request = VQTransformerRequest(num_samples=2, seed=3)
    whole = last(raster.sample(request)).extras["codes"]
    given = np.zeros(whole.shape[1:3], bool)
    given[-1] = True
    other = (whole + 1) % raster.num_codes
    state = {"codes": other, "known": 0, "step": 0, "given": given}
    frames = list(raster.sample(request, state))
    found = frames[-1].extras["codes"]
    assert np.array_equal(found[:, -1], other[:, -1]) and np.array_equal(found[:, :-1], whole[:, :-1])
    assert (frames[0].extras["codes"][:, -1] == other[:, -1]).all()


def test_a_changed_code_changes_what_comes_after_it(raster):
    request = VQTransformerRequest(num_samples=2)
    plain = last(raster.sample(request)).extras["codes"]
    other = int(plain[1, 1, 1, 0] + 1) % 24
    frames = list(branching.recoded(raster, request, [(1, 1, 1, 0, other)]))
    found = frames[-1].extras["codes"]
    assert [f.step for f in frames] == list(range(CELLS**2 + 1))
    assert found[1, 1, 1, 0] == other and np.array_equal(found[0], plain[0])
    assert np.array_equal(found[1].ravel()[:5], plain[1].ravel()[:5])
    assert not np.array_equal(found[1].ravel()[6:], plain[1].ravel()[6:])


# --- in parallel


def test_each_step_keeps_the_cosines_share_of_the_surest(maskgit):
    """The first step by hand: guesses by inverse probabilities, the surest kept; and how many are left in each."""
    request = MaskGITRequest(num_samples=3, num_steps=5, choice_temperature=0.0, guidance_scale=1.0)
    frames = list(maskgit.sample(request))
    left = [(f.extras["codes"][1] == UNKNOWN).sum() for f in frames]
    assert left == [math.floor(math.cos(math.pi / 2 * t / 5) * 16) for t in range(6)]
    tokens = torch.from_numpy(frames[0].extras["tokens"])
    log_probs = maskgit(torch.full((3, 16), 24), tokens).log_softmax(-1)
    uniforms = noise.uniform(request.seed, range(3), "code", (16, 2))[..., 0]
    drawn = draw(log_probs.flatten(0, 1), uniforms.ravel()).reshape(3, 16)
    sure = log_probs.gather(-1, torch.from_numpy(drawn)[..., None])[..., 0].exp().numpy()
    codes, confidence = (frames[1].extras[k].reshape(3, 16) for k in ("codes", "confidence"))
    for row in range(3):
        kept = np.flatnonzero(codes[row] != UNKNOWN)
        assert set(kept) == set(np.argsort(-sure[row])[: len(kept)])
        assert np.array_equal(codes[row, kept], drawn[row, kept])
        assert np.allclose(confidence[row, kept], sure[row, kept], atol=1e-5)


def test_what_is_kept_stays_and_the_last_frame_is_whole(maskgit):
    frames = list(maskgit.sample(MaskGITRequest(num_samples=3, num_steps=4)))
    for before, after in itertools.pairwise(frames):
        kept = before.extras["codes"] != UNKNOWN
        assert np.array_equal(before.extras["codes"][kept], after.extras["codes"][kept])
    assert (frames[-1].extras["codes"] >= 0).all() and frames[-1].passes == 8


def test_guidance_pays_for_its_own_steps_alone(maskgit):
    assert last(maskgit.sample(MaskGITRequest(num_samples=1))).passes == 12
    assert last(maskgit.sample(MaskGITRequest(num_samples=1, guidance_scale=1.0))).passes == 8

    def steps(**settings):
        return [f.extras["codes"] for f in maskgit.sample(MaskGITRequest(num_samples=4, **settings))]

    pushed, plain = (steps(guidance_scale=g, guided_steps=1, prompt="cat", seed=3) for g in (8.0, 1.0))
    assert not np.array_equal(pushed[1], plain[1]), "the first step is guided"
    asked = MaskGITRequest(num_samples=4, guidance_scale=8.0, guided_steps=1, prompt="cat", seed=3)
    first = list(maskgit.sample(asked))[1]
    alone = dataclasses.replace(asked, guidance_scale=1.0)
    rest = list(maskgit.sample(alone, resume=first.state))
    assert np.array_equal(rest[-1].extras["codes"], pushed[-1]), "and the others are not"


@pytest.mark.parametrize("fixture", ["maskgit", "raster"])
def test_a_run_goes_on_to_the_bit_and_knows_no_company(fixture, request):
    model = request.getfixturevalue(fixture)
    asked = model.Request(num_samples=4, prompt="red heart; cat")
    frames = list(model.sample(asked))
    origin = frames[len(frames) // 2]
    rest = list(model.sample(asked, origin.state))
    assert [f.step for f in rest] == [f.step for f in frames if f.step > origin.step]
    for key in ("codes", "confidence"):
        assert np.array_equal(rest[-1].extras[key], frames[-1].extras[key])
    alone = dataclasses.replace(asked, num_samples=1, first_index=3)
    assert np.array_equal(last(model.sample(alone)).images[0], frames[-1].images[3])
    other = last(model.sample(dataclasses.replace(asked, prompt="dog")))
    assert not np.array_equal(other.extras["codes"], frames[-1].extras["codes"])


def test_masked_cells_are_drawn_anew_and_the_others_are_left(maskgit):
    request = MaskGITRequest(num_samples=2, num_steps=4)
    codes = last(maskgit.sample(request)).extras["codes"]
    masked = np.zeros((CELLS, CELLS), bool)
    masked[1:3, 2:] = True
    again = dataclasses.replace(request, prompt="dog", seed=99)
    frames = list(maskgit.sample(again, maskgit.masked_state(codes, masked)))
    found = frames[-1].extras["codes"]
    assert np.array_equal(found[:, ~masked], codes[:, ~masked])
    assert not np.array_equal(found[:, masked], codes[:, masked])
    assert (frames[0].extras["codes"][:, masked] == UNKNOWN).any() and len(frames) == 4


@pytest.mark.parametrize("fixture", ["maskgit", "raster"])
def test_training_goes_down_and_reads_prepared_codes(fixture, request, tokenizer):
    model = request.getfixturevalue(fixture)
    assert isinstance(model, ReadsPrompts)
    torch.manual_seed(7)
    fresh = type(model)(model.config).train()
    fresh.build_on(tokenizer)
    x, tokens = pictures(16), torch.randint(0, 40, (16, 10))
    codes = fresh.prepare(x)
    assert codes.shape == (16, CELLS, CELLS, 1) and codes.dtype == torch.int16
    optimizer = torch.optim.Adam(fresh.parameters(), 1e-2)
    losses = []
    for _ in range(25):
        loss = fresh.loss(codes, tokens, torch.Generator().manual_seed(0))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(math.log2(24), abs=0.1) and losses[-1] < losses[0] - 0.5


def test_the_recipes_fit_each_other():
    known = models.recipes()
    tokenizer = VQGAN(known["vqgan-emoji"][1].config)
    for name in ("maskgit-emoji", "vqtransformer-emoji"):
        recipe = known[name][1]
        assert recipe.built_on == "vqgan-emoji"
        assert models.network_class(known[name][0])(recipe.config).fits(tokenizer)
