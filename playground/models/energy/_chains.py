"""What the chains of this family share: where they start, and how they are kept apart from their company.

A Markov chain draws by wandering: each step depends on the one before, and after enough of them the picture no longer
depends on the start.  "Enough" is never known for certain, which is what the views of this family show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.models import noise
from playground.models.base import Request, knob

CHUNK = (
    16  # batches are padded to this where draws are discrete: one flipped pixel changes the rest of a chain
)

STARTS = (("noise", "noise"), ("data", "test images"), ("buffer", "training's chains"))


@dataclass(frozen=True)
class ChainRequest(Request):
    """How a chain runs; models add what is theirs."""

    start: str = knob(
        "noise",
        label="start",
        choices=STARTS,
        help="Where each chain begins: pure noise, a test image, or a state that the chains of training left behind.",
    )


def start_of(
    request: ChainRequest,
    dataset: str,
    shape: tuple[int, int, int],
    buffer: Tensor,
) -> np.ndarray:
    """First states as grey levels in [0, 1], float32 (B,C,H,W), a function of seed and sample index."""
    indices = np.arange(request.first_index, request.first_index + request.num_samples)
    if request.start == "noise":
        return noise.uniform(request.seed, indices, "start", shape).astype(np.float32)
    pick = noise.uniform(request.seed, indices, "start", (1,))[:, 0]
    if request.start == "data":
        images = data.load(dataset, "test")[0]
        return images[(pick * len(images)).astype(int)].transpose(0, 3, 1, 2).astype(np.float32) / 255
    kept = buffer[torch.from_numpy((pick * len(buffer)).astype(int)).to(buffer.device)]
    return kept.reshape(-1, *shape).cpu().numpy().astype(np.float32) / 255


def in_chunks(step: Callable[[Tensor, int], tuple[Tensor, ...]], x: Tensor, first_index: int) -> list[Tensor]:
    """``step(x, index of its first sample)`` on full chunks aligned to the sample index; what it gives, without the padding."""
    offset = first_index % CHUNK
    stop = offset + len(x)
    padded = x.new_zeros(-(-stop // CHUNK) * CHUNK, *x.shape[1:])
    padded[offset:stop] = x
    begin = first_index - offset
    parts = [step(part, begin + i * CHUNK) for i, part in enumerate(padded.split(CHUNK))]
    return [torch.cat(outputs)[offset:stop] for outputs in zip(*parts, strict=True)]
