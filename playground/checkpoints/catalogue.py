"""Checkpoints that exist and are not installed: a wheel brings what the tabs open with, a second one the rest.

``catalogue.json`` is written beside the weights when the first wheel is built (``hatch_build.py``); a checkout has none, since
it has every checkpoint.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from playground import paths

PACKAGE = "generative-playground-models"


@dataclass(frozen=True)
class Entry:
    """What is known of a checkpoint without its file."""

    id: str
    family: str
    system: str

    @property
    def how_to_get(self) -> str:
        """One sentence."""
        return f"{self.id} ({self.system}) is not installed; pip install {PACKAGE} brings it."


def missing() -> list[Entry]:
    """The checkpoints of the catalogue whose files are not here, in its order."""
    folder = paths.folder("pretrained")
    try:
        found = json.loads((folder / "catalogue.json").read_text(encoding="utf-8"))
        entries = [Entry(str(e["id"]), str(e["family"]), str(e["system"])) for e in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    folders = paths.checkpoint_folders()
    return [e for e in entries if not any((f / f"{e.id}.safetensors").is_file() for f in folders)]
