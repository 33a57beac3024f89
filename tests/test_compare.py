"""Compare: the race keeps its promises about clocks, order and pace, and the tables say what was measured."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import time
import tomllib

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from playground import checkpoints, data, paths
from playground.app import MainWindow
from playground.contract import Frame
from playground.evaluation import baselines, results
from playground.evaluation.results import COLUMNS, Row
from playground.export import animation, picture_metadata
from playground.tabs.compare.race import MOST, SAME_TIME, default_entrants
from playground.tabs.compare.race_bar import PACES
from playground.tabs.compare.race_export import TICK
from playground.tabs.compare.race_panel import ordinal, seconds_text
from playground.tabs.compare.race_player import RacePlayer
from playground.tabs.compare.race_record import (
    FINISHED,
    OUT_OF_TIME,
    OWN,
    RACE,
    STOPPED,
    Clock,
    Ending,
    Record,
    clocked,
)
from playground.ui.playback.stream import Stream
from playground.ui.theme import theme
from tests.windows import picture_cards

WAIT = 90_000  # ms, for a busy machine; nothing here waits for time itself


# --- clocks and record, with a clock that the test turns


class Hands:
    """A clock that stands still until somebody works."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


def worker(hands, steps, cost):
    """A sampler of ``steps`` frames, each of which costs ``cost`` seconds."""
    for i in range(steps):
        hands.at += cost
        yield Frame(
            i + 1, steps, i + 1, np.full((4, 2, 2, 1), i % 256, np.uint8), {"logits": np.zeros(9)}, {"x": 1}
        )


def run_in_turn(hands, costs, steps=4, limit=None):
    """Lanes that take strict turns, into a record."""
    clock, record = Clock(hands), Record(len(costs))
    endings = [Ending() for _ in costs]
    open_ = {
        i: clocked(lambda c=c: worker(hands, steps, c), clock, endings[i], limit) for i, c in enumerate(costs)
    }
    while open_:
        for i in list(open_):
            frame = next(open_[i], None)
            if frame is None:
                record.end(i, endings[i])
                del open_[i]
            else:
                record.append(i, frame)
    return record


def test_each_clock_counts_only_its_own_work_and_their_sum_is_the_race():
    record = run_in_turn(Hands(), [1.0, 0.25, 0.5])
    assert [e.own for e in record.endings] == [4.0, 1.0, 2.0]
    assert record.duration == 7.0 == record.wall
    assert [record.stand(i, 7.0).place for i in range(3)] == [3, 1, 2]
    assert record.stand(0, 7.0).milliseconds == 1000.0 and record.stand(0, 7.0).passes == 4


def test_the_record_says_where_everybody_stood_at_any_moment():
    record = run_in_turn(Hands(), [1.0, 0.25])  # frames at 1, 1.25, 2.25, 2.5, 3.5, 3.75, 4.75, 5
    at = record.stand(0, 2.3)
    assert at.frame.step == 2 and at.seconds == 2.0 and not at.outcome and not at.place
    assert record.stand(1, 0.99).frame is None and record.stand(1, 0.99).seconds == 0
    assert record.stand(0, 4.75).place == 1, "the other has not finished yet"
    assert record.stand(0, 5.0).place == 2
    assert record.moment_after(1.0) == 1.25 and record.moment_before(1.25) == 1.0
    assert record.moment_before(1.0) is None and record.moment_after(5.0) is None


def test_a_step_that_ends_after_the_time_does_not_count():
    record = run_in_turn(Hands(), [1.0, 0.25, 9.0], steps=4, limit=2.5)
    assert [e.outcome for e in record.endings] == [OUT_OF_TIME, FINISHED, OUT_OF_TIME]
    stands = [record.stand(i, record.duration) for i in range(3)]
    assert [s.frame.step if s.frame else 0 for s in stands] == [2, 4, 0]
    assert [s.seconds for s in stands] == [2.5, 1.0, 2.5] and [s.place for s in stands] == [0, 1, 0]


