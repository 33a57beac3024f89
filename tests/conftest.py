"""Every test runs without a screen, and a warning from Qt fails it like any other warning."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt

import pytest

# what the platform without a screen says of itself
IGNORED = (r"does not support propagateSizeHints", r"QFontDatabase: Cannot find font directory")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have pytest-qt fail a test during which Qt warned, unless the test marks otherwise."""
    for item in items:
        if item.get_closest_marker("qt_log_level_fail") is None:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
        if item.get_closest_marker("qt_log_ignore") is None:
            item.add_marker(pytest.mark.qt_log_ignore(*IGNORED))
