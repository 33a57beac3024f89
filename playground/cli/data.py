"""``playground data``: what a model of words learned from, and what was held out, as arrays that anyone can check."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np

from playground import paths
from playground.cli import shared
from playground.data import emoji


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "data", run, "the drawings of a split, to check what was held out")
    command.add_argument("dataset", help="emoji")
    command.add_argument("--split", choices=list(emoji.SPLITS), default="train")
    command.add_argument(
        "--out", type=Path, required=True, help=".npz with images uint8 (N,32,32,3), names and styles"
    )


def run(options: Namespace) -> None:
    """The drawings of a split: ``images`` uint8 (N,32,32,3), ``names`` and ``styles`` as unicode arrays.

    Raises:
        ValueError: one sentence, for a data set without such splits or a file of another kind.
    """
    if options.dataset != emoji.EMOJI.name:
        raise ValueError(f"Only the data set emoji is split by meaning, not {options.dataset!r}.")
    if options.out.suffix != ".npz":
        raise ValueError(f"--out takes a name that ends in .npz, not {options.out.name!r}.")
    if not options.out.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {options.out.absolute().parent}.")
    chosen = emoji.load(options.split)
    with paths.replacing(options.out) as partial, partial.open("wb") as file:
        np.savez_compressed(file, images=chosen.images, names=chosen.names, styles=chosen.styles)
