"""The rows of ``playground bench`` that need a window: start-up, slider to picture, event-loop gaps, memory.

The window is the real one, on the screen if there is one and else on Qt's offscreen platform, which paints all the
same.  "Slider to picture" runs from the input event to the end of the paint that shows its result.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from playground.bench import event_loop, memory, theme_switch, typing_prompts
from playground.bench.sampling import ONE_PICTURE, PLANE, Row, row
from playground.bench.window_probe import Probe, environment

_START_UP = """
import sys, time
from playground.cli.main import main
from PySide6.QtCore import QEvent, QObject, QTimer
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
sys.exit(main(["--theme", "dark", "--size", "1280x800"]))
"""


def window_rows() -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    """Name and measurement of every row that needs a window."""
    yield "start-up", _start_up
    yield "slider to picture", _slider
    yield "knob to picture", _knobs
    yield "knob to sheet", _sheets
    yield "theme and zoom", theme_switch.rows
    yield "key to picture", typing_prompts.typing_rows
    yield "painting slows the sampler", _painting
    yield "event loop", event_loop.gap_rows
    yield "memory", memory.rows


def _start_up() -> list[Row]:
    """From the command to the first paint, and to the first generated picture; the best of three."""
    painted, pictured = [], []
    for _ in range(3):
        start = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START_UP], env=environment(), capture_output=True, text=True, check=True
        )
        said = dict(line.split() for line in done.stdout.splitlines() if " " in line)
        painted.append(float(said["painted"]) - start)
        pictured.append(float(said["pictured"]) - start)
    return [
        row("window on screen", min(painted), "s", budget=0.35),
        row("first generated picture", min(pictured), "s", budget=1.5),
    ]


def _slider() -> list[Row]:
    """150 pointer moves over the latent plane, each from mouse event to finished paint of its picture."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    bench = Probe("vae", "vae2d-fashion", "Latent plane")
    view = bench.view
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
    planes = _planes(bench, view, lambda i: dataclasses.replace(view.request, extent=2.0 + 0.025 * i))
    bench.close()
    return [
        *_plane_rows("latent plane, new extent to painted", "15x15", planes),
        row("latent plane, pointer move to painted picture, median", float(np.median(shown)), "ms"),
        row(
            "latent plane, pointer move to painted picture, p95",
            float(np.percentile(shown, 95)),
            "ms",
            budget=ONE_PICTURE,
        ),
    ]


def _plane_rows(title: str, size: str, planes: tuple[list[float], list[float]]) -> list[Row]:
    """What a hand waits for is the coarse plane, and the budget is its; the whole one follows as it comes."""
    return [
        row(
            f"{title} {what} ({size}), {name}",
            float(np.percentile(times, percent)),
            "ms",
            budget=PLANE if percent == 95 and what.startswith("coarse") else None,
        )
        for what, times in zip(("coarse plane", "whole plane"), planes, strict=True)
        for name, percent in (("median", 50), ("p95", 95))
    ]


def _planes(bench: Probe, view: Any, turned: Callable[[int], Any]) -> tuple[list[float], list[float]]:
    """40 turns of a knob each: to the paint of the coarse plane, and to that of the whole plane.

    The first are turned as a finger does it, while the plane before is still being refined.

    Args:
        turned: the request of the turn of this number.
    """

    def turns(wanted: Callable[[Any], bool]) -> list[float]:
        times = []
        for i in range(40):
            request = turned(i)
            before = view.player.frame
            start = time.perf_counter()
            view.turn(request)
            bench.wait(lambda: view.player.frame is not before and wanted(view.player.frame), 10)  # noqa: B023
            view.plane.repaint()
            times.append((time.perf_counter() - start) * 1e3)
            bench.run(0.02)
        return times

    return turns(lambda frame: True), turns(lambda frame: frame.step == frame.total)


_SHEETS = (  # model, knob, from, to; a plane of GAN samples under the pointer
    ("stylegan-fashion", "truncation_psi", 0.2, 1.2),
    ("dcgan-fashion", "temperature", 0.5, 1.4),
)


