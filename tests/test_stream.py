"""The promises of the stream: newest wins, nothing lost, nothing stale, fair by time, and it always lets go."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop, Qt

import playground.ui.playback.lane as lane_module
import playground.ui.playback.stream as stream_module
from playground.contract import Frame
from playground.ui.playback.runs import gathered
from playground.ui.playback.stream import REFRESH, Lane, Stream

WAIT = 5000  # ms; how long a test waits for something that should come at once


def make_frame(step: int, **extras: object) -> Frame:
    return Frame(step, 100, step, np.zeros((1, 2, 2, 1), np.uint8), extras=extras)


class Doomed:
    """A request that waits, inside, until it may fail."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def __call__(self) -> Iterator[Frame]:
        self.entered.set()
        assert self.go.wait(5)
        raise RuntimeError("too late")
        yield


class Ear:
    """Everything a lane says, in order."""

    def __init__(self, lane: Lane) -> None:
        self.steps: list[int] = []
        self.bursts: list[int] = []
        self.said: list[str] = []
        self.states: list[str] = []
        self.threads: set[int] = set()
        lane.frames_arrived.connect(self._frames)
        lane.started.connect(lambda: self._say("started"))
        lane.finished.connect(lambda: self._say("finished"))
        lane.failed.connect(lambda sentence: self._say(f"failed: {sentence}"))
        lane.state_changed.connect(self.states.append)

    def _frames(self, frames: list[Frame]) -> None:
        self.steps += [f.step for f in frames]
        self.bursts.append(len(frames))
        self._say("frames")

    def _say(self, what: str) -> None:
        self.said.append(what)
        self.threads.add(threading.get_ident())


class Sampler:
    """A source that can be watched: waits for ``gate`` before each frame (if it has one), and notes its clean-up."""

    def __init__(
        self, frames: int = 10**9, gated: bool = False, work: float = 0.0, log: list | None = None
    ) -> None:
        self.frames, self.work, self.log = frames, work, log if log is not None else []
        self.gate = threading.Semaphore(0) if gated else None
        self.calls = self.made = self.closed = 0
        self.entered = threading.Semaphore(0)
        self.threads: set[str] = set()

    def __call__(self) -> Iterator[Frame]:
        self.calls += 1
        return self._run()

    def _run(self) -> Iterator[Frame]:
        try:
            for step in range(self.frames):
                self.entered.release()
                if self.gate:
                    assert self.gate.acquire(timeout=10)
                time.sleep(self.work)
                self.made += 1
                self.log.append(self)
                yield make_frame(step)
        finally:
            self.closed += 1
            self.threads.add(threading.current_thread().name)


@pytest.fixture
def stream(qapp) -> Iterator[Stream]:
    stream = Stream()
    yield stream
    assert stream.close(5), "the worker did not end"


def worker_has_looked_around(qtbot, stream: Stream) -> None:
    """Return once the worker has served another lane so often that any lane that could run has run."""
    lane = stream.lane("barrier")
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(20, work=0.001))
    lane.close()


# --- frames, in order, at the pace of the screen


def test_every_frame_arrives_in_order_on_the_gui_thread_and_in_bursts(qtbot, stream):
    lane = stream.lane("a")
    ear = Ear(lane)
    began = time.perf_counter()
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(3000))
    took = time.perf_counter() - began
    assert ear.steps == list(range(3000))
    assert ear.said[0] == "started" and ear.said[-1] == "finished"
    assert ear.states == ["waiting", "running", "finished"]
    assert ear.threads == {threading.get_ident()}
    assert len(ear.bursts) <= took / REFRESH + 2


def test_at_most_one_wake_up_is_pending_and_a_burst_is_one_list(qtbot, stream):
    lane, rings = stream.lane("a"), []
    ear, sampler = Ear(lane), Sampler(200)
    stream._bell.connect(lambda: rings.append(1), Qt.ConnectionType.DirectConnection)
    lane.play(sampler)
    for _ in range(200):
        assert sampler.entered.acquire(timeout=5)  # the GUI thread does not turn its event loop meanwhile
    assert len(rings) == 1
    qtbot.waitUntil(lambda: "finished" in ear.said, timeout=WAIT)
    assert sum(ear.bursts) == 200 and max(ear.bursts) >= 199


