"""``playground complete``: a part of a picture is unknown, and a model fills it in, several times."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np

from playground import checkpoints, data
from playground.cli import shared, translate

_HALF = 128  # a mask is unknown from this grey level on


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "complete", run, "fill in the unknown part of a picture")
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument("--image", type=Path, required=True, help="a picture file, or .npy uint8 (1,H,W,C)")
    command.add_argument(
        "--mask", type=Path, required=True, help=".png, or .npy uint8 (H,W): white is unknown"
    )
    command.add_argument("--count", type=shared.positive, default=4, help="how many fillings (default 4)")
    command.add_argument("--seed", type=int, default=7, help="fixes all the noise (default 7)")
    command.add_argument("--out", type=Path, required=True, help=".npy uint8 (N,H,W,C)")


def run(options: Namespace) -> int:
    """Fill in, and write the file; 2 after a sentence about what was given, or of a model that cannot."""
    return shared.answered(_complete, options)


def _complete(options: Namespace) -> None:
    shared.check_out(options.out, ".npy")
    card = checkpoints.read_card(checkpoints.resolve(options.id))
    modality = data.modality(card.dataset)
    if not modality.has_pixels:
        raise ValueError(f"{options.id} {modality.makes}: it has no picture to complete.")
    from playground.experiments import completion
    from playground.models import precision

    model = shared.load(options.id)
    completion.way_of(model)  # a model that cannot says so before a file is looked at
    shape = shared.image_shape(card.dataset)
    picture = translate.pictures_of(options.image, shape)
    if len(picture) != 1:
        raise ValueError(f"{options.image} holds {len(picture)} pictures: give one, (1,H,W,C).")
    unknown = mask_of(options.mask, shape)
    precision.settle(model)
    request = completion.FillRequest(seed=shared.checked_seed(options.seed), num_samples=options.count)
    *_, last = completion.fill(model, picture, unknown, request)
    shared.write_array(options.out, last.images)


def mask_of(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Where a picture is unknown, bool (H,W): the white part of a mask.

    Raises:
        ValueError: one sentence, if it is no mask of this size.
        OSError: if it cannot be read.
    """
    from playground.data import image_import

    if path.suffix == ".npy":
        mask = shared.read_array(path)
        if mask.dtype not in (np.uint8, np.bool_) or mask.shape != shape[:2]:
            raise ValueError(f"{path} must hold a mask uint8 {shape[:2]}, not {mask.dtype} {mask.shape}.")
        return mask if mask.dtype == np.bool_ else mask >= _HALF
    path.stat()  # the system says best what is missing
    return image_import.read(path, shape[0]).pixels[..., 0] >= _HALF
