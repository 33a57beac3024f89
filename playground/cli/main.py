"""The command line.  Results go to stdout, errors are one sentence on stderr (a traceback only with ``--debug``).

Each command is a file here: ``add`` puts it and its options into the parser, ``run`` does it.  What needs torch or Qt
is imported when the command runs.
"""

from __future__ import annotations

import argparse
import sys

from playground.cli import console
from playground.cli.gui import window


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for something wrong with the world, 2 for the command's words."""
    console.speak_plainly()
    options = _only_window(arguments) or parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 1
    except Exception as error:
        if options.debug:
            raise
        from playground.cli import shared

        print(shared.one_sentence(error), file=sys.stderr)
        return 1


def _only_window(arguments: list[str] | None) -> argparse.Namespace | None:
    """The options where there is no command, so that the window does not wait for those; None for all else, help and mistakes too."""
    top = argparse.ArgumentParser(prog="playground", add_help=False, allow_abbrev=False, exit_on_error=False)
    _add_options(top)
    try:
        options, others = top.parse_known_args(arguments)
    except argparse.ArgumentError:
        return None
    return None if others else options


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    from playground.cli import (
        bench,
        check,
        complete,
        data,
        evaluate,
        lesson,
        measure_views,
        plane,
        sample,
        score,
        search,
        train,
        translate,
    )
    from playground.cli import list as list_cards

    top = argparse.ArgumentParser(prog="playground", description="See how generative models work.")
    _add_options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    in_the_order_of_the_help = (
        list_cards,
        sample,
        translate,
        complete,
        score,
        evaluate,
        train,
        bench,
        measure_views,
        check,
        lesson,
        plane,
        data,
        search,
    )
    for command in in_the_order_of_the_help:
        command.add(commands)
    return top


def _add_options(top: argparse.ArgumentParser) -> None:
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    window.add_options(top)
    top.set_defaults(run=window.run)
