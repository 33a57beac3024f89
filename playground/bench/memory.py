"""Memory of the window with every tab opened, measured in a process of its own.

``resource.getrusage`` will not do: on Linux a new process inherits the highest resident size of the one that started it,
so that the window seemed to need what the bench itself had needed before.  ``/proc`` counts from the start of a program.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playground.bench.sampling import Row, row
from playground.bench.window_probe import Probe, environment

BUDGET = 1.0  # GB resident
_STATUS = Path("/proc/self/status")


def rows() -> list[Row]:
    """Resident memory with every tab opened, and the most that it was on the way there."""
    names = ("resident memory, every tab opened", "peak of resident memory, every tab opened")
    if not _STATUS.is_file():
        reason = "This system has no /proc to read a process's memory from."
        return [Row(name, None, "GB", skipped=reason) for name in names]
    code = "from playground.bench.memory import with_all_tabs; print(*with_all_tabs())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    present, peak = (float(word) for word in done.stdout.split()[-2:])
    return [row(names[0], present, "GB", budget=BUDGET), row(names[1], peak, "GB")]


def resident() -> tuple[float, float]:
    """The resident size of this process in GB, now and at its highest."""
    fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if line.startswith("Vm"))
    now, peak = (int(fields[name].split()[0]) * 1024 / 1e9 for name in ("VmRSS", "VmHWM"))
    return now, peak


def with_all_tabs() -> tuple[float, float]:
    """Open every tab, let each sample, and return :func:`resident`."""
    bench = Probe("")
    for index in range(bench.window.tabs.count()):
        bench.window.tabs.setCurrentIndex(index)
        tab = bench.window.current
        if tab is not None:
            bench.wait(lambda tab=tab: tab.view is not None and len(tab.view.player.timeline) > 0, 60)  # type: ignore[misc]
        bench.run(2.0)
    found = resident()
    bench.close()
    return found
