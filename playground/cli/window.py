"""``playground`` without a command: the window, and pictures and animations of it.  Qt is imported when it opens."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.app import MainWindow


def add_options(top: argparse.ArgumentParser) -> None:
    """Its options stand on the program itself."""
    window = top.add_argument_group("window")
    window.add_argument("--tab", help="the family to open on")
    window.add_argument("--model", metavar="ID", help="the checkpoint to open")
    window.add_argument("--view", help="the view to open")
    add_look(window)
    window.add_argument(
        "--lecture", action="store_true", help="as a hall sees it: large type and pictures, full screen"
    )
    window.add_argument("--device", help="cuda, mps or cpu (default: the fastest there is)")
    window.add_argument(
        "--open",
        metavar="FILE",
        help="a checkpoint of your own, an exported picture, a lesson, or a copied link (playground:...)",
    )
    window.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE",
        help="draw the window to a PNG (or all tabs, one after another, to a GIF) and exit",
    )
    window.add_argument(
        "--after",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="when to take the screenshot, or how long the animation is",
    )


def add_look(options: argparse._ActionsContainer) -> None:
    """How large the window is, and in which theme."""
    options.add_argument("--theme", choices=["light", "dark", "system"], default="system")
    options.add_argument("--size", type=size, metavar="WxH", help="of the window, e.g. 1280x800")


def size(text: str) -> tuple[int, int]:
    """``1280x800`` as (width, height).

    Raises:
        argparse.ArgumentTypeError: one sentence.
    """
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 320 and int(height) >= 240):
        raise argparse.ArgumentTypeError("takes WIDTHxHEIGHT, at least 320x240")
    return int(width), int(height)


def run(options: Namespace) -> int:
    """Open the window and stay until it is closed, or until a picture of it was taken."""
    if options.screenshot and not options.screenshot.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {options.screenshot.absolute().parent}.")
    from playground import app

    return app.run(options, lambda window: _take_picture(window, options.screenshot, options.after))


def _take_picture(window: MainWindow, path: Path | None, after: float) -> None:
    """Of the window, which is closed then; an animation of all its tabs where the name asks for one."""
    if path is None:
        return
    if path.suffix == ".gif":
        from playground.cli.tour import Tour

        Tour(window, path, after)
        return
    from PySide6.QtCore import QTimer

    QTimer.singleShot(round(after * 1000), lambda: (window.grab().save(str(path)), window.close()))
