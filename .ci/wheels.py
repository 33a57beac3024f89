"""Builds both wheels, installs them into a new environment far from this checkout, and draws one picture of each family.

Usage: python .ci/wheels.py [requirement ...]     (requirements are installed first, such as torch's CPU build)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 100 * 10**6  # bytes of a wheel: what PyPI takes


def main(requirements: list[str]) -> None:
    """Every step, with its seconds; the first failure ends it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        python = new_environment(folder / "env")
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        run(
            [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT), str(ROOT / "pretrained")],
            folder,
        )
        first, second = sorted(folder.glob("*.whl"))  # ..._playground-..., ..._playground_models-...
        for wheel in (first, second):
            print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
            if wheel.stat().st_size > MOST:
                sys.exit(f"{wheel.name} is larger than {MOST / 1e6:.0f} MB.")
        run([*pip, "install", *requirements, str(first)], folder)
        alone = draw_each_family(python, folder)
        run([*pip, "install", "--no-deps", str(second)], folder)
        both = draw_each_family(python, folder, without=alone)
        if not both:
            sys.exit("The second wheel added no checkpoint.")
        window(python, folder)
    print("wheels: green")


def new_environment(folder: Path) -> Path:
    """A fresh virtual environment; returns its python."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def draw_each_family(python: Path, folder: Path, without: frozenset[str] = frozenset()) -> frozenset[str]:
    """One picture (or text) by a model of each family, none of them among ``without``; returns all checkpoints there."""
    listed = run([str(python), "-m", "playground", "list", "--json"], folder)
    cards = json.loads(listed)
    if any(str(ROOT) in line for line in cards[0]):
        sys.exit("The checkout was used in place of the wheel.")
    for family in sorted({card["family"] for card in cards}):
        fresh = [c for c in cards if c["family"] == family and c["id"] not in without]
        if not fresh:
            continue
        out = folder / f"{fresh[0]['id']}.npy"  # every kind of model can write this
        run(
            [str(python), "-m", "playground", "sample", fresh[0]["id"], "--count", "1", "--out", str(out)],
            folder,
        )
        if out.stat().st_size <= 128:
            sys.exit(f"{out.name} is empty.")
    return frozenset(card["id"] for card in cards)


def window(python: Path, folder: Path) -> None:
    """The window opens, draws and closes."""
    shot = folder / "window.png"
    run([str(python), "-m", "playground", "--screenshot", str(shot), "--after", "8"], folder)
    if shot.stat().st_size < 10_000:
        sys.exit("The window is empty.")


def run(command: list[str], folder: Path) -> str:
    """Run a command away from the checkout; returns what it printed."""
    began = time.perf_counter()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PLAYGROUND"))}
    clean.setdefault("QT_QPA_PLATFORM", "offscreen")
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)
    said = " ".join(Path(word).name if os.sep in word else word for word in command)
    print(f"{time.perf_counter() - began:6.1f} s  {said}", flush=True)
    if done.returncode:
        sys.exit(f"{said} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
