"""The command line with a recipe small enough for a test; ``torchrun`` starts this file (it is no test itself)."""

from __future__ import annotations

import dataclasses
import sys

from playground import models
from playground.__main__ import main
from playground.training import loop


def tiny(network, recipe):
    from playground.models.vae.autoencoder import AutoencoderConfig

    small = AutoencoderConfig(width=4, hidden=32, num_mixtures=1)
    how = {"steps": 4, "batch_size": 9, "compile": False, "bfloat16": False, "warmup_steps": 2, "ema": 0.0}
    return dataclasses.replace(recipe, config=small, stored="float32", snapshot={"num_samples": 2}, **how)


def shrink(put=setattr):
    """Replace the recipes by a small one, and the data by a few pictures."""
    known = models.recipes()["ae2d-fashion"]
    test_split = loop.data.load("fashion", "test")
    put(models, "recipes", lambda: {"ae2d-fashion": (known[0], tiny(*known))})
    put(loop, "NUM_VALIDATION_IMAGES", 8)
    put(loop, "NUM_SNAPSHOTS", 2)
    put(loop.data, "load", lambda dataset, split: tuple(a[:64] for a in test_split))


if __name__ == "__main__":
    shrink()
    sys.exit(main(sys.argv[1:]))
