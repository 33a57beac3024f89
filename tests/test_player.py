"""The timeline's budget, the player's pointer, and the bar that drives them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import SIGNAL, QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest

import playground.ui.playback.player as player_module
from playground.contract import Frame
from playground.ui.playback.player import Player
from playground.ui.playback.stream import REFRESH, Stream
from playground.ui.playback.timeline import Timeline
from playground.ui.playback.transport import Transport, describe, duration
from playground.ui.theme import theme

WAIT = 5000


def make_frame(step: int, total: int = 10, nbytes: int = 4, state_bytes: int = 0, run: str = "") -> Frame:
    state = {"x_t": np.zeros(state_bytes, np.uint8)} if state_bytes else None
    return Frame(step, total, 2 * step, np.zeros((1, 1, nbytes, 1), np.uint8), {"run": run}, state)


def frames(first: int, last: int, run: str = "", work: float = 0.0) -> Callable[[], Iterator[Frame]]:
    """A source of the frames first..last."""

    def source() -> Iterator[Frame]:
        for step in range(first, last + 1):
            time.sleep(work)
            yield make_frame(step, last, run=run)

    return source


# --- the timeline


def steps(timeline: Timeline) -> list[int]:
    return [f.step for f in timeline]


def test_timeline_finds_frames_by_step_and_states_by_index():
    timeline = Timeline()
    assert (len(timeline), timeline.last, timeline.index_of_step(3), timeline.state_before(-1)) == (
        0,
        None,
        -1,
        None,
    )
    for step in (0, 10, 20, 30):
        timeline.append(make_frame(step, state_bytes=8 if step in (10, 30) else 0))
    assert [timeline.index_of_step(s) for s in (-5, 0, 9, 10, 29, 99)] == [0, 0, 0, 1, 2, 3]
    assert [getattr(timeline.state_before(i), "step", None) for i in range(4)] == [None, 10, 10, 30]
    assert timeline.last.step == 30 and timeline[1].step == 10


def test_truncate_keeps_a_prefix_and_gives_the_memory_back():
    timeline = Timeline()
    for step in range(6):
        timeline.append(make_frame(step, state_bytes=100))
    full = timeline.nbytes
    timeline.truncate(2)
    assert steps(timeline) == [0, 1, 2] and timeline.nbytes == full / 2
    timeline.truncate(-1)
    assert len(timeline) == 0 and timeline.nbytes == 0


def test_a_full_timeline_thins_old_frames_and_stays_within_its_budget():
    one = make_frame(0, nbytes=1000).nbytes
    timeline = Timeline(frame_budget=100 * one)
    for step in range(5000):
        timeline.append(make_frame(step, nbytes=1000))
        assert timeline.nbytes <= 100 * one
        assert step - timeline[-1 - min(step, 12)].step <= 12, "the recent frames are dense"
    kept = steps(timeline)
    assert kept == sorted(set(kept)) and kept[0] == 0 and kept[-1] == 4999
    assert len(kept) >= 50, "it threw away more than it had to"
    gaps = np.diff(kept)
    assert gaps[: len(gaps) // 2].mean() > 4 * gaps[len(gaps) // 2 :].mean()


def test_states_are_thinned_under_their_own_budget_and_the_first_and_last_stay():
    timeline = Timeline(state_budget=10 * 1000)
    for step in range(200):
        timeline.append(make_frame(step, state_bytes=1000 if step % 2 else 0))
    carriers = [f.step for f in timeline if f.state is not None]
    assert steps(timeline) == list(range(200))
    assert 5 <= len(carriers) <= 10 and carriers[0] == 1 and carriers[-2:] == [197, 199]


def test_thinning_frames_keeps_those_that_carry_a_state():
    one = make_frame(0, nbytes=1000).nbytes
    timeline = Timeline(frame_budget=20 * one)
    for step in range(24):  # thinned once
        timeline.append(make_frame(step, nbytes=1000, state_bytes=8 if step % 5 == 1 else 0))
    assert [f.step for f in timeline if f.state is not None] == [1, 6, 11, 16, 21]


def test_frames_larger_than_the_budget_leave_the_first_and_the_last():
    timeline = Timeline(frame_budget=10, state_budget=10)
    for step in range(5):
        timeline.append(make_frame(step, nbytes=1000, state_bytes=1000))
    assert steps(timeline) == [0, 4]


def test_serials_outlive_thinning():
    one = make_frame(0).nbytes
    timeline, found = Timeline(frame_budget=40 * one), {}
    for step in range(400):
        timeline.append(make_frame(step))
        found[timeline.last.step] = timeline.serial(len(timeline) - 1)
    for step, serial in found.items():
        assert (
            timeline[timeline.index_of_serial(serial)].step == steps(timeline)[timeline.index_of_step(step)]
        )


# --- the player


@pytest.fixture
def player(qapp) -> Iterator[Player]:
    stream = Stream()
    player = Player(stream.lane("test"))
    yield player
    player.close()
    assert stream.close(5)


def run_to_end(qtbot, player: Player, source: Callable[[], Iterator[Frame]], **how: object) -> None:
    with qtbot.waitSignal(player.finished, timeout=WAIT):
        player.start(source, **how)


def show_steps(player: Player) -> list[int]:
    shown: list[int] = []
    player.shown.connect(lambda frame: shown.append(frame.step))
    return shown


def test_the_pointer_follows_the_sampler_to_the_end(qtbot, player):
    shown = show_steps(player)
    run_to_end(qtbot, player, frames(0, 40, work=0.002))
    assert steps(player.timeline) == list(range(41))
    assert player.at_head and player.frame.step == 40 and not player.is_playing
    qtbot.waitUntil(lambda: shown[-1:] == [40], timeout=WAIT)
    assert shown == sorted(shown)
    assert 0.001 < player.seconds_per_step < 0.1


def test_frames_are_shown_at_most_once_per_refresh_and_the_last_one_always(qtbot, player):
    run_to_end(qtbot, player, frames(0, 300))
    qtbot.waitUntil(lambda: not player.is_show_due, timeout=WAIT)
    shown, began = show_steps(player), time.perf_counter()
    for index in [*range(300), 123]:
        player.seek(index)
    assert len(shown) <= (time.perf_counter() - began) / (0.8 * REFRESH) + 1
    qtbot.waitUntil(lambda: shown[-1:] == [123], timeout=WAIT)


def test_pause_then_scrub_then_play_replays_and_takes_the_sampler_up_again(qtbot, player):
    player.start(frames(0, 30, work=0.004))
    qtbot.waitUntil(lambda: player.index >= 10, timeout=WAIT)
    player.pause()
    assert not player.is_playing and player.is_open
    player.seek(3)
    assert player.frame.step == 3 and not player.at_head
    shown = show_steps(player)
    player.speed = 200
    player.play()
    assert player.is_replaying and not player.is_sampling
    with qtbot.waitSignal(player.finished, timeout=WAIT):
        pass
    assert steps(player.timeline) == list(range(31))
    qtbot.waitUntil(lambda: player.at_head and shown[-1:] == [30], timeout=WAIT)
    assert shown == sorted(shown)


def test_scrubbing_back_while_sampling_pauses_and_the_pointer_stays(qtbot, player):
    player.start(frames(0, 10**6, work=0.002))
    qtbot.waitUntil(lambda: player.index >= 10, timeout=WAIT)
    player.step_back()
    pointer = player.frame
    assert not player.is_sampling
    qtbot.wait(60)  # the frame in the making may still arrive
    assert player.frame is pointer
    player.go_last()
    assert player.at_head and not player.is_sampling
    player.play()
    assert player.is_sampling


def test_a_frame_that_is_sought_is_drawn_with_all_that_came_since(qtbot, player, monkeypatch):
    monkeypatch.setattr(player_module, "REFRESH", 0.4)  # the display is slow, the sampler is not
    gate, drawn = threading.Event(), []
    player.shown.connect(lambda frame: drawn.append((frame.step, len(player.timeline))))

    def source():
        yield from frames(1, 3)()
        gate.wait(WAIT / 1000)
        yield from frames(4, 6)()

    player.start(source)
    qtbot.waitUntil(lambda: (3, 3) in drawn, timeout=WAIT)
    gate.set()
    qtbot.waitUntil(lambda: len(player.timeline) == 6, timeout=WAIT)
    player.seek(2)
    qtbot.waitUntil(lambda: drawn[-1] == (3, 6), timeout=WAIT)  # a strip of all of them is whole


def test_step_forward_moves_the_pointer_and_at_the_head_draws_exactly_one_more(qtbot, player):
    player.start(frames(0, 3), paused=True)
    assert (player.index, player.is_empty) == (-1, False)
    for length in (1, 2, 3):
        with qtbot.waitSignal(player.lane.frames_arrived, timeout=WAIT):
            player.step_forward()
        assert len(player.timeline) == length and player.at_head
    player.step_back()
    player.step_back()
    player.step_back()
    assert player.index == 0
    player.step_forward()
    assert (player.index, len(player.timeline)) == (1, 3)
    with qtbot.waitSignal(player.finished, timeout=WAIT):
        player.play()
        assert player.is_replaying
    player.step_forward()
    assert (player.index, len(player.timeline)) == (3, 4)


def test_a_held_key_does_not_pile_up_steps(qtbot, player):
    player.start(frames(0, 1000, work=0.01), paused=True)
    for _ in range(100):
        player.step_forward()
    qtbot.waitUntil(lambda: len(player.timeline) >= player_module.MOST_OWED, timeout=WAIT)
    qtbot.wait(50)
    assert len(player.timeline) <= player_module.MOST_OWED + 1


def test_play_at_the_end_of_a_finished_run_replays_it_from_the_start(qtbot, player):
    run_to_end(qtbot, player, frames(0, 20))
    qtbot.waitUntil(lambda: not player.is_show_due, timeout=WAIT)
    shown = show_steps(player)
    player.speed = 100
    began = time.perf_counter()
    player.toggle()
    assert player.index == 0 and player.is_playing
    qtbot.waitUntil(lambda: not player.is_playing, timeout=WAIT)
    assert time.perf_counter() - began >= 20 / 100
    qtbot.waitUntil(lambda: shown[-1:] == [20], timeout=WAIT)
    assert shown[0] == 0 and shown == sorted(shown) and player.at_head


def test_a_replay_without_a_speed_takes_about_the_set_time(qtbot, player, monkeypatch):
    monkeypatch.setattr(player_module, "REPLAY_SECONDS", 0.3)
    run_to_end(qtbot, player, frames(0, 600))
    began = time.perf_counter()
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing, timeout=WAIT)
    assert 0.28 < time.perf_counter() - began < 1.5
    assert player.at_head


def test_toggle_pauses_and_continues_a_replay_where_it_stands(qtbot, player):
    run_to_end(qtbot, player, frames(0, 50))
    player.speed = 100
    player.play()
    qtbot.waitUntil(lambda: player.index >= 5, timeout=WAIT)
    player.toggle()
    stood = player.index
    assert not player.is_playing and stood < 50
    player.toggle()
    assert player.is_replaying and player.index == stood


def test_loop_replays_endlessly(qtbot, player, monkeypatch):
    monkeypatch.setattr(player_module, "LOOP_REST", 0.02)
    player.loop, player.speed = True, 200
    shown = show_steps(player)
    run_to_end(qtbot, player, frames(0, 5))
    qtbot.waitUntil(lambda: shown.count(0) >= 3, timeout=WAIT)
    player.loop = False
    qtbot.waitUntil(lambda: not player.is_playing, timeout=WAIT)
    assert player.at_head


def test_the_speed_paces_the_sampler(qtbot, player):
    player.speed = 50
    began = time.perf_counter()
    run_to_end(qtbot, player, frames(0, 5))
    assert time.perf_counter() - began >= 5 / 50


def test_a_new_run_leaves_the_old_picture_until_its_first_frame(qtbot, player):
    run_to_end(qtbot, player, frames(0, 5, run="old"))
    player.start(frames(0, 2, run="new"), paused=True)
    assert player.frame.extras["run"] == "old" and len(player.timeline) == 6
    with qtbot.waitSignal(player.lane.frames_arrived, timeout=WAIT):
        player.step_forward()
    assert [f.extras["run"] for f in player.timeline] == ["new"] and player.index == 0


def test_start_keeps_a_prefix_for_rewinding_and_branching(qtbot, player):
    run_to_end(qtbot, player, frames(0, 9, run="old"))
    run_to_end(qtbot, player, frames(5, 9, run="new"), keep=4)
    assert steps(player.timeline) == list(range(10))
    assert [f.extras["run"] for f in player.timeline] == ["old"] * 5 + ["new"] * 5
    assert player.at_head


def test_under_a_slider_each_picture_replaces_the_one_before(qtbot, player):
    lengths = set()
    player.shown.connect(lambda frame: lengths.add(len(player.timeline)))
    for number in range(60):
        player.start(frames(number, number, work=0.01), patient=True)
        qtbot.wait(3)
    qtbot.waitUntil(lambda: not player.is_sampling, timeout=WAIT)
    assert lengths == {1} and player.frame.step == 59


def test_stop_keeps_what_is_stored_and_ends_the_run(qtbot, player):
    player.start(frames(0, 10**6, work=0.002))
    qtbot.waitUntil(lambda: player.index >= 5, timeout=WAIT)
    player.stop()
    length = len(player.timeline)
    assert length >= 6 and not player.is_playing and not player.is_open
    player.step_forward()
    qtbot.wait(40)
    assert len(player.timeline) == length
    player.play()
    assert player.is_replaying and player.index == 0


def test_a_run_that_fails_at_once_leaves_the_old_one_in_place(qtbot, player):
    run_to_end(qtbot, player, frames(0, 5, run="old"))

    def broken() -> Iterator[Frame]:
        raise RuntimeError("no weights")

    with qtbot.waitSignal(player.failed, timeout=WAIT) as failed:
        player.start(broken)
    assert "no weights" in failed.args[0]
    assert len(player.timeline) == 6 and not player.is_playing
    player.seek(2)
    assert not player.at_head
    player.play()
    assert player.is_replaying


def test_the_pointer_keeps_its_frame_when_old_frames_are_thinned(qtbot, player):
    one = make_frame(0).nbytes
    player.timeline = Timeline(frame_budget=30 * one)
    player.start(frames(0, 29), paused=True)
    for _ in range(25):
        with qtbot.waitSignal(player.lane.frames_arrived, timeout=WAIT):
            player.step_forward()
    player.seek(22)
    player.store([make_frame(step) for step in range(25, 32)])
    assert len(player.timeline) < 30 and player.frame.step in (21, 22)


def test_clear_forgets_everything(qtbot, player):
    run_to_end(qtbot, player, frames(0, 5))
    player.clear()
    assert (player.index, player.frame, player.is_empty) == (-1, None, True)
    player.play()
    player.step_back()
    player.go_last()
    assert not player.is_playing


# --- the bar


@pytest.fixture
def bar(qtbot, player) -> Transport:
    bar = Transport(player)
    qtbot.addWidget(bar)
    bar.resize(1280, bar.sizeHint().height())
    bar.show()
    return bar


def enabled(bar: Transport) -> str:
    names = ("first", "back", "play", "forward", "last", "stop")
    return " ".join(name for name in names if getattr(bar, name).isEnabled())


def test_what_cannot_apply_is_disabled(qtbot, bar, player):
    assert enabled(bar) == "" and not bar.slider.isEnabled() and bar.label.text() == ""
    player.start(frames(0, 10**6, work=0.002))
    assert enabled(bar) == "play forward stop" and bar.play.toolTip() == "Pause (Space)"
    qtbot.waitUntil(lambda: player.index >= 5, timeout=WAIT)
    assert enabled(bar) == "first back play forward stop"
    player.stop()
    assert enabled(bar) == "first back play" and bar.play.toolTip() == "Play (Space)"
    player.seek(1)
    assert enabled(bar) == "first back play forward last"
    bar.set_player(None)
    assert enabled(bar) == "" and bar.label.text() == ""
    assert player.receivers(SIGNAL("changed()")) == 0


def test_the_buttons_and_the_keys_drive_the_player(qtbot, bar, player):
    run_to_end(qtbot, player, frames(0, 10))
    mouse, left = QTest.mouseClick, Qt.MouseButton.LeftButton
    for button, index in ((bar.first, 0), (bar.forward, 1), (bar.last, 10), (bar.back, 9)):
        mouse(button, left)
        assert player.index == index
    for key, index in (("Home", 0), ("Right", 1), ("End", 10), ("Left", 9)):
        QTest.keyClick(bar, getattr(Qt.Key, f"Key_{key}"))
        assert player.index == index
    mouse(bar.play, left)
    assert player.is_playing
    QTest.keyClick(bar, Qt.Key.Key_Space)
    assert not player.is_playing
    bar.play.click()
    QTest.keyClick(bar, Qt.Key.Key_Escape)
    assert not player.is_playing
    mouse(bar.loop, left)
    assert player.loop
    QTest.keyClick(bar, Qt.Key.Key_L)
    assert not player.loop


def test_arrows_on_the_timeline_go_from_stored_frame_to_stored_frame(qtbot, bar, player):
    run_to_end(qtbot, player, lambda: (make_frame(step, 100) for step in (0, 10, 40, 100)))
    QTest.keyClick(bar.slider, Qt.Key.Key_Home)
    QTest.keyClick(bar.slider, Qt.Key.Key_Right)
    assert player.frame.step == 10 and bar.slider.value() == 10


def test_a_key_that_means_nothing_now_is_left_to_the_window(qtbot, bar, player):
    def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
        return bar.handle_key(QKeyEvent(QEvent.Type.KeyPress, key, modifier))

    run_to_end(qtbot, player, frames(0, 10))
    assert not press(Qt.Key.Key_Escape)  # nothing runs: Escape may leave the lecture mode
    assert not press(Qt.Key.Key_Right)
    assert not press(Qt.Key.Key_A)
    assert not press(Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert press(Qt.Key.Key_Left) and player.index == 9


def test_a_click_on_the_timeline_jumps_and_a_drag_scrubs(qtbot, bar, player):
    run_to_end(qtbot, player, frames(0, 100))
    slider, left = bar.slider, Qt.MouseButton.LeftButton

    def at(step: int) -> object:
        return QPointF(slider.x_of(step), slider.height() / 2).toPoint()

    QTest.mousePress(slider, left, pos=at(30))
    assert player.index == 30
    QTest.mouseMove(slider, at(70))
    assert player.index == 70 and slider.value() == 70
    QTest.mouseRelease(slider, left, pos=at(70))
    QTest.mouseMove(slider, at(10))
    assert player.index == 70


def test_the_timeline_cannot_be_dragged_beyond_what_is_stored(qtbot, bar, player):
    player.start(frames(0, 100), paused=True)
    for _ in range(5):
        with qtbot.waitSignal(player.lane.frames_arrived, timeout=WAIT):
            player.step_forward()
    assert (bar.slider.minimum(), bar.slider.maximum(), bar.slider.value()) == (0, 100, 4)
    QTest.mouseClick(bar.slider, Qt.MouseButton.LeftButton, pos=QPointF(bar.slider.x_of(80), 8).toPoint())
    assert player.index == 4 and bar.slider.value() == 4


def test_the_numbers_say_step_passes_and_time_and_the_timeline_keeps_its_length(qtbot, bar, player):
    player.start(frames(0, 50, work=0.003), paused=True)
    lengths = set()
    for _ in range(12):
        with qtbot.waitSignal(player.lane.frames_arrived, timeout=WAIT):
            player.step_forward()
        qtbot.wait(1)
        if player.index:
            lengths.add(bar.slider.width())
    assert bar.label.text().startswith("step 11/50 · 22 network passes · ")
    assert bar.label.text().endswith(" ms/step")
    assert len(lengths) == 1
    bar.resize(bar.minimumSizeHint())
    qtbot.waitUntil(lambda: bar.label.text() == "step 11/50", timeout=WAIT)


def test_the_speed_menu_sets_the_speed_and_shows_that_of_a_new_player(qtbot, bar, player):
    bar.speeds.setCurrentIndex(1)
    bar.speeds.activated.emit(1)
    assert player.speed == 10
    bar.set_player(None)
    bar.speeds.setCurrentIndex(0)
    bar.set_player(player)
    assert bar.speeds.currentText() == "10 frames/s"


def test_every_control_says_what_it_is_and_can_be_reached_with_tab(bar):
    buttons = (bar.first, bar.back, bar.play, bar.forward, bar.last, bar.stop, bar.loop)
    for control in (*buttons, bar.slider, bar.speeds):
        assert control.toolTip() and control.accessibleName()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert all("(" in button.toolTip() for button in buttons), "tooltips name the keys"


def test_the_bar_follows_light_and_dark(qtbot, qapp, bar, player):
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    run_to_end(qtbot, player, frames(0, 5))
    try:
        inks = []
        for mode in ("light", "dark"):
            theme.apply(qapp, mode)
            picture = bar.play.grab().toImage()
            grey = [picture.pixelColor(x, picture.height() // 2).lightness() for x in range(picture.width())]
            inks.append((grey[1], grey[len(grey) // 2]))  # the ground and the sign
        assert inks[0][0] > 200 and inks[0][1] < 60
        assert inks[1][0] < 60 and inks[1][1] > 200
    finally:
        theme.apply(qapp, "light")
        qapp.setStyleSheet(sheet)
        qapp.setPalette(palette)
        qapp.setFont(font)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00042, "0.4 ms"), (0.0123, "12 ms"), (0.00996, "10 ms"), (0.9996, "1.0 s"), (12, "12.0 s")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_words_before_the_first_frame_and_for_one_pass(qtbot, player):
    assert describe(None) == [] and describe(player) == []

    def one() -> Iterator[Frame]:
        yield Frame(3, 0, 1, np.zeros((1, 1, 1, 1), np.uint8))

    player.start(one)
    assert describe(player) == ["getting ready …"]
    with qtbot.waitSignal(player.finished, timeout=WAIT):
        pass
    assert describe(player)[:2] == ["step 3", "1 network pass"]


def test_a_new_run_frees_the_old_one_on_the_worker(qtbot):
    freed = []
    stream = Stream()
    player = Player(stream.lane("run"))

    class Heavy(dict):
        def __del__(self):
            freed.append(threading.current_thread().name)

    def run():
        for i in range(3):
            yield Frame(i, 2, i, np.zeros((1, 4, 4, 1), np.uint8), state=Heavy())

    for _ in range(2):
        with qtbot.waitSignal(player.finished, timeout=WAIT):
            player.start(run)
    qtbot.waitUntil(lambda: len(freed) == 3, timeout=WAIT)
    assert set(freed) == {"stream"}
    player.clear()
    qtbot.waitUntil(lambda: len(freed) == 6, timeout=WAIT)
    assert stream.close()
