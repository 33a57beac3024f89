"""What starts without torch or Qt, how the data are split, and that the wheel carries its files (imports: ``test_house.py``)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import playground
from playground import data, paths
from playground.data import fashion

PACKAGE = Path(playground.__file__).parent


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={**__import__("os").environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    return set(done.stdout.splitlines()[-1].split())


LATE = {"torch", "numpy", "pyqtgraph", "PIL", "safetensors", "tomllib", "playground.lessons"}


def test_the_window_is_on_the_screen_before_what_it_need_not_wait_for_is_imported():
    modules = loaded_after(
        "from playground.cli import main\n"
        "from playground.cli.gui import window\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from playground.app import MainWindow\n"
        "app = QApplication([])\n"
        "window = MainWindow()\n"
        "window.show()\n"
        "app.processEvents()\n"
        "window.close()\n"
    )
    assert "PySide6.QtWidgets" in modules and not modules & LATE


def test_views_need_no_torch():
    modules = loaded_after("import playground.tabs.vae.latent_plane, playground.tabs.diffusion.generate")
    assert "torch" not in modules and "pyqtgraph" not in modules


def test_the_collector_rests_until_torch_is_imported_and_then_leaves_it_alone():
    code = (
        "import gc\n"
        "from playground import garbage\n"
        "from playground.tabs.frame import model_cache\n"
        "garbage.pause()\n"
        "paused = gc.isenabled()\n"
        "model_cache.prepare()\n"
        "frozen = gc.get_freeze_count()\n"
        "model_cache.prepare()\n"
        "print(paused, gc.isenabled(), frozen > 50_000, gc.get_freeze_count() == frozen)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True", "True"]


def test_listing_needs_neither_torch_nor_qt():
    modules = loaded_after("from playground.cli.main import main; main(['list'])")
    assert "torch" not in modules and "PySide6" not in modules


def test_python_users_get_models_without_qt():
    modules = loaded_after("import playground; playground.load('vae2d-fashion')")
    assert "torch" in modules and "PySide6" not in modules


def test_splits_are_those_of_the_design():
    images, labels = data.load("fashion", "test")
    assert images.shape == (10_000, 28, 28, 1) and (labels[:3] == [9, 2, 1]).all()
    with pytest.raises(ValueError, match="no dataset"):
        data.load("mnist", "test")


def test_a_wrong_data_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAYGROUND_DATA", str(tmp_path))
    fashion.read_pair.cache_clear()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"not the file")
    with pytest.raises(ValueError, match="checksum"):
        data.load("fashion", "test")
    fashion.read_pair.cache_clear()


def test_the_wheel_carries_checkpoints_and_assets(tmp_path):
    """Installed elsewhere, without the checkout in sight, the program finds its files and draws."""
    root = PACKAGE.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("not a checkout")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(root)], check=True, cwd=tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import playground; from playground import paths\n"
        "assert playground.__file__.startswith(sys.argv[1]), playground.__file__\n"
        "from playground.cli.main import main\n"
        "sys.exit(main(['sample', 'vae2d-fashion', '--count', '2', '--out', 'two.npy']))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "site")], check=True, cwd=tmp_path)
    assert (tmp_path / "two.npy").stat().st_size > 2 * 784
    assert paths.folder("assets") == root / "assets"
