"""The command line.  Results go to stdout, errors are one sentence on stderr (a traceback only with ``--debug``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playground.cli import commands


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for something wrong with the world, 2 for the command's words."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 1
    except (ValueError, OSError, ArithmeticError, RuntimeError, MemoryError) as error:
        if options.debug:
            raise
        print(commands.one_sentence(error), file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="playground", description="See how generative models work.")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    _window_options(top)
    top.set_defaults(run=commands.window)
    sub = top.add_subparsers(title="commands", metavar="COMMAND")

    command = _command(sub, "list", commands.list_cards, "the checkpoints that came with the program")
    command.add_argument("--json", action="store_true", help="an array of cards")

    command = _command(sub, "sample", commands.sample, "draw pictures from a model")
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument("--count", type=_positive, default=16, help="how many pictures (default 16)")
    command.add_argument("--seed", type=int, default=7)
    command.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", action="extend", help="any knob of the model"
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        help=".png grid, .npy uint8 (N,H,W,C), or .gif or .webp of the whole run; of a model of text .txt or .npy",
    )

    command.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="arithmetic of the sampler (default: as in the window, whichever a probe once found quicker on this machine)",
    )

    command = _command(sub, "score", commands.score, "what a model says about images")
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument("--images", type=Path, help=".npy uint8 (N,H,W,C)")
    command.add_argument("--text", type=Path, help="a text file in ASCII, for a model of text")
    command.add_argument(
        "--labels", type=Path, help=".npy of classes (N,); without it, of p(x) over all classes"
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--json", action="store_true")

    _evaluate_options(_command(sub, "evaluate", commands.evaluate, "measure a model against the test set"))

    command = _command(sub, "train", commands.train, "run the recipe of a checkpoint")
    command.add_argument("recipe", help="the id of the checkpoint to make")
    command.add_argument("--out", type=Path, help="the run's folder (default runs/ID)")
    command.add_argument("--resume", action="store_true", help="continue the run that is in the folder")
    command.add_argument("--start-from", metavar="CHECKPOINT", help="start from these weights")
    command.add_argument(
        "--change", action="append", default=[], metavar="NAME=NUMBER", help="another number in the recipe"
    )
    command.add_argument("--threads", type=_positive, help="CPU threads")
    command.add_argument(
        "--install", action="store_true", help="put the finished checkpoint and its film in their places"
    )

    command = _command(sub, "bench", commands.bench, "measure speed against the budgets")
    command.add_argument("--json", action="store_true")
    command.add_argument(
        "--only", nargs="*", metavar="NAME", help="only the rows whose name contains one of these"
    )

    command = _command(sub, "check", commands.check, "check checkpoint files")
    command.add_argument("files", nargs="*", help="files or ids (default: everything shipped)")
    return top


def _command(sub: argparse._SubParsersAction, name: str, run: object, help: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    command = sub.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    command.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )
    command.set_defaults(run=run)
    return command


def _evaluate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", nargs="?", help="a shipped id, a file, or marks: the spoiled real pictures")
    command.add_argument(
        "--count",
        type=_positive,
        help="draw N pictures (default 5000) and score N test images (default all), or N of each set for the lens",
    )
    command.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", action="extend", help="any knob of the model"
    )
    command.add_argument(
        "--only",
        choices=["pictures", "likelihood", "lens", "steps"],
        help="measure one of the two; or lens: the scores of garments and of other pictures, which Compare shows; "
        "or steps: FID against the number of steps for every sampler, which Diffusion shows",
    )
    command.add_argument(
        "--split",
        choices=["test", "validation"],
        default="test",
        help="compare pictures with validation images instead, to choose settings",
    )
    command.add_argument("--save", action="store_true", help="keep the figures beside the checkpoint")
    command.add_argument("--json", action="store_true")
    command.add_argument("--table", action="store_true", help="print what was measured so far, as Markdown")


def _window_options(top: argparse.ArgumentParser) -> None:
    window = top.add_argument_group("window")
    window.add_argument("--tab", help="the family to open on")
    window.add_argument("--model", metavar="ID", help="the checkpoint to open")
    window.add_argument("--view", help="the view to open")
    window.add_argument("--theme", choices=["light", "dark", "system"], default="system")
    window.add_argument("--size", type=_size, metavar="WxH", help="of the window, e.g. 1280x800")
    window.add_argument("--device", help="cuda, mps or cpu (default: the fastest there is)")
    window.add_argument(
        "--open", type=Path, metavar="FILE", help="a checkpoint of your own, or an exported picture"
    )
    window.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE",
        help="draw the window to a PNG (or film all tabs to a GIF) and exit",
    )
    window.add_argument(
        "--after",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="when to take the screenshot, or how long the film is",
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 320 and int(height) >= 240):
        raise argparse.ArgumentTypeError("takes WIDTHxHEIGHT, at least 320x240")
    return int(width), int(height)
