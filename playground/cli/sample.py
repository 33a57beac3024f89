"""``playground sample``: pictures or text of a model, in a file of whichever kind its name says."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from playground import checkpoints, data, distributed, paths
from playground.capabilities import HalvesPrecision
from playground.cli import shared
from playground.contract import Model
from playground.data import bible
from playground.export import contact_sheet, picture_metadata

# pictures drawn together; a multiple of every model's chunk would also do, since noise hangs on the index
_BATCH = 100


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "sample", run, "draw pictures from a model")
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument("--count", type=shared.positive, default=16, help="how many pictures (default 16)")
    command.add_argument("--seed", type=int, default=7)
    shared.add_settings(command)
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        help=".png grid, .npy uint8 (N,H,W,C), .gif or .webp of the whole run, or .html, a page that plays it; of a model "
        "of text .txt, .npy or .html",
    )
    command.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="arithmetic of the sampler (default: as in the window, whichever a probe once found quicker on this machine)",
    )


def run(options: Namespace) -> None:
    """Draw, in this process or with its peers, and write the file."""
    from playground.export import animation

    modality = shared.modality(options.id)
    moving = (*(animation.kinds() if modality.has_pixels else ()), *((".html",) if modality.has_page else ()))
    _writable(options.out, (*modality.endings, *moving))
    settings = dict(shared.setting(text) for text in options.set) | {"seed": options.seed}
    from playground.models import precision

    with distributed.joined() as world:
        model = shared.load(options.id, world)
        agreed = options.precision == "auto" and world.size > 1  # machines may differ: all of them take fp32
        precision.settle(model, "fp32" if agreed else options.precision)
        if options.out.suffix == ".html":
            return _write_page(options.out, model, settings, options.count) if world.is_first else None
        if options.out.suffix in animation.kinds():
            return _write_animation(options.out, model, settings, options.count) if world.is_first else None
        images = distributed.gather(world, _drawn(model, settings, world.share(options.count)))
    if not world.is_first:
        return
    if options.out.suffix == ".npy":
        with paths.replacing(options.out) as partial, partial.open("wb") as file:
            np.save(file, images)
    elif options.out.suffix == ".txt":
        texts = [bible.text_of(codes) for codes in images[:, 0, :, 0]]
        checkpoints.write_atomically(options.out, ("\n\n* * *\n\n".join(texts) + "\n").encode())
    else:
        picture_metadata.save_png(
            options.out, contact_sheet.tile(images), _metadata(model, settings, options.count)
        )


def _metadata(model: Model, settings: dict[str, Any], count: int) -> picture_metadata.PictureMetadata:
    """What the window needs to show these pictures, or as many of them as it shows at once."""
    from playground.contract import knobs, make_request, settings_of

    most = next(int(k.high or count) for k in knobs(model.Request) if k.name == "num_samples")
    request = make_request(model.Request, {**settings, "num_samples": min(count, most)})
    shown = settings_of(request)
    card = model.card
    exact = model.precision if isinstance(model, HalvesPrecision) else ""
    return picture_metadata.PictureMetadata(
        card.family, card.id, model.weights_hash, "Generate", shown, precision=exact, count=count
    )


def _drawn(model: Model, settings: dict[str, Any], indices: range) -> np.ndarray:
    """The pictures of these indices, uint8 (len(indices),H,W,C); of texts H and C are 1."""
    parts = [list(frames)[-1].images for frames in _batches(model, settings, indices)]
    shape: tuple[int, ...] = data.DATASETS[model.card.dataset].image_shape
    if data.modality(model.card.dataset) is data.Modality.TEXT:
        from playground.contract import make_request

        request: Any = make_request(model.Request, settings)
        shape = (1, len(request.prompt) + request.num_tokens, 1)
    return np.concatenate([np.zeros((0, *shape), np.uint8), *parts])


def _batches(model: Model, settings: dict[str, Any], indices: range) -> Iterator[Iterator[Any]]:
    from playground.contract import make_request

    make_request(
        model.Request, settings
    )  # refuses a wrong setting in every process, also in one with no share
    for first in range(indices.start, indices.stop, _BATCH):
        request = make_request(model.Request, {**settings, "num_samples": min(_BATCH, indices.stop - first)})
        yield model.sample(dataclasses.replace(request, first_index=first))


def _write_animation(path: Path, model: Model, settings: dict[str, Any], count: int) -> None:
    """The whole run, twice as large as the pictures, as a moving one."""
    from playground.export import animation

    if count > _BATCH:
        raise ValueError(f"An animation holds at most {_BATCH} pictures.")
    frames = [contact_sheet.tile(f.images) for f in next(_batches(model, settings, range(count)))]
    chosen = [frames[i].repeat(2, 0).repeat(2, 1) for i in animation.thinned(len(frames), 120)]
    animation.write(path, chosen, len(chosen), frames_per_second=20)


def _write_page(path: Path, model: Model, settings: dict[str, Any], count: int) -> None:
    """The whole run as an HTML page, with what the program says of it."""
    from playground.export import html_page, window_state
    from playground.tabs import run_page

    if count > _BATCH:
        raise ValueError(f"A page holds at most {_BATCH} pictures.")
    frames = list(next(_batches(model, settings, range(count))))
    shown = window_state.state_of(_metadata(model, settings, count), stands=False)
    html_page.write(
        path, f"{model.card.system}, {model.card.id}", [run_page.part_of_run(model, frames, shown)]
    )


def _writable(path: Path, endings: tuple[str, ...]) -> None:
    if path.suffix not in endings:
        raise ValueError(f"--out takes a name that ends in {', '.join(endings)}, not {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent}.")
