"""The command line.  Results go to stdout, errors are one sentence on stderr (a traceback only with ``--debug``).

Each command is a file here: ``add`` puts it and its options into the parser, ``run`` does it.  What needs torch or Qt
is imported when the command runs.
"""

from __future__ import annotations

import argparse
import sys

from playground.cli import (
    bench,
    check,
    console,
    data,
    evaluate,
    lesson,
    measure_views,
    plane,
    sample,
    score,
    shared,
    train,
    window,
)
from playground.cli import list as list_cards

# in the order of the help
_COMMANDS = (
    list_cards,
    sample,
    score,
    evaluate,
    train,
    bench,
    measure_views,
    check,
    lesson,
    plane,
    data,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for something wrong with the world, 2 for the command's words."""
    console.speak_plainly()
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 1
    except Exception as error:
        if options.debug:
            raise
        print(shared.one_sentence(error), file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="playground", description="See how generative models work.")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    window.add_options(top)
    top.set_defaults(run=window.run)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return top