def test_stored_frames_carry_no_state_and_stay_within_the_budget():
    hands = Hands()
    frames = clocked(lambda: worker(hands, 300, 0.1), Clock(hands), Ending())
    record = Record(2, budget=4000)
    for frame in frames:
        assert frame.state is None and "logits" not in frame.extras
        record.append(0, frame)
    assert record.nbytes <= 4000
    assert record.stand(0, 1e9).frame.step == 300 and record.stand(0, 0.1).frame.step == 1


# --- the player, with a real stream


@pytest.fixture
def race(qtbot):
    stream = Stream()
    player = RacePlayer([stream.lane(f"lane {i}") for i in range(4)])
    yield player
    assert stream.close()


def busy(steps, seconds):
    """A sampler that really works for a while at every step."""
    for i in range(steps):
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass
        yield Frame(i + 1, steps, i + 1, np.full((2, 2, 2, 1), i, np.uint8))


def wait_over(qtbot, race):
    qtbot.waitUntil(lambda: not race.is_open, timeout=WAIT)


def test_lanes_are_interleaved_by_time_and_every_frame_is_kept(race, qtbot):
    race.start([lambda: busy(60, 0.002), lambda: busy(6, 0.02), lambda: busy(1, 0.001)])
    wait_over(qtbot, race)
    assert [len(t) for t in race.record.timelines] == [60, 6, 1]
    firsts = [t[0].extras[RACE] for t in race.record.timelines]
    assert max(firsts) < 0.5 * race.record.duration, firsts
    half = race.record.duration / 2
    clocks = [race.record.stand(i, half).seconds for i in (0, 1)]
    assert min(clocks) > 0.3 * max(clocks), "one ran after the other"
    own = sum(t.last.extras[OWN] for t in race.record.timelines)
    assert own == pytest.approx(race.record.duration, rel=0.02)
    assert [race.record.endings[i].outcome for i in range(3)] == [FINISHED] * 3


def test_one_is_paused_alone_and_goes_on(race, qtbot):
    race.start([lambda: busy(40, 0.004), lambda: busy(40, 0.004)])
    qtbot.waitUntil(lambda: race.stand(0).frame is not None, timeout=WAIT)
    race.toggle_lane(0)
    qtbot.waitUntil(lambda: race.stand(1).outcome == FINISHED, timeout=WAIT)
    stood = race.stand(0).seconds
    assert race.is_paused(0) and race.stand(0).frame.step < 40 and race.stand(1).place == 1
    race.toggle()  # nobody else is left, so that this means the paused one
    wait_over(qtbot, race)
    assert race.stand(0).frame.step == 40 and race.stand(0).seconds > stood


def test_pausing_everything_stops_every_clock(race, qtbot):
    race.start([lambda: busy(50, 0.004), lambda: busy(50, 0.004)])
    qtbot.waitUntil(lambda: all(race.stand(i).frame is not None for i in range(2)), timeout=WAIT)
    race.pause()
    before = -1.0
    for _ in range(20):  # the steps that were being made may still end
        if race.record.duration == before:
            break
        before = race.record.duration
        qtbot.wait(60)
    assert race.record.duration == before and not race.is_playing and race.was_paused
    race.stop()
    assert [race.record.endings[i].outcome for i in range(2)] == [STOPPED] * 2
    assert race.stand(0).frame is not None and not race.stand(0).place


def test_a_replay_has_the_order_and_the_pace_of_the_race(race, qtbot):
    race.start([lambda: busy(20, 0.01), lambda: busy(5, 0.03)])
    wait_over(qtbot, race)
    seen = []

    def look(_lanes):
        stands = [race.stand(i) for i in range(2)]
        seen.append(
            (time.perf_counter(), race.position, tuple(s.frame.step if s.frame else 0 for s in stands))
        )

    race.shown.connect(look)
    began = time.perf_counter()
    race.play()
    qtbot.waitUntil(lambda: not race.is_replaying, timeout=WAIT)
    took = time.perf_counter() - began
    assert took >= race.record.duration * 0.99, "faster than it was"
    for when, position, steps in seen:
        assert position <= when - began + 0.02, "ahead of its time"
        expected = tuple(race.record.index_at(i, position) + 1 for i in range(2))
        assert steps == expected
    assert [s for _, _, s in seen] == sorted(s for _, _, s in seen) and seen[-1][2] == (20, 5)


