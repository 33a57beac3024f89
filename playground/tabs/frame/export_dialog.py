"""The export dialog: one moment of a view as a picture, its run as an animation, its numbers as a table, what it made as a file; or to the clipboard.

It holds a snapshot of the moment at which it was opened, so the run can go on meanwhile.  Everything slow runs in a
:class:`~playground.ui.playback.job.Job`; a file appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from playground.export import animation, contact_sheet, csv_table, picture_metadata, samples
from playground.export.contact_sheet import Arrangement, Content
from playground.tabs.frame.page_export import write_page
from playground.tabs.frame.view_state import ViewState, copy_picture, copy_settings, copy_snippet
from playground.ui.pictures.pixels import picture
from playground.ui.playback.job import Job
from playground.ui.theme import theme
from playground.ui.widgets.controls import ComboBox, Segmented, Slider, Switch
from playground.ui.widgets.file_dialogs import ask_to_save

PAGE = ".html"
PAGES = ("Picture", "Animation", "Numbers", "Samples")
MAX_ZOOM = 16
MAX_SIDE = 8000  # of a picture, in pixels
MAX_FILM_SIDE, USUAL_FILM_SIDE = 1600, 1300
PREVIEW_SIDE = 1400
ARRANGEMENTS: tuple[Arrangement, ...] = ("screen", "row", "column")


class ExportDialog(QDialog):
    """Not modal: the window stays usable beside it."""

    failed = Signal(str)  # one sentence
    saved = Signal(str)  # the file

    def __init__(self, view_state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        self.view_state = view_state
        self.job: Job | None = None
        self._path = Path()
        self.setWindowTitle("Export")
        self.setProperty("family", parent.property("family"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._make_widgets()
        self._lay_out()
        self._refresh()

    # --- building

    def _make_widgets(self) -> None:
        view_state = self.view_state
        animated, listed = view_state.animation.count > 1, bool(view_state.tables)
        there = (True, animated, listed, view_state.samples is not None)
        self.pages = [page for page, is_there in zip(PAGES, there, strict=True) if is_there]
        self.page = Segmented(self.pages)
        self.page.setVisible(len(self.pages) > 1)
        self.preview = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(round(theme.em() * 40), round(theme.em() * 18))
        self.preview.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.preview.setAccessibleName("Preview")
        self.what = ComboBox()
        several = len(view_state.contents) > 1
        names = ["Everything on the canvas"] * several + [c.name for c in view_state.contents]
        if not any(c.whole for c in view_state.contents):
            names.append(view_state.canvas.name)
        self.what.addItems(names)
        self.arrangement = Segmented(["as on the screen", "one row", "one column"])
        self.zoom, self.film_zoom = Slider(), Slider()
        self.zoom.setRange(1, self._largest_zoom(self._chosen(), MAX_SIDE))
        self.zoom.setValue(min(view_state.zoom, self.zoom.maximum()))
        end = view_state.animation.contents(view_state.animation.count - 1)
        self.film_zoom.setRange(1, self._largest_zoom(end, MAX_FILM_SIDE))
        self.film_zoom.setValue(min(4, self._largest_zoom(end, USUAL_FILM_SIDE)))
        self.words, self.counter = Switch(), Switch()
        self.words.setChecked(True)
        self.counter.setChecked(True)
        self.kind, self.pace, self.table, self.file = ComboBox(), ComboBox(), ComboBox(), ComboBox()
        for ending, name in animation.kinds().items():
            self.kind.addItem(name, ending)
        self.kind.addItem("HTML page", PAGE)
        for pace, name in view_state.animation.paces:
            self.pace.addItem(name, pace)
        self.pace.setCurrentIndex(1)
        self.table.addItems([t.name for t in view_state.tables])
        for ending, name in view_state.samples.kinds.items() if view_state.samples else ():
            self.file.addItem(name, ending)
        self.caption = QLineEdit(view_state.title)
        self.caption.setPlaceholderText("none")
        self.caption.setMaxLength(200)
        self.facts = QLabel()
        self.facts.setProperty("role", "caption")
        self.facts.setWordWrap(True)
        self.status = QLabel()
        self.status.setProperty("role", "muted")
        self.status.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.save = QPushButton("Save …")
        self.save.setDefault(True)
        self.stop = QPushButton("Cancel")
        self.copies = [QPushButton(t) for t in ("Copy image", "Copy settings", "Copy as Python")]
        self._connect()

    def _connect(self) -> None:
        for signal in (
            self.page.chosen,
            self.what.currentIndexChanged,
            self.arrangement.chosen,
            self.zoom.valueChanged,
            self.film_zoom.valueChanged,
            self.words.toggled,
            self.counter.toggled,
            self.kind.currentIndexChanged,
            self.pace.currentIndexChanged,
            self.table.currentIndexChanged,
            self.file.currentIndexChanged,
            self.caption.textChanged,
        ):
            signal.connect(self._refresh)
        self.save.clicked.connect(self._ask)
        self.stop.clicked.connect(self._cancel)
        acts = (copy_picture, copy_settings, copy_snippet)
        self.copies[2].setVisible(bool(self.view_state.snippet))
        for button, act in zip(self.copies, acts, strict=True):
            button.setAutoDefault(False)
            button.clicked.connect(lambda _=False, act=act: self._copy(act))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        gap = round(theme.em() * 0.9)
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        column.addWidget(self.page)
        column.addWidget(self.preview, 1)
        self.form = QFormLayout()
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows: dict[str, list[QWidget]] = {page: [] for page in PAGES}
        for page, name, control in (
            ("Picture", "what", self.what),
            ("Picture", "arranged", self.arrangement),
            ("Picture", "zoom", self.zoom),
            ("Picture", "captions", self.words),
            ("Animation", "format", self.kind),
            ("Animation", "size", self.film_zoom),
            ("Animation", "pace", self.pace),
            ("Animation", "caption", self.caption),
            ("Animation", self.view_state.animation.counter, self.counter),
            ("Numbers", "table", self.table),
            ("Samples", "file", self.file),
        ):
            control.setAccessibleName(name)
            self.form.addRow(name, control)
            self._rows[page].append(control)
        column.addLayout(self.form)
        for widget in (self.facts, self.progress, self.status):
            column.addWidget(widget)
        self.progress.hide()
        self.status.hide()
        self.stop.hide()
        foot = QHBoxLayout()
        for button in self.copies:
            foot.addWidget(button)
        foot.addStretch(1)
        foot.addWidget(self.stop)
        foot.addWidget(self.save)
        column.addLayout(foot)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The preview fits again."""
        super().resizeEvent(event)
        self._refresh()

    def sizeHint(self) -> QSize:
        """Room for a preview."""
        return QSize(round(theme.em() * 46), round(theme.em() * 44))

    # --- what is chosen

    @property
    def mode(self) -> str:
        """One of ``PAGES``."""
        return self.pages[self.page.index()]

    def _chosen(self) -> list[Content]:
        contents, index = list(self.view_state.contents), self.what.currentIndex()
        if len(contents) > 1:
            index -= 1
        if index < 0:
            return contents
        return [contents[index]] if index < len(contents) else [self.view_state.canvas]

    def _arranged(self) -> list[Content]:
        how = ARRANGEMENTS[self.arrangement.index()]
        return [content.arranged(how) for content in self._chosen()]

    def _largest_zoom(self, contents: Sequence[Content], side: int) -> int:
        return max(1, min(MAX_ZOOM, side // max(contact_sheet.size_of(contents, 1, False))))

    def _animation_sheet(self) -> Callable[[int], np.ndarray]:
        """A function from the number of a moment to its picture, free of widgets."""
        moving = self.view_state.animation
        zoom, caption, counter = self.film_zoom.value(), self.caption.text().strip(), self.counter.isChecked()

        def sheet(index: int) -> np.ndarray:
            said = [caption] * bool(caption) + [moving.said(index)] * counter
            return contact_sheet.compose(moving.contents(index), zoom, bool(said), " · ".join(said))

        return sheet

    # --- showing it

    def _refresh(self) -> None:
        """Show what the choices come to."""
        self.page.setVisible(len(self.pages) > 1)
        for page, controls in self._rows.items():
            for control in controls:
                self.form.setRowVisible(control, page == self.mode)
        if self.mode == "Picture":
            self._refresh_picture()
        elif self.mode == "Animation":
            self._refresh_animation()
        elif self.mode == "Samples" and self.view_state.samples:
            self._preview(contact_sheet.compose(list(self.view_state.contents), 1, True))
            self.facts.setText(self.view_state.samples.facts(self.file.currentData()))
        else:
            table = self.view_state.tables[max(self.table.currentIndex(), 0)]
            self.form.setRowVisible(self.table, self.table.count() > 1)
            self.preview.setText(csv_table.as_html(table.start(9, 5)))
            self.facts.setText(f"{len(table.rows):,} rows, {len(table.header):,} columns")

    def _refresh_picture(self) -> None:
        chosen = self._arranged()
        self.form.setRowVisible(self.what, self.what.count() > 1)
        self.form.setRowVisible(self.arrangement, any(c.can_be_arranged for c in chosen))
        only_whole = all(c.whole for c in chosen)
        for control in (self.zoom, self.words):
            self.form.setRowVisible(control, not only_whole)
        self.zoom.setMaximum(self._largest_zoom(chosen, MAX_SIDE))
        wide, high = contact_sheet.size_of(chosen, self.zoom.value(), self.words.isChecked())
        times = "" if only_whole else f"{self.zoom.value()} × {self.zoom.value()} for every pixel, "
        self.facts.setText(f"{times}about {wide} × {high} pixels, with its complete settings inside")
        self._preview(contact_sheet.compose(chosen, self._preview_zoom(chosen), self.words.isChecked()))

    def _refresh_animation(self) -> None:
        self.form.setRowVisible(self.kind, self.kind.count() > 1)
        moving = self.view_state.animation
        sheet = self._animation_sheet()(moving.count - 1)
        indices, rate = moving.plan(self.pace.currentData())
        thin = "" if moving.tick or len(indices) == moving.count else f" of {moving.count}"
        self.facts.setText(
            f"{sheet.shape[1]} × {sheet.shape[0]} pixels, {len(indices)}{thin} frames, {len(indices) / rate:.1f} s"
        )
        self._preview(sheet)

    def _preview_zoom(self, contents: Sequence[Content]) -> int:
        """What is chosen, or less where a preview would have to be made much smaller again."""
        return max(1, min(self.zoom.value(), PREVIEW_SIDE // max(contact_sheet.size_of(contents, 1, False))))

    def _preview(self, pixels: np.ndarray) -> None:
        shown = QPixmap.fromImage(picture(pixels))
        room = self.preview.size() * self.devicePixelRatioF()
        if shown.width() > room.width() or shown.height() > room.height():
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            shown = shown.scaled(room, keep, smooth)
        shown.setDevicePixelRatio(self.devicePixelRatioF())
        self.preview.setPixmap(shown)

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    # --- doing it

    def _copy(self, act: Callable[[ViewState], None]) -> None:
        act(self.view_state)
        self._say("It is in the clipboard.")

    def _ask(self) -> None:
        if self.job is not None:
            return
        ending = {
            "Picture": ".png",
            "Animation": self.kind.currentData(),
            "Numbers": ".csv",
            "Samples": self.file.currentData(),
        }[self.mode]
        endings = picture_metadata.PICTURES if self.mode == "Picture" else (ending,)
        shown = f"Files ({' '.join('*' + one for one in endings)})"
        ask_to_save(self, "Save", self.view_state.name + ending, shown, self.save_to)

    def save_to(self, path: Path) -> None:
        """Write what is chosen; what comes of it is said by ``saved`` or ``failed``."""
        if self.job is not None:
            return
        self._path = path
        self.job = Job(self._work(path), self)
        self.job.progressed.connect(self._progressed)
        self.job.finished.connect(self._finished)
        self.job.failed.connect(self._failed)
        self.job.cancelled.connect(self._cancelled)
        self._show_busy(True)
        self._say("")
        self.job.start()

    def _work(self, path: Path) -> Callable[[Callable[[float], None]], None]:
        """What the thread does, with everything that it needs taken from the widgets now."""
        if self.mode == "Numbers":
            table = self.view_state.tables[max(self.table.currentIndex(), 0)]
            return lambda tick: csv_table.save(path, table)
        if self.mode == "Samples" and self.view_state.samples:
            made, inside = self.view_state.samples.made, self.view_state.kept.to_json()
            return lambda tick: samples.write(path, made, inside)
        if self.mode == "Picture":
            chosen, zoom, words = self._arranged(), self.zoom.value(), self.words.isChecked()
            kept = self.view_state.kept
            return lambda tick: picture_metadata.save(path, contact_sheet.compose(chosen, zoom, words), kept)
        sheet = self._animation_sheet()
        indices, rate = self.view_state.animation.plan(float(self.pace.currentData()))
        if path.suffix.lower() == PAGE:
            title, view_state = self.caption.text() or self.view_state.title, self.view_state
            return lambda tick: write_page(path, title, view_state, sheet, indices, tick)
        sheets, settings = (sheet(i) for i in indices), self.view_state.kept.to_json()
        return lambda tick: animation.write(path, sheets, len(indices), rate, tick, settings)

    def _show_busy(self, busy: bool) -> None:
        self.progress.setValue(0)
        for widget in (self.progress, self.stop):
            widget.setVisible(busy)
        self.save.setVisible(not busy)

    def _progressed(self, share: float) -> None:
        self.progress.setValue(round(share * 1000))

    def _finished(self) -> None:
        self._end(f"Saved as {self._path.name}.")
        self.saved.emit(str(self._path))

    def _failed(self, reason: str) -> None:
        said = f"{self._path.name} could not be written: {reason}."
        self._end(said)
        self.failed.emit(said)

    def _cancelled(self) -> None:
        self._end("Cancelled: nothing was written.")

    def _end(self, said: str) -> None:
        self.job = None
        self._show_busy(False)
        self._say(said)

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    # --- keys, and leaving

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+S saves, Ctrl+C copies the image, Ctrl+Shift+C the settings; Escape closes."""
        if event.matches(QKeySequence.StandardKey.Save):
            self._ask()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy(copy_picture)
        elif event.keyCombination() == QKeySequence("Ctrl+Shift+C")[0]:  # type: ignore[index]
            self._copy(copy_settings)
        else:
            super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Leaving gives up what is being written."""
        if self.job is not None:
            self.job.close()
            self.job = None
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """As Escape."""
        if self.job is not None:
            self.job.close()
            self.job = None
        super().closeEvent(event)
