"""What some models can do besides sampling: one small protocol for each thing that a view, a command or a measurement asks.

``isinstance(model, Decodes)`` is the only way to find out.  Members are methods, class attributes or plain attributes: from
Python 3.12 on ``isinstance`` does not see submodules and buffers of a network.  Neither torch nor Qt is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from playground.contract import Frame, Score

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Scores(Protocol):
    """Has a likelihood, a bound or an energy."""

    def score(self, x: torch.Tensor, seed: int = 0, labels: torch.Tensor | None = None) -> list[Score]:
        """``x`` uint8 (B,C,H,W); one score per image."""
        ...


@runtime_checkable
class Decodes(Protocol):
    """Turns a latent into a picture in one go."""

    latent_shape: tuple[int, ...]

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """``z`` (B, *latent_shape) -> mean picture in [-1, 1], (B,C,H,W)."""
        ...


@runtime_checkable
class Encodes(Protocol):
    """Turns a picture into a latent."""

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``x`` uint8 (B,C,H,W) -> ``mu`` and ``logvar``, each (B, *latent_shape)."""
        ...


@runtime_checkable
class Completes(Protocol):
    """Fills in the unknown part of a picture."""

    def complete(self, x: torch.Tensor, known: torch.Tensor, request: Any) -> Iterator[Frame]:
        """``x`` uint8 (B,C,H,W); ``known`` bool (H,W): True where the picture is given."""
        ...


@runtime_checkable
class Tokenizes(Protocol):
    """Turns a picture into a grid of code numbers, and any such grid into a picture."""

    code_shape: tuple[int, ...]  # rows, columns, levels
    num_codes: int

    def encode_codes(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` uint8 (B,C,H,W) -> int64 (B, *code_shape), 0..num_codes-1."""
        ...

    def decode_codes(self, codes: torch.Tensor) -> torch.Tensor:
        """int64 (B, *code_shape) -> mean picture in [-1, 1], (B,C,H,W)."""
        ...


@runtime_checkable
class BuildsOn(Protocol):
    """Needs another model, which its card names with the hash of its weights."""

    def build_on(self, foundation: Any) -> None:
        """Raises ValueError with the end of a sentence, if it is not what is needed."""
        ...


@runtime_checkable
class FollowsGuide(Protocol):
    """Its samples can be pushed away from those of a weaker model, which its card names with the hash of its weights."""

    def be_guided_by(self, weaker: Any) -> None:
        """Raises ValueError with the end of a sentence, if the two do not speak of the same thing."""
        ...


@runtime_checkable
class ClassConditional(Protocol):
    """Its request has a ``label`` field, ``EACH_CLASS`` or 0..num_classes-1."""

    num_classes: int
