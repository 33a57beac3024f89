"""How well each picture fits its prompt, as a bar under it: judged by CLIP, once the pictures are done, where its checkpoint is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject

from playground.checkpoints import judges
from playground.contract import Frame, Message, Request
from playground.tabs.frame.model_cache import ModelCache
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid

Said = tuple[tuple[str, str], ...]  # (style, prompt) of each picture
_WORDS = (
    "<br><br><b>The bar under a picture</b>: how well it fits its words, as <i>clip-emoji</i> judges, which learned from pictures "
    "and their names. The white tick: real drawings and their own names."
)


@dataclass(frozen=True, eq=False)
class Fits:
    """Cosines of pictures and their prompts, and the mean of real drawings and their names."""

    values: tuple[float, ...]
    usual: float


def fits(
    cache: ModelCache, images: np.ndarray, request: Request, said: Said | None
) -> Iterator[Message[Fits]]:
    """On the worker, of pictures uint8 (B,H,W,C); ``said``: left out, what the request says."""
    from playground.evaluation import clip
    from playground.models import words

    model = cache.get(judges.CLIP)
    asked = words.said_of(request) if said is None else list(said)  # type: ignore[arg-type]
    styles = ["" if style == words.ANY_STYLE else style for style, _ in asked]
    prompts = [prompt for _, prompt in asked]
    found = model.fits(images, prompts, styles)
    yield Message(Fits(tuple(float(v) for v in found), clip.usual_fit(model)))


def words_on_bars() -> str:
    """What the bars mean, for the panel of words; "" where there are none."""
    return _WORDS if judges.is_there() else ""


class PromptScores(QObject):
    """The bars of one grid of a view.

    Args:
        panel: of the grid, whose pictures are judged; -1 for the last.
    """

    def __init__(self, view: View, grid: ImageGrid, panel: int = -1) -> None:
        super().__init__(view)
        self._view, self._grid, self._panel = view, grid, panel
        self._lane = view.new_lane("prompt scores")
        self._lane.frames_arrived.connect(lambda messages: self._take(messages[-1].payload))
        self._judged: Frame | None = None
        grid.hovered.connect(self._say)

    def show(
        self, frame: Frame, num_panels: int = 1, said: Said | None = None, images: np.ndarray | None = None
    ) -> None:
        """Called whenever a frame is drawn: of the last one its pictures (or ``images``) are judged."""
        done, request = frame.step == frame.total, self._view.request
        if not done or not judges.is_there() or request is None:
            self.clear()
            return
        self._grid.marks.fits_panel = (num_panels - 1) if self._panel < 0 else self._panel
        if frame is self._judged:
            return
        self._judged = frame
        self._mark((), 0.0)
        cache, shown = self._view.tab.model_cache, frame.images if images is None else images
        self._lane.play(lambda: fits(cache, shown, request, said))

    def clear(self) -> None:
        """No bars, until something is shown again."""
        if self._judged is not None:
            self._judged = None
            self._lane.stop()
        self._mark((), 0.0)

    @property
    def values(self) -> Sequence[float]:
        """Of each picture, while they are shown."""
        return self._grid.marks.fits

    def _take(self, found: Fits) -> None:
        if self._judged is not None:
            self._mark(found.values, found.usual)

    def _mark(self, values: tuple[float, ...], usual: float) -> None:
        marks = self._grid.marks
        if (values, usual) != (marks.fits, marks.usual_fit):
            marks.fits, marks.usual_fit = values, usual
            self._grid.update()
        if not values:
            self._grid.setToolTip("")

    def _say(self, sample: int, row: int, column: int) -> None:
        marks = self._grid.marks
        known = 0 <= sample < len(marks.fits)
        self._grid.setToolTip(
            f"Fits its prompt with {marks.fits[sample]:.2f} (cosine, by clip-emoji); real drawings their names with {marks.usual_fit:.2f}"
            if known
            else ""
        )
