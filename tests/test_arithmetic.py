"""A - B + C with latents, and the direction between two classes: what is computed, and Compare's *Arithmetic*."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from playground import data
from playground.experiments import arithmetic
from playground.experiments.arithmetic_request import ArithmeticRequest
from playground.export.picture_metadata import PictureMetadata
from playground.ui.theme import theme
from tests.test_picture_menu import choose
from tests.windows import WAIT, load, opened


def computed(name, places=(0, 1, 2), **how):
    pictures = data.load("fashion", "test")[0][list(places)]
    *_, last = arithmetic.compute(load(name), pictures, ArithmeticRequest(**how))
    return last


@pytest.mark.parametrize("name", ["vae-fashion", "nice-fashion"])
def test_equal_terms_cancel_and_no_weight_leaves_a(name):
    same = computed(name, (0, 1, 1))
    alone = computed(name, (0, 1, 2), weight=0.0)
    for found in (same, alone):
        assert np.abs(found.images[3].astype(int) - found.images[0]).max() <= 1
    full = computed(name)
    assert np.abs(full.images[3].astype(int) - full.images[0]).mean() > 1


def test_the_sum_is_that_of_the_latents():
    half, whole = computed("vae-fashion", weight=0.5), computed("vae-fashion")
    start = computed("vae-fashion", weight=0.0).extras["latent"]
    np.testing.assert_allclose(whole.extras["latent"] - start, 2 * (half.extras["latent"] - start), atol=1e-5)


def test_the_whole_way_between_two_means_leads_from_class_to_class():
    """A trouser, moved by the difference of the means, is nearer to the mean of bags than to that of trousers."""
    model = load("vae-fashion")
    labels = data.load("fashion", "test")[1]
    trouser = int(np.flatnonzero(labels == 1)[0])
    moved = computed("vae-fashion", (trouser, 0, 0), amount=1.0, from_class=1, to_class=8).extras["latent"]
    direction = arithmetic.class_direction(model, 1, 8).numpy()
    start = computed("vae-fashion", (trouser, 0, 0)).extras["latent"]
    np.testing.assert_allclose(moved - start, direction, atol=1e-5)
    assert np.allclose(arithmetic.class_direction(model, 8, 1).numpy(), -direction)


def test_noises_are_found_added_and_lead_back():
    """With the same B and C what comes of the sum is A again, by the way of its noise."""
    pictures = data.load("fashion", "test")[0][[0, 1, 1]]
    frames = list(arithmetic.compute(load("ddpm-fashion"), pictures, ArithmeticRequest(effort=0.5)))
    assert [f.step for f in frames] == list(range(1, frames[-1].total + 1))
    last = frames[-1]
    assert np.abs(last.images[:3].astype(int) - pictures).mean() < 16
    assert np.abs(last.images[3].astype(int) - last.images[0]).mean() < 2
    other = computed("ddpm-fashion", effort=0.25)
    z = other.extras["latent"]
    alone = computed("ddpm-fashion", effort=0.25, weight=0.0).extras["latent"]
    assert z.shape == (1, 1, 28, 28) and not np.allclose(z, alone)
    assert np.linalg.norm(z) == pytest.approx(np.linalg.norm(alone), rel=1e-4), "as long as A's noise"


def test_styles_are_looked_for_step_by_step():
    pictures = data.load("fashion", "test")[0][:3]
    frames = list(arithmetic.compute(load("stylegan-fashion"), pictures, ArithmeticRequest(effort=0.05)))
    assert [f.step for f in frames] == list(range(1, frames[-1].total + 1))
    assert frames[-1].images.shape == (4, 28, 28, 1) and frames[-1].extras["latent"].shape == (1, 128)
    assert not frames[0].images[1:].any(), "B and C come later"


@pytest.mark.parametrize("name", ["vqvae-fashion", "dcgan-fashion"])
def test_who_has_nothing_to_add_up_says_so(name):
    with pytest.raises(ValueError, match="no latents of numbers"):
        arithmetic.said(load(name))


def done(qtbot, scene):
    qtbot.waitUntil(lambda: scene.is_settled and not scene.race.is_empty, timeout=WAIT)
    return scene.race.stand(0).frame.images


def test_three_pictures_are_chosen_computed_taken_from_a_menu_and_kept(qtbot):
    with opened(tab="compare", view="Table") as window:
        window.page.show_scene("Arithmetic")
        scene = window.page.scene
        for hall in (True, False):  # while its models are loaded
            theme.set_lecture(QApplication.instance(), hall)
        scene.stop()
        scene.models.choose(["vae-fashion", "nice-fashion"])
        scene.start()
        first = done(qtbot, scene)
        labels = data.load("fashion", "test")[1]
        assert [labels[term.index] for term in scene.terms.values()] == [2, 0, 3]
        assert scene.board.panels[0].grid.content().captions == ("A", "B", "C", "A − B + C")
        # B steps on; the others stay
        scene.letters.set_index(1)
        scene.slot.stepper.next.click()
        second = done(qtbot, scene)
        assert np.array_equal(first[0], second[0]) and not np.array_equal(first[1], second[1])
        kept = scene.metadata()
        # what a model drew is used as C
        grid = scene.board.panels[1].grid
        spot = grid.picture_rect(3).center().toPoint()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, grid.mapToGlobal(spot))
        QApplication.sendEvent(grid, event)
        choose(next(m for m in grid.findChildren(QMenu) if m.isVisible()), "Arithmetic", "Use as C")
        qtbot.waitUntil(lambda: scene.terms["C"].own is not None, timeout=WAIT)
        third = done(qtbot, scene)
        assert not np.array_equal(second[2], third[2]) and scene.letter == "C"
        scene.restore(PictureMetadata(**{**vars(kept), "state": dict(kept.state)}))
        assert np.array_equal(done(qtbot, scene), second) and scene.terms["C"].own is None
        for bad in ({"terms": [{}]}, {"terms": 3}, {"terms": [{"index": -1}] * 3}):
            scene.restore(PictureMetadata(**{**vars(kept), "state": {**kept.state, **bad}}))
            assert "cannot be opened" in window.page.banner.text(), bad
            window.page.banner.clear()
        done(qtbot, scene)
        theme.set_lecture(QApplication.instance(), True)
        assert scene.board.panels[0].grid.content().captions == ("A − B + C",), "a hall sees what came out"
        theme.set_lecture(QApplication.instance(), False)
        assert len(scene.board.panels[0].grid.content().captions) == 4
        scene.stop()


def test_a_number_is_typed_beside_a_latent_slider(qtbot):
    with opened(model_id="vae2d-fashion", view="Sliders") as window:
        qtbot.waitUntil(lambda: window.current is not None and window.current.view is not None, timeout=WAIT)
        view = window.current.view
        qtbot.waitUntil(lambda: len(view.player.timeline) > 0 and view.is_settled, timeout=WAIT)
        before = view.player.frame.images
        field = view.sliders.rows[1].number
        field.selectAll()
        qtbot.keyClicks(field, "2.35")
        qtbot.keyClick(field, "\r")
        qtbot.waitUntil(lambda: "2=2.35" in view.request.moved, timeout=WAIT)
        qtbot.waitUntil(
            lambda: view.is_settled and not np.array_equal(view.player.frame.images, before), timeout=WAIT
        )
        assert view.sliders.rows[1].slider.value() == 235