def test_arrows_go_frame_by_frame_through_all_lanes(race, qtbot):
    race.start([lambda: busy(3, 0.002), lambda: busy(2, 0.002)])
    wait_over(qtbot, race)
    race.seek(0.0)
    moments = []
    while not race.at_head:
        race.step(1)
        moments.append(race.position)
    stamps = sorted(f.extras[RACE] for t in race.record.timelines for f in t)
    assert moments == stamps and len(stamps) == 5
    race.step(-1)
    assert race.position == stamps[-2]


def test_a_model_that_fails_does_not_stop_the_others(race, qtbot):
    def broken():
        yield Frame(1, 2, 1, np.zeros((1, 2, 2, 1), np.uint8))
        raise RuntimeError("no more")

    said = []
    race.failed.connect(lambda lane, sentence: said.append((lane, sentence)))
    race.start([broken, lambda: busy(5, 0.002), None])
    wait_over(qtbot, race)
    assert said[0][0] == 0 and "no more" in said[0][1]
    assert race.stand(1).place == 1 and race.stand(0).outcome == "failed" and race.stand(2).frame is None


# --- the scene, with real models


@pytest.fixture(scope="module")
def window(qapp):
    theme.load_fonts()
    theme.apply(qapp, "dark")
    window = MainWindow(tab="compare", view="Race")
    window.resize(1280, 800)
    window.show()
    window.stream.start()
    yield window
    window.close()
    assert window.ended_in_time
    window.deleteLater()


def race_of(window, qtbot, ids, **settings):
    scene = window.page
    scene.show_scene("Race")
    scene = scene.scene
    scene.models.choose(ids)
    scene.knobs.set_settings(settings)
    scene.start()
    qtbot.waitUntil(lambda: not scene.is_loading and not scene.race.is_open, timeout=WAIT)
    return scene


def test_it_opens_with_one_model_of_each_family(window):
    families = {card.family for card in picture_cards()}
    chosen = [next(c for c in picture_cards() if c.id == key) for key in window.page.scene.ids]
    assert {c.family for c in chosen} == families and len(chosen) == max(len(families), 2)
    assert (window.width(), window.height()) == (1280, 800), "the panels hold the window open"


def test_every_family_moves_at_once_and_the_clocks_add_up(window, qtbot):
    ids = default_entrants(picture_cards())
    scene = race_of(window, qtbot, ids, rule="done", num_samples=2, seed=3)
    record, count = scene.race.record, len(ids)
    assert not scene.failures
    stands = [scene.race.stand(i) for i in range(count)]
    assert [s.outcome for s in stands] == [FINISHED] * count
    assert sorted(s.place for s in stands)[0] == 1 and all(s.place for s in stands)
    clocks, busy_for = sum(e.own for e in record.endings), 0.0
    for lane, ending in zip(scene.race.lanes, record.endings, strict=False):
        assert ending.own <= lane.worker_seconds, "a clock that ran while another worked"
        busy_for += lane.worker_seconds
    assert clocks >= 0.95 * busy_for, "work that no clock has counted"
    longest = max(t.last.extras[RACE] for t in record.timelines)
    for timeline in record.timelines:
        assert timeline[0].extras[RACE] < 0.5 * longest, "it waited for the others to finish"
        assert timeline.last.step == timeline.last.total and len(timeline.last.images) == 2
    for panel, stand in zip(scene.board.panels, stands, strict=True):
        assert np.array_equal(panel.grid.content().panels[0][1], stand.frame.images)
    # Whoever else uses this machine can hold the worker up between two steps, and so make one race worse, but none
    # better: a fault of the clocks shows in every race, and the best of three is what they are worth.
    shares = [clocks / record.wall]
    while shares[-1] < 0.9 and len(shares) < 3:
        record = race_of(window, qtbot, ids, rule="done", num_samples=2, seed=3).race.record
        shares.append(sum(e.own for e in record.endings) / record.wall)
    assert 0.9 <= max(shares) <= 1.0, shares


