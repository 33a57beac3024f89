"""The window with a lesson in it: to be stepped through, or played to the end into pictures or one page."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from playground import checkpoints, start
from playground.app import MainWindow
from playground.cli import shared
from playground.cli.gui import screenshot
from playground.lessons.lesson import Lesson
from playground.lessons.recorder import Recorder


def run(lesson: Lesson | None, options: Namespace) -> int:
    """Open the window with the lesson, or where lessons are listed; with ``--screenshots`` or ``--out`` it closes by itself.

    Returns:
        0, or 1 if a scene could not be shown (said on stderr).
    """
    said: list[str] = []
    window_options = Namespace(**{**_NOTHING, **vars(options)})
    if lesson is None:
        window_options.tab, window_options.view = "guide", "Lessons"
        return start.run(window_options)
    if options.screenshots is not None or options.out is not None:
        window_options.lecture = options.screenshots is not None
        window_options.size = options.size or (1280, 800)
    code = start.run(window_options, lambda window: _begin(window, lesson, options, said))
    for sentence in said:
        print(sentence, file=sys.stderr)
    return code or int(bool(said))


_NOTHING = {
    "tab": "",
    "model": "",
    "view": "",
    "device": None,
    "open": None,
    "screenshot": None,
    "after": 0.0,
    "lecture": False,
}


def _begin(window: MainWindow, lesson: Lesson, options: Namespace, said: list[str]) -> None:
    if options.screenshots is None and options.out is None:
        window.lessons.player.open(lesson)
        return
    takers: list[Callable[[int], object]] = []
    if options.screenshots is not None:
        options.screenshots.mkdir(parents=True, exist_ok=True)
        takers.append(lambda number: _keep(window, options.screenshots / f"{number + 1:02}.png", said))
    page = None
    if options.out is not None:
        from playground.lessons.page import PageMaker

        page = PageMaker(window.lessons.player)
        takers.append(page.take)
    recorder = Recorder(
        window.lessons.player, lesson, lambda number: [take(number) for take in takers], window
    )

    def finish(wrong: str) -> None:
        if wrong:
            said.append(wrong)
        elif page is not None:
            page.write(options.out, lesson)
        window.close()

    recorder.finished.connect(finish)


def _keep(window: MainWindow, path: Path, said: list[str]) -> None:
    """A picture of the window, whole or not at all; what goes wrong is said once."""
    try:
        checkpoints.write_atomically(path, screenshot.encoded(window.grab().toImage(), "PNG"))
    except (OSError, ValueError) as error:
        if not said:
            said.append(shared.one_sentence(error))
