"""``playground neighbours``: the training pictures nearest to what a model draws."""

from __future__ import annotations

import json
from argparse import Namespace

from playground.cli import sample, shared


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(
        commands, "neighbours", run, "the training pictures nearest to a model's, to see whether it copies"
    )
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument("--count", type=shared.positive, default=9, help="how many pictures (default 9)")
    command.add_argument("--seed", type=int, default=7)
    shared.add_settings(command)
    command.add_argument("--json", action="store_true", help="an array with an object for each picture")


def run(options: Namespace) -> None:
    """Draw, compare, print."""
    if not shared.modality(options.id).has_pixels:
        raise ValueError(f"{options.id} writes text: only pictures have nearest pictures.")
    from playground.evaluation import neighbours

    model = shared.load(options.id)
    settings = dict(shared.setting(text) for text in options.set) | {"seed": options.seed}
    images = sample.drawn(model, settings, range(options.count))
    rows = neighbours.as_rows(neighbours.find(images, model.card.dataset), model.card.dataset)
    if options.json:
        return print(json.dumps(rows, indent=1))
    for row in rows:
        near = ", ".join(f"{n['id']} ({n['distance']:.1f})" for n in row["nearest"])
        print(
            f"{row['sample']}: {row['percentile']:.0f} % of held-out pictures are nearer to training; nearest {near}"
        )