def kept_race(window, qtbot):
    """A short race of three, and its export dialog, opened by its key."""
    ids = [c.id for c in picture_cards() if c.family in ("vae", "gan") and c.dataset == "fashion"][:3]
    scene = race_of(window, qtbot, ids, rule="done", num_samples=3, seed=5)
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    return scene, scene.keeper.dialog


def test_a_race_is_kept_as_a_film_at_the_pace_at_which_it_was_run(window, qtbot, tmp_path):
    scene, dialog = kept_race(window, qtbot)
    film, record = dialog.view_state.animation, scene.race.record
    for share in (0.0, 0.3, 0.7, 1.0):
        index = round((film.count - 1) * share)
        rows = film.contents(index)
        lanes = [
            (title, images, foot)
            for c in rows
            for (title, images), foot in zip(c.panels, c.feet, strict=True)
        ]
        assert len(lanes) == 3 and film.said(index).endswith(seconds_text(record.duration))
        for i, (title, images, foot) in enumerate(lanes):
            stand = record.stand(i, index * TICK)
            assert title.startswith(scene.ids[i]) and foot.startswith(seconds_text(stand.seconds))
            assert (ordinal(stand.place) in title) == bool(stand.place)
            assert np.array_equal(images, stand.frame.images if stand.frame else np.zeros_like(images))
    assert all(any(word in lane[0] for word in ("1st", "2nd", "3rd")) for lane in lanes)
    dialog.page.set_index(dialog.pages.index("Animation"))
    for ending, pace in ((".gif", 0.25), (".webp", 1.0)):
        dialog.kind.setCurrentIndex(dialog.kind.findData(ending))
        dialog.pace.setCurrentIndex(dialog.pace.findData(pace))
        with qtbot.waitSignal(dialog.saved, timeout=WAIT):
            dialog.save_to(tmp_path / f"race{ending}")
        with Image.open(tmp_path / f"race{ending}") as shown:
            lasts = []
            for i in range(shown.n_frames):
                shown.seek(i)
                shown.load()  # only now does it know how long this one lasts
                lasts.append(shown.info["duration"] / 1000)
            ends_at = sum(lasts[:-1])  # when the last frame comes, which then stands for a while
            assert ends_at == pytest.approx(record.duration / pace, abs=0.04 + TICK / pace)
    scene.keeper.close()


@pytest.mark.parametrize("seconds", [0.05, 3.0, 45.0, 700.0])
@pytest.mark.parametrize("pace", [pace for pace, _ in PACES])
def test_a_paced_film_has_few_frames_of_whole_hundredths_of_a_second(seconds, pace):
    count = round(seconds / TICK) + 1
    indices, rate = animation.paced(count, TICK, pace)
    assert len(indices) <= animation.MOST_FRAMES and indices[-1] == count - 1
    assert 100 / rate == pytest.approx(round(100 / rate)) and rate <= 25
    assert len(indices) / rate == pytest.approx(seconds / pace, abs=1 / rate + TICK / pace)


def test_a_long_film_of_a_race_is_given_up(window, qtbot, tmp_path, monkeypatch):
    scene, dialog = kept_race(window, qtbot)
    dialog.page.set_index(dialog.pages.index("Animation"))
    drawn, go_on, sheet = threading.Event(), threading.Event(), dialog._animation_sheet()

    def slowly(index):
        drawn.set()
        go_on.wait(30)
        return sheet(index)

    monkeypatch.setattr(dialog, "_animation_sheet", lambda: slowly)
    monkeypatch.setattr(dialog, "_refresh", lambda: None)
    dialog.save_to(tmp_path / "race.gif")
    assert dialog.progress.isVisible() and drawn.wait(30)
    with qtbot.waitSignal(dialog.job.cancelled, timeout=WAIT):
        dialog.stop.click()
        go_on.set()
    assert list(tmp_path.iterdir()) == [] and "nothing was written" in dialog.status.text()
    scene.keeper.close()


