"""Six models learn the same density at once: equal steps or equal time, a target changed under way, the leaderboard."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from playground.export.picture_metadata import PictureMetadata
from playground.families import FAMILIES
from playground.tabs.plane.changes import read_changes, written
from playground.tabs.plane.lines_of_figures import line_of, shown_columns, system_of
from playground.tabs.plane.processes import Processes
from playground.tabs.plane.rounds import EQUAL_STEPS, SLICE, Wanted, models_of, of_model, rounds, rules
from playground.tabs.plane.together import Together, leaderboard
from tests.windows import opened

WAIT = 180_000  # ms, for a busy machine
# of the quick ones of each family
QUICK = {"flow": "nice-plane", "diffusion": "consistency-plane", "energy": "sliced-ebm-plane", "seed": 3}


def asked(**knobs):
    return rules()(**{**QUICK, **knobs})


@pytest.fixture(scope="module")
def processes():
    found = Processes(most=2)
    yield found
    found.close()


def test_equal_steps_repeat_with_the_seed_and_a_model_that_fails_stays_out(processes):
    request = asked(rule=EQUAL_STEPS, steps=10)
    frames = [list(rounds(processes, request, Wanted(request))) for _ in range(2)]
    assert [frame.step for frame in frames[0]] == [1, 2]
    for i, key in enumerate(models_of(request)):
        one, other = (of_model(run[-1], i) for run in frames)
        assert one["steps"] == 10 and "failed" not in one, key
        assert np.array_equal(one["points"], other["points"]) and len(one["points"]) == 300
        assert one["energy_distance"] == other["energy_distance"]
    table = leaderboard(models_of(request), frames[0][-1])
    distances = [row[table.header.index("energy_distance")] for row in table.rows]
    assert distances == sorted(distances) and [row[0] for row in table.rows] == [1, 2, 3, 4, 5, 6]

    broken = dataclasses.replace(request, gan="no-such-plane")
    with pytest.raises(ValueError, match=r"no-such-plane"):
        next(rounds(processes, broken, Wanted(broken)))


def test_equal_time_and_a_target_that_changes(processes):
    request = asked(seconds=2.0)
    wanted = Wanted(request)
    run = rounds(processes, request, wanted)
    frames = [next(run) for _ in range(3)]
    wanted.request = dataclasses.replace(request, target="rings", learning_rate=2.0)
    frames += [next(run) for _ in range(3)]
    run.close()
    assert frames[0].total == round(2.0 / SLICE)
    assert [frame.extras["target"]["name"] for frame in frames] == ["moons"] * 4 + ["rings"] * 2
    spent = [of_model(frames[-1], i) for i in range(6)]
    assert all(one["seconds"] >= 6 * SLICE for one in spent), "each had its share, and at most a step more"
    assert [(c.moment, c.rate, c.target["name"]) for c in wanted.changes] == [
        (0, 1.0, "moons"),
        (4, 2.0, "rings"),
    ]

    own, script = read_changes(written(None, wanted.changes))
    assert own is None and script == tuple(wanted.changes)
    again = Wanted(request, script=script)
    assert [again.at(i).target["name"] for i in range(5)] == ["moons"] * 4 + ["rings"]


@pytest.mark.parametrize(
    "state",
    [
        {"changes": 3},
        {"changes": [[0, 1.0]]},
        {"changes": [[-1, 1.0, {"name": "moons"}]]},
        {"changes": [[0, float("nan"), {"name": "moons"}]]},
        {"changes": [[0, 1.0, {"name": "nowhere"}]]},
        {"own": {"name": "drawing", "drawn": 7}},
    ],
)
def test_hostile_changes_are_refused_in_a_sentence(state):
    with pytest.raises(ValueError, match=r"\.$"):
        read_changes(state)


def test_the_scene_trains_six_and_comes_back(qtbot, tmp_path):
    with opened(tab="compare") as window:
        window.page.show_scene("In the plane")
        scene = window.page.scene
        assert isinstance(scene, Together) and len(scene.planes) == len(FAMILIES)
        scene.knobs.set_settings({**QUICK, "rule": EQUAL_STEPS, "steps": 20})
        qtbot.waitUntil(
            lambda: scene.player.has_begun and scene.player.timeline.last.total == 4, timeout=WAIT
        )
        scene.knobs.set_settings({"target": "rings"})  # learned on
        qtbot.waitUntil(lambda: not scene.player.is_sampling, timeout=WAIT)
        last = scene.player.timeline.last
        assert last.step == 4 and all(len(row) == 7 and row[5] == "20" for row in scene.table.texts())
        assert all(plane.picture.points is not None for plane in scene.planes)
        kept = scene.metadata()
        assert kept.settings["target"] == "rings" and kept.step == 4
        scene.player.go_first()
        assert scene.player.frame.step < 4 and not scene.player.is_sampling

        scene.knobs.set_settings({"seed": 9, "target": "moons"})
        qtbot.waitUntil(
            lambda: scene.player.has_begun and scene.player.timeline.last is not last, timeout=WAIT
        )
        window.page.restore(PictureMetadata(**{**dataclasses.asdict(kept)}))
        qtbot.waitUntil(
            lambda: scene.player.has_begun and scene.player.frame.step == 4 and scene.is_settled,
            timeout=WAIT,
        )
        again = scene.player.frame
        assert again is not last and window.page.banner.isHidden()
        for i in range(len(FAMILIES)):
            assert np.array_equal(of_model(again, i)["points"], of_model(last, i)["points"])


def test_a_hall_reads_the_columns_that_every_family_fills():
    line = line_of("gan-plane", {"energy_distance": 0.01, "modes_found": 7, "modes": 8})
    headings, (short,) = shown_columns([line], in_hall=True)
    assert [heading.title for heading in headings] == ["model", "distance", "modes"]
    assert [cell.text for cell in short.cells] == ["GAN", "0.0100", "7 of 8"]
    headings, (whole,) = shown_columns([line], in_hall=False)
    assert whole.cells == line.cells and len(headings) == 7 and line.cells[1].text == "–"
    assert system_of("contrastive-divergence-plane") == "Contrastive divergence"