@pytest.mark.parametrize("elsewhere", [True, False])
def test_only_what_this_process_makes_waits_for_dear_paints(qtbot, stream, elsewhere):
    """A sampler of this process shares the interpreter with the window; one in another process loses nothing by a paint."""
    lane, hurried, end = stream.lane("a"), [], stream.pace.end
    lane.works_elsewhere = elsewhere
    ear = Ear(lane)

    def noted(hurried_now: bool = False, **how: bool) -> None:
        hurried.append(how.get("hurried", hurried_now))
        end(**how)

    stream.pace.end = noted
    lane.play(Sampler(3))
    qtbot.waitUntil(lambda: "finished" in ear.said, timeout=WAIT)
    assert hurried and all(each is elsewhere for each in hurried)


def test_what_is_no_picture_takes_no_refresh(qtbot, stream):
    """A run's start and end are told at once, and the picture between them need not wait for either."""
    lane, gate, paced = stream.lane("a"), threading.Semaphore(0), []
    ear = Ear(lane)
    stream.pace.end = lambda hurried=False: paced.append(list(ear.said))

    def source() -> Iterator[Frame]:
        assert gate.acquire(timeout=30)
        yield make_frame(0)
        assert gate.acquire(timeout=30)

    def in_a_minute() -> float:
        return time.perf_counter() + 60

    stream.pace.due = in_a_minute()  # when the next picture would be due
    lane.play(source)
    qtbot.waitUntil(lambda: ear.said == ["started"], timeout=WAIT)
    assert paced == []
    stream.pace.due = 0.0
    gate.release()
    qtbot.waitUntil(lambda: ear.said == ["started", "frames"], timeout=WAIT)
    stream.pace.due = in_a_minute()
    gate.release()
    qtbot.waitUntil(lambda: ear.said[-1] == "finished", timeout=WAIT)
    assert paced == [["started", "frames"]]


def test_slow_painting_takes_at_most_half_of_the_gui_thread(qtbot, stream):
    lane, spans = stream.lane("a"), []

    def paint(frames: list[Frame]) -> None:
        began = time.perf_counter()
        time.sleep(0.03)
        spans.append((began, time.perf_counter()))

    lane.frames_arrived.connect(paint)
    lane.play(Sampler(work=0.001))
    qtbot.waitUntil(lambda: len(spans) >= 5, timeout=WAIT)
    for (began, ended), (following, _) in itertools.pairwise(spans):
        assert following - ended >= 0.9 * (ended - began)


def test_what_the_window_has_not_fetched_is_bounded(qtbot, stream, monkeypatch):
    monkeypatch.setattr(lane_module, "OUTBOX_BYTES", 10 * make_frame(0).nbytes)
    lane, sampler = stream.lane("a"), Sampler(100)
    ear = Ear(lane)
    lane.play(sampler)
    for _ in range(11):
        assert sampler.entered.acquire(timeout=5)
    assert not sampler.entered.acquire(timeout=0.1), "it ran on although nobody fetched its frames"
    qtbot.waitUntil(lambda: "finished" in ear.said, timeout=WAIT)
    assert ear.steps == list(range(100))


# --- newest wins


