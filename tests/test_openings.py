"""What views open with: the file of openings fits the models, is taken over once, and never over a hand's choice."""

from __future__ import annotations

import numpy as np
import pytest

from playground import checkpoints
from playground.tabs.frame.page import LinkTarget
from playground.tabs.openings import OPENINGS, opening_of
from tests.windows import WAIT, begun, load, wait_finished


@pytest.mark.parametrize("one", OPENINGS, ids=lambda one: f"{one.model}-{one.view}")
def test_each_says_why_and_names_a_view_with_those_knobs(shared_window, qtbot, one):
    card = next(card for card in checkpoints.cards() if card.id == one.model)
    assert len(one.why.split()) > 6 and (one.settings or one.state)
    window = shared_window
    window.go(LinkTarget(card.family, one.model, one.view))
    tab = window.current
    qtbot.waitUntil(
        lambda: tab.view is not None and tab.model_id == one.model and tab.view.name == one.view, timeout=WAIT
    )
    for name, value in one.settings.items():
        assert getattr(tab.view.request, name) == value
    for name, value in one.state.items():
        assert np.allclose(tab.view.settings()[name], value)


def test_a_knob_that_was_turned_stays(shared_window, qtbot):
    window = shared_window
    window.go(LinkTarget("gan", "stylegan-fashion", "Directions", {"label": 3}))
    tab = window.current
    qtbot.waitUntil(lambda: tab.view is not None and tab.view.name == "Directions", timeout=WAIT)
    qtbot.waitUntil(lambda: begun(tab.view.player) and tab.view.request.label == 3, timeout=WAIT)
    wait_finished(qtbot, tab.view)
    window.go(LinkTarget("gan", "dcgan-fashion", "Generate"))
    qtbot.waitUntil(lambda: tab.model_id == "dcgan-fashion", timeout=WAIT)
    window.go(LinkTarget("gan", "stylegan-fashion", "Directions"))
    qtbot.waitUntil(
        lambda: tab.model_id == "stylegan-fashion" and tab.view.name == "Directions", timeout=WAIT
    )
    assert tab.view.request.label == 3
    assert opening_of("stylegan-fashion", "Generate") is None


def test_energy_opens_with_a_model_that_starts_from_noise(shared_window):
    assert load("score-ebm-fashion").card.family == "energy"
    window = shared_window
    window.open_tab("energy")
    assert window.current.models.currentData() == "score-ebm-fashion"


def test_one_step_needs_no_transport(shared_window, qtbot):
    window = shared_window
    window.go(LinkTarget("gan", "dcgan-fashion", "Generate"))
    tab = window.current
    qtbot.waitUntil(lambda: tab.model_id == "dcgan-fashion" and begun(tab.view.player), timeout=WAIT)
    wait_finished(qtbot, tab.view)
    assert tab.view.player.frame.total == 1 and not tab.transport.play.isVisible()
    window.go(LinkTarget("flow", "nice-fashion", "Generate"))
    tab = window.current
    qtbot.waitUntil(lambda: tab.view is not None and begun(tab.view.player), timeout=WAIT)
    assert tab.transport.play.isVisible() and tab.transport.slider.isVisible()


def test_a_race_says_what_it_shows():
    from playground.tabs.compare.race_entrants import (
        Entrant,
        RaceRequest,
        quality_of,
        remark_on,
        request_for,
        so_what,
    )

    cards = {card.id: card for card in checkpoints.cards()}
    gan, flow = cards["stylegan-fashion"], cards["tarflow-fashion"]
    assert so_what([(gan, 0.1)]) == ""
    said = so_what([(flow, 4.0), (gan, 0.1)])
    assert said.startswith("By time alone StyleGAN2 is fastest, 40 times as fast as TarFlow.")
    quality = {card.id: card.metrics["fidelity"]["quality"]["value"] for card in (gan, flow)}
    better = "TarFlow" if quality[flow.id] < quality[gan.id] else "StyleGAN2"
    assert f"are those of {better} (" in said and quality_of(gan).startswith("FID")
    asked = RaceRequest(label=3)
    model = load("nice-fashion")
    without = Entrant(model, request_for(model, asked))
    assert remark_on(without, asked) == "cannot be told the class" and not remark_on(without, RaceRequest())


def test_one_image_in_a_sentence():
    from playground.tabs.compare.score_words import so_what

    assert so_what([]) == ""
    assert "to this model this picture is more probable than 91 % of garments." in so_what([0.09])
    assert "the middle one of 3 models" in so_what([0.1, 0.5, 0.9]) and "(from 10 % to 90 %)" in so_what(
        [0.1, 0.5, 0.9]
    )
