"""A lesson: scenes that the window shows one after another, each with two sentences, notes and perhaps a question.

Plain data: ``reader.py`` reads it from a file, ``writer.py`` writes it, ``player.py`` plays it.  No Qt and no torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playground.export.window_state import WindowState

LAST = 1000  # the place of a lesson that names none
ActionKind = Literal["play", "drag", "wait"]


@dataclass(frozen=True)
class Action:
    """Something that happens by itself when a scene has opened.

    Attributes:
        kind: ``play`` runs from the first step; ``drag`` moves a knob slowly; ``wait`` goes on when the run is over.
        knob, to, seconds: of a drag: which one, where to, and how long that takes.
    """

    kind: ActionKind
    knob: str = ""
    to: float = 0.0
    seconds: float = 3.0


@dataclass(frozen=True)
class Question:
    """Something to think about, and what there is to say to it."""

    text: str
    answer: str


@dataclass(frozen=True)
class LessonScene:
    """What is on the screen, and what is said about it."""

    title: str
    text: str
    shows: WindowState
    notes: str = ""  # for the speaker
    actions: tuple[Action, ...] = ()
    question: Question | None = None


@dataclass(frozen=True)
class Lesson:
    """A title and its scenes; ``path`` is the file that it was read from, None for one that was made in the window."""

    title: str
    scenes: tuple[LessonScene, ...]
    summary: str = ""
    order: int = LAST  # its place among others
    path: Path | None = None

    @property
    def name(self) -> str:
        """The name of its file without the ending, "" while it has none."""
        return self.path.stem if self.path is not None else ""

    def with_scene(self, scene: LessonScene, at: int) -> Lesson:
        """With another scene before the one that is ``at``-th now."""
        return dataclasses.replace(self, scenes=(*self.scenes[:at], scene, *self.scenes[at:]))

    def without(self, at: int) -> Lesson:
        """Without a scene."""
        return dataclasses.replace(self, scenes=self.scenes[:at] + self.scenes[at + 1 :])

    def moved(self, at: int, to: int) -> Lesson:
        """With a scene in another place."""
        return self.without(at).with_scene(self.scenes[at], to)

    def with_changed(self, at: int, scene: LessonScene) -> Lesson:
        """With a scene in the place of the one that is there."""
        return self.without(at).with_scene(scene, at)