def test_a_thousand_requests_in_a_second_show_nothing_stale_and_end_on_the_last(qtbot, stream):
    lane = stream.lane("slider")
    newest, shown, opened, closed, threads = -1, [], [], [], set()

    def request(number: int) -> Iterator[Frame]:
        opened.append(number)
        try:
            for step in range(3):
                yield make_frame(step, number=number)
        finally:
            closed.append(number)
            threads.add(threading.current_thread().name)

    def show(frames: list[Frame]) -> None:
        assert {f.extras["number"] for f in frames} == {newest}
        shown.extend((f.extras["number"], f.step) for f in frames)

    lane.frames_arrived.connect(show)
    began = time.perf_counter()
    for newest in range(1000):
        lane.play(lambda number=newest: request(number))
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)
    assert time.perf_counter() - began < 3  # one second, with room for a busy machine
    qtbot.waitUntil(lambda: lane.state == "finished", timeout=WAIT)
    assert shown[-3:] == [(999, 0), (999, 1), (999, 2)]
    qtbot.waitUntil(lambda: sorted(opened) == sorted(closed), timeout=WAIT)
    assert threads == {"stream"}


def test_a_superseded_request_stops_at_its_next_frame(qtbot, stream):
    lane, old, new = stream.lane("a"), Sampler(gated=True), Sampler(1)
    ear = Ear(lane)
    lane.play(old)
    assert old.entered.acquire(timeout=5)
    lane.play(new)
    old.gate.release(50)
    qtbot.waitUntil(lambda: "finished" in ear.said, timeout=WAIT)
    assert (old.made, old.closed, old.threads) == (1, 1, {"stream"})
    assert ear.said == ["started", "frames", "finished"] and ear.steps == [0]


def test_a_request_superseded_while_its_model_loads_never_samples(qtbot, stream):
    lane, loading, loaded, old = stream.lane("a"), threading.Event(), threading.Event(), Sampler()

    def load() -> Iterator[Frame]:
        loading.set()
        assert loaded.wait(5)
        return old()

    lane.play(load)
    assert loading.wait(5)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(1))
        loaded.set()
    assert old.calls == 1 and old.made == 0


def test_play_from_within_a_slot(qtbot, stream):
    lane, second = stream.lane("a"), Sampler(2)
    ear = Ear(lane)
    lane.frames_arrived.connect(lambda frames: lane.play(second) if second.calls == 0 else None)
    lane.play(Sampler(1))  # its "finished" is in the same parcel as its frame, and must not be heard
    qtbot.waitUntil(lambda: second.closed == 1 and lane.state == "finished", timeout=WAIT)
    assert ear.said.count("finished") == 1
    assert ear.steps == [0, 0, 1]


def drag(qtbot, lane: Lane, requests: int, every: int, **how: object) -> list[int]:
    """Ask for one picture after another, faster than one is made (10 ms); the numbers of those that were shown."""
    shown: list[int] = []
    lane.frames_arrived.connect(lambda frames: shown.extend(f.extras["number"] for f in frames))

    def picture(number: int) -> Iterator[Frame]:
        time.sleep(0.01)
        yield make_frame(0, number=number)

    for number in range(requests):
        lane.play(lambda number=number: picture(number), **how)
        qtbot.wait(every)
    qtbot.waitUntil(lambda: lane.state == "finished", timeout=WAIT)
    return shown


def test_patient_requests_show_pictures_while_the_slider_still_moves(qtbot, stream):
    shown = drag(qtbot, stream.lane("a"), 80, 3, patient=True)
    assert (
        len(shown) >= 4 and shown == sorted(set(shown)) and shown[-1] == 79
    )  # an impatient one shows the last alone
    gaps = [b - a for a, b in itertools.pairwise(shown)]
    assert max(gaps) <= 45, "it stood still for a while"


def test_the_first_moments_of_a_run_arrive_together_and_the_rest_as_it_comes(qtbot, stream):
    """Where a run begins with noise, a slider under the finger is answered by what it has come to."""
    hours = iter([0.0, 1.0, 2.0, 3.0])  # asked once before, and after each frame until the time is over
    sampler = Sampler(6)
    parts = list(gathered(sampler(), 2.5, clock=lambda: next(hours)))
    assert [frame.step for frame in parts[0]] == [0, 1, 2] and [frame.step for frame in parts[1:]] == [
        3,
        4,
        5,
    ]
    lane = stream.lane("a")
    ear, whole = Ear(lane), Sampler(20, work=0.003)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(lambda: gathered(whole(), WAIT))
    assert ear.bursts == [20] and ear.steps == list(range(20)) and whole.closed == 1
    assert lane.frames_made == 20


