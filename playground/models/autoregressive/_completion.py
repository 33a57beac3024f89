"""What the samplers of this folder share: how a picture is completed through the state that resumes a run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, Model, Request, State


def completion_state(x: Tensor, known: Tensor, num_samples: int) -> State:
    """A state at the first row in which the known pixels are taken from ``x`` instead of drawn.

    Those before the first unknown one in reading order are only read; later ones stay what they are, but what is drawn before them
    is drawn without having seen them.

    Args:
        x: uint8 (1,C,H,W), or (num_samples,C,H,W).
        known: bool (H,W).

    Raises:
        ValueError: one sentence, if the shapes do not fit.
    """
    if known.shape != x.shape[2:] or x.shape[0] not in (1, num_samples):
        raise ValueError(f"A picture {tuple(x.shape)} cannot be completed from a mask {tuple(known.shape)}.")
    given = known.cpu().numpy()
    count = int(np.logical_and.accumulate(given.ravel()).sum())
    images = x.expand(num_samples, *x.shape[1:]).permute(0, 2, 3, 1).cpu().numpy()
    images = np.where(given[..., None], images, np.uint8(0))
    state = {"row": 0, "num_known": count, "silent_until": 0, "images": np.ascontiguousarray(images)}
    return state if given.sum() == count else {**state, "given": given}


@torch.no_grad()
def complete(model: Model, x: Tensor, known: Tensor, request: Request) -> Iterator[Frame]:
    """A frame per row that is given and read, then one per pixel; the known part is in all of them."""
    state = completion_state(x, known, request.num_samples)
    yield Frame(0, known.numel(), 0, state["images"].copy(), {}, state)
    yield from model.sample(request, state)
