"""The second stage of a cascade: colour pictures that rest are made larger on the worker, by ``sr-emoji``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from playground import checkpoints
from playground.contract import Message, Model
from playground.tabs.frame import model_cache
from playground.tabs.frame.model_cache import ModelCache
from playground.ui.playback.stream import Stream

if TYPE_CHECKING:  # the window is on the screen before numpy is imported
    import numpy as np

    from playground.ui.pictures.painted_pictures import Taken

MODEL = "sr-emoji"


class SuperResolution(QObject):
    """Makes the pictures of one tab larger, one request after the other, on a lane of its own.

    ``switched`` tells that it was turned on or off, ``failed`` carries a sentence.
    """

    switched = Signal()
    failed = Signal(str)

    def __init__(self, stream: Stream, cache: ModelCache, name: str) -> None:
        super().__init__()
        self._cache, self._on = cache, is_there()
        # the newest request of each asker, the first first
        self._waiting: dict[int, tuple[QObject, Sequence[np.ndarray], int, Taken]] = {}
        self._asker: QObject | None = None  # whose pictures are being made
        self._take: Taken | None = None  # None: they are wanted no more
        self._lane = stream.lane(f"{name}/super-resolution")
        self._lane.frames_arrived.connect(self._arrived)
        self._lane.finished.connect(self._next)
        self._lane.failed.connect(self._gave_up)

    @property
    def is_on(self) -> bool:
        """Whether pictures are to be larger."""
        return self._on

    def switch(self, on: bool) -> None:
        """Turn it on or off."""
        if on != self._on:
            self._on = on
            self.switched.emit()

    def ask(self, asker: QObject, panels: Sequence[np.ndarray], times: int, take: Taken) -> None:
        """Have uint8 (B,H,W,3) arrays made ``times`` as large, unless the same asker asks for others first."""
        self._waiting.pop(id(asker), None)
        self._waiting[id(asker)] = asker, panels, times, take
        if self._asker is None:
            self._next()
        elif self._asker is asker:
            self._take = None

    def _next(self) -> None:
        self._asker = self._take = None
        while self._waiting and self._asker is None:
            asker, panels, times, take = self._waiting.pop(next(iter(self._waiting)))
            if isValid(asker):  # its grid may be gone
                self._asker, self._take = asker, take
                self._lane.play(partial(self._source, panels, times))

    def _source(self, panels: Sequence[np.ndarray], times: int) -> Iterator[Message[Any]]:
        """On the worker."""
        model = self._cache.get(MODEL)
        yield from model_cache.with_threads(model, made(model, panels, times))

    def _arrived(self, messages: list[Message[list[np.ndarray]]]) -> None:
        made_so_far = messages[-1].payload
        if made_so_far and self._take is not None and self._asker is not None and isValid(self._asker):
            self._take(made_so_far)

    def _gave_up(self, sentence: str) -> None:
        self._waiting.clear()
        self._asker = self._take = None
        self.switch(False)
        self.failed.emit(sentence)


def is_there() -> bool:
    """Whether the network is installed."""
    try:
        return checkpoints.shipped(MODEL).is_file()
    except checkpoints.CheckpointError:
        return False


def suits(model: Model) -> bool:
    """Whether the network is here, and was made for pictures like those of a model."""
    from playground import data

    dataset = data.DATASETS.get(model.card.dataset)
    return is_there() and dataset is not None and dataset.image_shape == (32, 32, 3)


def made(model: Model, panels: Sequence[np.ndarray], times: int) -> Iterator[Message[list[np.ndarray]]]:
    """The pictures, ``times`` as large; a few at a time, so that other lanes come in between."""
    import numpy as np

    from playground.capabilities import Upscales

    assert isinstance(model, Upscales), "what is shipped under this name is"
    found: list[np.ndarray] = []
    total = sum(len(p) for p in panels)
    for panel in panels:
        parts = []
        for i in range(len(panel)):
            part = panel[i : i + 1]
            for _ in range(times.bit_length() - 1):
                part = model.upscale(part)
            parts.append(part)
            if len(found) * len(panel) + i + 1 < total:
                yield Message([])
        found.append(np.concatenate(parts))
    yield Message(found)
