"""What other systems do differently: Windows' file handles, its consoles, full disks, two programs and one name."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAccessible

from playground import checkpoints, paths
from playground.cli.gui import preflight
from playground.cli.main import main
from playground.contract import Knob
from playground.export import animation, csv_table, picture_metadata
from playground.export.picture_metadata import PictureMetadata
from playground.ui.knobs.rows import row
from playground.ui.widgets.controls import Slider

KEPT = PictureMetadata("vae", "vae-fashion", "0123", "Generate", {"seed": 7})
SHEET = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
EXPORTS = {
    "a.png": lambda path: picture_metadata.save_png(path, SHEET, KEPT),
    "a.gif": lambda path: animation.write(path, [SHEET, SHEET.T], 2, 20),
    "a.webp": lambda path: animation.write(path, [SHEET, SHEET.T], 2, 20),
    "a.csv": lambda path: csv_table.save(path, csv_table.Table("a", ["x"], [[1], [2]])),
    "a.safetensors": lambda path: checkpoints.write_atomically(path, b"weights"),
}


@pytest.fixture
def as_on_windows(monkeypatch):
    """``os.fsync`` refuses a descriptor that cannot be written to, as Windows does."""
    fcntl = pytest.importorskip("fcntl", reason="here it is so already")
    sync = os.fsync

    def refuse(descriptor):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.parametrize("name", EXPORTS)
def test_everything_is_written_through_a_handle_that_may_write(name, tmp_path, as_on_windows):
    EXPORTS[name](tmp_path / name)
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).stat().st_size > 0


def test_two_programs_may_write_to_one_name(tmp_path):
    target = tmp_path / "a.png"
    with paths.replacing(target) as first:
        first.write_bytes(b"first, long")
        with paths.replacing(target) as second:
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first, long" and os.listdir(tmp_path) == ["a.png"]


def test_what_a_killed_program_left_is_taken_away_when_it_is_old(tmp_path):
    target = tmp_path / "a[1].png"  # a name that is also a pattern
    with paths.replacing(target) as now:
        now.write_bytes(b"new")
        old, young = (now.with_name(f"a[1].png.1-{age}.part") for age in ("old", "young"))
        for left in (old, young):
            left.write_bytes(b"")
        os.utime(old, (0, 0))
    with paths.replacing(target) as now:
        now.write_bytes(b"newer")
    assert sorted(os.listdir(tmp_path)) == sorted(["a[1].png", young.name])


def test_names_of_the_greatest_length_are_written(tmp_path):
    name = "ä" * 125 + ".npy"  # 254 bytes of the 255 that a file system takes
    checkpoints.write_atomically(tmp_path / name, b"x")
    assert os.listdir(tmp_path) == [name]


# --- full disks, missing rights


@contextmanager
def files_at_most(size):
    """Files larger than ``size`` bytes cannot be written: a full disk, for this process alone."""
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", ["npy", "png", "gif"])
def test_a_full_disk_is_a_sentence_about_the_file_that_was_asked_for(ending, tmp_path, capsys):
    out = tmp_path / f"x.{ending}"
    out.write_bytes(b"older")
    with files_at_most(1000):
        assert main(["sample", "vae2d-fashion", "--count", "9", "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert (
        said.startswith(f"{out}: ") and said.count("\n") == 1 and ".part" not in said and "[Errno" not in said
    )
    assert out.read_bytes() == b"older" and os.listdir(tmp_path) == [out.name]


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch, capsys):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    out = tmp_path / "x.npy"
    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    assert main(["sample", "vae2d-fashion", "--count", "1", "--out", str(out)]) == 1
    assert capsys.readouterr().err == f"{out}: Permission denied.\n"


# --- consoles


def on_console(encoding, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "playground", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_console_without_a_minus_sign_shows_a_plain_one(encoding):
    everything = on_console("utf-8", "evaluate", "--table").stdout.decode()
    assert "−" in everything and "±" in everything, "or there is nothing to lose here"
    for arguments in (["evaluate", "--table"], ["list"]):
        done = on_console(encoding, *arguments)
        assert done.returncode == 0 and done.stderr == b""
        text = done.stdout.decode(encoding)
        assert "?" not in text and ("-153.0" in text or arguments == ["list"])
    done = on_console(encoding, "check", "β−x.safetensors")
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b"beta-x" in done.stderr


# --- desktops, and machines without one


def lacks(*libraries):
    def load(name):
        if name in libraries:
            raise OSError(name)

    return load


X11, WAYLAND = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}


@pytest.mark.parametrize(
    "environment, system, load, said",
    [
        ({}, "linux", lacks(), "no screen"),
        (X11, "linux", lacks(), None),
        (X11, "linux", lacks("libxcb-cursor.so.0"), "libxcb-cursor0"),
        (WAYLAND, "linux", lacks("libxcb-cursor.so.0"), None),
        ({"XDG_SESSION_TYPE": "wayland"}, "linux", lacks(), None),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", lacks("libxcb-cursor.so.0"), None),
        ({}, "darwin", lacks("libxcb-cursor.so.0"), None),
        ({}, "win32", lacks("libxcb-cursor.so.0"), None),
    ],
)
def test_what_qt_would_abort_over_is_a_sentence(environment, system, load, said):
    if said is None:
        preflight.refuse_without_screen(environment, system, load)
        return
    with pytest.raises(preflight.NoScreen, match=said) as refusal:
        preflight.refuse_without_screen(environment, system, load)
    assert str(refusal.value).endswith(".")


def test_a_library_that_qt_was_built_with_is_named_with_its_package():
    lacking = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
    assert "libegl1" in str(preflight.explained(lacking))
    other = ImportError("No module named 'torch'")
    assert preflight.explained(other) is other


def test_without_home_passwd_and_console_it_samples(tmp_path):
    """As under a container's nameless user, or started by a desktop without a terminal."""
    program = (
        "import os, sys\n"
        "for name in ('HOME', 'USERPROFILE', 'XDG_CACHE_HOME'): os.environ.pop(name, None)\n"
        "try:\n"
        "    import pwd\n"
        "    def nobody(*_): raise KeyError('no such user')\n"
        "    pwd.getpwuid = pwd.getpwnam = nobody\n"
        "except ImportError: pass\n"
        "out = os.dup(1); sys.stdin = sys.stdout = sys.stderr = None\n"
        "from playground.cli.main import main\n"
        "code = main(['sample', 'ddpm-fashion', '--count', '1', '--set', 'num_steps=2', '--out', sys.argv[1]])\n"
        "os.write(out, str(code).encode())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.png")]
    done = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert done.stdout == b"0", done.stderr.decode()
    assert (tmp_path / "a.png").stat().st_size > 0


