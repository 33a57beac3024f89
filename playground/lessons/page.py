"""A whole lesson as one HTML page: the runs that its scenes show, as they were while it was played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QWidget

from playground.export import animation, contact_sheet, html_page
from playground.export.window_state import command_of
from playground.lessons.lesson import Lesson, LessonScene
from playground.lessons.player import LessonPlayer
from playground.tabs.frame.exporter import view_state_of
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.view_state import ViewState, photograph
from playground.ui.formulas.in_page import in_page

LONGEST = 40  # frames of a scene
WIDEST = 900  # pixels of a sheet, beyond which it is composed at a smaller zoom
BYTES_PER_SCENE = 600_000


class PageMaker:
    """Collects the scenes of a lesson that is being played, for :class:`~playground.lessons.recorder.Recorder`."""

    def __init__(self, player: LessonPlayer) -> None:
        self._player = player
        self._parts: list[html_page.Part] = []

    def take(self, number: int) -> None:
        """Keep what the scene on the screen shows."""
        scene, opener = self._player.scene, self._player.opener
        if scene is None:
            return
        view = opener.current.view if opener.current is not None else None
        view_state = view_state_of(view) if view is not None else None
        if view_state is not None and opener.current is not None:
            self._parts.append(_part_of_run(scene, opener.current, view_state))
        else:
            shown: QWidget | None = opener.current or opener.window.page
            assert shown is not None
            self._parts.append(_part(scene, [photograph(shown).panels[0][1][0]], ()))

    def write(self, path: Path, lesson: Lesson) -> None:
        """Write the page.

        Raises:
            OSError: if there is no space or no right to write there.
        """
        html_page.write(path, lesson.title, self._parts, BYTES_PER_SCENE * len(self._parts))


def _part_of_run(scene: LessonScene, tab: FamilyTab, view_state: ViewState) -> html_page.Part:
    moving = view_state.animation
    _, formula = tab.view.explanation(tab.model) if tab.view is not None else ("", "")
    if moving.count < 2:
        zoom = _zoom(view_state)
        frames = [contact_sheet.compose(view_state.contents, zoom, True)]
        return _part(scene, frames, (), formula, view_state)
    chosen = animation.thinned(moving.count, LONGEST)
    zoom = _zoom(view_state)
    frames = [contact_sheet.compose(moving.contents(i), zoom, True) for i in chosen]
    return _part(scene, frames, [moving.said(i) for i in chosen], formula, view_state)


def _zoom(view_state: ViewState) -> int:
    """As on the screen, if that is not too wide."""
    wide, _ = contact_sheet.size_of(view_state.contents, 1, False)
    return max(min(view_state.zoom, WIDEST // max(wide, 1)), 1)


def _part(
    scene: LessonScene,
    frames: list[np.ndarray],
    captions: list[str] | tuple[str, ...],
    formula: str = "",
    view_state: ViewState | None = None,
) -> html_page.Part:
    asked = scene.question
    made_by = {"model": view_state.kept.model, "view": view_state.kept.view} if view_state is not None else {}
    return html_page.Part(
        title=scene.title,
        frames=frames,
        captions=captions,
        text=scene.text,
        formula=in_page(formula),
        settings={**made_by, **(view_state.kept.settings if view_state is not None else {})},
        here=command_of(scene.shows),
        question=asked.text if asked is not None else "",
        answer=asked.answer if asked is not None else "",
        start=_start(scene, captions),
    )


def _start(scene: LessonScene, captions: list[str] | tuple[str, ...]) -> int | None:
    """The frame of the step at which the scene stands."""
    if scene.shows.step is None:
        return None
    steps = [int(caption.split()[1].partition("/")[0]) for caption in captions]
    return min(range(len(steps)), key=lambda i: abs(steps[i] - scene.shows.step)) if steps else None  # type: ignore[operator]