def test_a_kept_race_is_run_again(window, qtbot, tmp_path):
    scene, dialog = kept_race(window, qtbot)
    ids, asked = scene.ids, scene.asked
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(tmp_path / "race.png")
    scene.keeper.close()
    scene.models.choose([c.id for c in picture_cards() if c.family == "flow"][:2])
    scene.knobs.set_settings({"seed": 99})
    window.tabs.setCurrentIndex(window.tabs.count() - 2)
    window.open_file(tmp_path / "race.png")
    assert window.page is not None and window.page.scene is scene and scene.is_loading
    assert scene.ids == ids and scene.settings == asked == scene.asked
    scene.stop()
    kept = picture_metadata.read(tmp_path / "race.png")
    for state, said in (({"models": [1, 2]}, "no race"), ({"models": ["a-b", "c-d"]}, "a-b, which is not")):
        window.page.restore(dataclasses.replace(kept, state=state))
        assert said in window.page.banner.text() and not scene.is_loading
    window.page.banner.clear()


def test_a_name_opens_its_model_from_the_keyboard(window, qtbot):
    window.page.show_scene("Race")
    scene = window.page.scene
    scene.models.choose([c.id for c in picture_cards() if c.family == "gan"][:2])
    first, second = (panel.head for panel in scene.board.panels)
    qtbot.waitUntil(second.isVisible, timeout=WAIT)
    first.setFocus(Qt.FocusReason.TabFocusReason)
    passed = [first]
    while passed[-1] is not second:
        qtbot.keyClick(passed[-1], Qt.Key.Key_Tab)
        assert window.focusWidget() not in passed, "the next name cannot be reached"
        passed.append(window.focusWidget())
    qtbot.keyClick(second, Qt.Key.Key_Return)
    assert window.current.family.key == "gan" and window.current.models.currentData() == scene.ids[1]
    window.tabs.setCurrentIndex(window.tabs.count() - 1)
    qtbot.keyClick(first, Qt.Key.Key_Space)
    assert window.current.models.currentData() == scene.ids[0] and not scene.is_loading
    window.tabs.setCurrentIndex(window.tabs.count() - 1)


def test_the_same_time_for_all(window, qtbot):
    ids = [c.id for c in picture_cards() if c.family in ("autoregressive", "vae")][:4]
    scene = race_of(window, qtbot, ids, rule=SAME_TIME, budget=0.05, num_samples=4)
    for i in range(len(ids)):
        stand = scene.race.stand(i)
        assert stand.seconds <= 0.05 and stand.outcome in (FINISHED, OUT_OF_TIME)
    assert OUT_OF_TIME in [scene.race.stand(i).outcome for i in range(len(ids))]


def test_keys_start_step_and_reseed(window, qtbot):
    ids = [c.id for c in picture_cards() if c.family == "vae"][:2]
    scene = race_of(window, qtbot, ids, rule="done", num_samples=2)
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Home)
    assert scene.race.position == 0 and not scene.board.panels[0].grid.count()
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert scene.race.position > 0
    qtbot.keyClick(window, Qt.Key.Key_End)
    assert scene.race.at_head
    wide = scene.board.width()
    qtbot.keyClick(window, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: scene.board.width() > wide, timeout=WAIT)
    qtbot.keyClick(window, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: scene.board.width() == wide, timeout=WAIT)
    before = scene.settings.seed
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert scene.settings.seed != before and scene.is_loading
    qtbot.waitUntil(lambda: not scene.is_loading and not scene.race.is_open, timeout=WAIT)
    assert all(scene.race.stand(i).outcome == FINISHED for i in range(2))


def test_no_more_than_eight(window):
    models = window.page.scene.models
    every = [c.id for c in picture_cards()]
    models.choose(every[:MOST])
    assert len(models.chosen()) == min(MOST, len(every))
    assert all(t.isEnabled() == (t.isChecked() or len(every) < MOST) for t in models.ticks.values())
    models.choose(every[:1])
    assert not window.page.scene.start_button.isEnabled()
    models.choose(every[:2])
    assert window.page.scene.start_button.isEnabled()


