"""What a model makes, in one place: whoever shows, stores, exports, tabulates or prints it asks here.  No torch, no Qt."""

from __future__ import annotations

from enum import StrEnum

import numpy as np


class Modality(StrEnum):
    """What the examples of a data set are, and so what a model of it makes."""

    PICTURES = "images"  # grey or in colours, of any size
    TEXT = "text"
    POINTS = "points"  # of the plane
    STROKES = "strokes"
    SOUND = "sound"
    CONTROL = "control"

    @property
    def has_pixels(self) -> bool:
        """Whether examples are pictures: grids, sheets, animations and the figures of classifiers are for these."""
        return self is Modality.PICTURES

    @property
    def makes(self) -> str:
        """What a model of it does, in a sentence about something that it does not."""
        return {
            Modality.TEXT: "writes text",
            Modality.POINTS: "draws points",
            Modality.STROKES: "draws strokes",
            Modality.SOUND: "makes sound",
            Modality.CONTROL: "dreams of driving",
        }.get(self, "draws pictures")

    @property
    def has_page(self) -> bool:
        """Whether a run of it can be written as an HTML page."""
        return self in (Modality.PICTURES, Modality.TEXT)

    @property
    def unit(self) -> str:
        """Of a likelihood: per number of a picture, per character or sample, or of a whole drawing, which is as long as it is."""
        units = {Modality.TEXT: "bits/char", Modality.SOUND: "bits/sample", Modality.STROKES: "nats"}
        return units.get(self, "bits/dim")

    @property
    def has_film(self) -> bool:
        """Whether a run of it can be written as a moving picture."""
        return self in (Modality.PICTURES, Modality.STROKES, Modality.CONTROL)

    @property
    def endings(self) -> tuple[str, ...]:
        """File names under which finished samples are written, the usual one first; a run in motion has its own."""
        usual = {
            Modality.PICTURES: (".png",),
            Modality.TEXT: (".txt",),
            Modality.SOUND: (".wav",),
            Modality.STROKES: (".svg",),
        }
        return (*usual.get(self, ()), ".npy")

    def usual_count(self, ending: str) -> int:
        """How many samples a file of this kind holds unless it is said."""
        return 1 if self in (Modality.SOUND, Modality.CONTROL) or ending == ".svg" else 16


def plain_pixels(picture: np.ndarray) -> np.ndarray:
    """uint8 (H,W,1) as (H,W), which is what image files call grey; (H,W,3) stays what it is."""
    return picture[..., 0] if picture.shape[-1] == 1 else picture
