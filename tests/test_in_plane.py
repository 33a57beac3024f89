"""In the plane: processes that train, what they tell, and the view that plays it; nothing here waits for time."""

from __future__ import annotations

import dataclasses
import os
import signal

import numpy as np
import pytest

from playground.checkpoints import Card
from playground.models.plane_catalogue import plane_cards, plane_models, trained_live
from playground.tabs.frame.page import LinkTarget
from playground.tabs.plane import asked, target_spec
from playground.tabs.plane.messages import pack, unpack
from playground.tabs.plane.moments import Wishes, look, moments, shown
from playground.tabs.plane.processes import Processes, TrainingLost
from tests.windows import opened

WAIT = 180_000  # ms, for a busy machine
MOONS = target_spec.built_in("moons")


@pytest.fixture(scope="module")
def processes():
    found = Processes(most=1)
    yield found
    found.close()
    assert not found.pids


def ask(steps: int = 10, **more) -> dict:
    return {"kind": "advance", "steps": steps, "rate": 1.0, "target": MOONS, **more}


def wanted(key: str, **knobs) -> tuple[asked.PlaneTraining, dict]:
    request = asked.request_type(plane_models()[key])(**{"num_samples": 60, "steps": 100, **knobs})
    return request, asked.wanted(request, (0.5, 0.0), 16)


# --- messages and cards


def test_messages_come_back_and_hostile_ones_are_refused():
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(7)}
    header, found = unpack(pack({"kind": "x", "n": 3}, arrays))
    assert header == {"kind": "x", "n": 3}
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    whole = pack({"kind": "x"}, arrays)
    for spoiled in (b"", whole[:9], whole[:-3], whole.replace(b"<f4", b"|O4")):
        with pytest.raises(ValueError, match="not a message"):
            unpack(spoiled)


def test_cards_say_what_the_classes_say():
    cards, models = {card.id: card for card in plane_cards()}, plane_models()
    assert cards.keys() == models.keys() and all(isinstance(card, Card) for card in cards.values())
    for key, model in models.items():
        card = cards[key]
        assert (card.family, card.system, card.paper) == (model.family, model.system, model.paper)
        assert card.dataset == "plane" and card.parameters == 0
        known = asked.request_type(model)()
        assert set(asked.config_of(known)) <= set(vars(model.Config()))


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "nowhere"},
        {"name": "drawing", "drawn": "%%"},
        {"name": "drawing", "drawn": "eJwDAAAAAAE="},
        {"name": "mine", "points": [[0, 1], [1, float("inf")]]},
        {"name": "mine", "points": [[0, 1, 2], [1, 1, 1]]},
        {"name": "mine", "points": "0,1"},
        {"points": [[0, 1], [1, 2]]},
        "moons",
    ],
)
def test_a_target_from_a_file_is_made_or_refused_in_a_sentence(spec):
    with pytest.raises(ValueError, match=r"\.$"):
        target_spec.target_of(spec)


def test_a_drawn_target_travels_as_text():
    heights = np.zeros((target_spec.SIDE, target_spec.SIDE), np.uint8)
    heights[10:20, 30:40] = 200
    spec = target_spec.from_text(target_spec.as_text(target_spec.drawn(heights)))
    assert np.array_equal(target_spec.heights_of(spec), heights)
    points = target_spec.target_of(spec).sample(500, np.random.default_rng(0))
    assert (points[:, 0] > 0).all() and (points[:, 1] > 0).all()  # row 0 is at the top


# --- processes


def test_a_seed_fixes_a_training_and_a_kept_moment_is_seen_again_without_a_step(processes):
    request, picture = wanted("made-plane")
    runs = []
    for _ in range(2):
        course = processes.begin(model="made-plane", target=MOONS, seed=3, steps=100, config={"width": 16})
        for _ in range(2):
            course.ask(ask(picture=picture))
        course.answer()
        runs.append(course.answer())
        course.end()
    (said, one), (_, other) = runs
    assert said["step"] == 20 and one["loss/loss"].shape == (10,)
    timeless = [name for name in one if not name.startswith("figures")]
    assert timeless and all(np.array_equal(one[name], other[name]) for name in timeless)

    kept = {n: v for n, v in one.items() if n.startswith("weights/") or n == "mean"}
    what = {
        "model": "made-plane",
        "config": {"width": 16},
        "target": MOONS,
        "scale": said["scale"],
        "step": 20,
    }
    again = processes.look({**what, "picture": picture}, kept)
    assert all(np.array_equal(again[name], one[name]) for name in again) and "picture/slice" in again
    assert asked.config_of(request)["width"] == 64


