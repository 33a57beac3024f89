"""What a view may ask of the tab that shows it; a tab, or a test, offers this and a view knows no more of it."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtWidgets import QWidget

from playground.families import Family
from playground.tabs.frame.model_cache import ModelCache
from playground.ui.knobs.panel import KnobPanel
from playground.ui.playback.stream import Stream
from playground.ui.widgets.banner import Banner


class Host(Protocol):
    """The surroundings of a view: where it stands, its knobs and banner, and the worker that plays its runs."""

    family: Family
    stream: Stream
    model_cache: ModelCache
    model_id: str  # what the cache knows the open model by: an id, or the path of a file
    knobs: KnobPanel
    banner: Banner

    @property
    def stage(self) -> QWidget:
        """What the view is put into."""

    def show_failure(self, sentence: str, again: Any = None) -> None:
        """One sentence in the banner, and a button that calls ``again`` (default: starts the run again)."""
