"""``playground list``: the checkpoints there are, and the models of the plane, which have none.  Needs neither torch nor Qt."""

from __future__ import annotations

import dataclasses
import json
from argparse import Namespace

from playground import checkpoints
from playground.checkpoints import judges
from playground.checkpoints.catalogue import PACKAGE
from playground.cli import shared
from playground.models.plane_catalogue import plane_cards


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "list", run, "the checkpoints that came with the program")
    command.add_argument("--json", action="store_true", help="an array of cards")


def run(options: Namespace) -> None:
    """One line for each card, or the cards as JSON."""
    from playground.checkpoints.figures import in_short

    cards, live = [*_of_no_family(), *checkpoints.cards()], plane_cards()
    if options.json:
        print(json.dumps([dataclasses.asdict(c) for c in (*cards, *live)], indent=1))
        return
    for card in cards:
        figures = ", ".join(in_short(card.metrics))
        print(f"{card.id:20s} {card.family:15s} {card.system:28s} {card.parameters / 1e6:5.2f} M  {figures}")
    for card in live:
        print(f"{card.id:20s} {card.family:15s} {card.system:28s} trained live, in the plane")
    absent = checkpoints.missing()
    if absent:
        names = ", ".join(entry.id for entry in absent)
        shared.tell(f"Not installed: {names}; pip install {PACKAGE} brings them.")


def _of_no_family() -> list[checkpoints.Card]:
    """What finds pictures, and draws none."""
    if not judges.is_there():
        return []
    return [dataclasses.replace(checkpoints.read_card(judges.path(judges.CLIP)), family="")]
