"""Which checkpoints go into which wheel: ``generative-playground`` takes what is needed to start, ``generative-playground-models``
the rest.

Needed to start is what a tab opens with (``families.py``), what that is built on or guided by, as its card says, and the network
that makes colour pictures larger in every tab.  Both
wheels put their files into ``playground/pretrained``; the first also brings ``catalogue.json``, so that the window can say
what the second would add.  Only the standard library and hatchling are used.
"""

from __future__ import annotations

import ast
import json
import struct
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TOP = Path(__file__).resolve().parent
PRETRAINED = TOP / "pretrained"
INSIDE = "playground/pretrained"
EVERYWHERE = {"sr-emoji"}  # every tab's colour pictures go through it


def read_cards() -> dict[str, dict[str, Any]]:
    """Checkpoint id -> its card, from the JSON header of a safetensors file."""
    cards = {}
    for file in sorted(PRETRAINED.glob("*.safetensors")):
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            cards[file.stem] = json.loads(json.loads(opened.read(length))["__metadata__"]["card"])
    return cards


def opened_first() -> set[str]:
    """The checkpoints that the tabs open with: every ``opens="..."`` in ``families.py``."""
    tree = ast.parse((TOP / "playground" / "families.py").read_text(encoding="utf-8"))
    words = [k for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords]
    return {k.value.value for k in words if k.arg == "opens" and isinstance(k.value, ast.Constant)}


def needed_to_start(cards: dict[str, dict[str, Any]]) -> set[str]:
    """What the tabs open with, and what that needs in turn."""
    needed, waiting = set(), [id for id in opened_first() | EVERYWHERE if id in cards]
    while waiting:
        id = waiting.pop()
        needed.add(id)
        others = [*(cards[id].get("built_on") or ()), *(cards[id].get("guided_by") or ())]  # "id@hash"
        waiting += {o.partition("@")[0] for o in others} - needed
    return needed


def files_of(ids: set[str]) -> dict[str, str]:
    """Source -> place in the wheel, of the weights and of everything measured of them."""
    files = [f for f in PRETRAINED.iterdir() if f.name.partition(".")[0] in ids]
    return {str(f): f"{INSIDE}/{f.name}" for f in sorted(files)}


class Checkpoints(BuildHookInterface):  # type: ignore[misc]
    """Adds checkpoints to a wheel; ``which`` in its pyproject.toml is ``start`` or ``rest``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; an editable install finds them in the checkout."""
        if self.target_name != "wheel" or version == "editable":
            return
        cards = read_cards()
        start = needed_to_start(cards)
        chosen = start if self.config["which"] == "start" else set(cards) - start
        build_data["force_include"].update(files_of(chosen))
        if self.config["which"] == "start":
            build_data["force_include"][str(self._catalogue(cards))] = f"{INSIDE}/catalogue.json"

    def _catalogue(self, cards: dict[str, dict[str, Any]]) -> Path:
        """A file that names every checkpoint, its family and system."""
        entries = [{"id": i, "family": c["family"], "system": c["system"]} for i, c in cards.items()]
        file = Path(self.directory) / "catalogue.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        return file

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The catalogue is in the wheel now."""
        (Path(self.directory) / "catalogue.json").unlink(missing_ok=True)
