"""The rows of ``playground bench`` about training in the plane: gaps while six train, paints a second, and what a scrub costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from playground.bench.sampling import Row, row
from playground.bench.window_probe import Probe
from playground.families import FAMILIES

SCENE = "In the plane"
_SECONDS = 5.0


def rows_of_six(bench: Probe, late_of: Callable[[], list[float]]) -> list[Row]:
    """Compare, In the plane, is on the screen and trains.

    Args:
        late_of: milliseconds from tick to tick of a 1 ms timer while it goes on.
    """
    scene: Any = bench.window.page.scene  # type: ignore[union-attr]
    bench.wait(lambda: scene.player.has_begun and len(scene.player.timeline) > 3, 300)
    late, before = late_of(), sum(plane.paints for plane in scene.planes)
    began = time.perf_counter()
    bench.run(_SECONDS)
    painted = (sum(plane.paints for plane in scene.planes) - before) / (time.perf_counter() - began)
    return [
        row("event-loop gap, six models train, p99", float(np.percentile(late, 99)), "ms", budget=16.0),
        row("event-loop gap, six models train, longest", max(late), "ms", budget=50.0),
        row(f"planes painted, {len(FAMILIES)} models train", painted, "/s"),
        *_scrub_rows(bench, scene.player),
    ]


def _scrub_rows(bench: Probe, player: Any) -> list[Row]:
    """Every kept round is shown once; the training makes no step meanwhile."""
    player.pause()
    bench.wait(lambda: not player.is_sampling, 60)
    bench.run(1.0)  # the round that was on its way
    made, count = player.lane.frames_made, len(player.timeline)
    began = time.perf_counter()
    for index in range(count):
        player.seek(index)
        player.show_now()
    spent = (time.perf_counter() - began) / max(count, 1)
    bench.run(0.2)
    return [
        row("scrub of a training, a moment", spent * 1e3, "ms", budget=16.0),
        row("scrub of a training, steps trained", float(player.lane.frames_made - made), "steps", budget=0.0),
    ]
