"""Speak in the real window, on a small network of its own: sound that grows, the tree, the way back, another word, WAV."""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import wave

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt

from playground import checkpoints, paths
from playground.data import mu_law, spoken_words
from playground.export import waveform
from playground.models.autoregressive.wavenet import SoundRequest, WaveNet, WaveNetConfig
from playground.tabs.autoregressive.speech import loudspeaker
from playground.tabs.autoregressive.speech.tree import places_above
from tests.windows import WAIT, opened, wait_open

SMALL = WaveNetConfig(
    width=8, num_dilations=4, num_stacks=2, skip_width=16, num_bands=6, voice_width=4, condition_width=8
)


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory):
    folder, usual = tmp_path_factory.mktemp("pretrained"), paths.folder
    torch.manual_seed(2)
    model = WaveNet(SMALL)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)
    clips = spoken_words.clips("test")
    voices = np.zeros(len(clips.words), np.int64)  # those of the test are not among the model's
    model.condition.hear_words(clips.codes, clips.words, voices)
    card = checkpoints.Card(
        id="wavenet-words",
        family="autoregressive",
        system=model.system,
        paper=model.paper,
        network="autoregressive/wavenet",
        likelihood=model.likelihood,
        config=dataclasses.asdict(SMALL),
        dataset="words",
        dataset_title="words",
        licence="public domain",
        classes=list(spoken_words.WORDS),
        recipe={},
        seed=0,
        images_seen=0,
        training_seconds=0.0,
        machine="",
        date="",
        parameters=sum(p.numel() for p in model.parameters()),
    )
    checkpoints.save(folder / "wavenet-words.safetensors", model, card)
    patch = pytest.MonkeyPatch()
    patch.setattr(paths, "folder", lambda name: folder if name == "pretrained" else usual(name))
    with opened(tab="autoregressive") as one:
        yield one
    patch.undo()


@pytest.fixture
def view(qtbot, window):
    """With the whole clip of the first request."""
    wait_open(qtbot, window)
    tab = window.current
    tab.knobs.set_settings({"word": "seven", "voice": "any", "seed": 7, "temperature": 1.0})
    tab.view.player.speed = None
    tab.view.start(SoundRequest())
    qtbot.waitUntil(lambda: is_whole(tab.view), timeout=WAIT)
    return tab.view


def is_whole(view):
    frame = view.player.frame
    return frame is not None and frame.step == frame.total and view.is_settled


def test_the_canvas_shows_what_the_frame_says(view):
    frame = view.player.frame
    assert np.array_equal(view.waveform.codes, frame.images[0, 0, :, 0])
    assert view.waveform.position == spoken_words.LENGTH
    assert view.bars.drawn == frame.images[0, 0, -1, 0]
    assert view.bars.chances.sum() == pytest.approx(1) and len(view.bars.table().rows) == 256
    assert view.tree.reach == view.model.receptive_field


def test_a_click_on_the_sound_goes_back_to_that_moment(qtbot, view):
    x = round(view.waveform.x_of(2400))
    qtbot.mouseClick(view.waveform, Qt.MouseButton.LeftButton, pos=QPoint(x, view.waveform.height() // 2))
    assert abs(view.player.frame.step - 60) <= 1
    qtbot.waitUntil(lambda: view.waveform.position == view.player.frame.step * 40, timeout=WAIT)
    assert not view.player.is_playing


def test_another_word_goes_on_from_a_moment_that_is_held(qtbot, view):
    before = view.player.frame.images.copy()
    view.player.seek(view.player.timeline.index_of_step(50))
    view.player.set_fork(True)
    view.tab.knobs.set_settings({"word": "banana"})
    qtbot.waitUntil(lambda: view.request.word == "banana" and is_whole(view), timeout=WAIT)
    after = view.player.frame.images
    assert np.array_equal(after[0, 0, :2000], before[0, 0, :2000])
    assert not np.array_equal(after[0, 0, 2000:], before[0, 0, 2000:])
    view.player.set_fork(False)


def test_the_clip_is_kept_as_wav_with_its_settings(tmp_path, view):
    path = tmp_path / "seven.wav"
    view.write_wav(path)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (mu_law.RATE, 1, 2)
        assert file.getnframes() == spoken_words.LENGTH
    kept = path.read_bytes()
    settings = json.loads(kept[kept.index(b'{"') : kept.index(b"\0data")].rstrip(b"\0"))
    assert settings["settings"]["word"] == "seven"
    view.write_wav(tmp_path / "nowhere" / "x.wav")
    assert "nowhere" in view.tab.banner.text()


def test_without_the_extra_listen_says_what_to_install(monkeypatch, view):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    view.listen.click()
    assert "install" in view.tab.banner.text() and "WAV" in view.tab.banner.text()


def test_with_the_extra_the_sound_is_played(monkeypatch):
    played = []
    device = types.SimpleNamespace(play=lambda sound, rate: played.append((sound, rate)))
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    codes = spoken_words.clips("test").codes[0, 0, :, 0]
    assert loudspeaker.play(codes) == ""
    sound, rate = played[0]
    assert rate == 8000 and np.abs(sound).max() <= 1 and np.array_equal(mu_law.encode(sound), codes)

    def broken(sound, rate):
        raise RuntimeError("no\ndevice")

    device.play = broken
    assert loudspeaker.play(codes) == "This machine cannot play it (no device): save it as WAV."


def test_the_tree_doubles_with_every_layer_of_a_stack():
    dilations = (1, 2, 4, 8)
    assert [len(places_above(dilations, layer)) for layer in (3, 2, 1, 0)] == [1, 2, 4, 8]
    assert places_above(dilations, 1).tolist() == [0, 4, 8, 12]


def test_pictures_of_sound_are_as_high_as_it_is_loud():
    time = np.arange(8000) / 8000
    loud = mu_law.encode(0.8 * np.sin(2 * np.pi * 1000 * time))[None, None, :, None]
    quiet = mu_law.encode(0.1 * np.sin(2 * np.pi * 1000 * time))[None, None, :, None]
    inked = [int((waveform.pictures(x) == waveform.INK).sum()) for x in (loud, quiet)]
    assert inked[0] > 5 * inked[1]
    spectrum = waveform.spectrogram(loud[0, 0, :, 0])[:, 100]
    assert abs((len(spectrum) - 1 - spectrum.argmax()) * 8000 / 256 - 1000) < 32
