"""``playground translate``: pictures of one kind become pictures of another."""

from __future__ import annotations

import io
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from playground import checkpoints
from playground.cli import shared
from playground.export import contact_sheet


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(
        commands, "translate", run, "turn pictures of one kind into another: a line drawing into colours"
    )
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument(
        "--image",
        type=Path,
        required=True,
        help="a picture file, or .npy uint8 (N,H,W,3); any size is fitted",
    )
    command.add_argument(
        "--back", action="store_true", help="the other way round, where a model has learned it"
    )
    command.add_argument(
        "--dabs",
        type=Path,
        help="dabs of colour for each drawing, .npy uint8 (N,H,W,4): the fourth number is 0 where there is none",
    )
    command.add_argument("--out", type=Path, required=True, help=".png, or .npy uint8 (N,H,W,3)")


def run(options: Namespace) -> int:
    """Translate, and write the file; 2 after a sentence about what was given."""
    return shared.answered(_translate, options)


def _translate(options: Namespace) -> None:
    from playground.capabilities import Translates

    shared.check_out(options.out, ".png", ".npy")
    shape = shared.image_shape(checkpoints.read_card(checkpoints.resolve(options.id)).dataset)
    images = pictures_of(options.image, shape)
    model = shared.load(options.id)
    if not isinstance(model, Translates):
        raise ValueError(f"{options.id} turns no pictures into others: pix2pix-emoji and cyclegan-emoji do.")
    if options.back and not model.both_ways:
        raise ValueError(f"{options.id} goes from {model.translation} alone: leave out --back.")
    how: dict[str, Any] = {}
    if options.dabs is not None:
        if not model.takes_dabs:
            raise ValueError(f"{options.id} takes no dabs of colour: leave out --dabs.")
        how["dabs"] = _dabs(options.dabs, images.shape)
    found = model.translate(images, options.back, **how)
    if options.out.suffix == ".npy":
        shared.write_array(options.out, found)
    else:
        written = _png(found[0] if len(found) == 1 else contact_sheet.tile(found))
        checkpoints.write_atomically(options.out, written.getbuffer())


def _dabs(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    dabs, wanted = shared.read_array(path), (*shape[:3], 4)
    if dabs.dtype != np.uint8 or dabs.shape != wanted:
        raise ValueError(f"{path} must hold uint8 {wanted}, not {dabs.dtype} {dabs.shape}.")
    return dabs


def pictures_of(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """The pictures of a file, uint8 (N, *shape): one, or those of a ``.npy``, each fitted to the size.

    Raises:
        ValueError: one sentence, if it holds no such pictures.
        OSError: if it cannot be read.
    """
    from playground.data import image_import

    side, colour = shape[0], shape[2] == 3
    if path.suffix != ".npy":
        path.stat()  # the system says best what is missing
        return image_import.read(path, side, colour).pixels[None]
    images = shared.read_array(path)
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[3] not in (1, shape[2])
        or 0 in images.shape
    ):
        raise ValueError(
            f"{path} must hold uint8 pictures (N,H,W,{shape[2]}), not {images.dtype} {images.shape}."
        )
    if images.shape[1:] == shape:
        return images
    grey = images.shape[3] == 1
    return np.stack([
        image_import.from_array(one[..., 0] if grey else one, path.name, side, colour).pixels for one in images
    ])  # fmt: skip


def _png(pixels: np.ndarray) -> io.BytesIO:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="PNG")
    return written
