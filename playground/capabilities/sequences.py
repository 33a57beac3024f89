"""What models of texts, sounds, drawings and drives can do besides sampling, see the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from playground.capabilities.pictures import Scores
from playground.contract import Frame, Model

if TYPE_CHECKING:
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
class ReadsFiles(Model, Protocol):
    """Has settings that a file can hold, such as a drawing to go on from; on the command line they name the file."""

    def settings_from_files(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with what the files hold in place of their names.

        Raises:
            ValueError, OSError: one sentence, for a file that cannot be read as what it is to be.
        """
