"""Every test runs without a screen, as on a fresh machine, and a warning from Qt fails it like any other warning."""

from __future__ import annotations

import os
import runpy
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt
# what lies in a home, a cache or a folder of data is the user's: tests find them empty, and so do their processes
EMPTY = Path(tempfile.mkdtemp(prefix="fresh-machine-"))
for name in (
    *("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
    *("LOCALAPPDATA", "APPDATA", "PLAYGROUND_DATA"),
):
    os.environ[name] = str(EMPTY / name.lower())
    (EMPTY / name.lower()).mkdir()
FRESH = Path(__file__).parent / "fresh"
runpy.run_path(str(FRESH / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(FRESH), os.environ.get("PYTHONPATH", "")]))
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tests run side by side: threads of each would wait for the others'

import pytest  # noqa: E402

from playground import machine  # noqa: E402

# what the platform without a screen says of itself
IGNORED = (
    r"does not support (propagateSizeHints\(\)|raise\(\)|grabbing the keyboard)",
    r"QFontDatabase: Cannot find font directory",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have pytest-qt fail a test during which Qt warned, unless the test marks otherwise."""
    for item in items:
        if item.get_closest_marker("qt_log_level_fail") is None:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
        if item.get_closest_marker("qt_log_ignore") is None:
            item.add_marker(pytest.mark.qt_log_ignore(*IGNORED))


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: tests of the window wait for it half of the time."""
    return max(round(1.5 * machine.num_cores()), 2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the tests' own home and cache away."""
    shutil.rmtree(EMPTY, ignore_errors=True)


@pytest.fixture
def open_window(qtbot):
    """A function that opens a window of the test's own, with a family tab in it."""
    from tests.windows import opened, wait_open

    with ExitStack() as windows:

        def make(**how):
            window = windows.enter_context(opened(**how))
            wait_open(qtbot, window)
            return window

        yield make


@pytest.fixture(scope="module")
def shared_window(qapp):
    """One window for all tests of a file: what is opened in it must not care what was there before."""
    from tests.windows import opened

    with opened() as window:
        yield window


@pytest.fixture
def one_thread():
    """Small tensors gain nothing from more, and where others are at work two threads wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
