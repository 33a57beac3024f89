"""What this process may use of the machine: cores by affinity and quota, memory by what is free and by the container's limit.

A container shows the whole machine in ``/proc``; what it may have of it stands with its control group (cgroup versions 1
and 2).  No torch, no Qt.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

GUESS = 2 * 10**9  # bytes that are free where the system does not say
_ROOT = Path("/")


def num_cores(root: Path = _ROOT) -> int:
    """Cores that this process may keep busy, at least 1; ``root`` is where ``proc`` and ``sys`` lie."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    allowed = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return max(1, math.ceil(min([allowed, *_quotas(root)])))


def free_memory(root: Path = _ROOT) -> int:
    """Bytes that can be had without swapping or being killed."""
    found = [*_available(root), *_room(root)]
    return max(0, min(found, default=GUESS))


def _quotas(root: Path) -> Iterator[float]:
    """Cores that each control group around this process may keep busy."""
    for folder in _groups(root, "cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)
        old, length = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if old.isdecimal() and length.isdecimal() and int(length):  # -1 is no quota
            yield int(old) / int(length)


def _available(root: Path) -> Iterator[int]:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable" and value.split()[:1] and value.split()[0].isdecimal():
            yield int(value.split()[0]) * 1024


def _room(root: Path) -> Iterator[int]:
    """Bytes that each control group has left; what it keeps of files can be let go at once."""
    for folder in _groups(root, "memory"):
        for most, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, taken = _text(folder / most), _text(folder / used)
            if limit.isdecimal() and taken.isdecimal() and int(limit) < 2**60:  # "max", or all there is
                lines = dict(
                    line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line
                )
                held = lines.get(cached, "0")
                yield int(limit) - int(taken) + (int(held) if held.isdecimal() else 0)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control groups, from the innermost outwards."""
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = mounted / controller if controllers else mounted
        inner = top / path.lstrip("/")
        yield inner
        yield from (parent for parent in inner.parents if parent == top or top in parent.parents)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
