"""Lessons that came with the program, ``assets/lessons/*.toml``, and how one is found by its name or file."""

from __future__ import annotations

from pathlib import Path

from playground import checkpoints, families, paths
from playground.lessons import reader
from playground.lessons.lesson import Lesson
from playground.lessons.reader import LessonError
from playground.models.plane_catalogue import plane_cards

ENDING = ".toml"


def folder() -> Path:
    """Where they lie."""
    return paths.folder("assets") / "lessons"


def shipped() -> list[Lesson]:
    """All of them, in the order in which a course would take them.

    Raises:
        LessonError: one sentence, if one of them is damaged.
    """
    found = [reader.read(file) for file in sorted(folder().glob("*" + ENDING))]
    return sorted(found, key=lambda lesson: lesson.order)


def find(name_or_file: str) -> Lesson:
    """A shipped lesson by its name, or any by its file.

    Raises:
        LessonError: one sentence.
    """
    path = Path(name_or_file)
    if path.suffix != ENDING and path.name == name_or_file:
        path = folder() / (name_or_file + ENDING)
        if not path.is_file():
            names = ", ".join(lesson.name for lesson in shipped())
            raise LessonError(f"There is no lesson called {name_or_file[:60]!r}; there are {names}.")
    return reader.read(path)


def check(lesson: Lesson) -> None:
    """Refuse a lesson that shows what is not here, before its first scene is on the screen.

    Raises:
        LessonError: one sentence, for an unknown tab, model or view.
    """
    from playground.tabs import (
        registry,  # views import Qt, which whoever only lists lessons need not wait for
    )

    cards = {card.id: card for card in (*checkpoints.cards(), *plane_cards())}
    for number, scene in enumerate(lesson.scenes, 1):
        shows, where = scene.shows, f"{lesson.path.name if lesson.path else lesson.title}, scene {number}"
        try:
            entry = families.entry(shows.tab)
        except ValueError as error:
            raise LessonError(f"{where}: {error}") from None
        is_page = isinstance(entry, families.PageEntry)
        if shows.model and (is_page or shows.model not in cards):
            raise LessonError(
                f"{where}: there is no model called {shows.model[:60]!r} in {entry.title}; "
                "the package generative-playground-models has more."
            )
        if shows.model and cards[shows.model].family != entry.key:
            raise LessonError(
                f"{where}: {shows.model} is not in {entry.title} but in {cards[shows.model].family}."
            )
        names = registry.view_names(entry)
        if shows.view and shows.view not in names:
            raise LessonError(
                f"{where}: {entry.title} has no view called {shows.view[:60]!r}; it has {', '.join(names)}."
            )
