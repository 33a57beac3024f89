"""The Energy tab's views, driven in the real window with the quickest machine."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from playground import checkpoints, data

MODEL = "rbm-fashion"
WAIT = 60_000  # ms


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


def run(qtbot, tab, view, **settings):
    """Turn knobs and wait for the end of the run that follows."""
    tab.knobs.set_settings(settings)
    qtbot.waitUntil(
        lambda: (
            all(getattr(view.request, k) == v for k, v in settings.items())
            and view.is_settled
            and len(view.player.timeline) > 0
        ),
        timeout=WAIT,
    )
    return list(view.player.timeline)


def test_chains_start_where_they_are_told_and_show_their_energies(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Chains")
    tab, view = window.current, window.current.view
    noise = run(qtbot, tab, view, start="noise", num_steps=10, num_samples=6)
    real = run(qtbot, tab, view, start="data", num_steps=10, num_samples=6)
    assert len(noise) == len(real) and noise[0].extras["energy"].mean() > real[0].extras["energy"].mean() + 50
    view.player.go_last()
    steps, mean = view.plot.curve("mean")
    shown = {f.step: f.extras["energy"].mean() for f in real}
    assert all(shown[int(s)] == pytest.approx(m, abs=0.1) for s, m in zip(steps, mean, strict=True))


def test_the_lost_part_is_filled_in_and_the_rest_is_held(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Denoise and complete")
    tab, view = window.current, window.current.view
    qtbot.waitUntil(lambda: len(view.player.timeline) > 0, timeout=WAIT)
    assert not tab.knobs.row("amount").isVisibleTo(tab)
    frames = run(qtbot, tab, view, damage="lower", index=0, num_steps=10, num_samples=4)
    original = data.load("fashion", "test")[0][0]
    assert np.array_equal(frames[-1].extras["original"][0], original)
    held = frames[-1].extras["binary"][:, :14] > 0
    assert (held == (original[:14] > 127)).all(), "the upper half is what the test image is"
    assert not np.array_equal(frames[0].images[:, 14:], frames[-1].images[:, 14:])
    run(qtbot, tab, view, damage="noise", num_steps=5)
    assert tab.knobs.row("amount").isVisibleTo(tab)


def test_energies_tell_garments_from_noise(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Energy")
    tab, view = window.current, window.current.view
    frames = run(qtbot, tab, view, num_steps=20, index=3)
    waiting = [f for f in frames if len(f.extras["energies"]) == len(frames[-1].extras["energies"]) - 1]
    assert len(waiting) >= 4, "while its own chains run, there are moments at which it can be stopped"
    areas, energies = frames[-1].extras["auc"], frames[-1].extras["energies"]
    assert areas["noise"] > 0.95 and areas["test images"] == pytest.approx(0.5, abs=0.01)
    wins = (energies["inverted"][:, None] > energies["test images"][None]).mean()
    assert areas["inverted"] == pytest.approx(wins, abs=0.01)
    assert f"{frames[-1].extras['chosen']:.3g}".replace("-", "−") in view.grid.content().captions[-1]


def test_filters_light_up_with_the_hidden_units_of_the_chosen_chain(open_window, qtbot):
    window = open_window(model_id=MODEL, view="Filters")
    tab, view = window.current, window.current.view
    run(qtbot, tab, view, start="data", num_steps=3, num_samples=4)
    qtbot.waitUntil(lambda: view.layers and view.grid.count() > 0, timeout=WAIT)
    view.player.go_last()
    lit = []
    for chain in range(2):
        view.chains.select(chain)
        lit.append(view.grid.content().panels[0][1].astype(float).mean((1, 2, 3)))
    on = view.player.frame.extras["hidden"][:2][:, view.layers[0].units]
    assert not np.array_equal(lit[0], lit[1]) and not view.second.isVisibleTo(tab)
    ratio = lit[0] / np.maximum(lit[1], 1e-9)
    assert (ratio[on[0] > on[1] + 0.5] > 1).all() and (ratio[on[0] < on[1] - 0.5] < 1).all()


def test_plots_follow_a_few_times_a_second_and_are_right_when_the_run_rests(open_window, qtbot, monkeypatch):
    from playground.tabs.frame.view import PLOTS_EVERY, RUSHING

    view = open_window(model_id=MODEL, view="Chains").current.view
    qtbot.waitUntil(lambda: len(view.player.timeline) > 0, timeout=WAIT)
    calls, draw, shown = [], view.draw_plot, [0.0]
    view.player.shown.connect(lambda frame: shown.append(time.perf_counter()))

    def note(frame):
        calls.append((time.perf_counter(), frame.step, view.player.is_playing))
        draw(frame)

    monkeypatch.setattr(view, "draw_plot", note)
    run(qtbot, view.tab, view, num_steps=300, num_samples=4)
    qtbot.waitUntil(lambda: view.is_settled and not view.player.is_playing, timeout=WAIT)
    playing = [when for when, _, is_playing in calls if is_playing]
    assert len(playing) > 1
    after_a_pause = np.array(shown[1:])[np.diff(shown) > 0.9 * RUSHING]  # such frames have a plot each
    for one, next_one in itertools.pairwise(playing):
        assert (
            next_one - one >= 0.9 * PLOTS_EVERY
            or ((one <= after_a_pause) & (after_a_pause <= next_one)).any()
        )
    assert calls[-1][1] == view.player.frame.step == view.plot.curve("mean")[0][-1]
    view.player.step_back()  # shown at the next refresh, if the last one has just been
    qtbot.waitUntil(lambda: calls[-1][1] == view.player.frame.step == 299, timeout=WAIT)


def test_chains_through_levels_of_noise_are_shown_beside_where_they_lead(open_window, qtbot):
    """One window for three views: this model is slow, and what is new in each is little."""
    window = open_window(model_id="score-ebm-fashion", view="Chains")
    tab, view = window.current, window.current.view
    frames = run(qtbot, tab, view, num_steps=3, num_samples=2, start="noise")
    view.player.go_last()
    content = view.grid.content()
    assert np.array_equal(content.panels[0][1], frames[-1].images)
    assert np.array_equal(content.panels[1][1], frames[-1].extras["denoised"])
    assert list(content.captions[:2]) == view.class_names()[:2]
    assert "training's own" not in view.explanation(view.model)[0]

    tab.show_view([v.name for v in tab.suitable].index("Denoise and complete"))
    repair = tab.view
    frames = run(qtbot, tab, repair, damage="lower", index=0, num_steps=3, num_samples=2)
    original = data.load("fashion", "test")[0][0]
    assert (frames[-1].images[:, :14] == original[:14]).all() and repair.class_names() is None
    for name in ("label", "guidance_scale", "start"):  # a repair is told no class
        with pytest.raises(KeyError):
            tab.knobs.row(name)
    assert len(repair.grid.content().panels) == 2
    assert "Filters" not in [v.name for v in tab.suitable]


def test_the_words_of_a_film_say_how_its_energy_learned():
    """One energy is pushed up by its own chains; the other meets no chain in training."""
    from playground.tabs.frame.training import Training

    said = {
        i: Training.explanation(Training, checkpoints.load(i))[0]
        for i in ("ebm-fashion", "score-ebm-fashion")
    }
    assert "its own chains" in said["ebm-fashion"] and "No chain runs" not in said["ebm-fashion"]
    assert "No chain runs" in said["score-ebm-fashion"] and "its own chains" not in said["score-ebm-fashion"]


def test_a_deep_machine_shows_the_filters_of_both_layers(open_window, qtbot):
    """Each lit by its own units; a restricted machine has but one grid."""
    window = open_window(model_id="dbm-fashion", view="Filters")
    tab, view = window.current, window.current.view
    run(qtbot, tab, view, start="data", num_steps=2, num_samples=2)
    qtbot.waitUntil(lambda: view.layers and view.second.count() > 0, timeout=WAIT)
    view.player.go_last()
    lit = []
    for chain in range(2):
        view.chains.select(chain)
        lit.append(view.second.content().panels[0][1].astype(float).mean((1, 2, 3)))
    on = view.player.frame.extras["hidden_2"][:2][:, view.layers[1].units]
    ratio = lit[0] / np.maximum(lit[1], 1e-9)
    assert (ratio[on[0] > on[1] + 0.5] > 1).all() and (ratio[on[0] < on[1] - 0.5] < 1).all()
    assert view.second.isVisibleTo(tab) and "second layer" in view.explanation(view.model)[0]
