"""``playground measure-views``: how large the pictures of every view are painted."""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from playground import checkpoints, families
from playground.cli import shared
from playground.cli.gui.window import size

if TYPE_CHECKING:
    from playground.bench.measure_views import ViewSizes


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(
        commands, "measure-views", run, "measure how large the pictures of every view are painted"
    )
    command.add_argument("--size", type=size, metavar="WxH", help="of the window (default 1280x800)")
    command.add_argument("--lecture", action="store_true", help="as a hall sees it")
    command.add_argument("--only", default="", metavar="TEXT", help="only views whose TAB/VIEW contains this")
    command.add_argument(
        "--json", action="store_true", help="an array of {tab, view, smallest, largest, share, why}"
    )


def run(options: Namespace) -> int:
    """Print a row for every view; exit code 0 whatever was found: it measures, tests judge."""
    from playground.bench import measure_views as measuring

    rows = []
    for row in measuring.measure_views(options.size or (1280, 800), options.lecture, options.only):
        rows.append(row)
        if not options.json:
            print(_line(row, options.lecture), flush=True)
    if not rows:
        known = ", ".join(entry.key for entry in families.row({c.family for c in checkpoints.cards()}))
        print(f"No view is called {options.only!r}; tabs are {known}.", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
    return 0


def _line(row: ViewSizes, lecture: bool) -> str:
    name = f"{row.tab}/{row.view}"
    if row.share is None:
        return f"{name:40s} no pictures"
    said = "" if row.is_large(lecture) else f"  {row.why or 'too small'}"
    return f"{name:40s} {row.smallest:4d} to {row.largest:4d} px, {row.share:6.1%}{said}"
