"""The rows of ``playground bench`` that need a window: start-up, slider to picture, event-loop gaps, memory.

The window is the real one, on the screen if there is one and else on Qt's offscreen platform, which paints all the
same.  "Slider to picture" runs from the input event to the end of the paint that shows its result.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from playground.evaluation.bench import Row, row

_START_UP = """
import sys, time
from playground import app, families
from PySide6.QtCore import QEvent, QObject, QTimer
from argparse import Namespace
class Watch(QObject):
    painted = pictured = False
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not self.painted:
            self.painted = True
            print("painted", time.time(), flush=True)
        if self.painted and not self.pictured:
            tab = getattr(watched.window(), "current", None) if hasattr(watched, "window") else None
            view = tab.view if tab is not None else None
            if view is not None and len(view.player.timeline) > 1:
                self.pictured = True
                print("pictured", time.time(), flush=True)
                QTimer.singleShot(0, watched.window().close)
        return False
watch = Watch()
from PySide6.QtWidgets import QApplication
q = QApplication([]); q.installEventFilter(watch)
app.run(Namespace(tab="", model="", view="", theme="dark", size=(1280, 800), device=None, open=None, screenshot=None, after=0))
"""


def window_rows() -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    """Name and measurement of every row that needs a window."""
    yield "start-up", _start_up
    yield "slider to picture", _slider
    yield "knob to picture", _knobs
    yield "painting slows the sampler", _painting
    yield "event loop", _gaps
    yield "memory", _memory


def _environment() -> dict[str, str]:
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform != "linux"
    return {**os.environ} if screen else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def _start_up() -> list[Row]:
    """From the command to the first paint, and to the first generated picture; the best of three."""
    painted, pictured = [], []
    for _ in range(3):
        start = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START_UP], env=_environment(), capture_output=True, text=True, check=True
        )
        said = dict(line.split() for line in done.stdout.splitlines() if " " in line)
        painted.append(float(said["painted"]) - start)
        pictured.append(float(said["pictured"]) - start)
    return [
        row("window on screen", min(painted), "s", budget=0.8),
        row("first generated picture", min(pictured), "s", budget=4.0),
    ]


class _Bench:
    """A real window that can be waited for."""

    def __init__(self, tab: str, model: str = "", view: str = "") -> None:
        os.environ.update(_environment())
        from PySide6.QtWidgets import QApplication

        from playground.app import MainWindow
        from playground.ui import theme

        self.app = QApplication.instance() or QApplication(sys.argv[:1])
        theme.load_fonts()
        theme.apply(self.app, "dark")  # type: ignore[arg-type]
        self.window = MainWindow(tab, model, view)
        self.window.show()
        self.window.stream.start()
        self.wait(lambda: self.window.current is not None and self.window.current.view is not None, 60)

    def wait(self, until: Callable[[], Any], seconds: float) -> None:
        """Run the event loop until something is true; asked every millisecond, so as to take no time from others."""
        from PySide6.QtCore import QEventLoop, Qt, QTimer

        if until():
            return
        loop, end, late = QEventLoop(), time.perf_counter() + seconds, []

        def ask() -> None:
            if until():
                loop.quit()
            elif time.perf_counter() > end:
                late.append(True)
                loop.quit()

        timer = QTimer(timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(ask)
        timer.start(1)
        loop.exec()
        timer.stop()
        if late:
            raise TimeoutError("The window did not come as far as the bench waits for.")

    def run(self, seconds: float) -> None:
        """Run the event loop for a while."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def close(self) -> None:
        """Leave nothing running."""
        self.window.close()
        self.app.processEvents()


