"""The base of every network here: what the contract promises, declared for readers and for the type checker.

``torch.nn.Module`` answers any attribute with "a tensor or a module"; what is declared here is known to be something else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from playground.contract import Card, LikelihoodKind, Request


class Network(nn.Module):
    """A model (:class:`playground.contract.Model`) gives the names of the first block; its checkpoint those of the second."""

    family: str
    system: str
    paper: str
    Config: type
    config: Any
    Request: type[Request]
    likelihood: LikelihoodKind
    num_threads: int | None
    sample_bytes: int

    card: Card
    file: Path
    weights_hash: str