def test_closing_in_the_middle_of_a_race(tmp_path):
    code = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from playground.app import MainWindow
from playground.ui.theme import theme
app = QApplication([])
theme.load_fonts(); theme.apply(app, "dark")
window = MainWindow(tab="compare", view="Race")
window.show(); window.stream.start()
scene = window.page.scene
scene.start()
def look():
    if scene.race.is_open and not scene.race.is_empty:
        began = time.perf_counter()
        window.close()
        print("closed", time.perf_counter() - began < 2 and window.ended_in_time)
        app.quit()
timer = QTimer(); timer.timeout.connect(look); timer.start(5)
sys.exit(app.exec())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "closed True" in done.stdout, done.stdout + done.stderr


# --- the tables


def test_the_measured_table_says_what_the_files_say():
    rows = {row.key: row for row in results.rows(picture_cards()) if row.key}
    assert len(rows) == len(picture_cards())
    for card in picture_cards():
        values = rows[card.id].values
        pictures = checkpoints.read_metrics(checkpoints.resolve(card.id)).get("fidelity", {})
        for name in ("fid", "quality", "precision", "recall", "coverage"):
            assert values.get(name) == (pictures[name]["value"] if name in pictures else None), (
                card.id,
                name,
            )
        assert values.get("milliseconds") == pictures.get("milliseconds")
        assert values.get("count") == pictures.get("num_images") and values.get("passes") == pictures.get(
            "passes"
        )
        bits = card.metrics.get("bits_per_dim", {})
        assert values.get("bits") == bits.get("value") and str(values["likelihood"]).startswith(
            card.likelihood
        )
        assert values["training"] == card.training_seconds and (
            values["resolution"] == data.DATASETS[card.dataset].image_shape[0]
        )
        assert str(int(values["year"])) in card.paper


def test_marks_stand_among_the_models_at_the_counts_in_use():
    rows = [row for row in results.rows(picture_cards()) if not row.key]
    used = {c.metrics["fidelity"]["num_images"] for c in picture_cards() if "fidelity" in c.metrics}
    assert {row.values["count"] for row in rows} == used
    assert len(rows) == len(used) * len(baselines.BASELINES)
    for row in rows:
        assert ("blur" in row.name) == (row.values["quality"] == 1.0)
        assert "milliseconds" not in row.values and "bits" not in row.values


def made_up(name, **values):
    return Row(name, "vae", {"name": name, **values}, name)


def test_a_model_of_black_and_white_pictures_is_measured_but_not_ranked():
    rows = results.rows(picture_cards())
    one = next(row for row in rows if row.key == "rbm-fashion")
    assert "fid" in one.values and one.values["likelihood"] == "energy, binarised"
    assert not [key for key, _ in results.stars(rows) if key == "rbm-fashion"]


def test_stars_follow_the_ranks_and_blanks_have_none():
    rows = [made_up(f"m{i}", milliseconds=float(i)) for i in range(10)] + [
        made_up("blank"),
        made_up("m3b", milliseconds=3.0),
    ]
    found = results.stars(rows)
    assert found["m0", "milliseconds"] == 5 and found["m9", "milliseconds"] == 1
    assert found["m3", "milliseconds"] == found["m3b", "milliseconds"], "equal figures, equal stars"
    assert ("blank", "milliseconds") not in found and all(1 <= v <= 5 for v in found.values())
    by_rank = [found[f"m{i}", "milliseconds"] for i in range(10)]
    assert by_rank == sorted(by_rank, reverse=True)


def test_what_depends_on_n_is_starred_against_real_pictures_at_the_same_n():
    few = made_up("few", coverage=0.4, coverage_of_real=0.8)
    many = made_up("many", coverage=0.6, coverage_of_real=0.6)
    found = results.stars([few, many])
    assert found["few", "coverage"] > found["many", "coverage"]
    card = next(card for card in picture_cards() if "fidelity" in card.metrics)
    drawn = card.metrics["fidelity"]
    real = baselines.read(card.dataset, drawn["num_images"])["held_out"]
    (values,) = (row.values for row in results.rows([card]) if row.key)
    for name in ("precision", "recall", "coverage"):
        assert values[f"{name}_of_real"] == pytest.approx(drawn[name]["value"] / real[name]["value"])


