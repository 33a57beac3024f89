"""``playground sample``: pictures or text of a model, in a file of whichever kind its name says."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from playground import checkpoints, data, distributed
from playground.capabilities import HalvesPrecision, ReadsFiles, ReadsPrompts
from playground.checkpoints import judges
from playground.cli import shared
from playground.contract import Model
from playground.data import emoji
from playground.export import contact_sheet, picture_metadata, samples
from playground.models import plane_catalogue

# pictures drawn together; a multiple of every model's chunk would also do, since noise hangs on the index
_BATCH = 100
_SEED = 7

Prompts = tuple[tuple[str, str], ...]  # (style, prompt) of each picture; empty: the settings say it


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "sample", run, "draw pictures from a model")
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument(
        "--count", type=shared.positive, help="how many (default 16; 1 of sounds, drives and SVG drawings)"
    )
    command.add_argument(
        "--prompts", type=Path, metavar="FILE", help="a picture for each line, style<TAB>prompt, in order"
    )
    command.add_argument("--seed", type=int, help=f"fixes all the noise (default {_SEED})")
    shared.add_settings(command)
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        help=".png grid, .npy uint8 (N,H,W,C), .gif or .webp of the whole run, or .html, a page that plays it; of a model "
        "of text .txt, .npy or .html; of sound .wav; of strokes .svg or .npy float32 (N,T,3); of a drive .gif or .npy (N,T,H,W,C)",
    )
    command.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="arithmetic of the sampler (default: as in the window, whichever a probe once found quicker on this machine)",
    )


def run(options: Namespace) -> int:
    """Draw, in this process or with its peers, and write the file; 2, after a sentence, of a model that is trained live or draws nothing."""
    if plane_catalogue.is_plane(options.id):
        shared.tell(plane_catalogue.how_to_see(options.id))
        return 2
    if options.id == judges.CLIP:
        shared.tell(judges.DRAWS_NOTHING)
        return 2
    _draw(options)
    return 0


def _draw(options: Namespace) -> None:
    from playground.export import animation

    modality = shared.modality(options.id)
    moving = (*(animation.kinds() if modality.has_film else ()), *((".html",) if modality.has_page else ()))
    shared.check_out(options.out, *modality.endings, *moving)
    settings = {"seed": _SEED, **shared.settings_with(options.set, seed=options.seed)}
    lines = prompts_of(options)
    usual = modality.usual_count(options.out.suffix)
    count = len(lines) or _count(shared.settings_with(options.set, num_samples=options.count), usual)
    settings.pop("num_samples", None)
    side = _side(options.id, settings.pop("upscale", None))
    from playground.models import precision

    with distributed.joined() as world:
        model = shared.load(options.id, world)
        if model.card.dataset in data.DATASETS and (prompt := data.DATASETS[model.card.dataset].prompt):
            settings.setdefault("prompt", prompt)
        if isinstance(model, ReadsFiles):
            settings = model.settings_from_files(settings)
        _remark(model, settings, lines)
        agreed = options.precision == "auto" and world.size > 1  # machines may differ: all of them take fp32
        precision.settle(model, "fp32" if agreed else options.precision)
        if options.out.suffix == ".html":
            return _write_page(options.out, model, settings, count) if world.is_first else None
        if options.out.suffix in animation.kinds():
            return (
                _write_animation(options.out, model, settings, count, lines, side) if world.is_first else None
            )
        images = distributed.gather(world, drawn(model, settings, world.share(count), lines))
    if not world.is_first:
        return
    images = _upscaled(images, side, options.precision)
    if options.out.suffix != ".png":
        kept = _metadata(model, settings, count).to_json() if options.out.suffix in (".wav", ".svg") else ""
        samples.write(options.out, images, kept)
    else:
        picture_metadata.save_png(options.out, contact_sheet.tile(images), _metadata(model, settings, count))


def _count(settings: dict[str, Any], usual: int) -> int:
    """How many: ``--count``, or num_samples among the settings, which says the same."""
    try:
        return shared.positive(str(settings.get("num_samples", usual)))
    except (ValueError, ArgumentTypeError):
        raise ValueError(f"num_samples takes a whole number from 1, not {settings['num_samples']}.") from None


def _metadata(model: Model, settings: dict[str, Any], count: int) -> picture_metadata.PictureMetadata:
    """What the window needs to show these pictures, or as many of them as it shows at once."""
    from playground.contract import knobs, make_request, settings_of

    most = next(int(k.high or count) for k in knobs(model.Request) if k.name == "num_samples")
    request = make_request(model.Request, {**settings, "num_samples": min(count, most)})
    shown = settings_of(request)
    card = model.card
    view = samples.VIEWS.get(data.modality(card.dataset), "Generate")
    exact = model.precision if isinstance(model, HalvesPrecision) else ""
    return picture_metadata.PictureMetadata(
        card.family, card.id, model.weights_hash, view, shown, precision=exact, count=count
    )


def drawn(model: Model, settings: dict[str, Any], indices: range, lines: Prompts = ()) -> np.ndarray:
    """What is drawn at these indices, see :func:`playground.export.samples.of_run`."""
    modality = data.modality(model.card.dataset)
    parts = [samples.of_run(list(frames), modality) for frames in _batches(model, settings, indices, lines)]
    if parts:
        return samples.joined(parts, modality)
    shape: tuple[int, ...] = shared.shape_of(model.card)
    if modality is data.Modality.TEXT:
        from playground.contract import make_request

        request: Any = make_request(model.Request, settings)
        shape = (1, len(request.prompt) + request.num_tokens, 1)
    return np.zeros((0, *shape), np.uint8)


def _batches(
    model: Model, settings: dict[str, Any], indices: range, lines: Prompts = ()
) -> Iterator[Iterator[Any]]:
    from playground.contract import make_request

    make_request(
        model.Request, settings
    )  # refuses a wrong setting in every process, also in one with no share
    for first in range(indices.start, indices.stop, _BATCH):
        request = make_request(model.Request, {**settings, "num_samples": min(_BATCH, indices.stop - first)})
        each: dict[str, Any] = {"each": lines[first : first + request.num_samples]} if lines else {}
        yield model.sample(dataclasses.replace(request, first_index=first, **each))


def _write_animation(
    path: Path, model: Model, settings: dict[str, Any], count: int, lines: Prompts = (), side: int = 0
) -> None:
    """The whole run, twice as large as the pictures (or made larger by super-resolution), as a moving one."""
    from playground.export import animation

    if count > _BATCH:
        raise ValueError(f"An animation holds at most {_BATCH} pictures.")
    frames = [f.images for f in next(_batches(model, settings, range(count), lines))]
    drive = data.modality(model.card.dataset) is data.Modality.CONTROL
    if drive:
        frames = frames[1:]  # a frame of the film for each time step, and none for the start
    chosen = list(range(len(frames))) if drive else animation.thinned(len(frames), 120)
    times = 4 if drive else 1 if side > emoji.SIDE else 2
    larger = (contact_sheet.tile(_upscaled(frames[i], side)) for i in chosen)
    sheets = (sheet.repeat(times, 0).repeat(times, 1) for sheet in larger)
    kept = _metadata(model, settings, count).to_json()
    animation.write(path, sheets, len(chosen), frames_per_second=20, settings=kept)


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


def _side(name: str, said: Any) -> int:
    """The side that colour pictures are to have, 0 for the model's own.

    Raises:
        ValueError: one sentence, for a side that cannot be made, or a model of other pictures.
    """
    if said is None:
        return 0
    if (
        shared.image_shape(checkpoints.read_card(checkpoints.resolve(name)).dataset)
        != emoji.EMOJI.image_shape
    ):
        raise ValueError(f"{name} does not draw colour pictures of 32x32: leave out upscale.")
    if str(said) not in ("32", "64", "128"):
        raise ValueError(f"upscale takes 32 (as the model draws them), 64 or 128, not {said}.")
    return int(said)


def _upscaled(images: np.ndarray, side: int, arithmetic: str = "auto") -> np.ndarray:
    """Pictures uint8 (N,H,W,C) made larger by ``sr-emoji``, as often as it takes to reach ``side``."""
    from playground.models import precision

    while images.shape[1] < side:
        network: Any = shared.load("sr-emoji")
        precision.settle(network, arithmetic)
        images = network.upscale(images)
    return images


def prompts_of(options: Namespace) -> Prompts:
    """The lines of ``--prompts``, none without it.

    Raises:
        ValueError: one sentence, if the number of pictures is said as well, or the file is no text.
    """
    if options.prompts is None:
        return ()
    if shared.settings_with(options.set, num_samples=options.count).get("num_samples") is not None:
        raise ValueError("--prompts draws a picture for each line: leave out --count.")
    try:
        return read_prompts(options.prompts.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{options.prompts} is not a text file (UTF-8).") from None


def _remark(model: Model, settings: dict[str, Any], prompts: Prompts) -> None:
    """Tell, on stderr, what a model does not understand of the words.

    Raises:
        ValueError: one sentence, if it draws from no words at all.
    """
    if not isinstance(model, ReadsPrompts):
        if prompts:
            raise ValueError(f"{model.card.id} does not draw from words: leave out --prompts.")
        return
    said = [prompt for _, prompt in prompts] or str(settings.get("prompt", "")).split(";")
    for sentences in dict.fromkeys(model.remarks(text) for text in said if text.strip()):
        if sentences:
            shared.tell(sentences)


def read_prompts(text: str) -> tuple[tuple[str, str], ...]:
    """The lines of a file as (style, prompt): ``style<TAB>prompt``, or a prompt alone.

    Raises:
        ValueError: one sentence, for a style that does not exist, or no line at all.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        style, tab, prompt = line.partition("\t")
        style, prompt = (style.strip(), prompt.strip()) if tab else ("", line.strip())
        if style and style not in emoji.STYLES:
            raise ValueError(
                f"Line {number} wants the style {style[:40]!r}; there are {', '.join(emoji.STYLES)}."
            )
        found.append((style, prompt))
    if not found:
        raise ValueError("The file of prompts is empty.")
    return tuple(found)
