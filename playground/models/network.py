"""The base of every network here: what the contract promises, declared for readers and for the type checker.

``torch.nn.Module`` answers any attribute with "a tensor or a module"; what is declared here is known to be something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from playground.contract import Card, Frame, LikelihoodKind, Request, State


class Network(nn.Module):
    """A model (:class:`playground.contract.Model`) gives the names of the first block; its checkpoint those of the second."""

    family: str
    system: str
    paper: str
    differs: str = ""
    Config: type
    config: Any
    Request: type[Request]
    likelihood: LikelihoodKind
    num_threads: int | None
    sample_bytes: int

    card: Card
    file: Path
    weights_hash: str

    def sample(self, request: Any, resume: State | None = None) -> Iterator[Frame]:
        """See :meth:`playground.contract.Model.sample`."""
        raise NotImplementedError

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """See :meth:`playground.contract.Model.loss`."""
        raise NotImplementedError
