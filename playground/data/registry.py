"""The data sets by name, as uint8 arrays (N, H, W, C) with int64 labels.  No torch.

A text is a picture of one line here: (N, 1, T, 1), each "pixel" the ASCII code of a character (see ``bible.py``).
"""

from __future__ import annotations

import numpy as np

from playground.data import bible, fashion
from playground.data.dataset import Dataset, Modality, Split

DATASETS: dict[str, Dataset] = {d.name: d for d in (fashion.FASHION, bible.BIBLE)}
_LOADERS = {"fashion": fashion.load, "bible": bible.windows}


def load(dataset: str, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, H, W, C) and labels int64 (N,), both read-only.

    Raises:
        FileNotFoundError: one sentence, if the files are nowhere and cannot be downloaded.
        ValueError: one sentence, if a file is not the published one, or there is no such dataset or split.
    """
    if dataset not in DATASETS:
        raise ValueError(f"There is no dataset called {dataset!r}; there are {', '.join(DATASETS)}.")
    if split not in ("train", "validation", "test"):
        raise ValueError(f"There is no split called {split!r}; there are train, validation and test.")
    return _LOADERS[dataset](split)


def modality(dataset: str) -> Modality:
    """Whether a dataset (of this name, perhaps one that only a user's own file knows) holds pictures or text."""
    return DATASETS[dataset].modality if dataset in DATASETS else "images"
