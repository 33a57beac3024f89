"""Where things stand: imports point down, no circles, no crowded folders, no long files, private modules stay private.

Everything is read from the source, so imports under ``if TYPE_CHECKING`` and inside functions count, and so do constant
strings given to ``import_module``.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import playground

PACKAGE = Path(playground.__file__).parent
ROOT = PACKAGE.parent
# the lowest first; rooms of one floor that stand in APART do not import each other
FLOORS = (
    (
        "contract",
        "capabilities",
        "trainable",
        "data",
        "families",
        "garbage",
        "paths",
        "earlier_names",
        "machine",
        "labels",
        "numerals",
    ),
    ("models",),
    ("checkpoints", "distributed"),
    ("export",),
    ("ui", "experiments", "evaluation", "training"),
    ("tabs",),
    ("app", "start", "cli", "bench", "lessons", "__init__", "__main__"),
)
APART = (("ui", "experiments", "evaluation", "training"), ("contract", "data"))
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
QT = {"PySide6", "pyqtgraph", "superqt"}
# whose files never import these, at any depth
FOREIGN = {
    "ui": {"torch"},
    "models": QT,
    "experiments": QT,
    "training": QT,
    "evaluation": QT,
    "export": QT,
    "checkpoints": QT,
    "data": {*QT, "torch"},
    "contract": QT,
}
MOST_FILES, MOST_LINES = 20, 400


def name_of(file: Path) -> str:
    """``playground.ui.theme`` of ``.../playground/ui/theme/__init__.py``."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imported(text: str) -> set[str]:
    """Every module that a source names, as precisely as it can be told: ``from a import b`` is a.b where that is a module."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in FILES else str(node.module) for name in whole}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called == "import_module":
                found.add(str(node.args[0].value))
    return found


IMPORTS = {name: imported(file.read_text()) for name, file in FILES.items()}


def room_of(module: str) -> str:
    """The first name below the package."""
    return [*module.split("."), "__init__"][1]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, each sorted (strongly connected components by Kosaraju's two passes)."""
    order: list[str] = []
    seen: set[str] = set()

    def reach(start: str, edges: dict[str, set[str]], into: list[str]) -> None:
        stack = [(start, iter(edges.get(start, ())))]
        seen.add(start)
        while stack:
            following = stack[-1][1]
            step = next((n for n in following if n not in seen), None)
            if step is None:
                into.append(stack.pop()[0])
            else:
                seen.add(step)
                stack.append((step, iter(edges.get(step, ()))))

    for node in graph:
        if node not in seen:
            reach(node, graph, order)
    backwards: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            backwards.setdefault(target, set()).add(node)
    seen.clear()
    groups = []
    for node in reversed(order):
        if node not in seen:
            group: list[str] = []
            reach(node, backwards, group)
            groups.append(sorted(group))
    return [group for group in groups if len(group) > 1]


def test_the_rules_see_what_they_forbid():
    source = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from playground.tabs.frame import view\n"
        "def late():\n    import torch\n    import_module('playground.app')\n"
    )
    assert {"playground.tabs.frame.view", "torch", "playground.app"} <= imported(source)
    with pytest.raises(AssertionError, match="relative"):
        imported("from . import view")
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set()}) == [["a", "b", "c"]]


def test_every_room_has_a_floor():
    assert {room_of(name) for name in FILES} <= FLOOR.keys()


@pytest.mark.parametrize("room", FLOOR)
def test_imports_point_down(room):
    for name in (n for n in FILES if room_of(n) == room):
        for target in IMPORTS[name]:
            assert target.split(".")[0] not in FOREIGN.get(room, ()), f"{name} imports {target}"
            if target.split(".")[0] != "playground" or target == "playground":
                continue
            there = room_of(target)
            assert FLOOR[there] <= FLOOR[room], f"{name} imports {target}, which stands higher"
            beside = any(room in rooms and there in rooms for rooms in APART)
            assert there == room or not beside, f"{name} imports {target}, from a room beside its own"


def test_no_circle_between_files():
    parts = {name: file for name, file in FILES.items() if file.name != "__init__.py"}
    assert circles({name: IMPORTS[name] & parts.keys() - {name} for name in parts}) == []


def test_private_modules_stay_in_their_folder():
    for name, file in FILES.items():
        own = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for target in IMPORTS[name]:
            for depth, part in enumerate(target.split(".")):
                if part.startswith("_") and not part.startswith("__"):
                    folder = ".".join(target.split(".")[:depth])
                    assert own == folder or folder.split(".")[0] != "playground", f"{name} imports {target}"


def test_folders_and_files_are_small():
    files = [file for file in FILES.values() if file.name != "__init__.py"]
    crowded = {str(f): n for f, n in Counter(file.parent for file in files).items() if n > MOST_FILES}
    assert not crowded
    long = {str(f): n for f in FILES.values() if (n := len(f.read_text().splitlines())) > MOST_LINES}
    assert not long
