"""The training pictures nearest to one picture, in a window of its own: is it a copy?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from playground.contract import Message
from playground.evaluation import neighbours
from playground.evaluation.neighbours import Neighbours
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.playback.stream import Stream
from playground.ui.theme import theme


class Nearest(QDialog):
    """Looks for them on the worker, and shows them beside the picture.

    Args:
        picture: uint8 (H,W,C), of the data set's own shape.
    """

    def __init__(self, parent: QWidget, stream: Stream, picture: np.ndarray, dataset: str) -> None:
        super().__init__(parent)
        self.setWindowTitle("Nearest training pictures")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._picture, self._dataset = picture, dataset
        self.grid, self.said = ImageGrid(), QLabel("Looking for them …")
        self.grid.setAccessibleName("The picture, and the training pictures nearest to it")
        self.said.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addWidget(self.grid, 1)
        column.addWidget(self.said)
        self.grid.set_images(picture[None], captions=["this picture"])
        self.resize(round(theme.em() * 56), round(theme.em() * 22))
        self.lane = stream.lane("nearest")
        self.lane.frames_arrived.connect(lambda frames: self._found(*frames[-1].payload))
        self.lane.failed.connect(self.said.setText)
        self.lane.play(lambda: look(picture, dataset))

    def _found(self, found: Neighbours, pictures: np.ndarray) -> None:
        name = neighbours.name_of(self._dataset)
        names = [str(name(int(i))).rpartition("/")[2] for i in found.indices[0]]
        if len(pictures):
            shown = np.concatenate([self._picture[None], pictures])
            self.grid.set_images(shown, columns=len(shown), captions=["this picture", *names])
        words = neighbours.in_words(float(found.percentiles[0]))
        lacking = "" if len(pictures) else f" {neighbours.why_no_pictures(self._dataset)}"
        self.said.setText(f"It is {words}. The nearest: {', '.join(names)}.{lacking}")

    def done(self, result: int) -> None:
        """Nobody waits for it any more."""
        self.lane.close()
        super().done(result)


def look(picture: np.ndarray, dataset: str) -> Iterator[Message[tuple[Neighbours, np.ndarray]]]:
    """What lies near, and its pictures uint8 (N,H,W,C); none where they are not on this machine."""
    found = neighbours.find(picture[None], dataset)
    pictures = np.zeros((0, *picture.shape), np.uint8)
    if not neighbours.why_no_pictures(dataset):
        pictures = neighbours.training_pictures(dataset)[found.indices[0]]
    yield Message((found, pictures))
