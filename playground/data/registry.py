"""The data sets by name, as uint8 arrays (N, H, W, C) with int64 labels.  No torch.

A text is a picture of one line here: (N, 1, T, 1), each "pixel" the ASCII code of a character (see ``characters.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from playground.data import (
    bible,
    car,
    emoji,
    fashion,
    icons,
    own_pictures,
    plane,
    python_source,
    spoken_words,
)
from playground.data.dataset import Dataset, Split
from playground.data.emoji import large as emoji_large
from playground.data.modality import Modality


class Datasets(dict[str, Dataset]):
    """The program's own by name; those of the user's own pictures are looked for when they are asked for."""

    def __missing__(self, name: str) -> Dataset:
        found = own_pictures.find(name)
        if found is None:
            raise KeyError(name)
        return found.dataset

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and own_pictures.find(name) is not None)

    def get(self, name: str, default: Any = None) -> Any:
        """As of every table."""
        try:
            return self[name]
        except KeyError:
            return default


DATASETS = Datasets(
    {
        d.name: d
        for d in (
            fashion.FASHION,
            bible.BIBLE,
            python_source.PYTHON,
            emoji.EMOJI,
            emoji_large.EMOJI_64,
            icons.ICONS,
            car.CAR,
            spoken_words.WORDS_SPOKEN,
        )
    }
)
_LOADERS: dict[str, Callable[[Split], tuple[np.ndarray, np.ndarray]]] = {
    "fashion": fashion.load,
    "bible": bible.windows,
    "python": python_source.windows,
    "emoji": emoji.pictures_and_styles,
    "emoji-64": emoji_large.load,
    "icons": icons.load,
    "car": car.frames,
    "words": spoken_words.load,
}


def load(dataset: str, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, H, W, C) and labels int64 (N,), both read-only.

    Raises:
        FileNotFoundError: one sentence, if the files are nowhere on this machine; it says what to install.
        ValueError: one sentence, if a file is not the published one, or there is no such dataset or split.
    """
    if dataset not in DATASETS:
        raise ValueError(f"There is no dataset called {dataset!r}; there are {', '.join(DATASETS)}.")
    if split not in ("train", "validation", "test"):
        raise ValueError(f"There is no split called {split!r}; there are train, validation and test.")
    if dataset in _LOADERS:
        return _LOADERS[dataset](split)
    found = own_pictures.find(dataset)
    assert found is not None, "it is in DATASETS"
    return found.split(split)


def texts(dataset: str, split: Split) -> dict[str, str]:
    """Whole texts of a dataset of text by name: books, modules.

    Raises:
        FileNotFoundError: as :func:`load`.
    """
    return {"bible": bible.books, "python": python_source.modules}[dataset](split)


def wants_download(dataset: str) -> str:
    """What would be fetched from where, if training pictures are not on this machine but can be had; else ""."""
    if dataset != "fashion" or not fashion.missing():
        return ""
    return f"{fashion.FASHION.title}'s training pictures ({fashion.MEGABYTES} MB) from {fashion.URL}"


def download(dataset: str) -> None:
    """Fetch what :func:`wants_download` names; only after the user said yes.

    Raises:
        OSError, ValueError: one sentence, see :func:`playground.data.fashion.download`.
    """
    if wants_download(dataset):
        fashion.download()


def modality(dataset: str) -> Modality:
    """What a dataset (of this name, perhaps one that only a user's own file knows) holds."""
    if dataset == plane.DATASET:  # drawn afresh, and no set of examples
        return Modality.POINTS
    return DATASETS[dataset].modality if dataset in DATASETS else Modality.PICTURES
