"""What several commands need: how a command is added, its arguments read, its model loaded."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from playground import checkpoints, data, distributed, labels
from playground.contract import Request, knobs
from playground.data import characters, own_pictures

# what ``add_subparsers`` returns; the class is generic for type checkers alone
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int | None], help: str
) -> argparse.ArgumentParser:
    """A new command; its module adds the options.  ``run`` returns the exit code, None for 0."""
    command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    command.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )
    command.set_defaults(run=run)
    return command


def add_settings(command: argparse.ArgumentParser) -> None:
    """``--set name=value ...``, which may be given more than once."""
    command.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", action="extend", help="any knob of the model"
    )


def positive(text: str) -> int:
    """An argument that is a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    if value > 10**9:
        raise argparse.ArgumentTypeError("must be at most 1,000,000,000")
    return value


def checked_seed(value: int) -> int:
    """A seed, in the range that it has everywhere.

    Raises:
        ValueError: one sentence, if it lies outside.
    """
    return int(next(k for k in knobs(Request) if k.name == "seed").check(value))


def settings_with(texts: list[str], **options: int | None) -> dict[str, Any]:
    """``--set name=value ...`` together with what has an option of its own, such as ``seed=options.seed``.

    Raises:
        ValueError: one sentence, for a text without ``=``, or a value that is given twice, differently.
    """
    settings: dict[str, Any] = dict(setting(text) for text in texts)
    for name, value in options.items():
        if value is not None and settings.setdefault(name, value) not in (value, str(value)):
            raise ValueError(f"{name} is given twice: as {value}, and by --set as {settings[name]}.")
    return settings


def one_sentence(error: BaseException) -> str:
    """An error as one line; of one about a file, the file and the reason."""
    if (
        isinstance(error, OSError)
        and error.strerror
        and isinstance(error.filename, str | bytes | os.PathLike)
    ):
        return f"{os.fsdecode(error.filename)}: {error.strerror}."
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {text}"


def tell(line: str) -> None:
    """Say it on stderr, since stdout is for results."""
    print(line, file=sys.stderr, flush=True)


def answered(act: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Do what a command is for: 0, or 2 after a sentence about what was given, which a traceback follows with --debug."""
    try:
        act(options)
    except (ValueError, OSError) as error:
        if options.debug:
            raise
        tell(one_sentence(error))
        return 2
    return 0


def check_out(path: Path, *endings: str) -> None:
    """Whether a file can be written under this name.

    Raises:
        ValueError: one sentence, if it ends in none of the ``endings``.
        FileNotFoundError: one sentence, if its folder is not there.
    """
    if path.suffix not in endings:
        raise ValueError(f"--out takes a name that ends in {', '.join(endings)}, not {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent}.")


def write_array(path: Path, array: np.ndarray) -> None:
    """As ``.npy``, in one atomic step."""
    written = io.BytesIO()
    np.save(written, array)
    checkpoints.write_atomically(path, written.getbuffer())


def setting(text: str) -> tuple[str, str]:
    """``name=value`` as (name, value).

    Raises:
        ValueError: if there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set takes name=value, not {text!r}.")
    return name, value


def load(id_or_path: str, world: distributed.World | None = None) -> Any:
    """The model; to sample with it (``world``), with its own number of threads and perhaps a device of this process."""
    model = checkpoints.load(id_or_path)
    import torch

    if world is not None and world.size > 1:
        model = model.to(distributed.device(world))

    torch.set_flush_denormal(True)
    if world is not None and model.num_threads:
        torch.set_num_threads(model.num_threads)
    return model


def modality(id_or_path: str) -> data.Modality:
    """What a checkpoint makes; only its header is read."""
    return data.modality(checkpoints.read_header(checkpoints.resolve(id_or_path)).card.dataset)


def image_shape(dataset: str) -> tuple[int, int, int]:
    """H, W, C of a data set's pictures.

    Raises:
        ValueError: one sentence, if the program does not know it.
    """
    if dataset not in data.DATASETS:
        raise ValueError(f"There is no dataset called {dataset!r}; there are {', '.join(data.DATASETS)}.")
    return data.DATASETS[dataset].image_shape


def shape_of(card: checkpoints.Card) -> tuple[int, int, int]:
    """H, W, C of a model's pictures; those of somebody's own pictures say it themselves.

    Raises:
        ValueError: one sentence, if nobody knows it.
    """
    if labels.is_own(card.dataset) and card.dataset not in data.DATASETS:
        size = int(card.config.get("image_size", own_pictures.GREY))
        return size, size, int(card.config.get("channels", 1))
    return image_shape(card.dataset)


def read_array(path: Path) -> np.ndarray:
    """The numbers of a ``.npy`` file; nothing is ever unpickled.

    Raises:
        ValueError: one sentence, if it is none.
    """
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a .npy file of numbers ({one_sentence(error)}).") from None


def read_text(path: Path) -> np.ndarray:
    """ASCII codes of a text file, uint8 (T,).

    Raises:
        ValueError: one sentence, if it is empty or not all ASCII.
    """
    try:
        codes = characters.codes_of(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file (UTF-8).") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be scored: {error}") from None
    if not len(codes) or not codes.all():
        raise ValueError(f"{path} is empty, or holds characters of code 0.")
    return codes


def read_images(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 (N,H,W,C) of a ``.npy`` file, where (H,W,C) is ``shape``.

    Raises:
        ValueError: one sentence, if it holds anything else.
    """
    images = read_array(path)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != shape:
        raise ValueError(
            f"{path} must hold uint8 images (N,{shape[0]},{shape[1]},{shape[2]}), not {images.dtype} {images.shape}."
        )
    return images
