"""``playground evaluate`` with a short ruler, fast enough for a test; ``torchrun`` starts this file (it is no test itself)."""

from __future__ import annotations

import sys

import torch

from playground import data
from playground.__main__ import main
from playground.evaluation import marks, pictures


def shorten(put=setattr):
    """A reference of a few hundred pictures, training pictures that need not be there, small batches."""
    load = data.load
    put(marks, "NUM_REFERENCE", 300)
    put(pictures, "NUM_NEAREST", 20)
    put(pictures, "BATCH", 16)
    put(pictures, "_REAL", {})
    put(marks, "read", lambda dataset, count: {})
    put(
        data,
        "load",
        lambda dataset, split: (
            tuple(a[-2000:] for a in load(dataset, "test")) if split == "train" else load(dataset, split)
        ),
    )
    torch.set_num_threads(1)


if __name__ == "__main__":
    shorten()
    sys.exit(main(sys.argv[1:]))
