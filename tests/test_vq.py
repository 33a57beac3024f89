"""Codes: quantisation against brute force, the straight-through gradient, the bound by hand, cached against uncached draws."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
import torch

from playground import checkpoints, models, paths
from playground.experiments import branching
from playground.experiments.vae import code_grid
from playground.models import codes as codes_of_grids
from playground.models import noise
from playground.models.transformer import Block
from playground.models.vae import _quantizer, vqprior
from playground.models.vae._quantizer import Quantizer, nearest, perplexity, straight_through
from playground.models.vae.vqprior import VQPrior, VQPriorConfig, VQPriorRequest
from playground.models.vae.vqvae import VQVAE, VQVAEConfig, VQVAERequest
from playground.training import loop

TINY = VQVAEConfig(
    num_codes=24, levels=2, code_dim=4, width=8, encoder_width=8, num_mixtures=2, image_size=12
)
CELLS = 3


@pytest.fixture(scope="module")
def tokenizer():
    torch.manual_seed(0)
    model = VQVAE(TINY).eval().requires_grad_(False)
    model.quantizer.codebook.normal_()
    model.quantizer.usage.uniform_().div_(model.quantizer.usage.sum(1, keepdim=True))
    return model


@pytest.fixture(scope="module")
def prior(tokenizer):
    torch.manual_seed(1)
    config = VQPriorConfig(num_codes=24, cells=CELLS, width=16, depth=2, heads=2, num_classes=3)
    model = VQPrior(config).eval().requires_grad_(False)
    for weights in (model.head, model.head_bias, model.embedding):
        weights.normal_(generator=torch.Generator().manual_seed(2))
    model.places.normal_()
    for layer in list(model.after[0])[::2]:
        layer.weight.normal_()  # so that the earlier code of a cell matters for the next
    model.build_on(tokenizer)
    return model


def pictures(count, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 1, 12, 12), dtype=np.uint8))


def last(frames):
    for frame in frames:
        kept = frame
    return kept


# --- the codebook


def test_the_nearest_entry_is_that_of_brute_force():
    generator = torch.Generator().manual_seed(0)
    vectors, book = torch.randn(2, 5, 3, generator=generator), torch.randn(11, 3, generator=generator)
    expected = torch.cdist(vectors.flatten(0, 1), book).argmin(1).view(2, 5)
    assert torch.equal(nearest(vectors, book), expected)


def test_each_level_names_what_the_one_before_left_over(tokenizer):
    quantizer, vectors = tokenizer.quantizer, torch.randn(40, 4, generator=torch.Generator().manual_seed(3))
    codes = quantizer.nearest(vectors)
    first, second = quantizer.codebook
    assert torch.equal(codes[:, 0], torch.cdist(vectors, first).argmin(1))
    assert torch.equal(codes[:, 1], torch.cdist(vectors - first[codes[:, 0]], second).argmin(1))
    assert torch.allclose(quantizer.look_up(codes), first[codes[:, 0]] + second[codes[:, 1]])


def test_the_gradient_goes_straight_through():
    vectors = torch.tensor([[0.2, 0.9]], requires_grad=True)
    quantized = torch.tensor([[0.0, 1.0]])
    passed = straight_through(vectors, quantized)
    assert torch.allclose(passed, quantized)
    (passed * torch.tensor([[3.0, -5.0]])).sum().backward()
    assert torch.equal(vectors.grad, torch.tensor([[3.0, -5.0]]))


def test_the_encoder_learns_from_the_picture_and_from_its_commitment():
    torch.manual_seed(0)
    model = VQVAE(dataclasses.replace(TINY, commitment=0.0))
    model.quantizer.codebook.normal_()
    figures = model.eval().loss(pictures(4), torch.zeros(4), torch.Generator())
    assert torch.equal(figures["loss"], figures["reconstruction"])
    figures["loss"].backward()
    assert model.encoder.stem.weight.grad.abs().sum() > 0
    _, vectors, codes, _ = model(pictures(4))
    expected = (vectors - model.quantizer.look_up(codes)).square().mean()
    assert torch.allclose(figures["commitment"], expected)


def test_entries_follow_the_mean_of_what_was_assigned_to_them():
    """One step of eq. 6-8, by hand."""
    quantizer, gamma = Quantizer(1, 2, 1), 1 - _quantizer._FOLLOW
    quantizer.codebook.copy_(torch.tensor([[[0.0], [10.0]]]))
    quantizer.usage.copy_(torch.tensor([[0.5, 0.5]]))
    vectors = torch.tensor([[1.0], [2.0], [3.0], [9.0]])
    codes = quantizer.nearest(vectors)
    quantizer.follow(vectors, codes, torch.Generator())
    sizes = np.array([gamma * 0.5 + (1 - gamma) * 0.75, gamma * 0.5 + (1 - gamma) * 0.25])
    sums = np.array([(1 - gamma) * 6 / 4, gamma * 0.5 * 10 + (1 - gamma) * 9 / 4])
    assert np.allclose(quantizer.codebook[0, :, 0], sums / sizes, rtol=1e-5)
    assert np.allclose(quantizer.usage[0], sizes, rtol=1e-5)


def test_an_entry_that_nobody_uses_starts_again_at_an_encoding():
    quantizer, vectors = Quantizer(1, 8, 2), torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    quantizer.codebook.fill_(100.0)  # far from everything: the first takes all
    quantizer.usage.fill_(1 / 8)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        quantizer.follow(vectors, quantizer.nearest(vectors), generator)
    assert perplexity(quantizer.nearest(vectors), 8) > 4
    assert quantizer.codebook.abs().max() < 10
    assert float(quantizer.usage.sum()) == pytest.approx(1)


def test_perplexity_counts_entries_in_use():
    assert float(perplexity(torch.tensor([0, 1, 2, 3]), 9)) == pytest.approx(4)
    assert float(perplexity(torch.tensor([5, 5]), 9)) == pytest.approx(1)


# --- the bound


def test_the_bound_without_a_prior_by_hand(tokenizer):
    x = pictures(2)
    codes = tokenizer.encode_codes(x)
    raw = tokenizer.decoder(tokenizer.quantizer.look_up(codes).permute(0, 3, 1, 2))
    from playground.models import discretized_logistic

    picture = torch.nn.functional.pixel_unshuffle(x, 2)
    log_likelihood = discretized_logistic.all_log_probs(raw).gather(-1, picture.long()[..., None])
    nats = 2 * CELLS**2 * math.log(24) - log_likelihood.flatten(1).double().sum(1)
    scores = tokenizer.score(x)
    assert [s.value for s in scores] == pytest.approx((nats / (144 * math.log(2))).tolist(), rel=1e-4)
    assert {(s.kind, s.unit, s.standard_error) for s in scores} == {("bound", "bits/dim", 0.0)}


def test_the_bound_with_a_prior_by_hand(prior, tokenizer):
    x, labels = pictures(2), torch.tensor([2, 0])
    codes = tokenizer.encode_codes(x)
    log_prior = np.zeros((3, 2))
    for c in range(3):  # code after code, as it would be drawn
        log_probs = prior(codes, torch.full((2,), c))
        for i, grid in enumerate(codes.flatten(1, 2)):
            for cell in range(CELLS**2):
                for level in range(2):
                    log_prior[c, i] += float(log_probs[i, cell, level, grid[cell, level]])
    given = tokenizer.log_likelihood(x, codes).double().numpy()
    dims = 144 * math.log(2)
    expected = -(log_prior[labels, [0, 1]] + given) / dims
    assert [s.value for s in prior.score(x, 0, labels)] == pytest.approx(expected, rel=1e-5)
    mixed = -(np.logaddexp.reduce(log_prior, 0) - math.log(3) + given) / dims
    assert [s.value for s in prior.score(x)] == pytest.approx(mixed, rel=1e-5)


def test_the_prior_is_a_distribution_over_grids_of_codes():
    """Summed over all grids of a tiny code, p is one, whatever the class."""
    torch.manual_seed(0)
    config = VQPriorConfig(num_codes=3, levels=2, cells=1, width=8, depth=1, heads=2, num_classes=2)
    small = VQPrior(config).eval()
    torch.nn.init.normal_(small.head)
    grids = torch.cartesian_prod(torch.arange(3), torch.arange(3)).view(9, 1, 1, 2)
    total = small.log_prior(grids, torch.ones(9, dtype=torch.int64)).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-5)


def test_a_code_depends_on_the_earlier_ones_and_on_no_later_one(prior):
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 24, (1, CELLS, CELLS, 2), generator=generator)
    before = prior(codes, torch.zeros(1, dtype=torch.int64))[0]
    for cell, level in ((0, 0), (4, 1), (8, 0)):
        other = codes.clone()
        other[0, cell // CELLS, cell % CELLS, level] += 1
        other %= 24
        moved = (prior(other, torch.zeros(1, dtype=torch.int64))[0] - before).abs().amax(-1) > 1e-6
        expected = torch.arange(2 * CELLS**2).view(-1, 2) > 2 * cell + level
        assert torch.equal(moved, expected)


def test_a_cell_that_is_not_read_changes_nothing_later(prior):
    codes = torch.randint(0, 24, (1, CELLS, CELLS, 2), generator=torch.Generator().manual_seed(0))
    other, read = codes.clone(), torch.ones(1, CELLS**2, dtype=torch.bool)
    other[0, 1, 1], read[0, 4] = (codes[0, 1, 1] + 1) % 24, False
    labels = torch.zeros(1, dtype=torch.int64)
    assert torch.equal(prior(codes, labels, read)[0, 5:], prior(other, labels, read)[0, 5:])
    assert not torch.equal(prior(codes, labels)[0, 5:], prior(codes, labels, read)[0, 5:])


def test_class_and_cells_are_left_out_in_training_only(prior, monkeypatch):
    codes, labels = torch.zeros(400, CELLS, CELLS, 2, dtype=torch.int64), torch.ones(400, dtype=torch.int64)
    seen, enter = [], prior.enter
    monkeypatch.setattr(
        prior,
        "enter",
        lambda *labels_of_passes: seen.append(labels_of_passes[1:]) or enter(*labels_of_passes),
    )
    for training in (True, False):
        prior.train(training)
        prior.loss(codes, labels, torch.Generator().manual_seed(0))
    (labels_of_passes, read), (all_told, all_read) = seen
    assert 0.05 < (labels_of_passes == prior.num_classes).float().mean() < 0.15
    assert 0.05 < (~read).float().mean() < 0.15
    assert torch.equal(all_told, labels) and all_read is None


# --- draws


def test_guidance_pushes_each_code_away_from_what_is_likely_without_a_class(prior):
    plain, strong = (VQPriorRequest(num_samples=2, guidance_scale=s) for s in (1.0, 2.0))
    with_class, guided = (list(prior.sample(r)) for r in (plain, strong))
    assert (with_class[-1].passes, guided[-1].passes) == (CELLS**2, 2 * CELLS**2)
    codes, labels = torch.from_numpy(guided[-1].extras["codes"]), torch.arange(2)
    none = torch.full_like(labels, prior.num_classes)
    expected = (2 * prior(codes, labels) - prior(codes, none)).log_softmax(-1)
    for frame in guided[1:]:
        assert np.allclose(frame.extras["logits"], expected[:, frame.step - 1], atol=1e-4)


def test_cached_draws_are_those_of_the_slow_way(prior):
    for request in (
        VQPriorRequest(num_samples=5),
        VQPriorRequest(num_samples=2, temperature=0.7, top_k=6),
        VQPriorRequest(num_samples=3, guidance_scale=1.8),
    ):
        fast, slow = list(prior.sample(request)), list(prior.sample_naive(request))
        assert len(fast) == CELLS**2 + 1
        assert np.array_equal(fast[-1].extras["codes"], slow[-1].extras["codes"])


def test_each_frame_carries_the_log_probabilities_it_was_drawn_from(prior):
    frames = list(prior.sample(VQPriorRequest(num_samples=3, guidance_scale=1.0)))
    whole = prior(torch.from_numpy(frames[-1].extras["codes"]), torch.arange(3))
    for frame in frames[1:]:
        assert np.allclose(frame.extras["logits"], whole[:, frame.step - 1], atol=1e-4)
        undrawn = frame.extras["codes"].reshape(3, -1, 2)[:, frame.step :]
        assert (undrawn == codes_of_grids.UNKNOWN).all()


def test_draws_follow_the_probabilities_and_top_k():
    log_probs = torch.tensor([0.1, 0.6, 0.3]).log().expand(4000, 3)
    uniforms = np.random.default_rng(0).random(4000)
    shares = np.bincount(codes_of_grids.draw(log_probs, uniforms), minlength=3) / 4000
    assert shares == pytest.approx([0.1, 0.6, 0.3], abs=0.03)
    assert set(codes_of_grids.draw(log_probs, uniforms, 1.0, 2)) == {1, 2}
    assert set(codes_of_grids.draw(log_probs, np.array([1 - 1e-16] * 4000))) == {2}


def test_a_run_continues_to_the_bit_from_any_cell(prior):
    request = VQPriorRequest(num_samples=4, first_index=14, guidance_scale=1.4)  # in two chunks
    frames = list(prior.sample(request))
    for origin in (frames[0], frames[4], frames[-2]):
        rest = list(prior.sample(request, origin.state))
        assert [f.step for f in rest] == list(range(origin.step + 1, CELLS**2 + 1))
        assert np.array_equal(rest[-1].extras["logits"], frames[-1].extras["logits"])
        assert np.array_equal(rest[-1].images, frames[-1].images)


def test_a_changed_code_changes_what_comes_after_it_and_nothing_before(prior):
    request = VQPriorRequest(num_samples=3, guidance_scale=1.0)
    plain = list(prior.sample(request))
    before, details = plain[-1].extras["codes"], set()
    uniforms = noise.uniform(request.seed, [1], "code", (CELLS**2, 2))[0, 4, 1]
    for code in range(0, 24, 4):
        frames = list(branching.recoded(prior, request, [(1, 1, 1, 0, code)]))
        assert [f.step for f in frames] == [f.step for f in plain]
        found = frames[-1].extras["codes"]
        assert found[1, 1, 1, 0] == code
        assert np.array_equal(found[[0, 2]], before[[0, 2]])
        assert np.array_equal(found[1].reshape(-1, 2)[:4], before[1].reshape(-1, 2)[:4])
        assert not np.array_equal(found[1].reshape(-1, 2)[5:], before[1].reshape(-1, 2)[5:])
        probabilities = prior(torch.from_numpy(found[1:2]), torch.tensor([1]))[0, 4, 1].double().exp()
        drawn = int(torch.searchsorted(probabilities.cumsum(0), uniforms))
        assert drawn == found[1, 1, 1, 1], "the detail is drawn anew, with the same dice"
        details.add(drawn)
    assert len(details) > 1


def test_what_is_not_drawn_yet_is_black_and_the_rest_is_decoded(prior, tokenizer):
    frames = list(prior.sample(VQPriorRequest(num_samples=2)))
    middle = frames[5]
    seen = (np.arange(CELLS**2) < 5).reshape(CELLS, CELLS).repeat(4, 0).repeat(4, 1)
    assert (middle.images[:, ~seen] == 0).all()
    assert middle.images[:, seen].std() > 0
    whole = np.where(middle.extras["codes"] < 0, tokenizer.quantizer.usage.argmax(1), middle.extras["codes"])
    decoded = (tokenizer.decode_codes(torch.from_numpy(whole)) + 1) * 127.5
    assert np.abs(decoded[:, 0].numpy()[:, seen] - middle.images[:, seen, 0]).max() <= 0.51


def test_one_block_with_a_cache_is_the_block(prior):
    torch.manual_seed(0)
    block, h = Block(16, 2, 1), torch.randn(2, 5, 16)
    cache = vqprior.Cache([block], 5)
    with torch.no_grad():
        steps = torch.cat([block.step(h[:, i : i + 1], cache, 0, i) for i in range(5)], 1)
        assert torch.allclose(steps, block(h), atol=1e-5)


def test_codes_without_a_prior_come_as_often_as_asked(tokenizer):
    tokenizer = VQVAE(TINY).eval()
    tokenizer.quantizer.usage[:] = 0
    tokenizer.quantizer.usage[:, [3, 7]] = torch.tensor([0.25, 0.75])
    alike = last(tokenizer.sample(VQVAERequest(num_samples=100))).extras["codes"]
    assert set(alike.ravel()) == set(range(24))
    often = last(tokenizer.sample(VQVAERequest(num_samples=100, prior="frequencies"))).extras["codes"]
    assert set(often.ravel()) == {3, 7} and (often == 7).mean() == pytest.approx(0.75, abs=0.04)


# --- built on one another


def test_a_prior_finds_its_tokenizer_or_says_in_a_sentence_why_not(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "folder", lambda name: tmp_path / "nothing")
    torch.manual_seed(0)
    tokenizer = VQVAE(TINY)
    card = _card("vae/vqvae", "codes-fashion", TINY)
    checkpoints.save(tmp_path / "codes-fashion.safetensors", tokenizer, card, "float32")
    weights = checkpoints.weights_hash(tmp_path / "codes-fashion.safetensors")
    config = VQPriorConfig(num_codes=24, cells=CELLS, width=16, depth=1, heads=2, num_classes=3)

    def saved(config, *built_on):
        path = tmp_path / "prior-fashion.safetensors"
        card = dataclasses.replace(_card("vae/vqprior", "prior-fashion", config), built_on=list(built_on))
        checkpoints.save(path, VQPrior(config), card, "float32")
        return path

    loaded = checkpoints.load(saved(config, f"codes-fashion@{weights}"))
    assert loaded.tokenizer.weights_hash == weights
    assert not any("tokenizer" in name for name in loaded.state_dict())
    with pytest.raises(checkpoints.CheckpointError, match="other weights of codes-fashion"):
        checkpoints.load(saved(config, "codes-fashion@0123456789abcdef"))
    with pytest.raises(checkpoints.CheckpointError, match="neither beside it nor shipped"):
        checkpoints.load(saved(config, f"none-fashion@{weights}"))
    with pytest.raises(checkpoints.CheckpointError, match="no id"):
        checkpoints.load(saved(config, f"../codes-fashion@{weights}"))
    with pytest.raises(checkpoints.CheckpointError, match="does not name the one model"):
        checkpoints.load(saved(config))
    other = dataclasses.replace(config, num_codes=25)
    with pytest.raises(checkpoints.CheckpointError, match="codes are others"):
        checkpoints.load(saved(other, f"codes-fashion@{weights}"))
    path = saved(config, "prior-fashion@0123456789abcdef")
    own = f"prior-fashion@{checkpoints.weights_hash(path)}"
    shutil.copyfile(saved_self(path, own), path)
    with pytest.raises(checkpoints.CheckpointError, match="itself is built on another"):
        checkpoints.load(path)


def saved_self(path, own):
    """The file with a card that says it is built on itself."""
    text = path.read_bytes()
    size = int.from_bytes(text[:8], "little")
    header = json.loads(text[8 : 8 + size])
    card = json.loads(header["__metadata__"]["card"])
    header["__metadata__"]["card"] = json.dumps({**card, "built_on": [own]})
    new = json.dumps(header).encode()
    other = path.with_name("self.safetensors")
    other.write_bytes(len(new).to_bytes(8, "little") + new + text[8 + size :])
    return other


def _card(network, name, config):
    recipe = models.recipes()["vqvae-fashion"][1]
    kind = models.network_class(network)
    return checkpoints.Card(
        name, "vae", kind.system, kind.paper, network, "bound", dataclasses.asdict(config), "fashion", "", "",
        [str(i) for i in range(3)], json.loads(json.dumps(dataclasses.asdict(recipe))), 0, 0, 0.0, "", "", 0,
    )  # fmt: skip


def test_training_the_prior_encodes_once_and_says_what_it_is_built_on(tmp_path, monkeypatch):
    recipe = dataclasses.replace(
        models.recipes()["vqprior-fashion"][1],
        config=VQPriorConfig(width=16, depth=1, heads=2),
        compile=False,
        snapshot={"num_samples": 1},
    )
    monkeypatch.setattr(models, "recipes", lambda: {"vqprior-fashion": ("vae/vqprior", recipe)})
    every = loop.as_tensors("fashion", "test")
    small = {"train": [t[:64] for t in every], "validation": [t[64:128] for t in every]}
    monkeypatch.setattr(loop, "as_tensors", lambda dataset, split: small[split])
    encoded = []
    encode = VQVAE.encode_codes
    monkeypatch.setattr(VQVAE, "encode_codes", lambda self, x: encoded.append(len(x)) or encode(self, x))
    changes = {"steps": "3", "batch_size": "8"}
    *_, done = loop.train("vqprior-fashion", tmp_path, changes=changes, every=1)
    assert encoded == [64, 64] and done.step == 3, "training and validation pictures, each once"
    assert done.figures["loss"] == pytest.approx(9.0, abs=0.2), "512 codes that nothing is known of"
    made = checkpoints.load(tmp_path / "vqprior-fashion.safetensors")
    shipped = checkpoints.load("vqvae-fashion")
    assert made.card.built_on == [f"vqvae-fashion@{shipped.weights_hash}"]


# --- changing codes


def test_moves_are_read_as_they_are_written():
    moves = {(3, 3, 0): 17, (0, 6, 1): 0}
    assert code_grid.read_moves(code_grid.write_moves(moves), (7, 7, 2), 512) == moves
    assert code_grid.read_moves("", (7, 7, 2), 512) == {}
    for wrong in ("1,1,1", "1,1,3=4", "0,1,1=4", "1,1,1=512", "1,1=4", "1,1,1=x", "1,1,1=-2"):
        with pytest.raises(ValueError, match="code"):
            code_grid.read_moves(wrong, (7, 7, 2), 512)


def test_the_nearest_entries_are_those_of_brute_force(tokenizer):
    near = code_grid.nearest_entries(tokenizer, 5, 1)
    book = tokenizer.quantizer.codebook[1].numpy()
    assert near[0] == 5 and list(near) == list(np.argsort(np.linalg.norm(book - book[5], axis=1))[:8])


def test_the_decoder_shares_one_path_with_the_sampler():
    model = checkpoints.load("vqvae-fashion")
    request = code_grid.CodesRequest(index=3, place="2,3,1", moved="2,3,1=9")
    first, second = code_grid.change_codes(model, request)
    assert np.array_equal(first.images, second.images) and second.extras["nearest"][0] == 9
    assert np.abs(second.extras["decoded"][0].astype(int) - second.images[0]).max() <= 1
    changed = first.extras["codes"] != first.extras["start"]
    assert changed.sum() == 1 and changed[0, 1, 2, 0]
    (decoded,) = model.code_frames(first.extras["codes"])
    assert np.array_equal(decoded.images, first.images)
    different = (
        first.images != next(code_grid.change_codes(model, dataclasses.replace(request, moved=""))).images
    )
    assert different[0, 4:8, 8:12].mean() > different.mean(), "it changes most where it stands"
