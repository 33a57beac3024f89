"""Pictures of codes of which some cells are drawn anew, again and again: edits by masking, as one run that can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from playground.capabilities import FillsMaskedCells
from playground.contract import Frame, Request

Cell = tuple[int, int, int]  # sample, row, column


@dataclass(frozen=True)
class Edit:
    """A run, and the cells of its pictures that are then masked."""

    request: Request
    cells: tuple[Cell, ...]


def mask_of(cells: Sequence[Cell], count: int, code_shape: tuple[int, ...]) -> np.ndarray:
    """Where ``cells`` lie in ``count`` pictures: bool (B,rows,columns)."""
    mask = np.zeros((count, *code_shape[:2]), bool)
    for cell in cells:
        mask[cell] = True
    return mask


@torch.no_grad()
def redrawn(model: FillsMaskedCells, edits: Sequence[Edit], request: Request) -> Iterator[Frame]:
    """Run the request of each edit to its end and mask its cells; at last draw those of the last one under ``request``.

    Frames are those of the last run.
    """
    state = None
    for edit in edits:
        for frame in model.sample(edit.request, state):
            last = frame
        codes = last.extras["codes"]
        state = model.masked_state(codes, mask_of(edit.cells, len(codes), model.code_shape))
    yield from model.sample(request, state)
