"""What some networks ask of the training loop and of the reader of checkpoints: protocols, as in ``capabilities``, of networks
that have no card yet.

Neither torch nor Qt is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from playground.data import Split


@runtime_checkable
class LearnsInTurn(Protocol):
    """Parts of it learn in turn, each with a loss of its own."""

    turns: tuple[str, ...]  # their names as submodules, in the order of a step


@runtime_checkable
class Counts(Protocol):
    """Learns by counting, in place of steps down a gradient."""

    def count(self, x: Tensor) -> dict[str, Tensor]:
        """A batch uint8 (B,C,H,W) is counted; returns figures worth a curve."""

    def settle(self) -> None:
        """Make its tables of what was counted so far."""


@runtime_checkable
class CountsStatistics(Protocol):
    """Has statistics of batches that the average of its weights must count for itself."""

    def count_statistics(self, x: Tensor, generator: torch.Generator) -> None:
        """Count them on pictures uint8 (B,C,H,W)."""


@runtime_checkable
class MakesExamples(Protocol):
    """Learns from examples of its own making, such as pictures with captions, in place of a data set's."""

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Pictures uint8 (N,C,H,W), and what its loss takes for labels, (N, ...)."""


@runtime_checkable
class Prepares(Protocol):
    """Learns from something that is made of the pictures once."""

    def prepare(self, x: Tensor) -> Tensor:
        """Pictures uint8 (B,C,H,W) -> what its loss is given in their place."""


@runtime_checkable
class Finishes(Protocol):
    """Has a part that can only be fitted to a trained network."""

    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """Fit it to training pictures uint8 (B,C,H,W)."""


@runtime_checkable
class ChecksWeights(Protocol):
    """Knows more of its weights than shapes and finiteness say."""

    def check_weights(self) -> None:
        """Raises ValueError with one sentence, if they cannot be weights of this network."""
