"""``playground lesson``: open a lesson in the window, list those that are here, or play one into pictures or a page."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from playground.cli import shared
from playground.cli.gui import window
from playground.lessons import library
from playground.lessons.reader import LessonError


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "lesson", run, "step through a lesson")
    command.add_argument(
        "lesson",
        nargs="?",
        metavar="NAME|FILE",
        help="a lesson that came with the program, or a file (default: the Guide's list of them)",
    )
    command.add_argument("--list", action="store_true", help="print the lessons that came with the program")
    command.add_argument("--json", action="store_true", help="with --list: an array of name, title, scenes")
    command.add_argument(
        "--screenshots",
        type=Path,
        metavar="FOLDER",
        help="play it to the end and draw every scene, in lecture mode, as 01.png ...",
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE.html", help="write it as one page that plays without this program"
    )
    window.add_look(command)


def run(options: Namespace) -> int:
    """List, or open the window with the lesson; 2 for a lesson that cannot be opened."""
    try:
        if options.list:
            return _print_list(options.json)
        if options.json:
            raise LessonError("--json belongs to --list.")
        if options.out is not None and options.out.suffix.lower() != ".html":
            raise LessonError(f"--out takes a name that ends in .html, not {options.out.name!r}.")
        if options.lesson is None and (options.out or options.screenshots):
            raise LessonError("Which lesson? playground lesson --list names those that are here.")
        lesson = library.find(options.lesson) if options.lesson is not None else None
        if lesson is not None:
            library.check(lesson)
    except LessonError as error:
        print(error, file=sys.stderr)
        return 2
    from playground.cli.gui import lesson_window

    return lesson_window.run(lesson, options)


def _print_list(as_json: bool) -> int:
    lessons = library.shipped()
    if as_json:
        rows = [{"name": one.name, "title": one.title, "scenes": len(one.scenes)} for one in lessons]
        print(json.dumps(rows, indent=1))
        return 0
    for one in lessons:
        print(f"{one.name:16s} {len(one.scenes):3d} scenes  {one.title}")
    return 0
