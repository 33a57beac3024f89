"""Prompts under the finger: from a key to the first frame on screen, and the pace of a walk between two prompts."""

from __future__ import annotations

import time

import numpy as np

from playground.bench.sampling import Row, row
from playground.bench.window_probe import Probe

FIRST_FRAME = 60.0  # milliseconds after a key
EIGHTH = 1e3 / 8 * 1.04  # milliseconds from picture to picture of a walk, and what a timer is late by
_TYPED = "purple octopus on yellow"


def typing_rows() -> list[Row]:
    """One picture and nine, each key of a prompt typed while the run before is still at work; then a walk."""
    bench = Probe("diffusion", "ldm-emoji", "Generate")
    rows = [_typed(bench, count) for count in (1, 9)]
    bench.tab.show_view(bench.tab.view_names.index("Prompts"))
    view, seen = bench.view, []
    bench.wait(lambda: view.player.has_begun and not view.player.is_sampling, 120)
    view.strip.selection_changed.connect(lambda _: seen.append(time.perf_counter()))
    view.walk.setChecked(True)
    bench.run(3.0)
    view.walk.setChecked(False)
    bench.close()
    apart = float(np.median(np.diff(seen))) * 1e3
    return [*rows, row("prompt walk, from picture to picture", apart, "ms", budget=EIGHTH)]


def _typed(bench: Probe, count: int) -> Row:
    from PySide6.QtCore import QEvent, Qt
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QApplication

    view, field = bench.view, bench.tab.knobs.row("prompt").field
    bench.tab.knobs.set_settings({"num_samples": count, "prompt": ""})
    bench.wait(lambda: view.request.num_samples == count and not view.player.is_sampling, 120)
    times = []
    for typed in (_TYPED[: i + 1] for i in range(len(_TYPED))):
        key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_unknown, Qt.KeyboardModifier.NoModifier, typed[-1])
        start = time.perf_counter()
        QApplication.sendEvent(field, key)
        bench.wait(lambda typed=typed: view.request.prompt == typed and view.player.has_begun, 10)  # type: ignore[misc]
        view.grid.repaint()
        times.append((time.perf_counter() - start) * 1e3)
        bench.run(0.12)  # as long as a quick hand takes
    pictures = "one picture" if count == 1 else f"{count} pictures"
    title = f"ldm-emoji, from a key to the first frame of {pictures}, p95"
    return row(title, float(np.percentile(times[2:], 95)), "ms", budget=FIRST_FRAME)
