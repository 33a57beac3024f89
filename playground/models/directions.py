"""Pictures and words as directions in one space (CLIP), and models that draw them: two capabilities, as in ``capabilities``.

Neither torch nor Qt is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from playground.capabilities import ReadsPrompts, TakesNoiseAway
from playground.contract import Frame, State

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class EmbedsPictures(Protocol):
    """Gives pictures and words directions in one space: those that belong together point the same way (CLIP)."""

    embedding_size: int  # numbers of a direction

    def of_pictures(self, images: np.ndarray) -> Tensor:
        """Pictures uint8 (N,H,W,C) -> directions float32 (N, embedding_size) of length 1."""

    def of_tokens(self, tokens: Tensor) -> Tensor:
        """Words as their numbers int64 (N,T) -> directions float32 (N, embedding_size) of length 1."""

    def of_prompts(self, prompts: Sequence[str], styles: Sequence[str] = ()) -> Tensor:
        """Prompts as they are typed, each perhaps with a style -> the same."""


@runtime_checkable
class DrawsDirections(ReadsPrompts, TakesNoiseAway, Protocol):
    """Draws pictures that point in given directions (DALL-E 2): other pictures of the same, and what lies between two."""

    def directions_of(self, images: np.ndarray) -> Tensor:
        """Pictures uint8 (N,H,W,C) -> directions float32 (N,E) of length 1."""

    def directions_of_words(self, prompts: Sequence[str]) -> Tensor:
        """Where words point, without the prior: float32 (N,E) of length 1."""

    def denoiser_of(self, directions: Tensor, scale: float) -> Callable[[Tensor, float], Tensor]:
        """The function (x_t, log_snr) -> x_0_pred of pictures that point in these directions (B,E), guided; zeros point nowhere."""

    def draw_directions(
        self,
        directions: Tensor,
        request: Any,
        resume: State | None = None,
        *more: Any,
        one_noise: bool = False,
    ) -> Iterator[Frame]:
        """The frames of pictures that point in these directions (B,E); with ``one_noise`` all of them begin with the same."""
