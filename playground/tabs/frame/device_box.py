"""Where the models run: a word in the corner of the window, and a choice where there is one."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from playground.contract import Message
from playground.tabs.frame.model_cache import Devices, ModelCache
from playground.ui.playback.stream import Stream
from playground.ui.widgets.controls import ComboBox


class DeviceBox(QWidget):
    """Names the device, lets another be chosen, and follows when one is lost."""

    changed = Signal()  # another device: what is open has to be opened again
    warned = Signal(str)  # one sentence: what does not work, or works no longer
    failed = Signal(str)  # one sentence: nothing can be computed
    _lost = Signal(str)  # from the worker

    def __init__(self, stream: Stream, models: ModelCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models = models
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.label = QLabel("device: …")
        self.label.setProperty("role", "caption")
        self.choice = ComboBox()
        self.choice.setAccessibleName("Device that the models run on")
        self.choice.setToolTip("Where the models run")
        self.choice.hide()
        row.addWidget(self.label)
        row.addWidget(self.choice)
        self.choice.currentTextChanged.connect(self._choose)
        models.on_lost = self._lost.emit
        self._lost.connect(self._show_loss)
        self._lane = stream.lane("devices")
        self._lane.frames_arrived.connect(lambda messages: self._know(messages[-1].payload))
        self._lane.failed.connect(self.failed)
        self._lane.play(self._find)

    def _find(self) -> Iterator[Message[Devices]]:
        """On the worker: trying a device may take a second."""
        yield Message(self._models.devices())

    def _know(self, found: Devices) -> None:
        self._show(found)
        if found.notice:
            self.warned.emit(found.notice)

    def _show(self, found: Devices) -> None:
        present = self._models.device or found.names[0]
        several = len(found.names) > 1  # with one device there is nothing to choose
        self.label.setText("device" if several else f"device: {present}")
        self.label.setToolTip(found.notice)
        with QSignalBlocker(self.choice):
            self.choice.clear()
            self.choice.addItems(found.names)
            self.choice.setCurrentText(present)
        self.choice.setVisible(several)

    def _show_loss(self, sentence: str) -> None:
        self._show(self._models.devices())
        self.changed.emit()  # what was open goes on, on the CPU
        self.warned.emit(sentence)

    def _choose(self, name: str) -> None:
        self._models.device = name
        self.changed.emit()