def test_a_run_that_is_gathered_is_closed_with_its_sampler(qtbot, stream):
    lane, sampler = stream.lane("a"), Sampler(work=0.001)
    with qtbot.waitSignal(lane.frames_arrived, timeout=WAIT):
        lane.play(lambda: gathered(sampler(), 0.02))
    lane.stop()
    qtbot.waitUntil(lambda: sampler.closed == 1, timeout=WAIT)


def test_a_patient_request_waits_for_one_frame_only_and_the_newest_follows(qtbot, stream):
    lane, old, skipped, new = stream.lane("a"), Sampler(gated=True), Sampler(), Sampler(2)
    ear = Ear(lane)
    lane.play(old)
    assert old.entered.acquire(timeout=5)
    lane.play(skipped, patient=True)
    lane.play(new, patient=True)
    old.gate.release(2)
    qtbot.waitUntil(lambda: "finished" in ear.said, timeout=WAIT)
    assert ear.steps == [0, 0, 1] and old.made == 1
    assert (skipped.calls, new.calls) == (0, 1) and ear.said.count("finished") == 1
    assert old.closed == 1


def test_a_patient_request_follows_a_failure_that_is_not_heard(qtbot, stream):
    lane, doomed = stream.lane("a"), Doomed()
    ear = Ear(lane)
    lane.play(doomed)
    assert doomed.entered.wait(5)
    lane.play(Sampler(1), patient=True)
    doomed.go.set()
    qtbot.waitUntil(lambda: "finished" in ear.said, timeout=WAIT)
    assert not any("failed" in said for said in ear.said) and ear.steps == [0]


@pytest.mark.parametrize("then", ["pause", "step", "stop", "play", "close"])
def test_a_patient_request_that_is_held_obeys_what_comes_next(qtbot, stream, then):
    lane, old, held, new = stream.lane("a"), Sampler(gated=True), Sampler(5), Sampler(1)
    ear = Ear(lane)
    lane.play(old)
    assert old.entered.acquire(timeout=5)
    lane.play(held, patient=True)
    lane.play(new) if then == "play" else getattr(lane, then)()
    old.gate.release(10)
    worker_has_looked_around(qtbot, stream)
    steps, calls, state = {
        "pause": ([], 0, "paused"),
        "step": ([0], 1, "paused"),
        "stop": ([], 0, "stopped"),
        "play": ([0], 0, "finished"),
        "close": ([], 0, "stopped"),
    }[then]
    assert (ear.steps, held.calls, lane.state) == (steps, calls, state)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_picture_that_is_ready_is_shown_before_a_patient_request_and_stop_ends_both(qtbot, stream, stopped):
    lane, new = stream.lane("a"), Sampler(1)
    ear = Ear(lane)
    lane.play(Sampler(1))
    while not lane.run.over:  # the worker is done, the window has not heard of it
        time.sleep(0.001)
    lane.play(new, patient=True)
    if stopped:
        lane.stop()
    worker_has_looked_around(qtbot, stream)
    assert (ear.steps, new.calls) == (([0], 0) if stopped else ([0, 0], 1))


# --- play, pause, step, resume, stop


def test_pause_takes_hold_within_one_step_and_the_frame_in_the_making_arrives(qtbot, stream):
    lane, sampler = stream.lane("a"), Sampler(gated=True)
    ear = Ear(lane)
    lane.play(sampler)
    assert sampler.entered.acquire(timeout=5)
    lane.pause()
    sampler.gate.release(100)
    worker_has_looked_around(qtbot, stream)
    assert (sampler.made, ear.steps, lane.state) == (1, [0], "paused")