def test_columns_sort_as_numbers_with_blanks_last():
    rows = [made_up("a", fid=10.0), made_up("b"), made_up("c", fid=9.5), made_up("d", fid=0.5)]
    assert [r.name for r in results.in_order(rows, "fid")] == ["d", "c", "a", "b"]
    assert [r.name for r in results.in_order(rows, "fid", falling=True)] == ["a", "c", "d", "b"]


def test_every_published_figure_has_a_source_and_the_known_ones_are_right():
    read = tomllib.loads((paths.folder("assets") / "published.toml").read_text(encoding="utf-8"))
    figures = ("fid", "cifar_bits", "imagenet32_bits", "imagenet64_bits")
    for row in read["rows"]:
        assert "arXiv" in read["sources"][row["source"]]["text"] and any(f in row for f in figures), row
    of = {(row["system"], row["source"]): row for row in read["rows"]}
    assert len(of) == len(read["rows"]) == 33
    assert of["DCGAN", "review"]["fid"] == 17.70 and "37" in of["DCGAN", "review"]["flag"]
    assert of["StyleGAN2 + ADA", "review"]["fid"] == 2.42
    ddpm = of["Denoising diffusion (DDPM)", "review"]
    assert (ddpm["fid"], ddpm["cifar_bits"], ddpm["bound"]) == (3.17, 3.75, True)
    assert of["Flow contrastive estimation", "review"]["about"]
    assert "bound" not in of["Glow", "review"] and of["Glow", "review"]["cifar_bits"] == 3.35
    snail = of["PixelSNAIL", "flowpp"]
    assert [snail[f] for f in figures[1:]] == [2.85, 3.80, 3.52]
    assert "cifar_bits" not in of["Multiscale PixelCNN", "flowpp"]
    rows, sources = results.published()
    assert [r.values["name"] for r in rows] == [r["system"] for r in read["rows"]] and len(sources) == 2
    assert not any(0 in row.values.values() for row in rows), "a blank became a zero"


@pytest.fixture
def table(window, qtbot):
    window.tabs.setCurrentIndex(window.tabs.count() - 1)
    window.page.show_scene("Table")
    scene = window.page.scene
    qtbot.waitUntil(lambda: scene.is_read, timeout=WAIT)
    scene.sheet.set_index(0)
    scene.marked.set_index(0)
    return scene


def column(title):
    return [c.title for c in COLUMNS].index(title)


def test_the_table_sorts_and_keeps_the_row_in_hand(table, qtbot):
    view = table.measured
    view.sort_by(column("ms/image"))
    shown = [row[column("ms/image")] for row in view.texts()]
    numbers = [float(text.replace(",", "")) for text in shown if text]
    assert numbers == sorted(numbers) and "" not in shown[: len(numbers)] and len(numbers) >= 8
    view.setCurrentIndex(view.model().index(2, column("bits/dim")))
    held = view.current_name()
    qtbot.keyClick(view, Qt.Key.Key_S)
    assert view.current_name() == held
    shown = [row[column("bits/dim")] for row in view.texts()]
    numbers = [float(text) for text in shown if text]
    assert numbers == sorted(numbers) and set(shown[len(numbers) :]) == {""}
    table.marked.set_index(1)
    starred = [row[column("bits/dim")] for row in view.texts()]
    assert all(set(text) <= {"★", "☆"} and len(text) == 5 for text in starred if text)
    assert "best fifth" in table.note.text()