def _sheets() -> list[Row]:
    """The same of a GAN's lattice."""
    rows = []
    for model, knob, low, high in _SHEETS:
        bench = Probe("gan", model, "Lattice")
        view = bench.view
        bench.wait(lambda view=view: view.player.frame is not None and not view.player.is_sampling, 60)  # type: ignore[misc]
        values = np.linspace(low, high, 40).tolist()
        planes = _planes(
            bench,
            view,
            lambda i, view=view, knob=knob, values=values: dataclasses.replace(  # type: ignore[misc]
                view.request, **{knob: values[i]}
            ),
        )
        bench.close()
        rows += _plane_rows(f"{model}, {knob} turned to painted", "13x13", planes)
    return rows


_KNOBS = (  # tab, model, view, knob, from, to; one picture each
    ("gan", "stylegan-fashion", "Generate", "truncation_psi", 0.2, 1.2),
    ("gan", "stylegan-fashion", "Directions", "direction_1", -3.0, 3.0),
    ("gan", "dcgan-fashion", "Generate", "temperature", 0.5, 1.4),
    ("gan", "gan-fashion", "Generate", "temperature", 0.5, 1.4),
    ("flow", "glow-fashion", "Generate", "temperature", 0.5, 1.0),
    ("vae", "vae-fashion", "Generate", "temperature", 0.5, 1.4),
)


def _knobs() -> list[Row]:
    """40 turns of one knob, each from the knob to the finished paint of the first frame that answers, and of the last."""
    rows = []
    for tab, model, name, knob, low, high in _KNOBS:
        bench = Probe(tab, model, name)
        view = bench.view
        bench.wait(lambda view=view: view.player.frame is not None and not view.player.is_sampling, 60)  # type: ignore[misc]
        first, last = [], []
        for value in np.linspace(low, high, 40).tolist():
            request, before = (
                dataclasses.replace(view.request, num_samples=1, **{knob: value}),
                view.player.frame,
            )
            start = time.perf_counter()
            view.turn(request)
            bench.wait(
                lambda view=view, request=request, before=before: (  # type: ignore[misc]
                    view.request == request and view.player.has_begun and view.player.frame is not before
                ),
                10,
            )
            view.grid.repaint()
            first.append((time.perf_counter() - start) * 1e3)
            bench.wait(
                lambda view=view, request=request: (  # type: ignore[misc]
                    view.request == request
                    and not view.player.is_sampling
                    and view.player.frame is view.player.timeline.last
                ),
                10,
            )
            view.grid.repaint()
            last.append((time.perf_counter() - start) * 1e3)
            bench.run(0.02)
        bench.close()
        title = f"{model}, {knob} turned to painted"
        rows.append(
            row(f"{title} picture, p95", float(np.percentile(first[3:], 95)), "ms", budget=ONE_PICTURE)
        )
        rows.append(row(f"{title} end of the run, p95", float(np.percentile(last[3:], 95)), "ms"))
    return rows


def _painting() -> list[Row]:
    """The pixel sampler on the worker, in turns with the window showing it and with somebody who only keeps it.

    The ratio is the median over pairs of neighbours in time: a machine that is busy for a moment slows both.  Which of
    the two comes first changes from pair to pair, so that a machine that grows slower favours neither.
    """
    from PySide6.QtCore import QEventLoop

    from playground.ui.playback.stream import Lane

    bench = Probe("autoregressive", "pixelcnn-fashion", "Generate")
    tab, view = bench.tab, bench.view
    tab.knobs.set_silently({"guidance_scale": 1.0})  # one pass for each pixel
    view.start(tab.knobs.request())
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
    shown: list[float] = []
    alone: list[float] = []

    def watch() -> None:
        shown.append(milliseconds(view.player.lane, lambda: view.start(view.request)))

    def leave() -> None:
        alone.append(
            milliseconds(unseen, lambda: unseen.play(lambda: view.sampler(view.model, view.request)))
        )
        unseen.let_go(kept[:])
        kept.clear()

    for pair in range(24):
        for act in (watch, leave)[:: 1 if pair % 2 else -1]:
            act()
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
