"""The rows of ``playground bench`` about the event loop: how late a 1 ms timer comes while each view is at its work."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from playground.bench import plane
from playground.bench.sampling import Row, row
from playground.bench.window_probe import Probe
from playground.tabs import registry
from playground.tabs.frame.view import suiting

GAP_SECONDS = 2.5  # for each view
SAMPLING, TRAINING = 9.0, 16.0  # ms: budgets of the 99th percentile


@contextmanager
def _data_of_its_own() -> Iterator[None]:
    """What is trained to be measured is no model of the user's."""
    before = os.environ.get("XDG_DATA_HOME")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["XDG_DATA_HOME"] = folder
        try:
            yield
        finally:
            os.environ.pop("XDG_DATA_HOME")
            if before is not None:
                os.environ["XDG_DATA_HOME"] = before


def gap_rows() -> list[Row]:
    """A 1 ms timer in the GUI thread while each view of each tab samples: how late it comes."""
    with _data_of_its_own():
        return _gaps_of_all()


def _gaps_of_all() -> list[Row]:
    bench = Probe("")
    rows = []
    for index in range(bench.window.tabs.count()):
        bench.window.tabs.setCurrentIndex(index)
        tab: Any = bench.window.current
        if tab is None:  # a page
            rows += _page_rows(bench, str(bench.window.tabs.tabText(index)))
            continue
        bench.wait(lambda tab=tab: tab.view is not None, 60)  # type: ignore[misc]
        done = set()
        for model_id in tab.models.ids():
            if all(kind in done for kind in registry.views_of(tab.family)):
                break
            tab.open_model(model_id)
            bench.wait(lambda tab=tab, wanted=model_id: tab.model_id == wanted, 60)  # type: ignore[misc]
            for kind in [k for k in suiting(tab.suitable, tab.model) if k not in done]:
                done.add(kind)
                tab.show_view(tab.suitable.index(kind))
                budget = TRAINING if kind.trains_live else SAMPLING
                rows += _gap_rows(f"{tab.family.title}: {kind.name}", _gaps_of(bench, tab.view), budget)
    bench.close()
    return rows


def _gap_rows(name: str, late: list[float], budget: float = SAMPLING) -> list[Row]:
    p99 = float(np.percentile(late, 99))
    return [
        row(f"event-loop gap, {name}, p99", p99, "ms", budget=budget),
        row(f"event-loop gap, {name}, longest", max(late), "ms", budget=50.0),
    ]


def _page_rows(bench: Probe, title: str) -> list[Row]:
    """Every scene of a page at its work: leaves that draw, a race that runs, a picture that is scored."""
    page: Any = bench.window.page
    rows = []
    for kind in page.scenes:
        page.show_scene(kind.name)
        if kind.name == plane.SCENE:
            rows += plane.rows_of_six(bench, lambda: _late(bench, lambda: None))
            continue
        budget = TRAINING if kind.name == "Train here" else SAMPLING
        rows += _gap_rows(f"{title}: {kind.name}", _late(bench, _at_work(bench, page.scene)), budget)
    return rows


def _at_work(bench: Probe, scene: Any) -> Callable[[], object]:
    """Wait until a scene does what it is there for; what is returned keeps it at that."""

    def race() -> None:
        if not (scene.race.is_open or scene.is_loading):
            scene.start()

    def read() -> None:
        if scene.is_settled:
            scene.wake()

    def nothing() -> None:
        pass

    if scene.name == "Race":
        race()
        bench.wait(lambda: scene.race.is_open, 120)  # all are loaded: the clocks run
        return race
    if scene.name == "Table":
        bench.wait(lambda: scene.rows, 60)
        return read
    if scene.name == "One image":
        bench.wait(lambda: scene.score_summaries, 60)
    elif scene.name == "Map":
        bench.wait(lambda: any(leaf.num_pictures for leaf in scene.leaves.values()), 60)
    elif scene.name == "Families":
        bench.wait(lambda: scene.card.grid.count(), 60)
    elif scene.name == "Train here":
        bench.wait(lambda: scene.source is not None, 60)
        scene.train()
        bench.wait(lambda: scene.num_reports > 2, 120)
    elif scene.name == "Which model?":
        while scene.verdict is None:
            scene.choose(0)
        bench.wait(lambda: scene.grid.count(), 60)
    return nothing


def _gaps_of(bench: Probe, view: Any) -> list[float]:
    """Milliseconds between the ticks of a 1 ms timer; runs that end are begun again."""
    bench.wait(lambda: len(view.player.timeline) > 0 or not view.player.is_sampling, 60)

    def again() -> None:
        if not view.player.is_playing and view.request is not None:
            view.start(view.request)

    return _late(bench, again)


def _late(bench: Probe, meanwhile: Callable[[], object]) -> list[float]:
    from PySide6.QtCore import Qt, QTimer

    late: list[float] = []
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        late.append((now - last[0]) * 1e3)
        last[0] = now
        meanwhile()

    timer = QTimer(timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(1)
    bench.run(GAP_SECONDS)
    timer.stop()
    return late
