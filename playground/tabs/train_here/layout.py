"""How the page on which a model is trained is laid out: controls at the left, pictures, curves and the clock at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from playground.ui.knobs.panel import KnobPanel
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme
from playground.ui.widgets.controls import ComboBox

_PARTS = 1000  # of the bar


class Layout(QWidget):
    """Controls and canvas; what they mean, the scene knows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choose = QPushButton("Choose a folder …")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "caption")
        self.left_out = QListWidget()
        self.left_out.setAccessibleName("Files that were left out")
        self.left_out.setWordWrap(True)
        self.knobs = KnobPanel()
        self.train = QPushButton("Train")
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep")
        self.runs = ComboBox()
        self.runs.setAccessibleName("Runs that wait")
        self.go_on = QPushButton("Go on")
        self.forget = QPushButton("Throw away")
        self.open = QPushButton("Open the model")
        self.grid = ImageGrid()
        self.grid.setAccessibleName("Pictures to learn from, and pictures drawn")
        self.plot = LinePlot("Loss", "training step", "loss")
        self.bar = QProgressBar()
        self.bar.setRange(0, _PARTS)
        self.bar.setTextVisible(False)
        self.progress = QLabel()
        self._lay_out()
        theme.signals.changed.connect(self._measure)
        self._measure()

    def _lay_out(self) -> None:
        self._side = QWidget()
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.addWidget(self.choose)
        side.addWidget(self.words)
        side.addWidget(self.left_out)
        side.addWidget(self.knobs, 1)
        side.addWidget(self.train)
        for pair in ((self.pause, self.stop), (self.go_on, self.forget)):
            row = QHBoxLayout()
            for button in pair:
                row.addWidget(button)
            if pair[0] is self.go_on:
                side.addWidget(self.runs)
            side.addLayout(row)
        right = QVBoxLayout()
        right.addWidget(self.grid, 5)
        right.addWidget(self.plot, 2)
        below = QHBoxLayout()
        below.addWidget(self.bar, 1)
        below.addWidget(self.progress)
        below.addWidget(self.open)
        right.addLayout(below)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(round(theme.em() * 0.9))
        row.addWidget(self._side)
        row.addLayout(right, 1)

    def _measure(self) -> None:
        self._side.setFixedWidth(max(self.knobs.minimumSizeHint().width(), round(theme.em() * 18)))
        self.left_out.setMaximumHeight(round(theme.em() * 8))

    def say_source(self, words: str, left_out: Sequence[str]) -> None:
        """What is learned from, and a sentence for each file that is not."""
        self.words.setText(words)
        self.left_out.clear()
        self.left_out.addItems(list(left_out))
        self.left_out.setVisible(bool(left_out))

    def say_progress(self, words: str, share: float | None) -> None:
        """How far it is; None leaves the bar where it stands."""
        self.progress.setText(words)
        if share is not None:
            self.bar.setValue(round(share * _PARTS))

    def fit(
        self,
        *,
        is_busy: bool,
        is_paused: bool,
        can_train: bool,
        runs: Sequence[tuple[str, str]],
        has_model: bool,
    ) -> None:
        """Show what can be pressed now, and nothing else."""
        self.train.setVisible(not is_busy)
        self.train.setEnabled(can_train)
        for button in (self.pause, self.stop):
            button.setVisible(is_busy)
        self.pause.setText("Go on" if is_paused else "Pause")
        for part in (self.bar, self.progress, self.plot):
            part.setVisible(is_busy or bool(self.progress.text()))
        waiting = bool(runs) and not is_busy
        for widget in (self.runs, self.go_on, self.forget):
            widget.setVisible(waiting)
        self.open.setVisible(has_model)
        if [str(self.runs.itemData(i)) for i in range(self.runs.count())] != [
            folder for folder, _ in runs
        ] or ([self.runs.itemText(i) for i in range(self.runs.count())] != [text for _, text in runs]):
            with QSignalBlocker(self.runs):
                self.runs.clear()
                for folder, text in runs:
                    self.runs.addItem(text, folder)