def test_screen_readers_hear_the_value_of_a_slider(qtbot):
    knob = Knob("temperature", float, 0.7, "temperature", "A number.", low=0.0, high=2.0, step=0.01, unit="K")
    one = row(knob, ())
    qtbot.addWidget(one)

    def heard():
        spoken = QAccessible.queryAccessibleInterface(one.slider)
        texts = [spoken.text(part) for part in (QAccessible.Text.Name, QAccessible.Text.Value)]
        return [*texts, spoken.valueInterface().currentValue()]

    assert heard() == ["temperature", "0.70 K", 0.7]
    one.slider.setValue(100)
    assert heard() == ["temperature", "1.00 K", 1.0]
    one.show_value(1.25)
    assert heard() == ["temperature", "1.25 K", 1.25]
    one.field.setValue(2.0)
    assert heard() == ["temperature", "2.00 K", 2.0]
    native = QAccessible.queryAccessibleInterface(one.slider).valueInterface()
    assert (native.minimumValue(), native.maximumValue(), native.minimumStepSize()) == (0.0, 2.0, 0.01)
    native.setCurrentValue(0.304)
    assert heard() == ["temperature", "0.30 K", 0.3] and one.value() == 0.3


def test_sliders_come_and_go_while_a_screen_reader_listens(qtbot):
    """Qt owns what it asked for: nothing of ours may keep a slider alive, or free it a second time."""
    QAccessible.setActive(True)
    try:
        for how in range(30):
            sliders = [Slider() for _ in range(3)]
            for at, slider in enumerate(sliders):
                slider.setValue(at)
                slider.say(f"{at} ms")
                asked = QAccessible.queryAccessibleInterface(slider)
                assert asked.text(QAccessible.Text.Value) == f"{at} ms" and asked.valueInterface() is not None
            if how % 2:
                sliders[0].deleteLater()
                QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            seen = [weakref.ref(slider) for slider in sliders]
            del sliders, slider, asked
            gc.collect()
            assert not any(one() for one in seen)
    finally:
        QAccessible.setActive(False)