def test_each_step_makes_exactly_one_frame_and_resume_goes_on(qtbot, stream):
    lane, sampler = stream.lane("a"), Sampler(6)
    ear = Ear(lane)
    lane.play(sampler, paused=True)
    worker_has_looked_around(qtbot, stream)
    assert (sampler.calls, lane.state) == (0, "paused")
    for made in (1, 2):
        lane.step()
        worker_has_looked_around(qtbot, stream)
        assert (sampler.made, lane.state) == (made, "paused")
    lane.step()
    lane.step()
    worker_has_looked_around(qtbot, stream)
    assert ear.steps == [0, 1, 2, 3]
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.resume()
    assert ear.steps == list(range(6)) and ear.states[-2:] == ["running", "finished"]


def test_pause_followed_at_once_by_resume_never_sticks(qtbot, stream):
    lane = stream.lane("a")
    ear = Ear(lane)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(300))
        for _ in range(300):
            lane.pause()
            lane.resume()
    assert ear.steps == list(range(300))


def test_stop_ends_within_one_step_and_cleans_up_on_the_worker(qtbot, stream):
    lane, sampler = stream.lane("a"), Sampler(gated=True)
    ear = Ear(lane)
    lane.play(sampler)
    sampler.gate.release(2)
    for _ in range(3):
        assert sampler.entered.acquire(timeout=5)  # two frames made, the third in the making
    lane.stop()
    assert (ear.steps, lane.state) == ([0, 1], "stopped")  # at once
    sampler.gate.release(100)
    qtbot.waitUntil(lambda: sampler.closed == 1, timeout=WAIT)
    worker_has_looked_around(qtbot, stream)
    assert (sampler.made, ear.steps, sampler.threads) == (3, [0, 1], {"stream"})
    lane.resume()
    lane.step()
    assert lane.state == "stopped" and "finished" not in ear.said


def test_stop_while_waiting_never_calls_the_source(qtbot, stream):
    busy, lane = Sampler(gated=True), stream.lane("a")
    stream.lane("busy").play(busy)
    assert busy.entered.acquire(timeout=5)
    waiting = Sampler()
    lane.play(waiting)
    assert lane.state == "waiting"
    lane.stop()
    gate, busy.gate = busy.gate, None
    gate.release()
    worker_has_looked_around(qtbot, stream)
    assert (waiting.calls, lane.state) == (0, "stopped")


def test_a_generator_without_frames_finishes(qtbot, stream):
    lane = stream.lane("a")
    ear = Ear(lane)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(0))
    assert ear.said == ["started", "finished"]


@pytest.mark.parametrize("ending", [StopIteration, RuntimeError])
def test_a_run_that_has_ended_lets_go_of_its_model(qtbot, stream, ending):
    class Model:
        def __iter__(self) -> Iterator[Frame]:
            return self

        def __next__(self) -> Frame:
            raise ending

    lane, model = stream.lane("a"), Model()
    gone = weakref.ref(model)
    lane.play(model.__iter__)
    del model
    qtbot.waitUntil(lambda: lane.state in ("finished", "failed") and gone() is None, timeout=WAIT)


def test_a_lane_closed_while_running_is_silent_and_its_generator_is_closed(qtbot, stream):
    lane, sampler = stream.lane("a"), Sampler(gated=True)
    ear = Ear(lane)
    lane.play(sampler)
    assert sampler.entered.acquire(timeout=5)
    lane.close()
    sampler.gate.release(100)
    qtbot.waitUntil(lambda: sampler.closed == 1, timeout=WAIT)
    lane.play(Sampler(1))
    lane.step()
    lane.stop()
    worker_has_looked_around(qtbot, stream)
    assert ear.said == [] and sampler.made == 1 and sampler.threads == {"stream"}


# --- errors


def _raise(error: BaseException) -> Iterator[Frame]:
    yield make_frame(0)
    raise error


def _no_frame() -> Iterator[Frame]:
    yield make_frame(0)
    yield None  # type: ignore[misc]


