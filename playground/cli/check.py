"""``playground check``: are these files whole checkpoints?  Only headers and sizes are read: no torch."""

from __future__ import annotations

import sys
from argparse import Namespace

from playground import checkpoints, paths
from playground.cli import shared


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "check", run, "check checkpoint files")
    command.add_argument("files", nargs="*", help="files or ids (default: everything shipped)")


def run(options: Namespace) -> int:
    """One line for each good file on stdout, one sentence for each bad one on stderr; 1 if there is a bad one."""
    files = options.files or [c.stem for c in sorted(paths.folder("pretrained").glob("*.safetensors"))]
    bad = 0
    for file in files:
        try:
            card = checkpoints.check(file)
            print(f"{file}: {card.system}, {card.parameters:,} parameters, trained on {card.dataset_title}")
        except checkpoints.CheckpointError as error:
            print(error, file=sys.stderr)
            bad += 1
    return 1 if bad else 0