def test_names_stay_while_figures_scroll(window, table, qtbot):
    view, frozen = table.measured, table.measured.frozen
    window.resize(1280, 800)
    bar = view.horizontalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and frozen.isVisible(), timeout=WAIT)
    bar.setValue(bar.maximum())
    theme.set_scale(QApplication.instance(), 1.5)
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    rows = range(view.model().rowCount())
    for row in rows:
        name, other = (v.visualRect(v.model().index(row, c)) for v, c in ((frozen, 0), (view, 16)))
        assert (name.top(), name.height()) == (other.top(), other.height()), row
    head = frozen.horizontalHeader().height()
    assert head == view.horizontalHeader().height() and not frozen.verticalScrollBar().isVisible()
    assert frozen.width() == view.columnWidth(0) <= 0.41 * view.viewport().width()
    theme.set_scale(QApplication.instance(), 1.0)

    view.setFocus()
    view.setCurrentIndex(view.model().index(2, 16))
    for column in range(15, -1, -1):  # back by keys: no cell hides under the names
        qtbot.keyClick(view, Qt.Key.Key_Left)
        assert view.currentIndex().column() == column
        assert column == 0 or view.visualRect(view.currentIndex()).left() >= frozen.width()
    spot = frozen.visualRect(view.model().index(4, 0)).center()
    qtbot.mouseClick(frozen.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert view.currentIndex().row() == 4 and not frozen.hasFocus()
    section = frozen.horizontalHeader()
    qtbot.mouseClick(section.viewport(), Qt.MouseButton.LeftButton, pos=section.rect().center())
    names = [line[0] for line in view.texts()]
    assert names == sorted(names, key=str.lower) and section.sortIndicatorSection() == 0
    window.resize(2600, 800)
    qtbot.waitUntil(lambda: bar.maximum() == 0 and not frozen.isVisible(), timeout=WAIT)
    window.resize(1280, 800)


def test_rows_and_points_open_their_tab(window, table, qtbot):
    view = table.measured
    view.sort_by(column("model"))
    row = next(i for i, line in enumerate(view.texts()) if line[0] == "VAE, 32 numbers")
    at = view.model().index(row, 0)
    assert at.data(Qt.ItemDataRole.ToolTipRole).startswith("vae-fashion.")
    view.setCurrentIndex(at)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert window.current.family.key == "vae" and window.current.models.currentData() == "vae-fashion"

    window.tabs.setCurrentIndex(window.tabs.count() - 1)
    table.sheet.set_index(1)
    qtbot.waitUntil(table.trilemma.isVisible, timeout=WAIT)
    point = table.trilemma.centre("glow-fashion").toPoint()
    qtbot.mouseMove(table.trilemma, point)
    qtbot.mouseClick(table.trilemma, Qt.MouseButton.LeftButton, pos=point)
    assert window.current.family.key == "flow" and window.current.models.currentData() == "glow-fashion"

    window.tabs.setCurrentIndex(window.tabs.count() - 1)
    qtbot.keyClick(table.trilemma, Qt.Key.Key_Right)
    first = table.trilemma.held()
    qtbot.keyClick(table.trilemma, Qt.Key.Key_Right)
    second = table.trilemma.held()
    assert second.milliseconds <= first.milliseconds and second is not first
    qtbot.keyClick(table.trilemma, Qt.Key.Key_Return)
    assert window.current.models.currentData() == second.key


def test_names_of_points_do_not_overlap(window, table):
    table.sheet.set_index(1)
    boxes = [box for _, box in table.trilemma.names()]
    assert len(boxes) >= 8
    for i, box in enumerate(boxes):
        assert table.trilemma.frame_box().adjusted(-1, -1, 1, 1).contains(box)
        for other in boxes[:i]:
            common = box.intersected(other)
            assert max(common.width(), 0) * max(common.height(), 0) < 0.3 * box.width() * box.height()


def test_tables_are_saved_as_numbers(table, tmp_path):
    table.write_csv(tmp_path / "measured.csv", table.table())
    lines = (tmp_path / "measured.csv").read_text().splitlines()
    assert lines[0].startswith("model,FID") and len(lines) == len(table.rows) + 1
    table.sheet.set_index(2)
    table.write_csv(tmp_path / "published.csv", table.table())
    text = (tmp_path / "published.csv").read_text()
    assert "at most" in text and "review 2021" in text and len(text.splitlines()) == 34
    table.write_csv(tmp_path / "none" / "x.csv", table.table())
    assert "could not be saved" in table.page.banner.text()
