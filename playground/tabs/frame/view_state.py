"""One moment of a view, taken for the export dialog and the clipboard: what is on its canvas, its run, and what made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from playground.export import animation, contact_sheet, csv_table
from playground.export.contact_sheet import Content
from playground.export.picture_metadata import PictureMetadata
from playground.export.samples import Samples
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.pictures.pixels import array, picture

FRAMES_PER_SECOND = tuple((rate, f"{rate:g} frames/s") for rate in (5.0, 10.0, 20.0, 30.0))


@dataclass(frozen=True, eq=False)
class Animation:
    """A run as a moving picture.  Nothing here touches a widget.

    Attributes:
        count: how many moments there are.
        contents: what the sheet of a moment shows, from 0.
        said: the counter that stands under it; ``counter`` is what it is called.
        paces: values and words to choose from, the second one at first.
        tick: seconds between moments, for an animation that keeps the time of the run: a pace is then a multiple of it, else
            frames per second.
    """

    count: int
    contents: Callable[[int], Sequence[Content]]
    said: Callable[[int], str]
    counter: str = "step counter"
    paces: Sequence[tuple[float, str]] = FRAMES_PER_SECOND
    tick: float = 0.0

    def plan(self, pace: float) -> tuple[list[int], float]:
        """Which moments an animation shows, and how many of them in a second."""
        if self.tick:
            return animation.paced(self.count, self.tick, pace)
        return animation.thinned(self.count), pace


@dataclass(frozen=True, eq=False)
class ViewState:
    """What there is to export.

    Attributes:
        name: of the files, without ending.
        title: the line under an animation, unless another is typed.
        contents: what the canvas shows; ``canvas`` is a photograph of all of it.
        animation: the run up to now.
        zoom: at which the pictures are on the screen.
        samples: what the run has made by now, for a file of no pixels.
    """

    name: str
    title: str
    kept: PictureMetadata
    contents: Sequence[Content]
    canvas: Content
    animation: Animation
    tables: Sequence[csv_table.Table]
    snippet: str  # "" if it cannot be said in a few lines
    zoom: int
    samples: Samples | None = None
    formula: str = ""  # in the notation of ``ui.formulas``


def contents_of(canvas: QWidget) -> list[Content]:
    """What the grids and planes on a canvas show, from top to bottom; a photograph of it if there are none."""
    every: list[ImageGrid | LatentPlane] = [
        *canvas.findChildren(ImageGrid),
        *canvas.findChildren(LatentPlane),
    ]
    found = [w for w in every if w.isVisibleTo(canvas)]
    found.sort(key=lambda w: (w.mapTo(canvas, QPoint()).y(), w.mapTo(canvas, QPoint()).x()))
    return [c for w in found if (c := w.content()) is not None] or [photograph(canvas)]


def photograph(canvas: QWidget) -> Content:
    """The canvas as it is on the screen."""
    pixels = array(canvas.grab().toImage())
    return Content("The canvas as on the screen", (("", pixels[None]),), 1, whole=True)


def copy_picture(view_state: ViewState) -> None:
    """The pictures to the clipboard, as large as on the screen."""
    QGuiApplication.clipboard().setImage(
        picture(contact_sheet.compose(view_state.contents, view_state.zoom, True))
    )


def copy_settings(view_state: ViewState) -> None:
    """The settings to the clipboard, as JSON."""
    QGuiApplication.clipboard().setText(view_state.kept.to_json())


def copy_snippet(view_state: ViewState) -> None:
    """A Python program that makes the picture, to the clipboard."""
    QGuiApplication.clipboard().setText(view_state.snippet)


def with_captions(content: Content, captions: Sequence[str] | None) -> Content:
    """The same with a line under every picture, if there is one for each."""
    fits = captions is not None and len(captions) == len(content.panels[0][1])
    return replace(content, captions=captions) if fits else content
