"""``playground check``: are these files whole checkpoints?  With ``--device``: does that device compute what the CPU does?"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from argparse import Namespace

from playground import checkpoints
from playground.cli import shared


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "check", run, "check checkpoint files, or a device")
    command.add_argument("files", nargs="*", help="files or ids (default: everything shipped)")
    command.add_argument(
        "--device",
        metavar="NAME",
        help="cuda, mps or cpu: draw every model with every sampler there, and compare with the CPU",
    )
    command.add_argument("--json", action="store_true", help="with --device: the rows of the table as JSON")


def run(options: Namespace) -> int:
    """One line for each good file on stdout, one sentence for each bad one on stderr; 1 if there is a bad one.

    With ``--device`` a table, or JSON; 1 if the device is further from the CPU than it may be.
    """
    files = options.files or [file.stem for file in checkpoints.found()]
    if options.device is not None:
        return _check_device(files, options)
    if options.json:
        raise ValueError("--json goes with --device.")
    bad = 0
    for file in files:
        try:
            card = checkpoints.check(file)
            print(f"{file}: {card.system}, {card.parameters:,} parameters, trained on {card.dataset_title}")
        except checkpoints.CheckpointError as error:
            print(error, file=sys.stderr)
            bad += 1
    return 1 if bad else 0


def _check_device(ids: list[str], options: Namespace) -> int:
    from playground.models import device as devices

    name = options.device
    if name != "cpu":
        there = devices.listed()
        if name not in there:
            raise ValueError(f"There is no device {name!r} here; there is {', '.join([*there, 'cpu'])}.")
        if reason := devices.fault(name):
            raise ValueError(f"The device {name!r} does not compute here ({reason}).")
    for id in ids:
        checkpoints.read_card(checkpoints.resolve(id))  # a wrong name is refused before minutes of drawing
    from playground.evaluation import device_check

    found = []
    for row in device_check.rows(ids, name):
        shared.tell(f"{row.id} {row.settings} {row.what} {'ok' if row.ok else 'NOT OK'} {row.note}")
        found.append(row)
    if options.json:
        print(json.dumps([_as_json(row) for row in found], indent=1))
    else:
        print(device_check.table(found))
    return int(not all(row.ok for row in found))


def _as_json(row: object) -> dict[str, object]:
    """JSON has no infinity: a distance that could not be measured is null."""
    fields = dataclasses.asdict(row)  # type: ignore[call-overload]
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()}
