"""What a container may use is read from its control groups, in both versions of them, and from affinity."""

from __future__ import annotations

import os

import pytest

from playground import machine

MEMINFO = "MemTotal:  64000000 kB\nMemFree:  100 kB\nMemAvailable:   32000000 kB\n"
FREE = 32_000_000 * 1024


@pytest.fixture
def computer(tmp_path, monkeypatch):
    """A function that writes files of a made-up system of sixteen cores, and gives its root."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)

    def make(**files):
        for name, text in {"proc/meminfo": MEMINFO, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


def test_without_groups_it_is_the_whole_machine(computer, monkeypatch):
    assert machine.num_cores(computer()) == 16 and machine.free_memory(computer()) == FREE
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    assert machine.num_cores(computer()) == 2


def test_a_system_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.num_cores(tmp_path) == 1 and machine.free_memory(tmp_path) == machine.GUESS


@pytest.mark.parametrize(
    "quota, cores",
    [
        ("max 100000", 16),
        ("100000 100000", 1),
        ("250000 100000", 3),
        ("20000 100000", 1),
        ("no words", 16),
        ("", 16),
    ],
)
def test_quota_of_version_2(computer, quota, cores):
    root = computer(**{"proc/self/cgroup": "0::/box\n", "sys/fs/cgroup/box/cpu.max": quota})
    assert machine.num_cores(root) == cores


OUTER = {
    "proc/self/cgroup": "0::/outer/inner\n",
    "sys/fs/cgroup/outer/cpu.max": "200000 100000",
    "sys/fs/cgroup/outer/inner/cpu.max": "800000 100000",
    "sys/fs/cgroup/outer/memory.max": "1000000000",
    "sys/fs/cgroup/outer/memory.current": "700000000",
    "sys/fs/cgroup/outer/memory.stat": "anon 5\ninactive_file 200000000\nfile 9\n",
    "sys/fs/cgroup/outer/inner/memory.max": "max",
    "sys/fs/cgroup/outer/inner/memory.current": "600000000",
}
OWN_ROOT = {
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/cpu.max": "100000 100000",
    "sys/fs/cgroup/memory.max": "300000000",
    "sys/fs/cgroup/memory.current": "400000000",
}
VERSION_1 = {
    "proc/self/cgroup": "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/y\n",
    "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "150000",
    "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000",
    "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "2000000000",
    "sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes": "500000000",
    "sys/fs/cgroup/memory/docker/x/memory.stat": "total_inactive_file 100000000",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "1",
}


@pytest.mark.parametrize(
    "groups, cores, free",
    [
        pytest.param(OUTER, 2, 500_000_000, id="the tightest group around it counts"),
        pytest.param(OWN_ROOT, 1, 0, id="a container sees its own group as the root"),
        pytest.param(VERSION_1, 2, 1_600_000_000, id="version 1"),
    ],
)
def test_cores_and_memory_are_those_of_the_control_groups(computer, groups, cores, free):
    root = computer(**groups)
    assert machine.num_cores(root) == cores and machine.free_memory(root) == free
