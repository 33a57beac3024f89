"""What models of texts, sounds, drawings and drives can do besides sampling, see the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from playground.capabilities.pictures import Scores
from playground.contract import Frame, Model, State

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@runtime_checkable
class WritesText(Scores, Protocol):
    """Gives every character a distribution given the earlier ones."""

    def nats_per_character(self, codes: Tensor) -> Tensor:
        """-log p of each character given the earlier ones in sight: int64 (B,T) -> (B,T)."""

    def write(self, request: Any, edits: Any) -> Iterator[Frame]:
        """As ``sample``, with chosen characters in place of some that are drawn."""


@runtime_checkable
class AttendsToCharacters(WritesText, Protocol):
    """Says which of the earlier characters it looked at."""

    def looked_at(self, codes: Tensor, place: int) -> tuple[int, Tensor]:
        """``codes`` int64 (T,) -> the first character in sight of ``place``, and weights (blocks, heads, n) from there on."""


@runtime_checkable
class Dreams(Scores, Protocol):
    """A world model: dreams what comes of what is done, and has a controller of its own."""

    def dream(
        self, request: Any, steer: Callable[[Any], Any], resume: State | None = None
    ) -> Iterator[Frame]:
        """As ``sample``, steered at each frame by a function of the dream so far; None: the controller drives."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Frames uint8 (B,C,H,W) -> mean and log variance of their codes."""

    def reconstructed(self, frames: np.ndarray) -> np.ndarray:
        """Frames uint8 (B,H,W,C) as they are painted again from the middle of their codes."""

    def remember(self, z: Tensor, actions: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Codes and what is done in each -> what the memory shows after each, and its state."""


@runtime_checkable
class Speaks(Scores, Protocol):
    """Gives every sample of a spoken word a distribution given the earlier ones, by dilated convolutions."""

    @property
    def receptive_field(self) -> int:
        """How many earlier samples one is drawn from."""
        ...

    def nats_per_sample(self, codes: Tensor, words: Tensor) -> Tensor:
        """-log p of each sample given the earlier ones and the word: int64 (B,T) and (B,) -> (B,T)."""


@runtime_checkable
class DrawsStrokes(Scores, Protocol):
    """Draws with a pen, point by point, and has a code for each drawing."""

    def draw(self, z: np.ndarray, request: Any, resume: State | None = None) -> Iterator[Frame]:
        """As ``sample``, from codes float32 (num_samples,D) in place of those of the prior."""

    def code_of(self, x: Tensor) -> Tensor:
        """Drawings uint8 (B,3,1,T) -> the middle of the codes of each, (B,D)."""

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Drawings uint8 (B,3,1,T) -> steps (B,T,5): dx, dy, line goes on, pen lifted, ended; and how many points each has."""

    def nats_per_point(self, x: Tensor, labels: Tensor, z: Tensor | None = None) -> Tensor:
        """-log p of each point given the earlier ones, (B,T); without a code exact."""


@runtime_checkable
class ReadsFiles(Model, Protocol):
    """Has settings that a file can hold, such as a drawing to go on from; on the command line they name the file."""

    def settings_from_files(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with what the files hold in place of their names.

        Raises:
            ValueError, OSError: one sentence, for a file that cannot be read as what it is to be.
        """
