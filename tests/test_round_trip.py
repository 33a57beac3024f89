"""One picture to a latent and back, by every model that has a way: how exact each is, and Compare's *Round trip*."""

from __future__ import annotations

import numpy as np
import pytest

from playground import data
from playground.experiments import round_trip
from playground.experiments.round_trip_request import ERROR_TIMES, RoundTripRequest
from playground.export.picture_metadata import PictureMetadata
from tests.windows import WAIT, load, opened


def came_back(name, index=0, **how):
    picture = data.load("fashion", "test")[0][index : index + 1]
    *_, last = round_trip.there_and_back(load(name), picture, RoundTripRequest(**how))
    assert last.images.shape == (2, 28, 28, 1)
    difference = np.abs(last.images[0].astype(int) - picture[0])
    assert last.extras["error"] == pytest.approx(difference.mean())
    assert np.array_equal(last.images[1], np.minimum(difference * ERROR_TIMES, 255))
    return last.extras["error"]


@pytest.mark.parametrize("name", ["nice-fashion", "tarflow-fashion"])
def test_a_flow_loses_nothing(name):
    assert came_back(name) < 0.02


def test_more_numbers_keep_more():
    two, many, codes = (came_back(name) for name in ("vae2d-fashion", "vae-fashion", "vqvae-fashion"))
    assert two > many > 0.5 and codes < two


def test_ddim_backwards_is_nearly_exact_and_more_steps_are_nearer():
    few, many = (came_back("ddpm-fashion", effort=effort) for effort in (0.125, 0.5))
    assert many < few < 40 and many < 8


def test_a_search_comes_nearer_with_every_step():
    picture = data.load("fashion", "test")[0][:1]
    frames = list(round_trip.there_and_back(load("dcgan-fashion"), picture, RoundTripRequest(effort=0.2)))
    assert frames[-1].extras["error"] < frames[0].extras["error"]


@pytest.mark.parametrize("name", ["made-fashion", "rbm-fashion"])
def test_who_has_no_latent_says_so(name):
    with pytest.raises(ValueError, match="has no latent"):
        round_trip.said(load(name))


def test_the_scene_shows_what_came_back_with_its_error_and_is_opened_again(qtbot):
    with opened(tab="compare", view="Round trip") as window:
        scene = window.page.scene
        scene.stop()
        assert not scene.masks.isVisibleTo(scene) and not scene.slot.none.isVisibleTo(scene)
        scene.models.choose(["nice-fashion", "vae2d-fashion"])
        scene.start()
        qtbot.waitUntil(lambda: scene.is_settled and not scene.race.is_empty, timeout=WAIT)
        flow, vae = (panel.grid.content() for panel in scene.board.panels)
        assert flow.captions[0] == "error 0.00" and float(vae.captions[0].split()[-1]) > 1
        assert "nothing is lost" in scene.board.panels[0].head.toolTip()
        kept = scene.metadata()
        scene.slot.stepper.next.click()
        qtbot.waitUntil(lambda: scene.is_settled and scene.index == 1, timeout=WAIT)
        scene.restore(PictureMetadata(**{**vars(kept), "state": dict(kept.state)}))
        qtbot.waitUntil(lambda: scene.is_settled and not scene.race.is_empty, timeout=WAIT)
        assert scene.index == 0 and scene.board.panels[1].grid.content().captions == vae.captions
