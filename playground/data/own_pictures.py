"""The user's own pictures as a data set: a folder of files, read into squares of one size, and kept beside the models they made.

What cannot be read is left out and named.  A collection that is kept is a file ``<name>.pictures.npz`` in one of the folders in
which checkpoints are found; its name holds a part of its checksum, so that it stands for these pictures and no others.  No torch.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from playground import labels, paths
from playground.data.dataset import Dataset, Split

FEWEST = 50  # pictures that anything can be learned from
MOST = 20_000  # 60 MB of them in colour
GREY, COLOUR = 28, 32  # pixels a side
_ENDING = ".pictures.npz"
_LONGEST = 24  # letters of a folder's name in an id
_HELD_OUT = 10  # one in so many is for validation, and one for test


class OwnPicturesError(ValueError):
    """A folder that nothing can be learned from, said in one sentence."""


@dataclass(frozen=True, eq=False)
class Collection:
    """Pictures of one folder.

    Attributes:
        title: what the folder is called.
        images: uint8 (N,28,28,1), or (N,32,32,3) in colour, in the order of the file names.
        left_out: a sentence for each file that could not be read.
    """

    title: str
    images: np.ndarray
    left_out: tuple[str, ...] = ()

    @cached_property
    def checksum(self) -> str:
        """What tells these pixels from others."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()

    @property
    def name(self) -> str:
        """Of the data set: the folder's name and a part of the checksum."""
        return f"{labels.OWN}{slug(self.title)}-{self.checksum[:6]}"

    @cached_property
    def dataset(self) -> Dataset:
        """How it is described."""
        height, width, channels = self.images.shape[1:]
        return Dataset(
            self.name,
            f"{self.title} (your pictures)",
            "yours",
            (height, width, channels),
            (),
            num_test=len(self.split("test")[0]),
        )

    def split(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """The pictures of a split and labels that are all 0: eight in ten, one in ten, one in ten, drawn once for all."""
        order = np.random.default_rng(0).permutation(len(self.images))
        part = len(order) // _HELD_OUT
        chosen = {
            "validation": order[:part],
            "test": order[part : 2 * part],
            "train": order[2 * part :],
        }[split]
        return self.images[chosen], np.zeros(len(chosen), np.int64)


def slug(title: str) -> str:
    """A folder's name as a part of an id: small letters and digits, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall("[a-z0-9]+", plain))[:_LONGEST].strip("-") or "pictures"


# --- reading a folder


def files_in(folder: Path) -> list[Path]:
    """Every file in a folder and in those below it that is not hidden, sorted.

    Raises:
        OwnPicturesError: one sentence, if there is no such folder.
    """
    if not folder.is_dir():
        said = "is no folder" if folder.exists() else "does not exist"
        raise OwnPicturesError(f"{folder} {said}: name a folder of pictures.")
    found = []
    for here, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [Path(here) / name for name in sorted(names) if not name.startswith(".")]
    return found


def read_each(files: list[Path], colour: bool) -> Iterator[np.ndarray | str]:
    """Of each file its pixels, uint8 (28,28,1) or (32,32,3), or a sentence on why it is left out."""
    from playground.data import (
        image_import,
    )  # Pillow, which whoever only asks for a data set need not wait for

    count = 0
    for path in files:
        if count == MOST:
            yield f"{path.name} is left out: {MOST:,} pictures are enough."
            continue
        try:
            yield image_import.read_square(path, COLOUR if colour else GREY, colour)
            count += 1
        except image_import.PictureError as error:
            yield str(error)


def collected(folder: Path, found: list[np.ndarray | str], colour: bool) -> Collection:
    """What :func:`read_each` has given of a folder's files.

    Raises:
        OwnPicturesError: one sentence, if there are too few pictures.
    """
    images = [one for one in found if not isinstance(one, str)]
    left_out = tuple(one for one in found if isinstance(one, str))
    if len(images) < FEWEST:
        others = f", and {len(left_out)} files that are none" if left_out else ""
        raise OwnPicturesError(
            f"{folder} holds {len(images)} readable pictures{others}: at least {FEWEST} are needed to learn from."
        )
    return Collection(folder.resolve().name or "pictures", np.stack(images), left_out)


def read_folder(folder: Path, colour: bool = False) -> Collection:
    """All pictures of a folder.

    Raises:
        OwnPicturesError: one sentence, if there is no such folder, or too few pictures in it.
    """
    return collected(folder, list(read_each(files_in(folder), colour)), colour)


# --- keeping


def keep(collection: Collection, folder: Path) -> Path:
    """Write a collection beside the models that are made of it.

    Raises:
        OSError: if it cannot be written.
    """
    path = folder / (collection.name + _ENDING)
    if not path.is_file():
        with paths.replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, images=collection.images, title=np.frombuffer(collection.title.encode(), np.uint8))
    return path


def kept(path: Path) -> Collection:
    """What :func:`keep` wrote.

    Raises:
        OwnPicturesError: one sentence, if it is not that.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            images, title = file["images"], file["title"].tobytes().decode()
        if images.dtype != np.uint8 or images.shape[1:] not in ((GREY, GREY, 1), (COLOUR, COLOUR, 3)):
            raise ValueError(f"{images.dtype} {images.shape}")
        found = Collection(title, images)
        if path.name != found.name + _ENDING or not FEWEST <= len(images) <= MOST:
            raise ValueError("it was changed")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise OwnPicturesError(f"{path.name} is no collection of pictures ({error}).") from None
    images.setflags(write=False)
    return found


def kept_in(folder: Path) -> Path | None:
    """The file of the collection in a folder; None if there is none."""
    return next(iter(sorted(folder.glob(f"*{_ENDING}"))), None)


def find(name: str) -> Collection | None:
    """A collection of this name from where checkpoints are found; None if it is nowhere, or damaged."""
    if not re.fullmatch(labels.OWN + "[a-z0-9]+(-[a-z0-9]+)*", name):
        return None
    for folder in paths.checkpoint_folders():
        path = folder / (name + _ENDING)
        if path.is_file():
            try:
                return _read_once(path, path.stat().st_mtime_ns)
            except OwnPicturesError:
                continue
    return None


@lru_cache(maxsize=4)
def _read_once(path: Path, stamp: int) -> Collection:
    return kept(path)
