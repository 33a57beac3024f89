"""Spoken words: the data, the network that hears no future, its cached sampler against the naive one, and the listener."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from playground import checkpoints, data
from playground.checkpoints import judges
from playground.data import mel, mu_law, spoken_words
from playground.evaluation.sequences import sound
from playground.models.autoregressive.wavenet import SoundRequest, SoundRun, WaveNet, WaveNetConfig

SMALL = WaveNetConfig(
    width=8, num_dilations=4, num_stacks=2, skip_width=16, num_bands=6, voice_width=4, condition_width=8
)


@pytest.fixture(scope="module")
def model():
    """A small network with weights large enough that every layer is heard."""
    torch.manual_seed(0)
    network = WaveNet(SMALL).eval()
    clips = spoken_words.clips("test")
    voices = np.array([(clips.words[:i] == word).sum() for i, word in enumerate(clips.words)])  # each its own
    network.condition.hear_words(clips.codes, clips.words, voices)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2.0)
    return network


def drawn(frames, count):
    return list(itertools.islice(frames, count))


# --- the data


def test_test_voices_are_no_training_voices():
    clips = spoken_words.clips("test")
    assert not set(clips.names) & set(spoken_words.VOICES)
    assert (clips.voices == spoken_words.NO_VOICE).all()
    assert np.bincount(clips.words).tolist() == [6] * len(spoken_words.WORDS)


def test_clips_begin_with_the_word_and_none_is_cut_at_full_scale():
    codes = spoken_words.clips("test").codes[:, 0, :, 0]
    assert (codes != mu_law.SILENCE).argmax(1).max() < 0.02 * mu_law.RATE
    sounds = np.abs(mu_law.decode(codes))
    assert sounds.max() < 0.95
    loudness = np.array([math.sqrt((s[s > 0] ** 2).mean()) for s in sounds])
    assert loudness.min() > 0.05 and loudness.max() < 0.2


# --- the network


def test_a_sample_hears_exactly_its_receptive_field(model):
    length, at = 80, 20
    codes = torch.randint(0, 256, (1, length), generator=torch.Generator().manual_seed(1))
    other = codes.clone()
    other[0, at] = (other[0, at] + 100) % 256
    word, voice = torch.tensor([3]), torch.tensor([5])
    with torch.no_grad():
        differs = (model(codes, word, voice) - model(other, word, voice)).abs().amax(-1)[0] > 1e-6
    heard = torch.nonzero(differs)[:, 0]
    assert heard.min() == at + 1 and heard.max() == at + model.receptive_field


def test_word_voice_and_place_in_time_matter(model):
    codes = torch.full((1, 400), mu_law.SILENCE)
    with torch.no_grad():
        seven, eight, said = (
            model(codes, torch.tensor([word]), torch.tensor([voice]))
            for word, voice in ((7, -1), (8, -1), (7, 0))
        )
    assert not torch.allclose(seven, eight) and not torch.allclose(seven, said)
    assert not torch.allclose(seven[0, 100], seven[0, 300])


def test_without_a_word_the_score_is_that_of_the_mean_over_words(model):
    length = 400
    x = torch.from_numpy(spoken_words.clips("test").codes[:1, :, :length].transpose(0, 3, 1, 2).copy())
    each = [model.score(x, labels=torch.tensor([w]))[0].value for w in range(len(spoken_words.WORDS))]
    mean = np.logaddexp.reduce(-np.array(each) * length * math.log(2)) - math.log(len(each))
    assert model.score(x)[0].value == pytest.approx(-mean / (length * math.log(2)), abs=1e-4)
    assert model.score(x)[0].unit == "bits/sample"


# --- the samplers


def test_cached_and_naive_draw_the_same_codes(model):
    request = SoundRequest(seed=3, num_samples=2, voice="us-m1")
    cached, naive = drawn(model.sample(request), 6)[1:], drawn(model.sample_naive(request), 5)
    for a, b in zip(cached, naive, strict=True):
        assert np.array_equal(a.images, b.images)
        assert np.allclose(a.extras["logits"], b.extras["logits"], atol=1e-4)
    assert len(np.unique(cached[-1].images)) > 20


def test_the_naive_sampler_hears_no_more_than_the_receptive_field(model):
    request = SoundRequest(seed=3, word="banana")
    origin, *_, last = drawn(model.sample(request), 103)[100:]
    assert origin.extras["position"] > 30 * model.receptive_field
    naive = drawn(model.sample_naive(request, origin.state), 2)[-1]
    assert np.array_equal(naive.images, last.images) and naive.step == last.step


def test_a_state_holds_nothing_but_codes_and_goes_on_to_the_bit(model):
    request = SoundRequest(seed=5)
    frames = list(model.sample(request))
    assert (frames[0].step, frames[-1].step, len(frames)) == (0, 140, 141)
    origin = frames[60]
    assert sum(v.nbytes for v in origin.state.values() if isinstance(v, np.ndarray)) == spoken_words.LENGTH
    rest = list(model.sample(request, resume=origin.state))
    assert [f.step for f in rest] == list(range(61, 141))
    assert np.array_equal(rest[-1].images, frames[-1].images)


def test_a_clip_does_not_depend_on_its_company(model):
    request = SoundRequest(seed=4, num_samples=5, word=spoken_words.EACH)
    together = drawn(model.sample(request), 4)[-1]
    alone = drawn(model.sample(dataclasses.replace(request, num_samples=1, first_index=4)), 4)[-1]
    assert np.array_equal(together.images[4], alone.images[0])


# --- what is measured


def test_baselines_that_know_more_pay_less():
    found = sound.baselines()
    assert found["silence"] > found["unigram"] > found["first order"] > 1


def test_the_listener_knows_voices_that_it_never_heard():
    listener = checkpoints.load(judges.path(sound.RECOGNISER))
    codes, words = data.load("words", "test")
    assert (sound.hear(listener, codes[::2]) == words[::2]).mean() > 0.95


def test_it_knows_them_in_hiss_as_loud_as_a_fifth_of_what_is_said():
    """People do, and a network's sound is never as clean as a synthesizer's."""
    listener = checkpoints.load(judges.path(sound.RECOGNISER))
    codes, words = data.load("words", "test")
    pressures = mu_law.decode(codes[::3])
    loudness = np.sqrt(np.square(pressures).mean((1, 2, 3), keepdims=True))
    hiss = np.random.default_rng(0).standard_normal(pressures.shape) * loudness / 5
    noisy = mu_law.encode(np.clip(pressures + hiss, -1, 1).astype(np.float32))
    assert (sound.hear(listener, noisy) == words[::3]).mean() > 0.9


def test_a_voice_has_a_spectrogram_of_its_own_and_none_the_mean(model):
    words = torch.full((3,), 7)
    found = model.condition.spectra_of(words, torch.tensor([0, 1, spoken_words.NO_VOICE]))
    clips = spoken_words.clips("test")
    own = torch.from_numpy(
        mel.spectrogram(clips.codes[clips.words == 7][:2, 0, :, 0], model.config.num_bands)
    )
    assert torch.allclose(found[2], model.condition.spectra[7])
    # as many directions as clips but one: told exactly, up to the common offset and scale of all spectra
    scale = (own[0] - own[1]).std() / (found[0] - found[1]).std()
    assert torch.allclose((found[0] - found[1]) * scale, own[0] - own[1], atol=1e-3)


def test_without_a_voice_said_each_clip_gets_one_of_its_own():
    run = SoundRun(SoundRequest(num_samples=16, seed=1))
    assert len(set(run.voices.tolist())) > 4 and run.voices.min() >= 0
    alone = SoundRun(SoundRequest(num_samples=1, first_index=5, seed=1))
    assert alone.voices[alone.wanted].tolist() == [run.voices[5]]
    assert set(SoundRun(SoundRequest(voice="us-m1")).voices.tolist()) == {0}
