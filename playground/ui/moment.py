"""One moment of a view, taken for the export dialog and the clipboard: what is on its canvas, its run, and what made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from playground import sheets, tables
from playground.keepsake import Keepsake
from playground.models.base import Frame
from playground.sheets import Content
from playground.ui.image_grid import ImageGrid
from playground.ui.latent_plane import LatentPlane
from playground.ui.pixels import array, picture


@dataclass(frozen=True, eq=False)
class Moment:
    """What there is to export.

    Attributes:
        name: of the files, without ending.
        title: the line under a film, unless another is typed.
        contents: what the canvas shows; ``canvas`` is a photograph of all of it.
        frames: of the run; ``film(frame)`` is what a film shows of one, and touches no widget.
        zoom: at which the pictures are on the screen.
    """

    name: str
    title: str
    kept: Keepsake
    contents: Sequence[Content]
    canvas: Content
    frames: Sequence[Frame]
    film: Callable[[Frame], Content]
    tables: Sequence[tables.Table]
    snippet: str  # "" if it cannot be said in a few lines
    zoom: int


def contents_of(canvas: QWidget) -> list[Content]:
    """What the grids and planes on a canvas show, from top to bottom; a photograph of it if there are none."""
    found = [
        w for kind in (ImageGrid, LatentPlane) for w in canvas.findChildren(kind) if w.isVisibleTo(canvas)
    ]
    found.sort(key=lambda w: (w.mapTo(canvas, QPoint()).y(), w.mapTo(canvas, QPoint()).x()))
    return [c for w in found if (c := w.content()) is not None] or [photograph(canvas)]


def photograph(canvas: QWidget) -> Content:
    """The canvas as it is on the screen."""
    pixels = array(canvas.grab().toImage())
    return Content("The canvas as on the screen", (("", pixels[None]),), 1, whole=True)


def copy_picture(moment: Moment) -> None:
    """The pictures to the clipboard, as large as on the screen."""
    QGuiApplication.clipboard().setImage(picture(sheets.compose(moment.contents, moment.zoom, True)))


def copy_settings(moment: Moment) -> None:
    """The settings to the clipboard, as JSON."""
    QGuiApplication.clipboard().setText(moment.kept.to_json())


def copy_snippet(moment: Moment) -> None:
    """A Python program that makes the picture, to the clipboard."""
    QGuiApplication.clipboard().setText(moment.snippet)


def with_captions(content: Content, captions: Sequence[str] | None) -> Content:
    """The same with a line under every picture, if there is one for each."""
    fits = captions is not None and len(captions) == len(content.panels[0][1])
    return replace(content, captions=captions) if fits else content
