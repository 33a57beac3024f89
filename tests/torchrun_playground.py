"""Command lines one after another, with recipes and a ruler small enough for a test; ``torchrun`` starts this file (it is no test itself).

One start for all of them: to start two processes takes longer than what they do.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import nullcontext

import pytest
import torch

from playground import data, distributed, models
from playground.cli.main import main
from playground.evaluation import baselines, sample_quality
from playground.training import loop

END = "-- end of a command --"


def tiny(network, recipe):
    from playground.models.vae.autoencoder import AutoencoderConfig

    small = AutoencoderConfig(width=4, hidden=32, num_mixtures=1)
    how = {"steps": 4, "batch_size": 9, "compile": False, "bfloat16": False, "warmup_steps": 2, "ema": 0.0}
    return dataclasses.replace(recipe, config=small, stored="float32", snapshot={"num_samples": 2}, **how)


def shrink(put):
    """Replace the recipes by a small one, and the data by a few pictures."""
    known = models.recipes()["ae2d-fashion"]
    test_split = data.load("fashion", "test")
    put(models, "recipes", lambda: {"ae2d-fashion": (known[0], tiny(*known))})
    put(loop, "NUM_VALIDATION_IMAGES", 8)
    put(loop, "NUM_SNAPSHOTS", 2)
    put(data, "load", lambda dataset, split: tuple(a[:64] for a in test_split))


def shorten(put):
    """A reference of a few hundred pictures, training pictures that need not be there, small batches."""
    load = data.load
    put(baselines, "NUM_REFERENCE", 300)
    put(sample_quality, "NUM_NEAREST", 20)
    put(sample_quality, "BATCH", 16)
    put(sample_quality, "_REAL", {})
    put(baselines, "read", lambda dataset, count: {})
    put(
        data,
        "load",
        lambda dataset, split: (
            tuple(a[-2000:] for a in load(dataset, "test")) if split == "train" else load(dataset, split)
        ),
    )
    torch.set_num_threads(1)


SMALLER = {"train": shrink, "evaluate": shorten}


def run(lines):
    """One after another, in processes that have met: 1 as soon as one of them fails."""
    with distributed.joined() as world:
        for line in lines:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(distributed, "joined", lambda: nullcontext(world))
                SMALLER.get(line[0], lambda put: None)(patch.setattr)
                if main(line):
                    return 1
            if world.is_first:
                print(END, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run(json.loads(sys.argv[1])))