def _slider() -> list[Row]:
    """150 pointer moves over the latent plane, each from mouse event to finished paint of its picture."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    bench = _Bench("vae", "vae2d-fashion", "Latent plane")
    view = bench.window.current.view  # type: ignore[union-attr]
    bench.wait(lambda: len(view.points) == 10_000 and not view.player.is_playing, 120)
    bench.run(0.5)
    shown: list[float] = []

    def moved_to(z: tuple[float, float]) -> Callable[[], bool]:
        def is_there() -> bool:
            if view.decoded is None or abs(view.decoded - np.array(z, np.float32)).max() > 1e-6:
                return False
            view.picture.repaint()
            return True

        return is_there

    for i in range(150):
        angle = i * 0.21
        point = view.plane.point_of((1.5 * np.cos(angle), 1.5 * np.sin(angle) * 0.8))
        at = QPointF(view.plane.mapToGlobal(point))
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(QEvent.Type.MouseMove, point, at, none, none, Qt.KeyboardModifier.NoModifier)
        start = time.perf_counter()
        QApplication.sendEvent(view.plane, event)
        bench.wait(moved_to(view.plane.pointer()), 10)
        shown.append((time.perf_counter() - start) * 1e3)
        bench.run(0.02)
    planes = _planes(bench, view)
    bench.close()
    return [
        *(
            row(
                f"latent plane, new extent to painted {what}, {name}",
                float(np.percentile(times, percent)),
                "ms",
                budget=33.0 if budgeted and percent == 95 else None,
            )
            for what, times, budgeted in zip(_PAINTED, planes, (True, False), strict=True)
            for name, percent in (("median", 50), ("p95", 95))
        ),
        row("latent plane, pointer move to painted picture, median", float(np.median(shown)), "ms"),
        row(
            "latent plane, pointer move to painted picture, p95",
            float(np.percentile(shown, 95)),
            "ms",
            budget=33.0,
        ),
    ]


_PAINTED = ("coarse plane (every third row of 15x15)", "whole plane (15x15)")


def _planes(bench: _Bench, view: Any) -> tuple[list[float], list[float]]:
    """40 turns of the ``extent`` knob each: to the paint of the coarse plane, and to that of the whole plane.

    The first are turned as a finger does it, while the plane before is still being refined.
    """
    import dataclasses

    def turns(wanted: Callable[[Any], bool]) -> list[float]:
        times = []
        for i in range(40):
            request = dataclasses.replace(view.request, extent=2.0 + 0.025 * i)
            before = view.player.frame
            start = time.perf_counter()
            view.turn(request)
            bench.wait(lambda: view.player.frame is not before and wanted(view.player.frame), 10)  # noqa: B023
            view.plane.repaint()
            times.append((time.perf_counter() - start) * 1e3)
            bench.run(0.02)
        return times

    return turns(lambda frame: True), turns(lambda frame: frame.step == frame.total)


_KNOBS = (  # tab, model, view, knob, from, to; one picture each
    ("gan", "stylegan-fashion", "Generate", "truncation_psi", 0.2, 1.2),
    ("gan", "stylegan-fashion", "Directions", "direction_1", -3.0, 3.0),
    ("gan", "dcgan-fashion", "Generate", "temperature", 0.5, 1.4),
    ("gan", "gan-fashion", "Generate", "temperature", 0.5, 1.4),
    ("flow", "glow-fashion", "Generate", "temperature", 0.5, 1.0),
    ("vae", "vae-fashion", "Generate", "temperature", 0.5, 1.4),
)


def _knobs() -> list[Row]:
    """40 turns of one knob, each from the knob to the finished paint of the last frame it leads to."""
    import dataclasses

    rows = []
    for tab, model, name, knob, low, high in _KNOBS:
        bench = _Bench(tab, model, name)
        view: Any = bench.window.current.view  # type: ignore[union-attr]
        bench.wait(lambda view=view: view.player.frame is not None and not view.player.is_sampling, 60)
        times = []
        for value in np.linspace(low, high, 40).tolist():
            request = dataclasses.replace(view.request, num_samples=1, **{knob: value})
            start = time.perf_counter()
            view.turn(request)
            bench.wait(
                lambda view=view, request=request: (
                    view.request == request
                    and not view.player.is_sampling
                    and view.player.frame is view.player.timeline.last
                ),
                10,
            )
            view.grid.repaint()
            times.append((time.perf_counter() - start) * 1e3)
            bench.run(0.02)
        bench.close()
        title = f"{model}, {knob} turned to painted picture, p95"
        rows.append(row(title, float(np.percentile(times[3:], 95)), "ms", budget=33.0))
    return rows


def _painting() -> list[Row]:
    """The pixel sampler on the worker, in turns with the window showing it and with somebody who only keeps it.

    The ratio is the median over pairs of neighbours in time: a machine that is busy for a moment slows both.
    """
    from PySide6.QtCore import QEventLoop

    from playground.ui.stream import Lane

    bench = _Bench("autoregressive", "pixelcnn-fashion", "Generate")
    tab = bench.window.current
    view = tab.view  # type: ignore[union-attr]
    bench.wait(lambda: not view.player.is_playing, 120)

    def milliseconds(lane: Lane, begin: Callable[[], None]) -> float:
        loop = QEventLoop()
        lane.finished.connect(loop.quit)
        begin()
        loop.exec()
        lane.finished.disconnect(loop.quit)
        bench.run(0.2)  # the last paints
        return lane.worker_seconds / lane.frames_made * 1e3

    unseen = bench.window.stream.lane("bench")
    kept: list[Any] = []
    unseen.frames_arrived.connect(kept.extend)  # as a timeline does: taking memory is no painting
    shown, alone = [], []
    for _ in range(11):
        shown.append(milliseconds(view.player.lane, lambda: view.start(view.request)))
        alone.append(
            milliseconds(unseen, lambda: unseen.play(lambda: view.sampler(view.model, view.request)))
        )
        unseen.let_go(kept[:])
        kept.clear()
    bench.close()
    value, peer = float(np.median(shown)), float(np.median(alone))
    ratio = float(np.median(np.array(shown) / np.array(alone)))  # here the window is the slower way
    return [
        Row(
            "painting slows the sampler (PixelCNN, one pixel; ratio to frames kept unseen)",
            round(value, 3),
            "ms",
            round(peer, 3),
            round(ratio, 3),
            1.1,
            ratio <= 1.1,
        )
    ]


GAP_SECONDS = 2.5  # for each view


def _gaps() -> list[Row]:
    """A 1 ms timer in the GUI thread while each view of each tab samples: how late it comes."""
    bench = _Bench("")
    rows = []
    for index in range(bench.window.tabs.count()):
        bench.window.tabs.setCurrentIndex(index)
        tab: Any = bench.window.current
        if tab is None:  # a page
            rows += _page_rows(bench, str(bench.window.tabs.tabText(index)))
            continue
        bench.wait(lambda tab=tab: tab.view is not None, 60)
        done = set()
        for model_id in [tab.models.itemData(i) for i in range(tab.models.count())]:
            if all(kind in done for kind in tab.family.views()):
                break
            tab.open_model(model_id)
            bench.wait(lambda tab=tab, wanted=model_id: tab.model_id == wanted, 60)
            for kind in [k for k in tab._suitable if k not in done]:
                done.add(kind)
                tab.show_view(tab._suitable.index(kind))
                rows += _gap_rows(f"{tab.family.title}: {kind.name}", _gaps_of(bench, tab.view))
    bench.close()
    return rows


def _gap_rows(name: str, late: list[float]) -> list[Row]:
    p99 = float(np.percentile(late, 99))
    return [
        row(f"event-loop gap, {name}, p99", p99, "ms", budget=16.0),
        row(f"event-loop gap, {name}, longest", max(late), "ms", budget=50.0),
    ]


def _page_rows(bench: _Bench, title: str) -> list[Row]:
    """Every scene of a page at its work: leaves that draw, a race that runs, a picture that is scored."""
    page: Any = bench.window.page
    rows = []
    for kind in page.scenes:
        page.show_scene(kind.name)
        rows += _gap_rows(f"{title}: {kind.name}", _late(bench, _at_work(bench, page.scene)))
    return rows


def _at_work(bench: _Bench, scene: Any) -> Callable[[], object]:
    """Wait until a scene does what it is there for; what is returned keeps it at that."""

    def race() -> None:
        if not (scene.race.is_open or scene.is_loading):
            scene.start()

    def read() -> None:
        if not scene._reader.is_open:
            scene.wake()

    def nothing() -> None:
        pass

    if scene.name == "Race":
        race()
        bench.wait(lambda: scene.race.is_open, 120)  # all are loaded: the clocks run
        return race
    if scene.name == "Table":
        bench.wait(lambda: scene._is_read, 60)
        return read
    if scene.name == "One image":
        bench.wait(lambda: scene.verdicts, 60)
    elif scene.name == "Map":
        bench.wait(lambda: any(leaf.num_pictures for leaf in scene.leaves.values()), 60)
    elif scene.name == "Families":
        bench.wait(lambda: scene.card.grid.count(), 60)
    elif scene.name == "Which model?":
        while scene.verdict is None:
            scene.choose(0)
        bench.wait(lambda: scene.grid.count(), 60)
    return nothing


def _gaps_of(bench: _Bench, view: Any) -> list[float]:
    """Milliseconds between the ticks of a 1 ms timer; runs that end are begun again."""
    bench.wait(lambda: len(view.player.timeline) > 0 or not view.player.is_sampling, 60)

    def again() -> None:
        if not view.player.is_playing and view.request is not None:
            view.start(view.request)

    return _late(bench, again)


def _late(bench: _Bench, meanwhile: Callable[[], None]) -> list[float]:
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


def _memory() -> list[Row]:
    """Resident memory with every tab opened, in a process of its own."""
    code = "from playground.window_bench import resident_with_all_tabs; print(resident_with_all_tabs())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(), capture_output=True, text=True, check=True
    )
    return [row("resident memory, every tab opened", float(done.stdout.split()[-1]), "GB", budget=1.2)]


def resident_with_all_tabs() -> float:
    """Open every tab, let each sample, and return the resident size in GB (Linux and macOS)."""
    import resource

    bench = _Bench("")
    for index in range(bench.window.tabs.count()):
        bench.window.tabs.setCurrentIndex(index)
        tab = bench.window.current
        if tab is not None:
            bench.wait(lambda tab=tab: tab.view is not None and len(tab.view.player.timeline) > 0, 60)
        bench.run(2.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bench.close()
    return peak / (1e9 if sys.platform == "darwin" else 1e6)
