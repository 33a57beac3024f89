"""What models can do whose code is a grid of numbers or a hierarchy, see the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from playground.capabilities.pictures import ReadsPrompts
from playground.contract import Model, State

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class DrawsBelow(Model, Protocol):
    """Its code is a hierarchy: the layers below some can be drawn anew while those above are kept."""

    code_sizes: Sequence[int]  # places a side of every layer, from the top down

    def codes_of(self, x: Tensor) -> list[np.ndarray]:
        """``x`` uint8 (B,C,H,W) -> the code of every layer from the top down, each float32 (B,Z,h,w)."""

    def kl_per_layer(self, x: Tensor, seed: int = 0) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> what every layer says of it in bits/dim, (layers,B)."""

    def draw_below(self, kept: Sequence[np.ndarray], request: Any) -> np.ndarray:
        """The layers after ``kept`` drawn: uint8 (B,H,W,C)."""


@runtime_checkable
class Tokenizes(Model, Protocol):
    """Turns a picture into a grid of code numbers, and any such grid into a picture."""

    code_shape: tuple[int, ...]  # rows, columns, levels
    num_codes: int

    def encode_codes(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> int64 (B, *code_shape), 0..num_codes-1."""

    def decode_codes(self, codes: Tensor) -> Tensor:
        """int64 (B, *code_shape) -> mean picture in [-1, 1], (B,C,H,W)."""


@runtime_checkable
class TokenizesVectors(Tokenizes, Protocol):
    """Does so through vectors, which a model of continuous numbers can learn in place of the codes."""

    def encode_vectors(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> float32 (B,D,rows,columns), of which its codes are the nearest entries."""

    def decode_vectors(self, vectors: Tensor) -> Tensor:
        """float32 (B,D,rows,columns) -> mean picture in [-1, 1], (B,C,H,W)."""


@runtime_checkable
class PromptsToCodes(Tokenizes, ReadsPrompts, Protocol):
    """Draws the codes of a picture from words; its frames carry ``codes`` and the ``confidence`` of each cell."""

    num_cells: int


@runtime_checkable
class FillsMaskedCells(PromptsToCodes, Protocol):
    """Draws any cells given all the others."""

    def masked_state(self, codes: np.ndarray, masked: np.ndarray) -> State:
        """Whole grids int64 (B, *code_shape), and bool (B,rows,columns): the state from which ``sample`` draws just those."""
