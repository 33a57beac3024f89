"""What views share that begin with a colour picture in a slot: a held-out drawing by number or by name, or one from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtGui import QImage

from playground import data
from playground.contract import Frame, Request
from playground.export.packed_pixels import packed, unpacked
from playground.tabs.frame import model_cache
from playground.tabs.frame.image_view import ImageView
from playground.tabs.frame.view import FROM_PICTURE, AnyModel
from playground.ui.pictures.mask_grid import MaskGrid
from playground.ui.pictures.picture_slot import PictureSlot

Sampled = Callable[[Any, Request], Iterator[Frame]]
SHAPE = data.DATASETS["emoji"].image_shape
_LONGEST = 500  # characters that are said of a picture


class FromPicture(ImageView[AnyModel]):
    """The slot at the left; what is made of its picture is the subclass's business."""

    group = FROM_PICTURE
    hidden_knobs = frozenset({"index"})  # the slot has it

    def make_slot(
        self, names: Sequence[str], masks: bool = False, grid: MaskGrid | None = None
    ) -> PictureSlot:
        """The slot, connected; for ``build``."""
        self.slot = PictureSlot(SHAPE, "drawing", names, masks, grid=grid)
        self.stepper = self.slot.stepper  # N, P and D step
        self.slot.stepped.connect(self._step)
        self.slot.given.connect(self.give)
        self.slot.refused.connect(self.tab.banner.show_warning)
        self.picture: np.ndarray | None = None  # uint8 (H,W,3) from elsewhere; None: the request's drawing
        self.said = ""
        return self.slot

    def taken(self) -> Sampled:
        """The sampler for what is in the slot now, whatever is put into it later."""
        raise NotImplementedError

    def sampler(self, model: AnyModel, request: Request) -> Iterator[Frame]:
        """With the picture of now."""
        return self.taken()(model, request)

    def start(self, request: Request, patient: bool = False) -> None:
        """The run takes the picture with it."""
        self.adopt(request)
        sampled = self.taken()
        self.player.start(
            self.source(lambda model: model_cache.memory_guarded(model, request, sampled)), patient=patient
        )

    def follow_hand(self) -> None:
        """A stroke changed what is in the slot: what is made of it follows at once."""
        if self.request is not None:
            self.player.lane.touch()
            self.start(self.request, patient=True)
            self.player.lane.set_pace(None)

    # --- the picture

    def take(self, picture: np.ndarray | None, said: str) -> None:
        """Another picture is in the slot, None for the request's drawing; nothing begins yet."""
        self.picture, self.said = picture, said

    def _step(self, index: int) -> None:
        self.take(None, "")
        if self.request is not None and index == self.request.index:  # type: ignore[attr-defined]
            self.start(self.request)
        self.tab.knobs.set_settings({"index": index})

    def give(self, picture: np.ndarray, said: str) -> None:
        """Begin with pixels uint8 (H,W,3) from elsewhere."""
        self.tab.banner.clear()
        self.take(picture, said)
        if self.request is not None:
            self.start(self.request)

    def turn(self, request: Request) -> None:
        """Who turns to another drawing means that one."""
        if self.request is not None and request.index != self.request.index:  # type: ignore[attr-defined]
            self.take(None, "")
        super().turn(request)

    def take_file(self, path: Path) -> bool:
        """A file was dropped on the window."""
        self.slot.take_file(path)
        return True

    def take_picture(self, picture: QImage) -> bool:
        """Pixels were pasted, or dropped on the window."""
        self.slot.take_picture(picture)
        return True

    # --- keeping

    def kept_picture(self, name: str) -> dict[str, Any]:
        """Pixels from elsewhere, packed under ``name``; nothing for a drawing of the data set."""
        return {} if self.picture is None else {name: packed(self.picture), "said": self.said}


def checked_picture(settings: Mapping[str, Any], name: str) -> tuple[np.ndarray | None, str]:
    """What :meth:`FromPicture.kept_picture` wrote, read from a file that anyone may have made.

    Raises:
        ValueError: one sentence, if the pixels or the words do not fit.
    """
    said = settings.get("said", "")
    if not isinstance(said, str) or len(said) > _LONGEST:
        raise ValueError("its view was given words that do not fit.")
    return unpacked(settings[name], SHAPE) if name in settings else None, said
