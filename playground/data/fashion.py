"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, MIT licence): 28x28 grey pictures of ten classes of garments.

It is split 55,000 / 5,000 / 10,000 everywhere: the last 5,000 training images are the validation set.  The test images
travel with the program; the training images are looked for in ``$PLAYGROUND_DATA``, in the Debian package's folder, in
the cache, and else downloaded.  No torch.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from playground import paths
from playground.data.dataset import Dataset, Split, places

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
)

_FILES = {  # file name -> sha256
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_NUM_VALIDATION = 5_000


def load(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N,28,28,1) and labels int64 (N,), both read-only.

    Raises:
        FileNotFoundError: one sentence, if the files are nowhere and cannot be downloaded.
        ValueError: one sentence, if a file is not the published one.
    """
    images, labels = _read_pair("t10k" if split == "test" else "train")
    if split == "train":
        return images[:-_NUM_VALIDATION], labels[:-_NUM_VALIDATION]
    if split == "validation":
        return images[-_NUM_VALIDATION:], labels[-_NUM_VALIDATION:]
    return images, labels


@lru_cache(maxsize=2)
def _read_pair(prefix: str) -> tuple[np.ndarray, np.ndarray]:
    images = np.frombuffer(_read(f"{prefix}-images-idx3-ubyte.gz"), np.uint8, offset=16).reshape(
        -1, 28, 28, 1
    )
    labels = np.frombuffer(_read(f"{prefix}-labels-idx1-ubyte.gz"), np.uint8, offset=8).astype(np.int64)
    labels.setflags(write=False)
    return images, labels


def _read(name: str) -> bytes:
    for place in places(_DEBIAN):
        if (place / name).is_file():
            return gzip.decompress(_checked(name, (place / name).read_bytes(), place / name))
    return gzip.decompress(_download(name))


def _checked(name: str, data: bytes, where: object) -> bytes:
    if hashlib.sha256(data).hexdigest() != _FILES[name]:
        raise ValueError(f"{where} is not the published Fashion-MNIST file (its checksum differs).")
    return data


def _download(name: str) -> bytes:
    import urllib.request  # slow to import, seldom needed

    try:
        with urllib.request.urlopen(_URL + name, timeout=30) as answer:
            data = _checked(name, answer.read(), _URL + name)
    except OSError as error:
        raise FileNotFoundError(
            f"{name} is not in $PLAYGROUND_DATA nor in {_DEBIAN} and could not be downloaded ({error})."
        ) from None
    paths.cache().mkdir(parents=True, exist_ok=True)
    partial = paths.cache() / (name + ".part")
    partial.write_bytes(data)
    partial.replace(paths.cache() / name)
    return data
