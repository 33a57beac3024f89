"""``playground train``: run the recipe of a checkpoint."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

from playground import checkpoints, distributed, paths
from playground.cli import download, shared


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "train", run, "run the recipe of a checkpoint")
    command.add_argument("recipe", help="the id of the checkpoint to make")
    command.add_argument("--out", type=Path, help="the run's folder (default runs/ID)")
    command.add_argument("--resume", action="store_true", help="continue the run that is in the folder")
    command.add_argument("--start-from", metavar="CHECKPOINT", help="start from these weights")
    command.add_argument(
        "--change", action="append", default=[], metavar="NAME=NUMBER", help="another number in the recipe"
    )
    command.add_argument(
        "--download", action="store_true", help="fetch training pictures that are not on this machine"
    )
    command.add_argument("--threads", type=shared.positive, help="CPU threads")
    command.add_argument(
        "--install", action="store_true", help="put the finished checkpoint and its record in their places"
    )


def run(options: Namespace) -> None:
    """Train, one line for each report, and with ``--install`` copy what came of it where the program reads it."""
    import torch

    from playground import models
    from playground.training import loop

    known = {**models.recipes(), **models.feature_network_recipes()}
    if options.recipe in known:
        download.offer(known[options.recipe][1].dataset, options.download)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    folder = options.out or Path("runs") / options.recipe
    start = checkpoints.resolve(options.start_from) if options.start_from else None
    changes = dict(shared.setting(text) for text in options.change)
    with distributed.joined() as world:
        progress = loop.train(
            options.recipe, folder, resume=options.resume, start_from=start, changes=changes, world=world
        )
        for p in progress:
            figures = "  ".join(f"{k} {v:.4f}" for k, v in p.figures.items())
            line = f"step {p.step}/{p.total}  {p.images_per_second:.0f} images/s  {p.seconds_left / 60:.1f} min left  {figures}"
            print(line, flush=True) if world.is_first else None
    if options.install and world.is_first:
        _install(options.recipe, folder)


def _install(name: str, folder: Path) -> None:
    from playground import models

    judge = name in models.feature_network_recipes()
    targets = {
        f"{name}.safetensors": paths.folder("assets") / "judge" if judge else paths.folder("pretrained"),
        f"{name}.film.json": paths.folder("assets") / "training",
        f"{name}.film.png": paths.folder("assets") / "training",
    }
    for file, target in targets.items():
        if (folder / file).exists():
            shutil.copyfile(folder / file, target / file)