def test_what_is_turned_under_way_is_felt(processes):
    course = processes.begin(model="nice-plane", target=MOONS, seed=3, steps=100, config={"width": 8})
    rings = target_spec.built_in("rings")
    for command in (ask(measure=True), ask(rate=0.0), ask(rate=1.0, target=rings, measure=True)):
        course.ask({**ask(), **command})
    first, frozen, other = (course.answer() for _ in range(3))
    course.end()
    moved = [n for n in first[1] if n.startswith("weights/") and not np.array_equal(first[1][n], other[1][n])]
    assert moved
    assert frozen[0]["step"] == 20 and "figures" not in frozen[0]
    assert first[0]["figures"]["nll_minus_entropy"] != other[0]["figures"]["nll_minus_entropy"]
    assert first[0]["figures"]["energy_distance"] > 0


def test_what_a_model_cannot_do_is_a_sentence_and_the_process_lives_on(processes):
    with pytest.raises(ValueError, match="colour"):
        processes.begin(model="nice-plane", target=MOONS, seed=3, steps=100, config={"colour": 1})
    course = processes.begin(model="nice-plane", target=MOONS, seed=3, steps=100, config={"width": 8})
    course.ask(ask())
    assert course.answer()[0]["step"] == 10
    course.end()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_process_that_dies_is_a_sentence_and_the_next_training_has_another(processes):
    course = processes.begin(model="nice-plane", target=MOONS, seed=3, steps=100, config={"width": 8})
    (pid,) = processes.pids
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(TrainingLost, match="ended unexpectedly"):
        while True:
            course.ask(ask())
            course.answer()
    course.end()
    course = processes.begin(model="nice-plane", target=MOONS, seed=3, steps=100, config={"width": 8})
    assert processes.pids and pid not in processes.pids
    course.end()


@pytest.mark.parametrize(
    "key", ["realnvp-plane", "vqvae-plane", "gan-plane", "ddpm-plane", "contrastive-divergence-plane"]
)
def test_every_familys_overlays_can_be_seen(processes, key):
    every = {k: True for k in vars(asked.request_type(plane_models()[key])()) if k in asked.LIVE}
    others = ("learning_rate", "num_samples", "layers", "level", "x_0_pred")
    turned = {n: v for n, v in every.items() if not n.startswith("target") and n not in others}
    request, _ = wanted(key, width=16, **turned)
    frames = moments(processes, trained_live(key), request, Wishes(request))
    frame = next(frames)
    frames.close()
    found = shown(frame)
    assert found["points"].shape == (60, 2) and frame.state
    assert all(np.isfinite(value).all() for value in found.values())
    expected = {
        "realnvp-plane": {"density", "lines", "latents"},
        "vqvae-plane": {"density", "latents", "cells"},
        "gan-plane": {"map", "arrows", "lines"},
        "ddpm-plane": {"arrows", "lines"},
        "contrastive-divergence-plane": {"density", "arrows", "lines"},
    }
    assert expected[key] <= found.keys()


def test_how_points_are_drawn_is_turned_without_training_anew(processes):
    request, _ = wanted("classifier-free-plane", width=16, label="second", guidance_scale=2.5)
    assert asked.drawing_of(request) == {
        "guidance_scale": 2.5,
        "label": "second",
        "num_steps": 40,
        "sampler": "ode",
    }
    other = dataclasses.replace(request, label="first", sampler="sde")
    assert asked.is_same_training(request, other)
    assert not asked.is_same_training(request, dataclasses.replace(request, width=24))
    frames = moments(processes, trained_live("classifier-free-plane"), request, Wishes(request))
    frame = next(frames)
    frames.close()
    (message,) = look(
        processes,
        trained_live("classifier-free-plane"),
        frame,
        asked.wanted(other, None, 8),
    )
    assert not np.array_equal(message.payload[2]["points"], shown(frame)["points"])


# --- the view


@pytest.fixture(scope="module")
def window(qapp):
    with opened(tab="autoregressive", model_id="made-plane") as one:
        yield one


def view_of(qtbot, window):
    qtbot.waitUntil(
        lambda: window.current.view is not None and window.current.view.player.has_begun, timeout=WAIT
    )
    return window.current.view


