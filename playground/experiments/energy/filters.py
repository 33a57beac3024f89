"""The filters of an RBM."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.contract import Message
from playground.models.energy.rbm import RBM


def filters(model: RBM) -> Iterator[Message[np.ndarray]]:
    """One message: the weights into each hidden unit, float32 (num_hidden,H,W)."""
    channels, height, width = model.shape
    weights = model.weight.detach().cpu().numpy().T.reshape(-1, channels, height, width)[:, 0]
    yield Message(weights)
