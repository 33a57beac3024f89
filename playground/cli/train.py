"""``playground train``: run the recipe of a checkpoint, or one on a folder of the user's own pictures."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from playground import checkpoints, distributed, paths
from playground.cli import download, shared

if TYPE_CHECKING:
    from playground.training.plan import Plan

_MOST_NAMED = 20  # files that were left out


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(
        commands, "train", run, "run the recipe of a checkpoint, or learn from a folder of pictures"
    )
    command.add_argument(
        "recipe",
        help="the id of the checkpoint to make; vae-own, gan-own, ddpm-own or pixelcnn-own for your own pictures",
    )
    command.add_argument("--data", type=Path, metavar="FOLDER", help="of your own pictures, at least 50")
    command.add_argument(
        "--colour", action="store_true", help="as 32x32 colour pictures, not 28x28 grey ones"
    )
    command.add_argument(
        "--augment", action="store_true", help="show each picture mirrored or not, and shifted, by chance"
    )
    command.add_argument(
        "--drawn-by",
        metavar="ID",
        help="a model of the same pictures draws as many again, which are learned, too",
    )
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


def run(options: Namespace) -> int:
    """Train, one line for each report, and with ``--install`` copy what came of it where the program reads it."""
    import torch

    from playground.training import loop, own_runs

    folder = options.out or Path("runs") / options.recipe
    what: str | Plan = options.recipe
    try:
        if options.recipe in own_runs.TITLES:
            what = _own_plan(options, folder)
        else:
            _refuse_own_options(options)
    except (ValueError, OSError) as error:
        if options.debug:
            raise
        shared.tell(shared.one_sentence(error))
        return 2
    if isinstance(what, str):
        _offer_data(what, options.download)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    start = checkpoints.resolve(options.start_from) if options.start_from else None
    changes = dict(shared.setting(text) for text in options.change)
    with distributed.joined() as world:
        progress = loop.train(
            what, folder, resume=options.resume, start_from=start, changes=changes, world=world
        )
        for p in progress:
            figures = "  ".join(f"{k} {v:.4f}" for k, v in p.figures.items())
            line = f"step {p.step}/{p.total}  {p.images_per_second:.0f} images/s  {p.seconds_left / 60:.1f} min left  {figures}"
            print(line, flush=True) if world.is_first else None
    if options.install and world.is_first:
        if options.recipe not in own_runs.TITLES:
            _install(options.recipe, folder)
        elif found := own_runs.gain(own_runs.install(folder).stem):
            base, without, with_drawn = found
            print(f"held-out loss {with_drawn:.4f}; {base}, without drawn pictures, {without:.4f}")
    return 0


def _offer_data(recipe: str, said_yes: bool) -> None:
    from playground import models

    known = {**models.recipes(), **models.feature_network_recipes()}
    if recipe in known:
        download.offer(known[recipe][1].dataset, said_yes)


def _refuse_own_options(options: Namespace) -> None:
    """Raises ValueError with a sentence, if options of own pictures stand beside a recipe that has its own data."""
    from playground.training import own_runs

    if options.data is not None:
        own_runs.check(options.recipe, options.colour)
    for name in ("colour", "augment", "drawn_by"):
        if getattr(options, name):
            raise ValueError(
                f"--{name.replace('_', '-')} goes with --data, and a recipe for your own pictures."
            )


def _own_plan(options: Namespace, folder: Path) -> Plan:
    """The plan of a run on the user's own pictures; what could not be read is told.

    Raises:
        ValueError: one sentence.
    """
    from playground.data import own_pictures
    from playground.training import own, own_runs

    if options.resume and options.data is None:
        return own.resume(folder, options.recipe)
    own_runs.check(options.recipe, options.colour)
    if options.data is None:
        raise ValueError(f"{options.recipe} learns from your own pictures: name their folder with --data.")
    pictures = own_pictures.read_folder(options.data, options.colour)
    for sentence in pictures.left_out[:_MOST_NAMED]:
        shared.tell(f"Left out: {sentence}")
    if more := len(pictures.left_out[_MOST_NAMED:]):
        shared.tell(f"Left out: {more} more files.")
    if options.resume:
        return own.resume(folder, options.recipe, pictures)
    return own.begin(folder, options.recipe, pictures, options.augment, drawn_by=options.drawn_by or "")


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
