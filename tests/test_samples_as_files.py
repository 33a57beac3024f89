"""Sounds, strokes and drives as files: what comes out is what went in, and the settings are found again."""

from __future__ import annotations

import wave
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from playground.contract import Frame
from playground.data import Modality, mu_law
from playground.export import picture_metadata, samples, strokes_svg

KEPT = picture_metadata.PictureMetadata("vae", "some-model", "ab", "Some <view> & more", {"seed": 7})


def test_every_mu_law_code_survives_its_pressure_and_quiet_has_finer_steps():
    codes = np.arange(256, dtype=np.uint8)
    pressure = mu_law.decode(codes)
    assert np.array_equal(mu_law.encode(pressure), codes)
    assert pressure[mu_law.SILENCE] == 0 and (np.diff(pressure) > 0).all()
    assert pressure[130] - pressure[129] < 0.05 * (pressure[250] - pressure[249])
    assert mu_law.encode(np.array([-9.0, 9.0])).tolist() == [0, 255]


def test_a_recording_is_sixteen_bits_mono_at_8_khz(tmp_path):
    codes = np.random.default_rng(0).integers(0, 256, (2, 1, 400, 1), dtype=np.uint8)
    samples.write(tmp_path / "a.wav", codes, KEPT.to_json())
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert len(found) == 400 + 2000 + 400 and not found[400:2400].any()
    assert np.abs(found[:400] - mu_law.decode(codes[0, 0, :, 0])).max() < 1e-4
    assert picture_metadata.read(tmp_path / "a.wav") == KEPT


def test_a_drawing_is_lines_in_its_square_and_ends_where_it_ends(tmp_path):
    square = [[0, 0, 0], [4, 0, 0], [0, 2, 1], [-1, 0, 0], [-2, 1, 1], [np.nan] * 3, [9, 9, 1]]
    strokes = np.array([square, square], np.float32)
    samples.write(tmp_path / "a.svg", strokes, KEPT.to_json())
    root = ET.parse(tmp_path / "a.svg").getroot()
    paths = [e.attrib["d"] for e in root.iter() if e.tag.endswith("path")]
    assert len(paths) == 2 and [p.count("M") for p in paths] == [2, 2]
    first = np.concatenate(strokes_svg.fitted(strokes_svg.polylines(strokes[0])))
    assert first.min() >= 0 and first.max() <= strokes_svg.BOX and len(first) == 5
    wide, high = np.ptp(first, axis=0)
    assert wide / high == pytest.approx(4 / 3)  # the wide drawing stays wide
    assert picture_metadata.read(tmp_path / "a.svg") == KEPT


def test_a_drive_is_a_frame_for_each_step_and_drawings_of_two_lengths_stay_two():
    frames = [Frame(i, 3, i, np.full((2, 4, 4, 3), i, np.uint8)) for i in range(4)]
    film = samples.of_run(frames, Modality.CONTROL)
    assert film.shape == (2, 3, 4, 4, 3) and film[1, :, 0, 0, 0].tolist() == [1, 2, 3]
    short, long = np.ones((1, 2, 3), np.float32), np.ones((1, 5, 3), np.float32)
    both = samples.joined([short, long], Modality.STROKES)
    assert both.shape == (2, 5, 3) and [len(np.concatenate(strokes_svg.polylines(s))) for s in both] == [2, 5]


@pytest.mark.parametrize("content", [b"RIFF\x04\0\0\0WAVE", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_a_sound_or_drawing_from_elsewhere_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "from-elsewhere"
    path.write_bytes(content)
    with pytest.raises(picture_metadata.PictureMetadataError, match="carries no settings"):
        picture_metadata.read(path)


def test_the_views_that_show_them_again_are_there():
    from playground import checkpoints, data, families
    from playground.tabs import registry
    from playground.tabs.frame.view import suiting
    from tests.windows import load

    for card in checkpoints.cards():
        wanted = samples.VIEWS.get(data.modality(card.dataset))
        if wanted is not None and families.has_tab(card.family):
            kinds = registry.views_of(families.entry(card.family))
            assert wanted in [kind.name for kind in suiting(kinds, load(card.id))], card.id