def begin(qtbot, window, **knobs):
    view = view_of(qtbot, window)
    window.current.knobs.set_settings({"num_samples": 60, "width": 16, "steps": 400, **knobs})
    qtbot.waitUntil(lambda: view.player.has_begun and view.player.timeline.last.total == 400, timeout=WAIT)
    return view


def rest(qtbot, view):
    view.player.pause()
    qtbot.waitUntil(lambda: view.is_settled and not view.player.is_sampling, timeout=WAIT)


def test_training_is_played_and_scrubbed_without_a_step(window, qtbot):
    view = begin(qtbot, window, seed=21)
    assert view.name == "In the plane" and view.model.card.id == "made-plane"
    qtbot.waitUntil(lambda: len(view.player.timeline) > 4, timeout=WAIT)
    rest(qtbot, view)
    view.player.step_back()
    view.player.go_first()
    assert view.player.frame.step < view.player.timeline.last.step
    window.current.knobs.set_settings(
        {"density": False}
    )  # another picture of a kept moment, from its weights
    qtbot.waitUntil(
        lambda: view.plane.picture is not None and view.plane.picture.density is None, timeout=WAIT
    )
    made, last = (
        view.player.lane.frames_made,
        view.player.timeline.last,
    )  # one was on its way when it was paused
    window.current.knobs.set_settings({"density": True})
    qtbot.waitUntil(lambda: view.plane.picture.density is not None, timeout=WAIT)
    assert view.player.lane.frames_made == made and view.player.timeline.last is last
    assert view.player.is_open, "it can be trained on"
    view.player.go_last()
    view.player.step_forward()
    qtbot.waitUntil(lambda: view.player.timeline.last.step > last.step, timeout=WAIT)
    assert window.current.banner.isHidden()


def test_a_changed_target_is_learned_on_and_all_of_it_comes_back_to_the_bit(window, qtbot, tmp_path):
    view = begin(qtbot, window, seed=22)
    qtbot.waitUntil(lambda: len(view.player.timeline) > 2, timeout=WAIT)
    first = view.player.timeline[0]
    window.current.knobs.set_settings({"target": "rings", "learning_rate": 2.0})
    qtbot.waitUntil(lambda: view.player.timeline.last.extras["target"]["name"] == "rings", timeout=WAIT)
    assert view.player.timeline[0] is first, "the same training goes on"
    qtbot.waitUntil(lambda: view.player.timeline.last.extras["history"].changes[-1].rate == 2.0, timeout=WAIT)
    rest(qtbot, view)
    frame, tab = view.player.frame, window.current
    tab.keeper.open()
    with qtbot.waitSignal(tab.keeper.dialog.saved, timeout=WAIT):
        tab.keeper.dialog.save_to(tmp_path / "kept.png")
    tab.keeper.close()

    tab.knobs.set_settings({"seed": 1, "target": "moons", "learning_rate": 1.0})
    qtbot.waitUntil(lambda: view.player.has_begun and view.player.timeline.last is not frame, timeout=WAIT)
    window.open_file(tmp_path / "kept.png")
    qtbot.waitUntil(lambda: view.request.seed == 22, timeout=WAIT)
    qtbot.waitUntil(
        lambda: view.is_settled and view.player.frame is not None and view.player.frame.step == frame.step,
        timeout=WAIT,
    )
    assert tab.banner.isHidden(), tab.banner.text()
    again = view.player.frame
    assert again is not frame and again.extras["target"]["name"] == "rings"
    assert np.array_equal(again.extras["points"], frame.extras["points"])
    assert all(np.array_equal(again.state[name], frame.state[name]) for name in frame.state)
    panel = view.panels(again)[0][1]
    assert panel.shape[0] == 1 and panel.max() > 100


def test_the_switch_leads_to_the_plane_and_back(window, qtbot):
    window.go(LinkTarget("autoregressive", "pixelcnn-fashion", "Generate"))
    tab = window.current
    qtbot.waitUntil(lambda: tab.view is not None and tab.view.name == "Generate", timeout=WAIT)
    assert "In the plane" in tab.view_names
    tab.show_view(tab.view_names.index("In the plane"))
    qtbot.waitUntil(lambda: tab.view.name == "In the plane", timeout=WAIT)
    assert tab.model_id == "made-plane" and "Generate" in tab.view_names
    tab.show_view(tab.view_names.index("Generate"))
    qtbot.waitUntil(lambda: tab.view.name == "Generate", timeout=WAIT)
    assert tab.model_id == "pixelcnn-fashion" and tab.banner.isHidden()
