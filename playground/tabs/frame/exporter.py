"""Keeping what a tab shows: the moment on screen, taken from whatever view is open, for the export dialog and the clipboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QToolTip, QWidget

from playground import data
from playground.capabilities import HalvesPrecision
from playground.contract import Frame, settings_of
from playground.export import csv_table, picture_metadata, samples
from playground.export.contact_sheet import Content
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.frame.export_dialog import ExportDialog
from playground.tabs.frame.view import View
from playground.tabs.frame.view_state import Animation, ViewState, contents_of, photograph, with_captions
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.widgets.banner import Banner


class Keeper(QObject):
    """What the [Export] button and the keys of a tab do; every view has it without code of its own.

    Args:
        owner: what the dialog stands over.
        button: under it short news is shown.
        banner: for what went wrong.
        take: the moment on the screen, None while there is nothing.
    """

    def __init__(
        self, owner: QWidget, button: QWidget, banner: Banner, take: Callable[[], ViewState | None]
    ) -> None:
        super().__init__(owner)
        self._owner, self._button, self._banner, self._take = owner, button, banner, take
        self.dialog: ExportDialog | None = None

    def open(self) -> None:
        """The dialog, for what is on the screen now."""
        view_state = self._take()
        if view_state is None:
            self._say("There is no picture yet.")
            return
        self.close()
        self.dialog = ExportDialog(view_state, self._owner)
        self.dialog.failed.connect(self._banner.show_error)
        self.dialog.destroyed.connect(self._gone)
        self.dialog.show()
        self.dialog.save.setFocus()

    def copy(self, what: Callable[[ViewState], None]) -> None:
        """To the clipboard: one of ``view_state.copy_picture``, ``copy_settings``, ``copy_snippet``."""
        view_state = self._take()
        if view_state is None:
            self._say("There is no picture yet.")
            return
        what(view_state)
        self._say("It is in the clipboard.")

    def close(self) -> None:
        """Give up what is being written, and close the dialog."""
        if self.dialog is not None:
            self.dialog.destroyed.disconnect(self._gone)
            self.dialog.close()
            self.dialog = None

    def _gone(self) -> None:
        self.dialog = None

    def _say(self, text: str) -> None:
        button = self._button
        QToolTip.showText(button.mapToGlobal(QPoint(0, button.height())), text, button)


def metadata_of(view: View) -> PictureMetadata | None:
    """Everything that makes the picture of a view; None while there is none."""
    if view.player.frame is None or view.request is None:
        return None
    card, step, last = view.model.card, view.player.frame.step, view.player.timeline.last
    return PictureMetadata(
        family=card.family,
        model=card.id,
        weights=view.model.weights_hash,
        view=view.name,
        settings=settings_of(view.request),
        step=step,
        head=last.step if last is not None else step,
        state=view.settings(),
        precision=view.model.precision if isinstance(view.model, HalvesPrecision) else "",
    )


def view_state_of(view: View) -> ViewState | None:
    """What is on the screen, with everything that made it; None while there is nothing."""
    view.player.show_now()
    kept = metadata_of(view)
    if kept is None or view.player.frame is None or view.request is None:
        return None
    frame = view.player.frame
    seed = f", seed {kept.settings['seed']}" if "seed" in kept.settings else ""
    last = view.player.timeline.last
    end = last is not None and frame.step == last.step and frame.step == frame.total
    code = view.code()
    return ViewState(
        name=f"{kept.model}-{kept.view.lower().replace(' ', '-')}-{frame.step}",
        title=f"{view.model.card.system}{seed}",
        kept=kept,
        contents=contents_of(view),
        canvas=photograph(view),
        animation=_animation_of(view),
        tables=_tables_of(view, frame),
        snippet=""
        if code is None
        else picture_metadata.snippet(
            view.tab.model_id,
            view.request,
            view.model.Request,
            code.imports,
            code.request,
            code.run,
            None if end else frame.step,
            kept.precision,
            data.modality(view.model.card.dataset).has_pixels,
        ),
        zoom=_zoom_of(view),
        samples=_samples_of(view, frame),
        formula=view.explanation(view.model)[1],
    )


def _animation_of(view: View) -> Animation:
    """Of the run so far: every frame laid out as the first grid or plane of the canvas is."""
    found = [w.content() for w in _sheets_of(view)]
    shown = [c for c in found if c is not None and not c.whole]
    first = max(shown, key=lambda c: len(c.panels[0][1]), default=None)
    columns, gap, across = (first.columns, first.gap, first.across) if first is not None else (1, 1, True)
    names, frames = view.class_names(), list(view.player.timeline)

    def contents(index: int) -> list[Content]:
        content = Content(view.name, view.panels(frames[index]), columns, gap, across=across)
        return [with_captions(content, names)]

    def said(index: int) -> str:
        frame = frames[index]
        return f"step {frame.step}/{frame.total}" if frame.total else f"step {frame.step}"

    return Animation(len(frames), contents, said)


def _samples_of(view: View, frame: Frame) -> samples.Samples | None:
    """Of the run up to the moment on screen."""
    until = [earlier for earlier in view.player.timeline if earlier.step < frame.step]
    return samples.until([*until, frame], data.modality(view.model.card.dataset))


def _tables_of(view: View, frame: Frame) -> list[csv_table.Table]:
    names = view.class_names()
    found = [csv_table.of_frame(frame, names), csv_table.of_run(list(view.player.timeline))]
    if view.plot is not None and hasattr(view.plot, "table"):
        found.append(view.plot.table())
    return [t for t in found if t is not None and t.rows]


def _sheets_of(view: View) -> list[LatentPlane | ImageGrid]:
    return [*view.findChildren(LatentPlane), *view.findChildren(ImageGrid)]


def _zoom_of(view: View) -> int:
    found = _sheets_of(view)
    zooms = [w.content_zoom if isinstance(w, ImageGrid) else w.zoom for w in found if w.zoom]
    return max(int(min(zooms, default=1)), 1)
