"""Models of text: the data, the sampler against its oracle, forks, and likelihoods by hand."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
import torch

from playground import contract, data
from playground.data import bible, characters
from playground.models.autoregressive import next_token
from playground.models.autoregressive.text import _counts
from playground.models.autoregressive.text._text_model import TextRequest, context_start
from playground.models.autoregressive.text.gpt import GPT, GPTConfig
from playground.models.autoregressive.text.lstm import LSTM, LSTMConfig
from playground.models.autoregressive.text.ngram import NGram, NGramConfig


def small(kind):
    torch.manual_seed(0)
    if kind == "n-gram":
        model = NGram(NGramConfig(longest=4, nodes=1, entries=2))
        model.count(torch.from_numpy(data.load("bible", "test")[0][:40].transpose(0, 3, 1, 2).copy()))
        model.settle()
        return model.requires_grad_(False).eval()
    gpt = GPTConfig(context=16, width=32, num_blocks=2, num_heads=2)
    model = GPT(gpt) if kind == "gpt" else LSTM(LSTMConfig(width=32, token_width=8))
    for parameter in model.requires_grad_(False).parameters():
        parameter.normal_(std=0.3)
    return model.eval()


KINDS = ["gpt", "lstm", "n-gram"]


@pytest.fixture(params=KINDS, scope="module")
def model(request):
    return small(request.param)


def ask(**settings):
    return TextRequest(
        **{"prompt": "And it came", "num_tokens": 40, "num_samples": 3, "temperature": 1.0, **settings}
    )


def last(frames):
    for frame in frames:
        kept = frame
    return kept


# --- the text


def test_the_test_books_travel_and_are_in_no_other_split():
    test = bible.books("test")
    assert tuple(test) == bible.TEST_BOOKS and not set(bible.TEST_BOOKS) & set(bible.VALIDATION_BOOKS)
    assert test["Jonah"].startswith("Now the word of the LORD came unto Jonah the son of Amittai, saying,\n")
    images, labels = data.load("bible", "test")
    assert images.shape[1:] == data.DATASETS["bible"].image_shape and len(images) == len(labels) > 300
    whole = "\n\n".join(test.values())
    assert characters.text_of(images[3, 0, :, 0]) == whole[3 * 256 : 4 * 256]


def test_what_compress_made_is_read_by_our_reader():
    """Against an encoder written from the format's description."""

    def compress(text):
        table, bits, codes = {bytes([i]): i for i in range(256)}, 9, []
        size, word = 257, b""
        for byte in text:
            longer = word + bytes([byte])
            if longer in table:
                word = longer
                continue
            codes.append(table[word])
            table[longer], size, word = size, size + 1, bytes([byte])
        codes.append(table[word])
        out, group, known = b"", [], 257
        for code in codes:
            group.append(code)
            known += 1
            if len(group) == 8 or known > 1 << bits:
                full = sum(c << i * bits for i, c in enumerate(group))
                out += full.to_bytes(bits, "little")
                group = []
            if known > 1 << bits:
                bits += 1
        return out + sum(c << i * bits for i, c in enumerate(group)).to_bytes(
            -(-len(group) * bits // 8), "little"
        )

    text = b"in the beginning was the word, and the word was with God. " * 3
    text += bytes(np.random.default_rng(0).integers(97, 123, 3000, dtype=np.uint8))
    assert bible.lzw(compress(text)) == text


def test_a_prompt_is_plain_text_of_some_length():
    assert contract.plain("“Behold”—he’s\tcome… naïve\n", 100) == '"Behold"-he\'s come... nave\n'
    assert contract.make_request(TextRequest, {"prompt": "a=b"}).prompt == "a=b"
    for wrong in ("é", "x" * 401, "\x00"):
        with pytest.raises(ValueError, match="prompt takes at most 400 plain characters"):
            contract.make_request(TextRequest, {"prompt": wrong})


# --- the next character


def test_temperature_top_k_and_top_p_are_their_definitions():
    logits = np.log(np.array([[0.1, 0.4, 0.2, 0.3]]))
    assert np.allclose(next_token.distribution(logits), [[0.1, 0.4, 0.2, 0.3]])
    assert np.allclose(next_token.distribution(logits, temperature=0.5), np.array([[1, 16, 4, 9]]) / 30)
    assert np.allclose(next_token.distribution(logits, top_k=2), [[0, 4 / 7, 0, 3 / 7]])
    assert np.allclose(next_token.distribution(logits, top_p=0.65), [[0, 4 / 7, 0, 3 / 7]])
    assert np.allclose(next_token.distribution(logits, top_p=0.01), [[0, 1, 0, 0]])
    chances = next_token.distribution(np.repeat(logits, 5, 0))
    assert next_token.draw(chances, np.array([0, 0.0999, 0.1001, 0.6999, 0.99999])).tolist() == [
        0,
        0,
        1,
        2,
        3,
    ]


def test_what_is_drawn_is_distributed_as_it_should_be():
    chances = next_token.distribution(np.repeat(np.log([[0.1, 0.4, 0.2, 0.3]]), 20_000, 0))
    drawn = next_token.draw(chances, np.random.default_rng(0).random(20_000))
    assert np.allclose(np.bincount(drawn) / 20_000, [0.1, 0.4, 0.2, 0.3], atol=0.01)


# --- the sampler


def test_what_is_in_sight():
    starts = [context_start(i, 16) for i in range(40)]
    assert starts == [0] * 16 + [8] * 8 + [16] * 8 + [24] * 8
    assert context_start(10_000, None) == 0


def test_remembering_changes_nothing(model):
    request = ask()
    fast, slow = list(model.sample(request)), list(model.sample_naive(request))
    assert len(fast) == 41 and np.array_equal(fast[-1].images, slow[-1].images)
    for a, b in zip(fast[1:], slow, strict=True):
        assert np.allclose(a.extras["logits"], b.extras["logits"], atol=1e-4)
    assert fast[-1].extras["text"][0].startswith("And it came") or fast[-1].images[0, 0, 0, 0] == 65


def test_what_is_said_of_the_next_character_is_what_the_likelihood_says(model):
    """Also beyond the context, where the older half is dropped."""
    frames = list(model.sample(ask(prompt="", num_samples=1, num_tokens=50)))
    codes = torch.from_numpy(frames[-1].images[:, 0, :, 0].astype(np.int64))
    nats = model.nats_per_character(codes)[0]
    for place, frame in enumerate(frames[:-1]):
        chances = next_token.distribution(frame.extras["logits"])[0]
        assert -math.log(chances[codes[0, place]]) == pytest.approx(float(nats[place]), abs=1e-3)


def test_bits_per_character_by_hand(model):
    x = torch.from_numpy(data.load("bible", "test")[0][:2, :, :12].transpose(0, 3, 1, 2)[..., :12].copy())
    total = 0.0
    for i in range(12):
        opened = torch.cat([torch.zeros(1, 1, dtype=torch.long), x[1:, 0, 0, :i].long()], 1)
        total -= float(model(opened)[0, -1].log_softmax(-1)[int(x[1, 0, 0, i])]) / math.log(2)
    assert model.score(x)[1].value == pytest.approx(total / 12, abs=1e-4)
    assert model.score(x)[1].unit == "bits/char"
    loss = model.loss(x, torch.zeros(2), torch.Generator())["loss"]
    assert float(loss) == pytest.approx(sum(s.value for s in model.score(x)) / 2, abs=1e-4)


def test_every_state_goes_on_to_the_bit(model):
    frames = list(model.sample(ask()))
    for origin in [f for f in frames if f.state is not None]:
        rest = list(model.sample(ask(), origin.state))
        assert [f.step for f in rest] == list(range(origin.step + 1, 41))
        for a, b in zip(rest, frames[origin.step + 1 :], strict=True):
            assert np.array_equal(a.images, b.images) and np.array_equal(
                a.extras["logits"], b.extras["logits"]
            )


def test_another_character_is_put_in_place_and_the_rest_follows(model):
    """Forked from a stored state as the window does it, or written from the start: the same, and nobody else is moved."""
    request, frames = ask(), list(model.sample(ask()))
    origin, here = frames[16], frames[21]
    state = {
        **origin.state,
        "images": here.images,
        "num_known": 21,
        "silent_until": 21,
        "edits": np.array([[1, 21, 90]]),
    }
    forked = list(model.sample(request, state))
    written = list(model.write(request, [(1, 21, 90)]))
    assert [f.step for f in forked] == list(range(22, 41))
    assert np.array_equal(forked[-1].images, written[-1].images)
    assert np.array_equal(forked[-1].extras["logits"], written[-1].extras["logits"])
    text, before = forked[-1].images[:, 0, :, 0], frames[-1].images[:, 0, :, 0]
    assert text[1, 11 + 21] == 90 and np.array_equal(text[1, : 11 + 21], before[1, : 11 + 21])
    assert not np.array_equal(text[1], before[1]) and np.array_equal(text[[0, 2]], before[[0, 2]])


def test_company_seed_and_prompt_keep_their_promises(model):
    many = last(model.sample(ask(num_samples=6))).images
    alone = last(model.sample(dataclasses.replace(ask(num_samples=1), first_index=5))).images
    assert np.array_equal(many[5], alone[0])
    assert not np.array_equal(many[0], many[1])
    assert not np.array_equal(many, last(model.sample(ask(num_samples=6, seed=8))).images)
    assert last(model.sample(ask(prompt="", num_tokens=3))).images.shape == (3, 1, 3, 1)


# --- GPT


def test_nobody_looks_ahead():
    model = small("gpt")
    codes = torch.from_numpy(np.random.default_rng(0).integers(1, 128, (1, 16)))
    weights = model.attention(codes)
    assert weights.shape == (1, 2, 2, 16, 16)
    assert not weights.triu(1).any() and torch.allclose(weights.sum(-1), torch.ones(()))
    changed = codes.clone()
    changed[0, 9] = 5
    assert torch.equal(model(codes)[0, :9], model(changed)[0, :9])
    assert not torch.equal(model(codes)[0, 9:], model(changed)[0, 9:])


# --- n-grams


def plain_count(rows, longest):
    """Interpolated absolute discounting from dictionaries: (context, character) -> p."""
    seen = [Counter() for _ in range(longest + 1)]
    for row in rows:
        for i in range(1, len(row)):
            for k in range(min(i, longest) + 1):
                seen[k][row[i - k : i], row[i]] += 1

    def chance(context, character, k):
        if k < 0:
            return 1 / 128
        counts = list(seen[k].values())
        once, twice = counts.count(1), counts.count(2)
        discount = min(max(once / max(once + 2 * twice, 1), 0.1), 0.9)
        here = {c: n for (h, c), n in seen[k].items() if h == context}
        lower = chance(context[1:], character, k - 1)
        if not here:
            return lower
        total = sum(here.values())
        return max(here.get(character, 0) - discount, 0) / total + discount * len(here) / total * lower

    return chance


def test_n_grams_agree_with_dictionaries():
    text = bible.books("test")["Jonah"].encode()
    rows = [b"\0" + text[i : i + 60] for i in range(0, 1800, 60)]
    codes = np.array([list(row) for row in rows], np.uint8)
    model = NGram(NGramConfig(longest=3, nodes=4, entries=8))
    model.count(torch.from_numpy(codes[:, 1:])[:, None, None])
    model.settle()
    chance = plain_count(rows, 3)
    for row, place in ((0, 30), (3, 17), (29, 59), (5, 1), (5, 2)):
        found = model(torch.from_numpy(codes[row : row + 1, : place + 1].astype(np.int64)))[0, -1].exp()
        assert float(found.sum()) == pytest.approx(1, abs=1e-5)
        context = rows[row][max(place - 2, 0) : place + 1]
        for character in b"a eth,Q\n":
            assert float(found[character]) == pytest.approx(
                chance(context, character, len(context)), rel=1e-4
            )


def test_a_pruned_tree_is_smaller_and_its_probabilities_sum_to_one():
    codes = np.pad(data.load("bible", "test")[0][:80, 0, :, 0], ((0, 0), (1, 0)))
    orders = _counts.count(codes, 5)
    costs = []
    for nodes, entries in ((10**6, 10**6), (900, 3000), (200, 700), (40, 200)):
        tree = _counts.pruned(orders, nodes, entries)
        assert len(tree.older) <= nodes and len(tree.shares) <= entries
        assert len(tree.older) == 1 + tree.num_children.sum() and len(tree.shares) == tree.num_entries.sum()
        model = NGram(
            NGramConfig(longest=5, nodes=-(-len(tree.older) // 1024), entries=-(-len(tree.shares) // 1024))
        )
        for name in ("older", "num_children", "num_entries", "characters", "shares"):
            part = torch.from_numpy(getattr(tree, name))
            getattr(model, name).data[: len(part)] = part
        half = model.shares.detach().half().float()
        model.shares.data.copy_(half)  # as a file holds them
        logs = model(torch.from_numpy(codes.astype(np.int64)))
        assert torch.allclose(logs.exp().sum(-1), torch.ones(()), atol=1e-4)
        costs.append(
            float(model.loss(torch.from_numpy(codes[:, None, None, 1:]), torch.zeros(80), None)["loss"])
        )
    assert costs == sorted(costs) and costs[0] < 1.5 < costs[-1] < 4.5


def test_numbers_that_make_no_tree_are_refused():
    model = small("n-gram")
    model.num_children.fill_(255)
    model.shares.data.mul_(1)
    with pytest.raises(ValueError, match="do not make a tree"):
        model(torch.zeros(1, 3, dtype=torch.long))