def _broken_source(error: BaseException) -> Iterator[Frame]:
    raise error


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda: _raise(RuntimeError("shapes differ\nlong trace")), "RuntimeError): shapes differ"),
        (lambda: _raise(MemoryError()), "MemoryError): no reason"),
        (lambda: _raise(SystemExit(3)), "SystemExit): 3"),
        (lambda: _raise(StopIteration()), "RuntimeError): generator raised StopIteration"),
        (lambda: _broken_source(OSError("no such file")), "OSError): no such file"),
        (lambda: _broken_source(StopIteration()), "RuntimeError): the source stopped"),
        (_no_frame, "AttributeError): 'NoneType'"),
        (lambda: 5, "TypeError): 'int' object is not iterable"),
    ],
)
def test_any_exception_becomes_a_sentence_and_the_worker_lives_on(qtbot, stream, source, words):
    lane = stream.lane("a")
    ear = Ear(lane)
    with qtbot.waitSignal(lane.failed, timeout=WAIT) as failed:
        lane.play(source)
    assert words in failed.args[0] and "\n" not in failed.args[0]
    assert lane.state == "failed" and "finished" not in ear.said
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(2))
    assert ear.steps[-2:] == [0, 1]


def test_the_sentence_is_the_one_of_explain(qtbot, qapp):
    stream = Stream(explain=lambda error: f"It broke: {error}.")
    lane = stream.lane("a")
    with qtbot.waitSignal(lane.failed, timeout=WAIT) as failed:
        lane.play(lambda: _raise(RuntimeError("x")))
    assert failed.args == ["It broke: x."]
    assert stream.close()


def test_an_explain_that_fails_itself_still_gives_a_sentence(qtbot, qapp):
    stream = Stream(explain=lambda error: 1 / 0)
    lane = stream.lane("a")
    with qtbot.waitSignal(lane.failed, timeout=WAIT) as failed:
        lane.play(lambda: _raise(RuntimeError("x")))
    assert "RuntimeError): x" in failed.args[0]
    assert stream.close()


def test_an_error_of_a_superseded_request_is_never_heard(qtbot, stream):
    lane, doomed = stream.lane("a"), Doomed()
    ear = Ear(lane)
    lane.play(doomed)
    assert doomed.entered.wait(5)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(1))
        doomed.go.set()
    assert ear.said == ["started", "frames", "finished"]


def test_a_generator_that_fails_while_closing_does_not_hurt_the_worker(qtbot, stream):
    lane, inside = stream.lane("a"), threading.Event()

    def untidy() -> Iterator[Frame]:
        try:
            while True:
                inside.set()
                yield make_frame(0)
        finally:
            raise RuntimeError("in the clean-up")

    lane.play(untidy)
    assert inside.wait(5)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        lane.play(Sampler(3))


def test_setup_runs_first_on_the_worker_and_is_tried_again_after_a_failure(qtbot, qapp):
    tries: list[str] = []

    def setup() -> None:
        tries.append(threading.current_thread().name)
        if len(tries) < 3:
            raise ImportError("torch is not there")

    stream = Stream(setup=setup)
    stream.start()
    lane, sampler = stream.lane("a"), Sampler(1)
    with qtbot.waitSignal(lane.failed, timeout=WAIT) as failed:
        lane.play(sampler)
    assert "torch is not there" in failed.args[0] and sampler.calls == 0
    for _ in range(2):
        with qtbot.waitSignal(lane.finished, timeout=WAIT):
            lane.play(sampler)
    assert tries == ["stream"] * 3
    assert stream.close()


def test_without_autostart_requests_wait_for_start(qtbot, qapp):
    tries: list[str] = []
    stream = Stream(setup=lambda: tries.append("setup"), autostart=False)
    lane, sampler = stream.lane("a"), Sampler(1)
    lane.play(sampler)
    assert (lane.state, stream.has_started, tries) == ("waiting", False, [])
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        stream.start()
    assert tries == ["setup"]
    assert stream.close()
    assert Stream(autostart=False).close()  # never started


# --- several lanes


