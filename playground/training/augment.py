"""Data augmentation: each picture of a batch mirrored or not, and shifted by a few pixels, anew at every step.

Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks"; what the shift uncovers repeats the edge.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

FURTHEST = 2  # pixels, either way


def flipped_and_shifted(x: Tensor, seed: int, step: int) -> Tensor:
    """Pictures uint8 (B,C,H,W), changed by draws that (seed, step) fix, so that a run that is resumed sees the same."""
    count, _, height, width = x.shape
    draws = np.random.default_rng([seed, step, 1])
    down, right = torch.from_numpy(draws.integers(-FURTHEST, FURTHEST + 1, (2, count, 1)))  # (B, 1) each
    mirrored = torch.from_numpy(draws.integers(0, 2, (count, 1)).astype(bool))
    rows = (torch.arange(height) - down).clamp(0, height - 1)  # (B, H)
    columns = (torch.arange(width) - right).clamp(0, width - 1)  # (B, W)
    columns = torch.where(mirrored, width - 1 - columns, columns)
    of = torch.arange(count)[:, None, None]
    return x.permute(0, 2, 3, 1)[of, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
