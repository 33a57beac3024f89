"""Python's own standard library as the dataset ``python``: whole modules held out, characters as numbers.

It is on every machine that runs this program, in the version of that Python; tests, data tables and what is not plain ASCII
are left out.  The test modules travel with the program as they are in Python 3.11, with their licence (that of the Python
Software Foundation, ``PYTHON-LICENSE.txt`` beside them).  No torch.
"""

from __future__ import annotations

import gzip
import re
import sysconfig
from functools import lru_cache
from pathlib import Path

import numpy as np

from playground import paths
from playground.data import characters
from playground.data.dataset import Dataset, Split
from playground.data.modality import Modality

PYTHON = Dataset(
    "python",
    "Python's standard library, whole modules held out",
    "PSF-2.0",
    (1, characters.WINDOW, 1),
    (),
    num_test=315,
    modality=Modality.TEXT,
    parts="modules",
    prompt="import os\n\n\ndef ",
)
TEST_MODULES = ("textwrap", "queue", "fnmatch", "sched", "graphlib", "uuid")
VALIDATION_MODULES = ("bisect", "copy", "colorsys", "string", "cmd")
TEST_FILE = "python-test-modules.txt.gz"
_MODULE = "== "  # a line that begins so names the next module, in the test file
# folders that are no library, or tables of data
_LEFT_OUT = frozenset(
    [
        "test",
        "tests",
        "idlelib",
        "site-packages",
        "dist-packages",
        "lib2to3",
        "turtledemo",
        "__pycache__",
        "pydoc_data",
        "ensurepip",
        "encodings",
    ]
)


def windows(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Stretches of its characters, see :func:`playground.data.characters.windows`.

    Raises:
        FileNotFoundError: see :func:`modules`.
    """
    return characters.windows(modules(split).values())


@lru_cache(maxsize=3)
def modules(split: Split) -> dict[str, str]:
    """Name -> text of every module of a split.

    Raises:
        FileNotFoundError: one sentence, if this Python comes without its source.
    """
    if split == "test":
        text = gzip.decompress((paths.folder("assets") / TEST_FILE).read_bytes()).decode("ascii")
        parts = re.split(rf"^{_MODULE}(\w+)\n", text, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))
    every = _installed()
    held = (*TEST_MODULES, *VALIDATION_MODULES)
    if split == "validation":
        return {name: every[name] for name in VALIDATION_MODULES if name in every}
    return {name: text for name, text in every.items() if name not in held}


def write_test_modules() -> Path:
    """Make the file of test modules out of this Python's (done once; the file travels with the program)."""
    every = _installed()
    text = "".join(f"{_MODULE}{name}\n{every[name]}" for name in TEST_MODULES)
    path = paths.folder("assets") / TEST_FILE
    path.write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))
    return path


def _installed() -> dict[str, str]:
    folder = Path(sysconfig.get_path("stdlib"))
    found = {}
    for file in sorted(folder.rglob("*.py")):
        place = file.relative_to(folder)
        if _LEFT_OUT.isdisjoint(place.parts):
            text = file.read_bytes()
            if text.isascii():
                name = ".".join(place.with_suffix("").parts)
                found[name] = text.decode("ascii").replace("\r\n", "\n")
    if not found:
        raise FileNotFoundError(f"This Python comes without the source of its library ({folder}).")
    return found