def test_lanes_share_the_worker_by_time(qtbot, stream):
    slow, quick = stream.lane("slow"), stream.lane("quick")
    slow.play(Sampler(work=0.008))
    quick.play(Sampler(work=0.002))
    qtbot.waitUntil(lambda: slow.worker_seconds + quick.worker_seconds > 0.4, timeout=WAIT)
    assert 0.7 < slow.worker_seconds / quick.worker_seconds < 1.4
    assert quick.frames_made > 1.5 * slow.frames_made


def test_a_lane_that_comes_later_neither_starves_nor_is_starved(qtbot, stream):
    log: list[Sampler] = []
    first, second = Sampler(work=0.002, log=log), Sampler(work=0.002, log=log)
    stream.lane("first").play(first)
    qtbot.waitUntil(lambda: first.made >= 60, timeout=WAIT)
    begun = len(log)
    late = stream.lane("second")
    late.play(second)
    qtbot.waitUntil(lambda: len(log) >= begun + 40, timeout=WAIT)
    assert 14 <= log[begun : begun + 40].count(second) <= 26
    late.pause()
    qtbot.waitUntil(lambda: len(log) >= begun + 120, timeout=WAIT)
    begun = len(log)
    late.resume()
    qtbot.waitUntil(lambda: len(log) >= begun + 40, timeout=WAIT)
    assert 14 <= log[begun : begun + 40].count(second) <= 26


def test_the_touched_lane_goes_first_and_is_not_made_to_pay_for_it(qtbot, stream, monkeypatch):
    monkeypatch.setattr(lane_module, "FINGER", 60.0)
    log: list[Sampler] = []
    other, mine = Sampler(work=0.002, log=log), Sampler(work=0.002, log=log)
    stream.lane("other").play(other)
    lane = stream.lane("mine")
    lane.play(mine)
    qtbot.waitUntil(lambda: mine.made >= 3, timeout=WAIT)
    begun = len(log)
    lane.touch()
    qtbot.waitUntil(lambda: len(log) >= begun + 20, timeout=WAIT)
    assert log[begun : begun + 20].count(other) <= 2
    lane.touched_until = 0.0  # the finger is lifted
    begun = len(log)
    qtbot.waitUntil(lambda: len(log) >= begun + 40, timeout=WAIT)
    assert 14 <= log[begun : begun + 40].count(mine) <= 26


def test_a_touched_lane_goes_first_even_after_a_long_step(qtbot, stream):
    log: list[Sampler] = []
    other, mine = Sampler(work=0.002, log=log), Sampler(work=0.2, log=log)
    lane = stream.lane("mine")
    lane.play(mine)
    stream.lane("other").play(other)
    assert mine.entered.acquire(timeout=5)
    qtbot.waitUntil(lambda: mine.made >= 1 and other.made >= 3, timeout=WAIT)
    mine.work, begun = 0.002, len(log)
    lane.touch()
    qtbot.waitUntil(lambda: len(log) >= begun + 10, timeout=WAIT)
    assert log[begun : begun + 10].count(mine) >= 8


def test_a_long_step_before_a_pause_is_not_held_against_the_lane(qtbot, stream):
    log: list[Sampler] = []
    mine, other = Sampler(work=0.3, log=log), Sampler(work=0.002, log=log)
    lane = stream.lane("mine")
    lane.play(mine)
    assert mine.entered.acquire(timeout=5)
    stream.lane("other").play(other)
    lane.pause()
    qtbot.waitUntil(lambda: other.made >= 3, timeout=WAIT)
    mine.work, begun = 0.002, len(log)
    lane.resume()
    qtbot.waitUntil(lambda: len(log) >= begun + 40, timeout=WAIT)
    assert 14 <= log[begun : begun + 40].count(mine) <= 26


