"""What every data set says about itself, and where the files of one are looked for.  No torch."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playground import paths
from playground.data.modality import Modality

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Dataset:
    """What a dataset is called and looks like."""

    name: str
    title: str
    licence: str
    image_shape: tuple[int, int, int]  # H, W, C; of a text 1, characters of a training example, 1
    classes: tuple[str, ...]
    num_test: int  # examples of the test set
    modality: Modality = Modality.PICTURES
    prompt: str = ""  # how a text of this kind begins, where nothing is said; "" for the model's usual one
    parts: str = ""  # what whole ones of a data set of text are called, as are held out: books, modules

    @property
    def num_dims(self) -> int:
        """Numbers of an example."""
        return math.prod(self.image_shape)


def find(name: str, system: Path) -> tuple[Path, bytes] | None:
    """The first file of this name in :func:`places`, with its bytes; None if there is none.

    Raises:
        OSError: if there is one that cannot be read.
    """
    for place in places(system):
        try:
            return place / name, (place / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
    return None


def is_there(name: str, system: Path) -> bool:
    """Whether :func:`find` would find one; it is opened, and not read."""
    for place in places(system):
        try:
            with (place / name).open("rb"):
                return True
        except OSError:
            continue
    return False


def places(system: Path) -> list[Path]:
    """Folders in which the files of a dataset are looked for, in this order; ``system``: where a package puts them."""
    own = [Path(os.environ["PLAYGROUND_DATA"])] if os.environ.get("PLAYGROUND_DATA") else []
    return [*own, paths.folder("assets"), system, paths.cache()]
