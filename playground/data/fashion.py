"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, MIT licence): 28x28 grey pictures of ten classes of garments.

It is split 55,000 / 5,000 / 10,000 everywhere: the last 5,000 training images are the validation set.  The test images
travel with the program; the training images are looked for in ``$PLAYGROUND_DATA``, in the Debian package's folder and
in the cache.  They are fetched from the web only by :func:`download`, which waits for the user's yes.  No torch.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from playground import paths
from playground.data.dataset import Dataset, Split, find, is_there
from playground.data.web import download_file

FASHION = Dataset(
    "fashion",
    "Fashion-MNIST",
    "MIT",
    (28, 28, 1),
    (
        "T-shirt",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    num_test=10_000,
)

_FILES = {  # file name -> sha256
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
MEGABYTES = 30  # of a download
_NUM_VALIDATION = 5_000


def load(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N,28,28,1) and labels int64 (N,), both read-only.

    Raises:
        FileNotFoundError: one sentence, if the files are nowhere on this machine; it says what to install.
        ValueError: one sentence, if a file is not the published one.
    """
    images, labels = read_pair("t10k" if split == "test" else "train")
    if split == "train":
        return images[:-_NUM_VALIDATION], labels[:-_NUM_VALIDATION]
    if split == "validation":
        return images[-_NUM_VALIDATION:], labels[-_NUM_VALIDATION:]
    return images, labels


@lru_cache(maxsize=2)
def read_pair(prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N,H,W,C) and labels int64 (N,) of one pair of files, each checked; read once."""
    images = np.frombuffer(_read(f"{prefix}-images-idx3-ubyte.gz"), np.uint8, offset=16).reshape(
        -1, *FASHION.image_shape
    )
    labels = np.frombuffer(_read(f"{prefix}-labels-idx1-ubyte.gz"), np.uint8, offset=8).astype(np.int64)
    labels.setflags(write=False)
    return images, labels


def missing() -> list[str]:
    """The files of the training pictures that are nowhere on this machine."""
    return [name for name in _FILES if name.startswith("train-") and not is_there(name, _DEBIAN)]


def download(url: str = URL) -> None:
    """Fetch the training pictures into the cache; only after the user said yes.

    Raises:
        OSError: one sentence, if they cannot be had or not be kept.
        ValueError: one sentence, if what came is not the published file.
    """
    for name in missing():
        download_file(url + name, paths.cache() / name, _FILES[name])
    read_pair.cache_clear()


def _read(name: str) -> bytes:
    found = find(name, _DEBIAN)
    if found is None:
        raise FileNotFoundError(
            f"Fashion-MNIST's training pictures are not on this machine ({name}): install the Debian package "
            "dataset-fashion-mnist, or put the files into the folder that PLAYGROUND_DATA names, or have them "
            "fetched by playground train with --download."
        )
    path, content = found
    if hashlib.sha256(content).hexdigest() != _FILES[name]:
        raise ValueError(f"{path} is not the published Fashion-MNIST file (its checksum differs).")
    return gzip.decompress(content)
