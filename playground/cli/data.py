"""``playground data`` and ``neighbours``: what a model learned from, what was held out, and what lies near to its pictures."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import numpy as np

from playground import checkpoints, paths
from playground.cli import sample, shared
from playground.data import emoji


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "data", run, "the drawings of a split, to check what was held out")
    command.add_argument("dataset", help="emoji")
    command.add_argument("--split", choices=list(emoji.SPLITS), default="train")
    command.add_argument(
        "--out", type=Path, required=True, help=".npz with images uint8 (N,32,32,3), names and styles"
    )
    _add_neighbours(commands)


def run(options: Namespace) -> None:
    """The drawings of a split: ``images`` uint8 (N,32,32,3), ``names`` and ``styles`` as unicode arrays.

    Raises:
        ValueError: one sentence, for a data set without such splits or a file of another kind.
    """
    if options.dataset != emoji.EMOJI.name:
        raise ValueError(f"Only the data set emoji is split by meaning, not {options.dataset!r}.")
    shared.check_out(options.out, ".npz")
    chosen = emoji.load(options.split)
    with paths.replacing(options.out) as partial, partial.open("wb") as file:
        np.savez_compressed(file, images=chosen.images, names=chosen.names, styles=chosen.styles)


def _add_neighbours(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(
        commands,
        "neighbours",
        find_neighbours,
        "the training pictures nearest to a model's, to see whether it copies",
    )
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument("--count", type=shared.positive, default=9, help="how many pictures (default 9)")
    command.add_argument("--seed", type=int, default=7)
    command.add_argument(
        "--by",
        choices=["pixels", "features"],
        default="pixels",
        help="compare pixel by pixel (default), or emoji by what a classifier sees in them",
    )
    shared.add_settings(command)
    command.add_argument("--json", action="store_true", help="an array with an object for each picture")


def find_neighbours(options: Namespace) -> None:
    """Draw, compare, print."""
    modality = shared.modality(options.id)
    if not modality.has_pixels:
        raise ValueError(f"{options.id} {modality.makes}: only pictures have nearest pictures.")
    from playground.evaluation import neighbours

    dataset = checkpoints.read_card(checkpoints.resolve(options.id)).dataset
    if reason := neighbours.why_not(dataset, options.by):  # before anything is drawn
        raise ValueError(reason)
    if reason := neighbours.why_no_pictures(dataset):
        shared.tell(f"{reason} Until then near pictures are found by their principal components.")
    model = shared.load(options.id)
    settings = dict(shared.setting(text) for text in options.set) | {"seed": options.seed}
    images = sample.drawn(model, settings, range(options.count))
    rows = neighbours.as_rows(neighbours.find(images, dataset, options.by), dataset)
    if options.json:
        return print(json.dumps(rows, indent=1))
    for row in rows:
        near = ", ".join(f"{n['id']} ({n['distance']:.1f})" for n in row["nearest"])
        print(
            f"{row['sample']}: {row['percentile']:.0f} % of held-out pictures are nearer to training; nearest {near}"
        )
