"""The rows of ``playground bench`` about the look: how long light, dark and another type size stop a window of many widgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from playground.bench.sampling import Row, row
from playground.bench.window_probe import Probe

BUDGET = 150.0  # ms, with every tab open and a model in each


def rows() -> list[Row]:
    """Every tab is opened and has drawn; then the look is changed six times each way."""
    from playground.ui.theme import theme

    bench = Probe("")
    tabs = bench.window.tabs
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
        tab: Any = bench.window.current
        if tab is not None:
            bench.wait(lambda tab=tab: tab.view is not None and len(tab.view.player.timeline) > 0, 60)  # type: ignore[misc]
            tab.view.player.pause()
        bench.run(0.5)
    tabs.setCurrentIndex(tabs.count() // 2)
    bench.run(1.0)
    app = bench.app
    looks: list[Callable[[], None]] = [
        *(lambda mode=mode: theme.apply(app, mode) for mode in ("light", "dark") * 3),  # type: ignore[arg-type]
        *(lambda scale=scale: theme.set_scale(app, scale) for scale in (1.1, 1.2, 1.3, 1.2, 1.1, 1.0)),  # type: ignore[arg-type]
    ]
    stopped = []
    for change in looks:
        began = time.perf_counter()
        change()
        bench.window.repaint()
        stopped.append((time.perf_counter() - began) * 1e3)
        bench.run(0.3)
    widgets = len(bench.app.allWidgets())  # type: ignore[attr-defined]
    returns = []
    for index in range(tabs.count()):  # what was put off comes due here
        theme.set_scale(app, 1.1 if index % 2 else 1.0)  # type: ignore[arg-type]
        bench.run(0.2)
        began = time.perf_counter()
        tabs.setCurrentIndex(index)
        bench.window.repaint()
        returns.append((time.perf_counter() - began) * 1e3)
        bench.run(0.2)
    theme.set_scale(app, 1.0)  # type: ignore[arg-type]
    bench.close()
    return [
        row(
            f"light or dark, every tab open ({widgets} widgets), median",
            float(np.median(stopped[:6])),
            "ms",
            budget=BUDGET,
        ),
        row("zoom, every tab open, median", float(np.median(stopped[6:])), "ms", budget=BUDGET),
        row("a tab shown again after a zoom, median", float(np.median(returns)), "ms", budget=BUDGET),
    ]
