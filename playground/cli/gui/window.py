"""``playground`` without a command: the window, and pictures and animations of it.  Qt is imported when it opens."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from playground import checkpoints, families, garbage, numerals
from playground.cli.gui import preflight
from playground.models import plane_catalogue


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
        type=_file,
        metavar="FILE",
        help="a checkpoint of your own, an exported picture, a lesson, or a copied link (playground:...)",
    )
    window.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE",
        help="draw the window to a PNG or JPEG (or all tabs, one after another, to a GIF) and exit",
    )
    window.add_argument(
        "--after",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="when to take the screenshot, or how long the animation is",
    )


def add_look(options: argparse._ActionsContainer) -> None:
    """How large the window is, and in which theme."""
    options.add_argument("--theme", choices=["light", "dark", "system"], default="system")
    options.add_argument("--size", type=size, metavar="WxH", help="of the window, e.g. 1280x800")


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("takes the name of a file")
    return text


def _seconds(text: str) -> float:
    try:
        return float(numerals.parse(float, text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a number of seconds, not {text!r}") from None


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
    """Open the window and stay until it is closed."""
    preflight.refuse_without_screen()
    garbage.pause()  # until torch has been imported, after the window is on the screen
    try:
        return _open(options)
    except ImportError as error:
        raise preflight.explained(error) from None


def _open(options: Namespace) -> int:
    refuse_unknown(options.tab or "", options.model or "", options.view or "")
    if options.screenshot is None:
        from playground import start

        return start.run(options, remembers=True)
    from playground.cli.gui import screenshot

    screenshot.refuse_impossible(options.screenshot, options.after)
    from playground import start

    taken: list[screenshot.Screenshot] = []
    code = start.run(
        options, lambda window: taken.append(screenshot.Screenshot(window, options.screenshot, options.after))
    )
    return code or taken[0].code()


def refuse_unknown(tab: str, model: str, view: str) -> None:
    """Before a window opens.

    Raises:
        ValueError: one sentence, for the name of a tab, model or view that is not there, or of two that do not meet.
    """
    entry = families.entry(tab) if tab else None
    if model:
        family = _family_of(model)
        if not families.has_tab(family):
            raise ValueError(f"{model} has no tab: it makes the colour pictures of every tab larger.")
        if entry is not None and entry.key != family:
            raise ValueError(f"{model} belongs to the tab {family}, not to {entry.key}.")
        entry = families.entry(family)
    if view:
        from playground.tabs import registry

        opened = entry or families.FAMILIES[0]
        names = registry.view_names(opened)
        if view.lower() not in [name.lower() for name in names]:
            raise ValueError(f"{opened.title} has no view called {view!r}; there are {', '.join(names)}.")
        if plane_catalogue.is_plane(model) and isinstance(opened, families.Family):
            live = [kind.name for kind in registry.views_of(opened) if kind.trains_live]
            if view.lower() not in [name.lower() for name in live]:
                many = (
                    f"views {', '.join(live)} and no others"
                    if len(live) > 1
                    else f"view {live[0]!r} and no other"
                )
                raise ValueError(f"{model} is trained live: it has the {many}.")


def _family_of(model: str) -> str:
    """Of a checkpoint, or of a model that is trained live and has none."""
    live = next((card for card in plane_catalogue.plane_cards() if card.id == model), None)
    return (live or checkpoints.read_card(checkpoints.shipped(model))).family
