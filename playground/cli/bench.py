"""``playground bench``: speed against the budgets of the design."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from argparse import Namespace

from playground.cli import shared


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "bench", run, "measure speed against the budgets")
    command.add_argument("--json", action="store_true")
    command.add_argument(
        "--only", nargs="*", metavar="NAME", help="only the rows whose name contains one of these"
    )


def run(options: Namespace) -> int:
    """Measure every row that is wanted; 1 if one could not be."""
    from playground.bench import sampling as benches
    from playground.bench import window as window_rows

    rows: list[benches.Row] = []
    failed = 0
    known = [*benches.model_rows(), *window_rows.window_rows()]
    wanted = [part.lower() for part in options.only or [""]]
    for part in wanted:
        if not any(part in name.lower() for name, _ in known):
            raise ValueError(
                f"No row's name contains {part!r}; there are {', '.join(name for name, _ in known)}."
            )
    for name, measure in known:
        if not any(part in name.lower() for part in wanted):
            continue
        shared.tell(f"{name} …")
        try:
            found = measure()
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            failed += 1  # the other rows took minutes: they are not lost with it
            shared.tell(f"{name} could not be measured: {shared.one_sentence(error)}")
            continue
        rows += found if isinstance(found, list) else [found]
    print(
        json.dumps([dataclasses.asdict(r) for r in rows], indent=1)
        if options.json
        else benches.as_table(rows)
    )
    return int(failed > 0)
