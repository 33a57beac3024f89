"""What a picture asks of its surroundings to be seen enlarged: the nearest stage above it shows it over everything there."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QWidget


class ShowsPictures(Protocol):
    """A widget with pictures of which one can be enlarged; ``redrawn`` tells that they have changed."""

    redrawn: SignalInstance

    def one(self, sample: int, panel: int) -> tuple[str, np.ndarray, np.ndarray | None] | None:
        """Its words, the picture as uint8 (1,H,W,C), and what is known of it as bool (H,W); None if it is gone."""


@runtime_checkable
class Enlarges(Protocol):
    """A stage: it can show one picture over all that stands on it."""

    def enlarge(self, source: ShowsPictures, sample: int, panel: int) -> None:
        """Show one picture as large as there is room."""


@runtime_checkable
class Fills(Protocol):
    """A stage: it can give one of its widgets all its room for a while."""

    def fill(self, widget: QWidget) -> None:
        """Show one widget alone; done again, put it back."""


def fill(widget: QWidget) -> None:
    """Give a widget all the room of the stage around it, or put it back; nothing happens where there is none."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, Fills):
        around = around.parentWidget()
    if around is not None:
        around.fill(widget)


def enlarge(source: QWidget, sample: int, panel: int = 0) -> None:
    """Show a picture of a widget on the stage around it; nothing happens where there is none."""
    around = source.parentWidget()
    while around is not None and not isinstance(around, Enlarges):
        around = around.parentWidget()
    if around is not None:
        around.enlarge(source, sample, panel)  # type: ignore[arg-type]