def test_time_that_a_paced_lane_did_not_use_is_not_saved_up(qtbot, stream):
    log: list[Sampler] = []
    paced, free = Sampler(work=0.001, log=log), Sampler(work=0.001, log=log)
    lane = stream.lane("paced")
    lane.set_pace(20)
    lane.play(paced)
    stream.lane("free").play(free)
    qtbot.waitUntil(lambda: len(log) >= 150, timeout=WAIT)
    begun = len(log)
    lane.set_pace(None)
    qtbot.waitUntil(lambda: len(log) >= begun + 60, timeout=WAIT)
    assert 18 <= log[begun : begun + 60].count(free) <= 42


def test_a_pace_holds_its_lane_back_and_no_other(qtbot, stream):
    lane, paced, free = stream.lane("paced"), Sampler(6), Sampler(work=0.001)
    lane.set_pace(50)
    began = time.perf_counter()
    lane.play(paced)
    stream.lane("free").play(free)
    with qtbot.waitSignal(lane.finished, timeout=WAIT):
        pass
    assert time.perf_counter() - began >= 5 * 0.02
    assert free.made >= 25


def test_a_step_does_not_wait_for_the_pace_and_a_pace_must_be_positive(qtbot, stream):
    lane, sampler = stream.lane("a"), Sampler(3)
    lane.set_pace(0.01)
    lane.play(sampler)
    qtbot.waitUntil(lambda: sampler.made == 1, timeout=WAIT)  # the next one is due in 100 s
    lane.step()
    lane.step()
    qtbot.waitUntil(lambda: sampler.made == 3, timeout=WAIT)
    with pytest.raises(ValueError, match="above 0"):
        lane.set_pace(0)


# --- the end


def test_close_in_the_middle_of_a_run_cleans_up_on_the_worker_in_time(qtbot, qapp):
    stream = Stream()
    samplers = [Sampler(work=0.005) for _ in range(3)]
    for sampler in samplers:
        stream.lane("lane").play(sampler)
    qtbot.waitUntil(lambda: all(s.made for s in samplers), timeout=WAIT)
    began = time.perf_counter()
    assert stream.close()
    assert time.perf_counter() - began < 2
    assert [(s.closed, s.threads) for s in samplers] == [(1, {"stream"})] * 3
    assert stream.close()
    late = stream.lane("late")
    late.play(Sampler(1))
    assert late.state == "idle"


def test_close_does_not_wait_for_ever_for_a_step_that_hangs(qapp):
    stream, sampler = Stream(), Sampler(gated=True)
    stream.lane("a").play(sampler)
    assert sampler.entered.acquire(timeout=5)
    assert not stream.close(timeout=0.05)
    sampler.gate.release()
    assert stream.close(5)
    assert sampler.closed == 1


PROGRAM = """
import sys, threading, time
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel
from playground.contract import Frame
from playground.ui.playback.stream import Stream

def endless():
    try:
        for step in range(10**9):
            time.sleep(0.002)
            yield Frame(step, 0, step, np.zeros((1, 28, 28, 1), np.uint8))
    finally:
        print("tidied on", threading.current_thread().name, flush=True)

class Window(QLabel):
    def closeEvent(self, event):
        print("closing", flush=True)
        assert not {tidy} or stream.close()
        super().closeEvent(event)

app = QApplication([])
window = Window("...")
stream = Stream(parent=window)
lane = stream.lane("a")
shown = []
def show(frames):
    shown.extend(frames)
    window.setText(str(frames[-1].step))
    if len(shown) > 20:
        window.close()
lane.frames_arrived.connect(show)
window.show()
lane.play(endless)
sys.exit(app.exec())
"""


@pytest.mark.parametrize("tidy", [True, False], ids=["closed by the window", "forgotten"])
def test_closing_the_window_in_the_middle_of_a_run_exits_with_code_0(tidy):
    root = Path(stream_module.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("{tidy}", str(tidy))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:
        assert process.stdout.readline() == "closing\n"
        began = time.perf_counter()
        said, complaints = process.stdout.read(), process.stderr.read()
        assert (process.wait(10), said, complaints) == (0, "tidied on stream\n", "")
        assert time.perf_counter() - began < 2
